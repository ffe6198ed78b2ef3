//! Services files made from what other tools know: `kubectl get pods,svc -A -o json`, a Compose file, a hosts file, the
//! catalogue of Consul.
//!
//! Takes the text of one file, gives the text of a services file that can be loaded: sorted, so that it changes only where
//! the services do. What is not certain, an address that two services share, becomes a comment for a person to decide,
//! never a guess. Asks nobody.

mod compose;
mod consul;
mod hosts;
mod kubernetes;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::model::{Diagnostic, escape_text};

/// A kind of file that can be imported.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ImportFormat {
    /// Pods and services of Kubernetes, in JSON.
    Kubernetes,
    /// A Compose file, in YAML.
    Compose,
    /// The catalogue of Consul, in JSON.
    Consul,
    /// `/etc/hosts`.
    Hosts,
}

impl ImportFormat {
    /// All of them with their words.
    pub const ALL: [(&'static str, Self); 4] = [
        ("kubernetes", Self::Kubernetes),
        ("compose", Self::Compose),
        ("consul", Self::Consul),
        ("hosts", Self::Hosts),
    ];
}

/// The services file of a file of another tool; what it is, is told from its content unless `format` says it.
///
/// # Errors
/// `import-unreadable`: it is none of these, or has no service in it.
pub fn import(
    path: &str,
    text: &str,
    format: Option<ImportFormat>,
) -> Result<String, Box<Diagnostic>> {
    let path = escape_text(path);
    let format = format.unwrap_or_else(|| recognise(text));
    let mut found = Found::default();
    let read = match format {
        ImportFormat::Kubernetes => json(text).and_then(|all| kubernetes::read(&all, &mut found)),
        ImportFormat::Consul => json(text).and_then(|all| consul::read(&all, &mut found)),
        ImportFormat::Compose => compose::read(text, &mut found),
        ImportFormat::Hosts => hosts::read(text, &mut found),
    };
    let word =
        ImportFormat::ALL.iter().find(|(_, one)| *one == format).map_or("", |(word, _)| word);
    let unreadable = |why: String| {
        let message = format!("{path} cannot be read as {word}: {why}");
        let help = "wirelint services import reads kubectl get pods,svc -A -o json, a Compose file, a Consul \
                    catalogue and a hosts file; --from says which";
        Box::new(Diagnostic::error("import-unreadable", message).help(help))
    };
    read.map_err(unreadable)?;
    if found.services.is_empty() {
        return Err(unreadable("there is no service in it".to_owned()));
    }
    Ok(found.write(word))
}

fn json(text: &str) -> Result<serde_json::Value, String> {
    serde_json::from_str(text).map_err(|error| escape_text(&error.to_string()))
}

fn recognise(text: &str) -> ImportFormat {
    let start = text.trim_start_matches('\u{feff}').trim_start();
    if start.starts_with(['{', '[']) {
        let consul = start.contains("\"ServiceName\"")
            || !start.contains("\"items\"") && !start.contains("\"apiVersion\"");
        return if consul { ImportFormat::Consul } else { ImportFormat::Kubernetes };
    }
    let is_compose = text.lines().any(|line| line.trim_end() == "services:");
    if is_compose { ImportFormat::Compose } else { ImportFormat::Hosts }
}

/// Services that were found.
#[derive(Default)]
struct Found {
    services: BTreeMap<String, Service>,
    /// What a person has to decide.
    remarks: BTreeSet<String>,
}

#[derive(Default)]
struct Service {
    owner: Option<String>,
    /// Addresses, with ports or without.
    addresses: BTreeSet<String>,
    /// Names that clients ask for.
    names: BTreeSet<String>,
    remarks: BTreeSet<String>,
}

impl Found {
    fn service(&mut self, name: &str) -> &mut Service {
        self.services.entry(name.to_owned()).or_default()
    }

    /// Adds an address when it is one that only one host can have.
    fn address(&mut self, service: &str, address: &str) {
        if let Some((addr, port)) = super::services::address(address)
            && !addr.is_loopback()
            && !addr.is_unspecified()
            && !addr.is_multicast()
        {
            let text = match port {
                Some(port) => crate::model::Endpoint::new(addr, port).to_string(),
                None => addr.to_string(),
            };
            self.service(service).addresses.insert(text);
        }
    }

    /// Takes out what two services claim, and says so.
    fn settle(&mut self) {
        let mut claims: BTreeMap<(&str, String), Vec<String>> = BTreeMap::new();
        for (name, service) in &self.services {
            for address in &service.addresses {
                claims.entry(("addr", address.clone())).or_default().push(name.clone());
            }
            for asked in &service.names {
                claims.entry(("sni", asked.clone())).or_default().push(name.clone());
            }
        }
        for ((key, what), owners) in claims.iter().filter(|(_, owners)| owners.len() > 1) {
            self.remarks
                .insert(format!("{what} ({key}) belongs to {}: choose one", owners.join(" and ")));
            for owner in owners {
                if let Some(service) = self.services.get_mut(owner) {
                    service.addresses.remove(what);
                    service.names.remove(what);
                }
            }
        }
    }

    fn write(mut self, from: &str) -> String {
        self.settle();
        let mut out = format!(
            "# Made by wirelint services import ({from}). Addresses change: make it again with each capture.\n"
        );
        let remark = |out: &mut String, text: &str| {
            let _infallible = writeln!(out, "# {}", escape_text(text));
        };
        self.remarks.iter().for_each(|text| remark(&mut out, text));
        out.push_str("mapping-version = 1\n");
        for (name, service) in &self.services {
            out.push('\n');
            service.remarks.iter().for_each(|text| remark(&mut out, text));
            if service.addresses.is_empty() && service.names.is_empty() {
                remark(&mut out, &format!("{name} has nothing that it could be known by"));
                continue;
            }
            let _infallible = writeln!(out, "[[service]]\nname = {}", quoted(name));
            if let Some(owner) = &service.owner {
                let _infallible = writeln!(out, "owner = {}", quoted(owner));
            }
            for (key, all) in [("addr", &service.addresses), ("sni", &service.names)] {
                if !all.is_empty() {
                    let all: Vec<String> = all.iter().map(|one| quoted(one)).collect();
                    let _infallible = writeln!(out, "{key} = [{}]", all.join(", "));
                }
            }
        }
        out
    }
}

/// A text as TOML has it.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control() => {
                let _infallible = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
