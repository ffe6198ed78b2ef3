//! A Compose file. Containers get their addresses when they start, so most services are known by the names that others
//! ask for; fixed addresses are taken where they are written.

use serde_json::Value;

use super::Found;

pub(super) fn read(text: &str, found: &mut Found) -> Result<(), String> {
    let all: Value = serde_saphyr::from_str(text)
        .map_err(|error| crate::model::escape_text(&error.to_string().replace('\n', " ")))?;
    let services = all.get("services").and_then(Value::as_object).ok_or("it has no services")?;
    for (name, service) in services {
        read_service(name, service, found);
    }
    Ok(())
}

fn read_service(name: &str, service: &Value, found: &mut Found) {
    let own = found.service(name);
    own.owner = label(service, "owner").or_else(|| label(service, "team"));
    own.names.insert(name.to_ascii_lowercase());
    for key in ["container_name", "hostname"] {
        own.names.extend(service.get(key).and_then(Value::as_str).map(str::to_ascii_lowercase));
    }
    if service.get("network_mode").and_then(Value::as_str) == Some("host") {
        own.remarks.insert(format!("{name} is on the network of its host"));
    }
    let networks = service.get("networks").and_then(Value::as_object);
    for network in networks.into_iter().flat_map(serde_json::Map::values) {
        let aliases = network.get("aliases").and_then(Value::as_array).into_iter().flatten();
        let aliases = aliases.filter_map(Value::as_str).map(str::to_ascii_lowercase);
        found.service(name).names.extend(aliases);
        for key in ["ipv4_address", "ipv6_address"] {
            if let Some(address) = network.get(key).and_then(Value::as_str) {
                found.address(name, address);
            }
        }
    }
    let own = found.service(name);
    if own.addresses.is_empty() {
        own.remarks
            .insert(format!("{name} has no fixed address (ipv4_address): known by its name only"));
    }
}

/// A label, in a list of `key=value` or in a table.
fn label(service: &Value, key: &str) -> Option<String> {
    let labels = service.get("labels")?;
    let listed = labels.as_array().into_iter().flatten().filter_map(Value::as_str);
    let mut listed =
        listed.filter_map(|text| text.split_once('=')).filter(|(known, _)| *known == key);
    let found =
        labels.get(key).and_then(Value::as_str).or_else(|| listed.next().map(|(_, value)| value));
    found.filter(|text| !text.trim().is_empty()).map(ToOwned::to_owned)
}
