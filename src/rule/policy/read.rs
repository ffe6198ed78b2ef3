//! Reading `policy.toml`: everything that is wrong with it, each with its place.

use sha2::{Digest as _, Sha256};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::pattern::is_exact;
use super::{Demand, Policy, PolicyEdge, Require, Terms};
use crate::model::{Diagnostic, Lines, Place, Severity, Timestamp, hex, limits};
use crate::rule::source::{Source, nearest, suggestion};
use crate::rule::table::{Placed, Table, escaped, integer};

const KEYS: &[&str] = &["policy-version", "unknown-edges", "defaults", "zones", "edge"];

const EDGE_KEYS: &[&str] =
    &["from", "to", "port", "deny", "require", "tls-min", "identity", "methods", "reason", "until"];

/// The TLS versions that can be a minimum, and their numbers.
const VERSIONS: [(&str, u16); 5] =
    [("any", 0), ("1.0", 0x0301), ("1.1", 0x0302), ("1.2", 0x0303), ("1.3", 0x0304)];

const DAY_SECONDS: i64 = 86_400;

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the order of the file: `policy-unreadable` (not TOML), `policy-key`,
    /// `policy-value`, `policy-reason` (weaker than the defaults without a reason), `policy-edge` (an entry that
    /// contradicts itself), `policy-shadowed` (an entry that another one leaves nothing to say).
    pub fn read(path: &str, text: &str) -> Result<Self, Vec<Diagnostic>> {
        let source = Source { path, text };
        let document = DeTable::parse(text).map_err(|error| {
            let at = error.span().unwrap_or(0..1);
            vec![source.error("policy-unreadable", at, escaped(error.message()), "")]
        })?;
        let table = Table { source, entries: document.get_ref(), at: 0..1 };
        let (lines, defaults) = (Lines::of(text), Demand::default());
        let mut reader = Reader { source, lines, errors: Vec::new(), defaults };
        let mut policy = reader.policy(&table);
        path.clone_into(&mut policy.file);
        policy.digest = digest(text);
        if reader.errors.is_empty() {
            return Ok(policy);
        }
        let mut errors = reader.errors;
        for error in &mut errors {
            error.code = match error.code {
                "rule-key" => "policy-key",
                "rule-value" => "policy-value",
                code => code,
            };
        }
        errors.sort_by_key(|error| error.place.as_ref().map(|place| (place.line, place.column)));
        Err(errors)
    }
}

fn digest(text: &str) -> String {
    hex(&Sha256::digest(text))
}

/// A list of texts with its place.
type Words = Placed<Vec<String>>;

struct Reader<'t> {
    source: Source<'t>,
    lines: Lines,
    errors: Vec<Diagnostic>,
    defaults: Demand,
}

impl<'t> Reader<'t> {
    fn policy(&mut self, table: &Table<'_, 't>) -> Policy {
        table.only(KEYS, &mut self.errors);
        self.version(table);
        let unknown = self.unknown_edges(table);
        if let Some(defaults) = table.table("defaults", &mut self.errors) {
            defaults.only(&["require", "tls-min"], &mut self.errors);
            self.defaults = Demand {
                require: self.require(&defaults).map_or(self.defaults.require, |set| set.value),
                tls_min: self.tls_min(&defaults).map_or(self.defaults.tls_min, |set| set.value),
            };
        }
        let zones = self.zones(table);
        let mut tables = table.tables("edge", &mut self.errors);
        if tables.len() > limits::POLICY_EDGES {
            let message = format!("a policy has at most {} edges", limits::POLICY_EDGES);
            self.errors.push(self.source.error("policy-value", table.at.clone(), message, ""));
            tables.truncate(limits::POLICY_EDGES);
        }
        let edges: Vec<PolicyEdge> =
            tables.iter().filter_map(|entry| self.edge(entry, &zones)).collect();
        self.shadowed(&edges);
        Policy::new(unknown, self.defaults, edges)
    }

    fn version(&mut self, table: &Table<'_, 't>) {
        let value = table.get("policy-version");
        if value.and_then(|value| integer(value.get_ref())) == Some(1) {
            return;
        }
        let (at, message) = match value {
            Some(value) => (value.span(), "this wirelint knows policy-version 1"),
            None => (0..1, "policy-version is missing"),
        };
        self.complain("policy-value", at, message, "policy-version = 1");
    }

    fn unknown_edges(&mut self, table: &Table<'_, 't>) -> (Option<Severity>, Place) {
        let Some(word) = table.text("unknown-edges", &mut self.errors) else {
            let at = table.get("policy-version").map_or(0..1, Spanned::span);
            return (Some(Severity::Medium), self.place(at));
        };
        let place = self.place(word.at.clone());
        let level = Severity::parse(&word.value);
        if level.is_none() && word.value != "off" {
            let words = ["off", "info", "low", "medium", "high", "critical"];
            self.bad_word(&word, "a level", &words);
        }
        (level, place)
    }

    fn zones(&mut self, table: &Table<'_, 't>) -> Vec<(String, Vec<Placed<String>>)> {
        let Some(zones) = table.table("zones", &mut self.errors) else { return Vec::new() };
        let mut named = Vec::new();
        for (key, value) in zones.in_order() {
            let names = self.words(value, key.get_ref());
            let names = names.into_iter().filter(|name| self.sound_name(name)).collect();
            named.push((key.get_ref().to_string(), names));
        }
        named
    }

    fn edge(
        &mut self,
        table: &Table<'_, 't>,
        zones: &[(String, Vec<Placed<String>>)],
    ) -> Option<PolicyEdge> {
        let before = self.errors.len();
        table.only(EDGE_KEYS, &mut self.errors);
        let (from, to) = (self.names(table, "from", zones), self.names(table, "to", zones));
        let ports = self.ports(table);
        let deny = table.flag("deny", &mut self.errors);
        let (require, tls_min) = (self.require(table), self.tls_min(table));
        let (clients, servers) = self.identities(table);
        let methods = self.list(table, "methods");
        let reason = table.text("reason", &mut self.errors);
        let until = self.until(table);
        let demand = Demand {
            require: require.as_ref().map_or(self.defaults.require, |set| set.value),
            tls_min: tls_min.as_ref().map_or(self.defaults.tls_min, |set| set.value),
        };
        let weaker =
            demand.require < self.defaults.require || demand.tls_min < self.defaults.tls_min;
        let place = |at: Option<std::ops::Range<usize>>| at.map(|at| self.place(at));
        let first = |list: &Option<Words>| place(list.as_ref().map(|l| l.at.clone()));
        let names = from.iter().chain(&to).map(|n| (n.value.clone(), self.place(n.at.clone())));
        let edge = PolicyEdge {
            names: names.collect(),
            weaker: weaker && !deny,
            place: self.header(table),
            require_place: place(require.map(|set| set.at)),
            tls_min_place: place(tls_min.map(|set| set.at)),
            clients_place: first(&clients),
            servers_place: first(&servers),
            methods_place: first(&methods),
            terms: Terms {
                from: plain(from),
                to: plain(to),
                ports,
                deny,
                demand,
                clients: clients.map(|list| list.value).unwrap_or_default(),
                servers: servers.map(|list| list.value).unwrap_or_default(),
                methods: methods.map(|list| list.value).unwrap_or_default(),
                reason: reason.as_ref().map_or_else(String::new, |r| escaped(r.value.trim())),
                until: until.as_ref().map(|until| until.value),
            },
        };
        self.reason(&edge, reason.as_ref());
        self.contradictions(&edge, until);
        (self.errors.len() == before).then_some(edge)
    }

    /// Where an entry begins: its header, or the table itself when it is written in one line.
    fn header(&self, table: &Table<'_, 't>) -> Place {
        let place = self.place(table.at.clone());
        Place { width: place.text.trim_end().chars().count().max(1), column: 1, ..place }
    }

    fn names(
        &mut self,
        table: &Table<'_, 't>,
        key: &str,
        zones: &[(String, Vec<Placed<String>>)],
    ) -> Vec<Placed<String>> {
        let Some(value) = table.get(key) else {
            let message = format!("{key} is missing");
            self.complain("policy-value", table.at.clone(), message, "who this edge is about");
            return Vec::new();
        };
        let mut names = Vec::new();
        for word in self.words(value, key) {
            let Some(zone) = word.value.strip_prefix("zone:") else {
                if self.sound_name(&word) {
                    names.push(word);
                }
                continue;
            };
            if let Some((_, members)) = zones.iter().find(|(known, _)| known == zone) {
                names.extend(members.iter().cloned());
            } else {
                let meant = nearest(zone, zones.iter().map(|(known, _)| known.as_str()));
                let label = meant
                    .map_or_else(String::new, |meant| suggestion(Some(&format!("zone:{meant}"))));
                let message = format!("there is no zone \"{}\"", escaped(zone));
                self.complain("policy-value", word.at, message, &label);
            }
        }
        names
    }

    /// A name that a service can have, or a pattern of such names.
    fn sound_name(&mut self, name: &Placed<String>) -> bool {
        let odd = name.value.trim().is_empty() || name.value.contains(char::is_control);
        if !odd {
            return true;
        }
        let message = format!("\"{}\" is no name of a service", escaped(&name.value));
        self.complain("policy-value", name.at.clone(), message, "a name, an address or a pattern");
        false
    }

    fn ports(&mut self, table: &Table<'_, 't>) -> Vec<u16> {
        let Some(value) = table.get("port") else { return Vec::new() };
        let single = std::slice::from_ref(value);
        let list: Vec<&Spanned<DeValue<'t>>> = match value.get_ref().as_array() {
            Some(list) => list.iter().collect(),
            None => single.iter().collect(),
        };
        if list.is_empty() {
            self.complain(
                "policy-value",
                value.span(),
                "no port is listed",
                "leave it out for all",
            );
        }
        let mut ports = Vec::new();
        for entry in list {
            let number = integer(entry.get_ref()).and_then(|number| u16::try_from(number).ok());
            match number.filter(|port| *port > 0) {
                Some(port) => ports.push(port),
                None => {
                    let label = "expected a number from 1 to 65535";
                    self.complain("policy-value", entry.span(), "this is no port", label);
                }
            }
        }
        ports.sort_unstable();
        ports.dedup();
        ports
    }

    fn require(&mut self, table: &Table<'_, 't>) -> Option<Placed<Require>> {
        let word = table.text("require", &mut self.errors)?;
        let known = Require::ALL.into_iter().find(|known| known.name() == word.value);
        if known.is_none() {
            self.bad_word(&word, "a requirement", &Require::ALL.map(Require::name));
        }
        known.map(|value| Placed { value, at: word.at })
    }

    fn tls_min(&mut self, table: &Table<'_, 't>) -> Option<Placed<u16>> {
        let word = table.text("tls-min", &mut self.errors)?;
        let known = VERSIONS.iter().find(|(name, _)| *name == word.value);
        if known.is_none() {
            self.bad_word(&word, "a TLS version", &VERSIONS.map(|(name, _)| name));
        }
        known.map(|(_, value)| Placed { value: *value, at: word.at })
    }

    fn identities(&mut self, table: &Table<'_, 't>) -> (Option<Words>, Option<Words>) {
        let Some(identity) = table.table("identity", &mut self.errors) else { return (None, None) };
        identity.only(&["client", "server"], &mut self.errors);
        (self.list(&identity, "client"), self.list(&identity, "server"))
    }

    /// A text or a list of texts, none of them empty.
    fn list(&mut self, table: &Table<'_, 't>, key: &str) -> Option<Words> {
        let value = table.get(key)?;
        let words = self.words(value, key);
        for word in words.iter().filter(|word| word.value.trim().is_empty()) {
            self.complain("policy-value", word.at.clone(), format!("{key} has an empty entry"), "");
        }
        let all = words.into_iter().map(|word| word.value).collect();
        Some(Placed { value: all, at: value.span() })
    }

    fn words(&mut self, value: &Spanned<DeValue<'t>>, key: &str) -> Vec<Placed<String>> {
        if let Some(text) = value.get_ref().as_str() {
            return vec![Placed { value: text.to_owned(), at: value.span() }];
        }
        let mut words = Vec::new();
        let list = value.get_ref().as_array().map(|list| list.iter().collect::<Vec<_>>());
        for entry in list.unwrap_or_default() {
            if let Some(text) = entry.get_ref().as_str() {
                words.push(Placed { value: text.to_owned(), at: entry.span() });
            }
        }
        let all = value.get_ref().as_array().is_some_and(|list| list.iter().count() == words.len());
        if !all || words.is_empty() {
            let message = format!("{} must be text in quotes, or a list of it", escaped(key));
            self.complain("policy-value", value.span(), message, "expected \"...\" or [\"...\"]");
        }
        words
    }

    fn until(&mut self, table: &Table<'_, 't>) -> Option<Placed<Timestamp>> {
        let value = table.get("until")?;
        let day = value.get_ref().as_datetime().filter(|moment| moment.time.is_none());
        let day = day.and_then(|day| Timestamp::parse(&day.to_string()).ok());
        if day.is_none() {
            let label = "expected a day without quotes, as 2026-06-30";
            self.complain("policy-value", value.span(), "until is not a day", label);
        }
        // The day itself still counts.
        day.map(|day| Placed { value: day.plus_seconds(DAY_SECONDS), at: value.span() })
    }

    fn reason(&mut self, edge: &PolicyEdge, reason: Option<&Placed<String>>) {
        if !edge.weaker || !edge.terms.reason.is_empty() {
            return;
        }
        let message =
            format!("{} may be weaker than the defaults, without a reason", edge.terms.edge());
        let label = "say why, for the person who reviews this next year";
        let error = match reason {
            Some(reason) => self.source.error("policy-reason", reason.at.clone(), message, label),
            None => Diagnostic::error("policy-reason", message).at(Place {
                label: "it needs a reason = \"...\"".to_owned(),
                ..edge.place.clone()
            }),
        };
        self.errors.push(error.help("or make it as strong as [defaults] say"));
    }

    fn contradictions(&mut self, edge: &PolicyEdge, until: Option<Placed<Timestamp>>) {
        let terms = &edge.terms;
        let mut wrong = |place: &Option<Place>, message: &str, label: &str| {
            if let Some(place) = place {
                let place = Place { label: label.to_owned(), ..place.clone() };
                self.errors.push(Diagnostic::error("policy-edge", message).at(place));
            }
        };
        if terms.deny {
            let says = [&edge.require_place, &edge.tls_min_place, &edge.clients_place];
            for place in says.into_iter().chain([&edge.servers_place, &edge.methods_place]) {
                wrong(
                    place,
                    "an edge that must not be has no further demands",
                    "deny = true is all",
                );
            }
        }
        let proven = |names: &[String]| names.iter().any(|name| !name.starts_with("sub:"));
        if proven(&terms.clients) && terms.demand.require < Require::Mtls && !terms.deny {
            let message = "a client without a certificate has no such identity";
            wrong(&edge.clients_place, message, "needs require = \"mtls\"");
        }
        if !terms.servers.is_empty() && terms.demand.require == Require::Any && !terms.deny {
            let message = "a server that may be readable has no such identity";
            wrong(&edge.servers_place, message, "needs require = \"tls\" or \"mtls\"");
        }
        if let Some(until) = until.filter(|_| !edge.weaker) {
            let message =
                "until ends a weaker permission, and this edge is as strong as the defaults";
            self.complain("policy-edge", until.at, message, "leave it out");
        }
    }

    /// Entries for the same names and ports: the later one would never be asked.
    fn shadowed(&mut self, edges: &[PolicyEdge]) {
        let mut known: std::collections::HashMap<(&[String], &[String]), Vec<&PolicyEdge>> =
            std::collections::HashMap::new();
        for edge in edges {
            let terms = &edge.terms;
            let others = known.entry((&terms.from, &terms.to)).or_default();
            let same = others.iter().find(|other| {
                let other = &other.terms.ports;
                (other.is_empty() && terms.ports.is_empty())
                    || terms.ports.iter().any(|port| other.contains(port))
            });
            if let Some(first) = same {
                let message = format!("{} has two entries", terms.edge());
                let label = format!("line {} speaks of it already", first.place.line);
                let place = Place { label, ..edge.place.clone() };
                let error = Diagnostic::error("policy-shadowed", message).at(place);
                self.errors.push(error.help("keep one of them, or give them different ports"));
            } else {
                others.push(edge);
            }
        }
    }

    fn bad_word(&mut self, word: &Placed<String>, what: &str, words: &[&str]) {
        let label = match words {
            [all @ .., last] => format!("expected {} or {last}", all.join(", ")),
            [] => String::new(),
        };
        let meant = nearest(&word.value, words.iter().copied());
        let message = format!("\"{}\" is not {what}", escaped(&word.value));
        let error = self.source.error("policy-value", word.at.clone(), message, &label);
        self.errors.push(match meant {
            Some(meant) => error.help(suggestion(Some(meant))),
            None => error,
        });
    }

    fn complain(
        &mut self,
        code: &'static str,
        at: std::ops::Range<usize>,
        message: impl Into<String>,
        label: &str,
    ) {
        self.errors.push(self.source.error(code, at, message, label));
    }

    fn place(&self, at: std::ops::Range<usize>) -> Place {
        self.lines.place(self.source.path, self.source.text, at, "")
    }
}

fn plain(names: Vec<Placed<String>>) -> Vec<String> {
    let mut names: Vec<String> = names.into_iter().map(|name| name.value).collect();
    names.sort_by_key(|name| (!is_exact(name), name.clone()));
    names.dedup();
    names
}
