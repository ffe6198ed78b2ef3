//! A policy as text, for a person to finish.

use std::fmt::Write as _;

use super::{Demand, Require, Terms, last_day, version_word};

/// An entry that was learned, and what it was learned from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Draft {
    /// What was seen, as an entry.
    pub terms: Terms,
    /// What it rests on, in one line.
    pub comment: String,
}

impl Draft {
    /// Whether a person must say why it may stay as it is.
    #[must_use]
    pub fn is_weak(&self, defaults: Demand) -> bool {
        let Demand { require, tls_min } = self.terms.demand;
        require < defaults.require || tls_min < defaults.tls_min
    }
}

/// A policy of these entries, in their order. Those that are weaker than the defaults have an empty reason, with which
/// no policy loads.
#[must_use]
pub fn policy_text(drafts: &[Draft], notes: &[String]) -> String {
    let defaults = Demand::default();
    let mut out = String::from(
        "# Who may talk to whom, and how: learned from traffic. Read every edge before you trust it.\n",
    );
    notes.iter().for_each(|note| out.push_str(&format!("# {note}\n")));
    let _infallible = write!(
        out,
        "policy-version = 1\nunknown-edges = \"medium\"\n\n[defaults]\nrequire = \"{}\"\ntls-min = \"{}\"\n",
        defaults.require.name(),
        version_word(defaults.tls_min)
    );
    for draft in drafts {
        let _infallible = write!(out, "\n# {}\n", draft.comment);
        push_entry(&mut out, &draft.terms, defaults, draft.is_weak(defaults));
    }
    out
}

fn push_entry(out: &mut String, terms: &Terms, defaults: Demand, weak: bool) {
    let mut line = |key: &str, value: String| {
        let _infallible = writeln!(out, "{key} = {value}");
    };
    line("[[edge]]\nfrom", texts(&terms.from));
    line("to", texts(&terms.to));
    match terms.ports.as_slice() {
        [] => {}
        [port] => line("port", port.to_string()),
        ports => line("port", format!("{ports:?}")),
    }
    if terms.demand.require != Require::Mtls || defaults.require != Require::Mtls {
        line("require", quoted(terms.demand.require.name()));
    }
    if terms.demand.tls_min != defaults.tls_min {
        line("tls-min", quoted(&version_word(terms.demand.tls_min)));
    }
    let ends = [("client", &terms.clients), ("server", &terms.servers)];
    let ends = ends.into_iter().filter(|(_, names)| !names.is_empty());
    let ends: Vec<String> = ends.map(|(end, names)| format!("{end} = {}", texts(names))).collect();
    if !ends.is_empty() {
        line("identity", format!("{{ {} }}", ends.join(", ")));
    }
    if !terms.methods.is_empty() {
        line("methods", texts(&terms.methods));
    }
    if weak {
        line("reason", quoted(&terms.reason));
    }
    if let Some(end) = terms.until {
        line("until", last_day(end));
    }
}

fn texts(all: &[String]) -> String {
    match all {
        [one] => quoted(one),
        _ => format!("[{}]", all.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(", ")),
    }
}

/// A TOML basic string. What crossed the wire was escaped before, so only these two can end it early.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => {
                let _infallible = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
