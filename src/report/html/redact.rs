//! Aliases in the place of names and addresses, for a page that leaves the house.
//!
//! The finished page is gone over, text by text, so that nothing depends on which section names whom. The same name has
//! the same alias everywhere on a page, numbered in the order of the alphabet. What is not replaced: times, counts,
//! ports, protocols, methods that look like no name, digests of certificates and captures, identities of findings.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use maud::html;

use super::{picture, timeline};
use crate::model::{Finding, Outcome, Party};

/// What stands for what.
pub(super) struct Aliases {
    /// Names as the page has them, by their first bytes, longest first.
    names: BTreeMap<Vec<u8>, Vec<(String, String)>>,
    addresses: BTreeMap<IpAddr, String>,
}

/// Bytes of a name by which it is looked up.
const HEAD: usize = 3;

impl Aliases {
    /// Those for all names and addresses of an outcome.
    pub(super) fn of(outcome: &Outcome) -> Self {
        let mut found = Found::default();
        found.all(outcome);
        let mut aliases = Self { names: BTreeMap::new(), addresses: BTreeMap::new() };
        for (at, addr) in found.addresses.iter().enumerate() {
            aliases.addresses.insert(*addr, format!("address-{}", at + 1));
        }
        let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
        for (name, kind) in &found.names {
            let number = numbers.entry(kind).or_default();
            *number += 1;
            let alias = format!("{kind}-{number}");
            for form in forms(name) {
                aliases.add(form, alias.clone());
            }
        }
        for names in aliases.names.values_mut() {
            names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        }
        aliases
    }

    fn add(&mut self, name: String, alias: String) {
        let head = name.as_bytes().iter().take(HEAD).copied().collect();
        self.names.entry(head).or_default().push((name, alias));
    }

    /// The page with them. Its head and its tags stay.
    pub(super) fn page(&self, page: &str) -> String {
        let body = page.find("<body>").unwrap_or(0);
        let (head, mut rest) = page.split_at_checked(body).unwrap_or(("", page));
        let mut out = String::with_capacity(page.len());
        out.push_str(head);
        while let Some((text, tail)) = rest.split_once('<') {
            self.text(text, &mut out);
            // A closing bracket within a quoted value is not the end of the tag.
            let mut quoted = false;
            let end = tail.find(|c| {
                quoted ^= c == '"';
                c == '>' && !quoted
            });
            let (tag, after) =
                tail.split_at_checked(end.unwrap_or(tail.len())).unwrap_or((tail, ""));
            out.push('<');
            out.push_str(tag);
            rest = after;
        }
        self.text(rest, &mut out);
        out
    }

    fn text(&self, text: &str, out: &mut String) {
        let mut rest = text;
        let mut before = ' ';
        while let Some(first) = rest.chars().next() {
            let used = if is_part(before) { None } else { self.at(rest, out) };
            let used = used.unwrap_or_else(|| {
                out.push(first);
                first.len_utf8()
            });
            let (done, left) = rest.split_at_checked(used).unwrap_or((rest, ""));
            before = done.chars().last().unwrap_or(first);
            rest = left;
        }
    }

    /// Writes the alias of what a text begins with, and says how long that is.
    fn at(&self, text: &str, out: &mut String) -> Option<usize> {
        let heads = (1..=HEAD).rev().filter_map(|length| text.as_bytes().get(..length));
        for (name, alias) in heads.filter_map(|head| self.names.get(head)).flatten() {
            let behind = text.strip_prefix(name.as_str());
            if behind.is_some_and(|behind| !behind.starts_with(is_part)) {
                out.push_str(alias);
                return Some(name.len());
            }
        }
        self.address(text, out)
    }

    fn address(&self, text: &str, out: &mut String) -> Option<usize> {
        let digit = |c: char| c.is_ascii_hexdigit() || matches!(c, '.' | ':');
        let end = text.find(|c| !digit(c)).unwrap_or(text.len());
        let mut word = text.get(..end)?;
        // `10.0.0.1:443`, `10.0.0.1.` and `fe80::1:` end with what is no part of the address.
        loop {
            if let Ok(addr) = word.parse::<IpAddr>() {
                let known = self.addresses.get(&addr).map_or("address", String::as_str);
                out.push_str(known);
                return Some(word.len());
            }
            let shorter = word.rfind([':', '.']).filter(|at| *at > 0)?;
            word = word.get(..shorter)?;
        }
    }
}

/// Whether a character goes on with a name.
fn is_part(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-')
}

/// A name as the page may show it: whole, or shortened in a picture.
fn forms(name: &str) -> BTreeSet<String> {
    let all = [name.to_owned(), picture::shortened(name), timeline::shortened(name)];
    all.iter().map(|form| html! { (form) }.into_string()).collect()
}

/// What is to be replaced, with the word for its kind.
#[derive(Default)]
struct Found {
    names: BTreeMap<String, &'static str>,
    addresses: BTreeSet<IpAddr>,
}

impl Found {
    fn all(&mut self, outcome: &Outcome) {
        for row in &outcome.services {
            self.party(&row.service);
        }
        for row in &outcome.edges {
            self.party(&row.client);
            self.party(&row.server);
            let ends = row.used.callers.iter().chain(&row.used.servers);
            ends.flat_map(|used| used.what.identity.names())
                .for_each(|name| self.name(&name, "name"));
        }
        outcome.findings.iter().for_each(|finding| self.finding(finding));
        for row in &outcome.certificates {
            self.party(&row.party);
            self.certificate(row);
        }
        for row in &outcome.credentials {
            self.party(&row.at.server);
            self.addresses.extend(&row.clients);
            if let Some(principal) = &row.at.credential.principal {
                self.name(principal, "principal");
            }
        }
        for source in &outcome.run.sources {
            self.name(&source.name, "capture");
        }
        for what in &outcome.coverage.incomplete {
            self.like_names(&what.message);
        }
        if let Some(policy) = &outcome.policy {
            for edge in policy.entries.iter().map(|entry| &entry.edge) {
                let words = edge.split([' ', ',']);
                words.for_each(|word| self.pattern(word.split(':').next().unwrap_or_default()));
            }
            policy.entries.iter().for_each(|entry| self.like_names(&entry.demand));
            self.name(&policy.file, "file");
        }
    }

    fn party(&mut self, party: &Party) {
        self.addresses.insert(party.addr);
        if party.service.parse::<IpAddr>().is_err() {
            self.name(&party.service, "service");
        }
        if let Some(owner) = party.owner() {
            self.name(owner, "owner");
        }
    }

    fn finding(&mut self, finding: &Finding) {
        finding.client.iter().chain(&finding.server).for_each(|party| self.party(party));
        self.like_names(&finding.message);
        for place in finding.declared.iter().chain(&finding.mapped) {
            self.name(&place.path, "file");
        }
        if let Some(word) = &finding.accepted {
            self.like_names(&word.reason);
            self.name(&word.place.path, "file");
        }
        for sample in &finding.evidence {
            self.addresses.extend([sample.client.addr, sample.server.addr]);
            self.name(&sample.community_id().to_string(), "flow");
            sample.facts.iter().for_each(|(_, value)| self.like_names(value));
        }
    }

    fn certificate(&mut self, row: &crate::model::CertificateRow) {
        let Some(details) = &row.certificate.details else { return };
        let names = details.names.iter().map(ToString::to_string);
        let all = [details.subject.clone(), details.issuer.clone()].into_iter().chain(names);
        all.chain(details.common_name.clone()).for_each(|name| {
            // A page may show a name without the word for its kind.
            if let Some((_, bare)) = name.split_once(':') {
                self.name(bare, "name");
            }
            self.name(&name, "name");
        });
    }

    /// Names of a policy, which may be patterns of names and of addresses.
    fn pattern(&mut self, word: &str) {
        if word.chars().any(char::is_alphanumeric) && word.parse::<IpAddr>().is_err() {
            self.name(word, "service");
        }
    }

    /// What of a text looks like the name of a host or like an identity.
    fn like_names(&mut self, text: &str) {
        let ends = |c: char| !(is_part(c) || matches!(c, '.' | '/' | ':' | '*' | '@'));
        for word in text.split(ends) {
            let word = word.trim_matches(['.', ':', '/']);
            let host = word.split(':').next().unwrap_or_default();
            if word.contains("://") || word.contains('@') {
                self.name(word, "name");
            } else if is_host(host) {
                self.name(host, "name");
            }
        }
    }

    fn name(&mut self, name: &str, kind: &'static str) {
        let nothing = name.is_empty() || name == "-" || name == "*";
        if !nothing && name.parse::<IpAddr>().is_err() {
            self.names.entry(name.to_owned()).or_insert(kind);
        }
    }
}

/// Two labels or more, the last of letters.
fn is_host(word: &str) -> bool {
    let mut labels = word.split('.');
    let last = labels.next_back().unwrap_or_default();
    let letters = last.len() >= 2 && last.bytes().all(|byte| byte.is_ascii_alphabetic());
    let rest: Vec<&str> = labels.collect();
    letters && !rest.is_empty() && rest.iter().all(|label| !label.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aliases(names: &[(&str, &str)]) -> Aliases {
        let mut aliases = Aliases { names: BTreeMap::new(), addresses: BTreeMap::new() };
        names.iter().for_each(|(name, alias)| aliases.add((*name).into(), (*alias).into()));
        aliases.addresses.insert(IpAddr::from([10, 0, 0, 1]), "address-1".into());
        aliases
    }

    #[test]
    fn names_and_addresses_are_replaced_whole_and_tags_stay() {
        let aliases = aliases(&[("pay", "service-1"), ("payments", "service-2")]);
        let page = "<body><p class=\"pay\">pay payments 10.0.0.1:443 [2001:db8::1]:443 prepay 09:14:01 1.2</p>";
        let said = "<body><p class=\"pay\">service-1 service-2 address-1:443 [address]:443 prepay 09:14:01 1.2</p>";
        assert_eq!(aliases.page(page), said);
    }

    #[test]
    fn what_looks_like_a_host_is_a_name() {
        let mut found = Found::default();
        found.like_names("orders speaks grpc to api.shop.test:8443, as spiffe://shop.test/a; TLS 1.2 by a@b.test.");
        let names: Vec<&str> = found.names.keys().map(String::as_str).collect();
        assert_eq!(names, ["a@b.test", "api.shop.test", "spiffe://shop.test/a"]);
    }
}
