//! A services file: from text to entries, or to everything that is wrong with it.

use super::network::{Claim, Network};
use super::reader::{Placed, Reader, Table, address, integer};
use super::{Entry, Name};
use crate::model::{Diagnostic, Lines, Profile, Timestamp, escape_text, limits};

const VERSION: i64 = 1;

const TOP_KEYS: &[&str] = &["mapping-version", "service", "group"];

const SERVICE_KEYS: &[&str] = &[
    "name",
    "owner",
    "tier",
    "kind",
    "addr",
    "cidr",
    "ports",
    "san",
    "spiffe",
    "sni",
    "vni",
    "valid-from",
    "valid-to",
];

const GROUP_KEYS: &[&str] = &["name", "owner", "tier", "kind", "cidr", "vni"];

/// What one file says.
pub(super) struct Contents {
    pub(super) entries: Vec<Entry>,
    pub(super) claims: Vec<Claim>,
    pub(super) names: Vec<Name>,
}

/// What limits the addresses of an entry.
struct Limits {
    ports: Vec<u16>,
    networks: Vec<u32>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
}

/// Reads one file. `file` is its number, and `first` the number of its first entry.
pub(super) fn read(
    path: &str,
    text: &str,
    [file, first]: [usize; 2],
) -> Result<Contents, Vec<Diagnostic>> {
    let mut reader = Reader { path, text, lines: Lines::of(text), errors: Vec::new() };
    if text.len() > limits::SERVICES_FILE_BYTES {
        let message =
            format!("{}: more than {} bytes", escape_text(path), limits::SERVICES_FILE_BYTES);
        return Err(vec![Diagnostic::error("mapping-unreadable", message)]);
    }
    let document = match toml::de::DeTable::parse(text) {
        Ok(document) => document,
        Err(error) => {
            let at = error.span().unwrap_or(0..1);
            reader.complain("mapping-unreadable", at, escape_text(error.message()), "");
            return Err(reader.errors);
        }
    };
    let table = Table { entries: document.get_ref(), at: 0..1 };
    reader.only(&table, TOP_KEYS, "a services file");
    version(&mut reader, &table);
    let mut contents = Contents { entries: Vec::new(), claims: Vec::new(), names: Vec::new() };
    for (key, keys) in [("service", SERVICE_KEYS), ("group", GROUP_KEYS)] {
        for entry in reader.tables(&table, key) {
            reader.only(&entry, keys, &format!("[[{key}]]"));
            read_entry(&mut reader, &entry, &mut contents, (key == "group", file, first));
        }
    }
    if reader.errors.is_empty() { Ok(contents) } else { Err(reader.errors) }
}

fn version(reader: &mut Reader<'_>, table: &Table<'_, '_>) {
    let value = table.get("mapping-version");
    if value.and_then(|value| integer(value.get_ref())) == Some(VERSION) {
        return;
    }
    let at = value.map_or(0..1, toml::Spanned::span);
    let message = match value {
        Some(_) => "this mapping-version is not known".to_owned(),
        None => "mapping-version is missing".to_owned(),
    };
    reader.complain("mapping-value", at, message, &format!("write mapping-version = {VERSION}"));
}

fn read_entry(
    reader: &mut Reader<'_>,
    table: &Table<'_, '_>,
    out: &mut Contents,
    (group, file, first): (bool, usize, usize),
) {
    let Some(name) = reader.text(table, "name") else {
        if table.get("name").is_none() {
            reader.complain("mapping-value", table.at.clone(), "name is missing".to_owned(), "");
        }
        return;
    };
    let number = first.saturating_add(out.entries.len());
    let optional =
        |reader: &mut Reader<'_>, key| reader.text(table, key).map(|text| escape_text(&text.value));
    let profile = Profile {
        owner: optional(reader, "owner"),
        tier: optional(reader, "tier"),
        kind: optional(reader, "kind"),
        place: reader.place(name.at.clone(), ""),
    };
    let limits = read_limits(reader, table);
    let claims = out.claims.len();
    read_addresses(reader, table, &limits, (&mut out.claims, number, file));
    let names = out.names.len();
    read_names(reader, table, (&mut out.names, number, file));
    if out.claims.len() == claims && out.names.len() == names && reader.errors.is_empty() {
        let message = format!("\"{}\" has nothing to be known by", escape_text(&name.value));
        let ways = if group { "cidr" } else { "addr, cidr, spiffe, san or sni" };
        reader.complain("mapping-value", name.at, message, &format!("{ways} is missing"));
        return;
    }
    let name = escape_text(&name.value);
    out.entries.push(Entry { name, group, profile: std::sync::Arc::new(profile) });
}

fn read_limits(reader: &mut Reader<'_>, table: &Table<'_, '_>) -> Limits {
    let ports = reader.numbers(table, "ports", u32::from(u16::MAX)).unwrap_or_default();
    let networks = reader.numbers(table, "vni", 0x00ff_ffff).unwrap_or_default();
    let (from, to) = (reader.time(table, "valid-from"), reader.time(table, "valid-to"));
    if let (Some(start), Some(end), Some(value)) = (from, to, table.get("valid-to"))
        && end <= start
    {
        let message = "valid-to is not after valid-from".to_owned();
        reader.complain("mapping-value", value.span(), message, "this entry never holds");
    }
    let ports = ports.into_iter().filter_map(|port| u16::try_from(port).ok()).collect();
    Limits { ports, networks, from, to }
}

fn read_addresses(
    reader: &mut Reader<'_>,
    table: &Table<'_, '_>,
    limits: &Limits,
    (claims, entry, file): (&mut Vec<Claim>, usize, usize),
) {
    let mut add = |network, exact, port: Option<u16>, at| {
        claims.push(Claim {
            network,
            exact,
            ports: port.map_or_else(|| limits.ports.clone(), |port| vec![port]),
            networks: limits.networks.clone(),
            from: limits.from,
            to: limits.to,
            entry,
            file,
            at,
        });
    };
    for Placed { value, at } in reader.texts(table, "addr") {
        match address(&value) {
            Some((addr, port)) => add(Network::of(addr, u8::MAX), true, port, at),
            None => {
                let message = format!("\"{}\" is not an address", escape_text(&value));
                let label = "expected 10.0.0.9, 10.0.0.9:8443 or [2001:db8::9]:8443";
                reader.complain("mapping-value", at, message, label);
            }
        }
    }
    for Placed { value, at } in reader.texts(table, "cidr") {
        match Network::parse(&value) {
            Ok(network) => add(network, false, None, at),
            Err((what, label)) => {
                let what = if what.is_empty() { " is not a network".to_owned() } else { what };
                let message = format!("\"{}\"{what}", escape_text(&value));
                reader.complain("mapping-value", at, message, &label);
            }
        }
    }
}

fn read_names(
    reader: &mut Reader<'_>,
    table: &Table<'_, '_>,
    (names, entry, file): (&mut Vec<Name>, usize, usize),
) {
    for Placed { value, at } in reader.texts(table, "spiffe") {
        if value.starts_with("spiffe://") {
            names.push(Name { kind: super::SPIFFE, text: escape_text(&value), entry, file, at });
        } else {
            let message = format!("\"{}\" is not a SPIFFE id", escape_text(&value));
            reader.complain("mapping-value", at, message, "expected spiffe://DOMAIN/PATH");
        }
    }
    for Placed { value, at } in reader.texts(table, "san") {
        let text = match value.split_once(':') {
            Some(("dns", name)) => name.to_ascii_lowercase(),
            Some(("uri", name)) => name.to_owned(),
            _ if !value.contains(':') => value.to_ascii_lowercase(),
            _ => {
                let message = format!("\"{}\" is not a name of a certificate", escape_text(&value));
                let label = "expected dns:NAME or uri:URI";
                reader.complain("mapping-value", at, message, label);
                continue;
            }
        };
        names.push(Name { kind: super::SAN, text: escape_text(&text), entry, file, at });
    }
    for Placed { value, at } in reader.texts(table, "sni") {
        let text = escape_text(&value.trim_end_matches('.').to_ascii_lowercase());
        names.push(Name { kind: super::SNI, text, entry, file, at });
    }
}
