//! What differs between two policies, or between a policy and what was seen.

use std::collections::BTreeMap;

use super::{Demand, Policy, Terms, identity_fits, last_day, version_word};

type Key<'t> = (&'t [String], &'t [String], &'t [u16]);

/// One line for each edge that differs: `+` for what only `new` has, `-` for what only `old` has, `~` for what both have
/// with other demands. Sorted by edge.
#[must_use]
pub fn diff(old: &[Terms], new: &[Terms]) -> Vec<String> {
    fn by_edge(all: &[Terms]) -> BTreeMap<Key<'_>, &Terms> {
        all.iter().map(|terms| ((&*terms.from, &*terms.to, &*terms.ports), terms)).collect()
    }
    let (old, new) = (by_edge(old), by_edge(new));
    let mut keys: Vec<&Key<'_>> = old.keys().chain(new.keys()).collect();
    keys.sort();
    keys.dedup();
    let line = |key: &Key<'_>| match (old.get(key), new.get(key)) {
        (Some(old), None) => Some(format!("- {}", told(old))),
        (None, Some(new)) => Some(format!("+ {}", told(new))),
        (Some(old), Some(new)) => {
            let changes = changes(old, new);
            (!changes.is_empty()).then(|| format!("~ {}  {}", new.edge(), changes.join("; ")))
        }
        (None, None) => None,
    };
    keys.into_iter().filter_map(line).collect()
}

/// One line for each edge on which what was seen differs from the policy: `+` was seen and has no entry, `-` has an entry
/// and was not seen, `~` was seen otherwise than its entry allows.
#[must_use]
pub fn diff_seen(policy: &Policy, seen: &[Terms]) -> Vec<String> {
    let mut unseen = vec![true; policy.edges.len()];
    let mut lines = Vec::new();
    for terms in seen {
        let (from, to) = (one(&terms.from), one(&terms.to));
        let port = terms.ports.first().copied().unwrap_or(0);
        let Some(found) = policy.find(&from, &to, port) else {
            lines.push(format!("+ {}", told(terms)));
            continue;
        };
        if let Some(slot) = unseen.get_mut(found.number) {
            *slot = false;
        }
        let breaks = breaks(&found.edge.terms, terms);
        if !breaks.is_empty() {
            lines.push(format!("~ {}  {}", terms.edge(), breaks.join("; ")));
        }
    }
    let left =
        policy.edges.iter().zip(&unseen).filter(|(edge, unseen)| **unseen && !edge.terms.deny);
    lines.extend(left.map(|(edge, _)| format!("- {}", told(&edge.terms))));
    lines.sort_by(|a, b| a.get(2..).cmp(&b.get(2..)));
    lines
}

fn one(names: &[String]) -> String {
    names.first().map_or_else(String::new, |name| name.replace("\\*", "*"))
}

fn told(terms: &Terms) -> String {
    if terms.deny {
        return format!("{}  deny", terms.edge());
    }
    let Demand { require, tls_min } = terms.demand;
    format!("{}  require {}, tls-min {}", terms.edge(), require.name(), version_word(tls_min))
}

fn changes(old: &Terms, new: &Terms) -> Vec<String> {
    let mut changes = Vec::new();
    let mut change = |what: &str, old: String, new: String| {
        if old != new {
            changes.push(format!("{what} {old} -> {new}"));
        }
    };
    change("deny", old.deny.to_string(), new.deny.to_string());
    change("require", old.demand.require.name().into(), new.demand.require.name().into());
    change("tls-min", version_word(old.demand.tls_min), version_word(new.demand.tls_min));
    change("client", list(&old.clients), list(&new.clients));
    change("server", list(&old.servers), list(&new.servers));
    change("methods", list(&old.methods), list(&new.methods));
    change("until", day(old), day(new));
    change("reason", format!("\"{}\"", old.reason), format!("\"{}\"", new.reason));
    changes
}

fn breaks(allowed: &Terms, seen: &Terms) -> Vec<String> {
    if allowed.deny {
        return vec!["deny -> seen".to_owned()];
    }
    let mut breaks = Vec::new();
    if seen.demand.require < allowed.demand.require {
        let (old, new) = (allowed.demand.require.name(), seen.demand.require.name());
        breaks.push(format!("require {old} -> {new}"));
    }
    if seen.demand.tls_min < allowed.demand.tls_min {
        let words = [allowed, seen].map(|terms| version_word(terms.demand.tls_min));
        breaks.push(format!("tls-min {}", words.join(" -> ")));
    }
    let lists = [
        ("client", &allowed.clients, &seen.clients),
        ("server", &allowed.servers, &seen.servers),
        ("methods", &allowed.methods, &seen.methods),
    ];
    for (what, allowed, seen) in lists {
        let fits = |name: &String| {
            allowed.iter().any(|pattern| identity_fits(pattern, &name.replace("\\*", "*")))
        };
        let other: Vec<String> = seen.iter().filter(|name| !fits(name)).cloned().collect();
        if !allowed.is_empty() && !other.is_empty() {
            breaks.push(format!("{what} +{}", list(&other)));
        }
    }
    breaks
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "any".to_owned() } else { format!("[{}]", names.join(", ")) }
}

fn day(terms: &Terms) -> String {
    terms.until.map_or_else(|| "none".to_owned(), last_day)
}
