//! The catalogue of Consul: `/v1/catalog/service/NAME`, `/v1/health/service/NAME`, `/v1/agent/services`, one of them or
//! several in a list or object.

use serde_json::Value;

use super::Found;

pub(super) fn read(all: &Value, found: &mut Found) -> Result<(), String> {
    walk(all, None, 0, found);
    Ok(())
}

fn walk(value: &Value, node: Option<&str>, depth: usize, found: &mut Found) {
    const DEPTH: usize = 8;
    if depth > DEPTH {
        return;
    }
    match value {
        Value::Array(all) => all.iter().for_each(|one| walk(one, node, depth + 1, found)),
        Value::Object(entry) => {
            let own =
                entry.get("Node").and_then(|node| node.get("Address")).and_then(Value::as_str);
            let own = own.or_else(|| entry.get("Address").and_then(Value::as_str));
            if !read_entry(value, node, found) {
                entry.values().for_each(|one| walk(one, own.or(node), depth + 1, found));
            }
        }
        _ => {}
    }
}

/// Reads one instance of a service, and says whether it was one.
fn read_entry(entry: &Value, node: Option<&str>, found: &mut Found) -> bool {
    let text = |key: &str| entry.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let number = |key: &str| entry.get(key).and_then(Value::as_u64);
    let (name, address, port) = match (text("ServiceName"), text("Service")) {
        (Some(name), _) => {
            (name, text("ServiceAddress").or(text("Address")), number("ServicePort"))
        }
        (None, Some(name)) => (name, text("Address").or(node), number("Port")),
        _ => return false,
    };
    found.service(name);
    match (address, port) {
        (Some(address), Some(port)) if port > 0 => {
            let whole = if address.contains(':') {
                format!("[{address}]:{port}")
            } else {
                format!("{address}:{port}")
            };
            found.address(name, &whole);
        }
        (Some(address), _) => found.address(name, address),
        _ => {}
    }
    found.service(name).names.insert(format!("{name}.service.consul"));
    true
}
