//! A hosts file: an address and its names on each line.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::Found;

pub(super) fn read(text: &str, found: &mut Found) -> Result<(), String> {
    let mut owners: BTreeMap<IpAddr, String> = BTreeMap::new();
    for (line, number) in text.lines().zip(1u64..) {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_whitespace();
        let Some(first) = words.next() else { continue };
        let bare = first.split('%').next().unwrap_or_default();
        let addr: IpAddr =
            bare.parse().map_err(|_| format!("line {number} does not begin with an address"))?;
        let local = |name: &str| name == "localhost" || name.starts_with("ip6-");
        let names: Vec<&str> = words.filter(|name| !local(name)).collect();
        let Some(name) = names.first() else { continue };
        if addr.is_loopback() || addr.is_multicast() || addr.is_unspecified() {
            continue;
        }
        let owner = owners.entry(addr).or_insert_with(|| (*name).to_owned()).clone();
        found.address(&owner, bare);
        let service = found.service(&owner);
        for other in names.iter().filter(|other| **other != owner) {
            service.remarks.insert(format!("{addr} is also called {other}"));
        }
    }
    Ok(())
}
