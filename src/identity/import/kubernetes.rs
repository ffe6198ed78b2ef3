//! Pods and services of Kubernetes.
//!
//! A pod belongs to the one service that selects it; else to its workload. Pods on the host's network share the node's
//! address and are told by the ports that they declare.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Found;

pub(super) fn read(all: &Value, found: &mut Found) -> Result<(), String> {
    let alone = std::slice::from_ref(all);
    let items = all.get("items").and_then(Value::as_array).map_or(alone, Vec::as_slice);
    let of_kind = |kind: &'static str| {
        items.iter().filter(move |item| item.get("kind").and_then(Value::as_str) == Some(kind))
    };
    let services: Vec<&Value> = of_kind("Service").collect();
    services.iter().for_each(|service| read_service(service, found));
    for pod in of_kind("Pod") {
        read_pod(pod, &services, found);
    }
    Ok(())
}

fn read_service(service: &Value, found: &mut Found) {
    let Some(name) = full_name(service) else { return };
    let spec = at(service, "/spec");
    let many = strings(at(spec, "/clusterIPs"));
    let addresses =
        if many.is_empty() { at(spec, "/clusterIP").as_str().into_iter().collect() } else { many };
    let outside = at(service, "/status/loadBalancer/ingress").as_array();
    let outside = outside.into_iter().flatten().filter_map(|one| at(one, "/ip").as_str());
    let ports: Vec<u64> = at(spec, "/ports")
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|p| at(p, "/port").as_u64())
        .collect();
    for address in addresses.into_iter().chain(outside).chain(strings(at(spec, "/externalIPs"))) {
        for port in &ports {
            found.address(&name, &with_port(address, *port));
        }
    }
    let own = found.service(&name);
    own.owner = owner(service);
    if let (Some(short), Some(namespace)) = (text(service, "name"), text(service, "namespace")) {
        own.names.insert(format!("{short}.{namespace}"));
        own.names.insert(format!("{short}.{namespace}.svc"));
        own.names.insert(format!("{short}.{namespace}.svc.cluster.local"));
    }
}

fn read_pod(pod: &Value, services: &[&Value], found: &mut Found) {
    let phase = at(pod, "/status/phase").as_str();
    if matches!(phase, Some("Succeeded" | "Failed")) {
        return;
    }
    let selected: BTreeSet<String> = services
        .iter()
        .filter(|service| selects(service, pod))
        .filter_map(|s| full_name(s))
        .collect();
    let Some(workload) = workload(pod) else { return };
    let name = match selected.first() {
        Some(one) if selected.len() == 1 => one.clone(),
        _ => workload,
    };
    if selected.len() > 1 {
        let all: Vec<&str> = selected.iter().map(String::as_str).collect();
        let remark = format!("pods of {name} are behind several services: {}", all.join(", "));
        found.service(&name).remarks.insert(remark);
    }
    let ips = at(pod, "/status/podIPs").as_array().into_iter().flatten();
    let mut addresses: BTreeSet<&str> = ips.filter_map(|one| at(one, "/ip").as_str()).collect();
    addresses.extend(at(pod, "/status/podIP").as_str());
    let on_host = at(pod, "/spec/hostNetwork").as_bool() == Some(true);
    if !on_host {
        addresses.iter().for_each(|address| found.address(&name, address));
    } else {
        read_host_pod(pod, &name, &addresses, found);
    }
    let owner = owner(pod);
    let own = found.service(&name);
    own.owner = own.owner.take().or(owner);
}

fn read_host_pod(pod: &Value, name: &str, addresses: &BTreeSet<&str>, found: &mut Found) {
    let containers = at(pod, "/spec/containers").as_array().into_iter().flatten();
    let ports = containers.flat_map(|one| at(one, "/ports").as_array().into_iter().flatten());
    let tcp = ports.filter(|port| at(port, "/protocol").as_str().unwrap_or("TCP") == "TCP");
    let ports: BTreeSet<u64> = tcp.filter_map(|port| at(port, "/containerPort").as_u64()).collect();
    for address in addresses {
        let what = if ports.is_empty() {
            format!(
                "{name} is on the network of the host {address}, which others share, and declares no port"
            )
        } else {
            format!(
                "{name} is on the network of the host {address}, which others share: known by its ports only"
            )
        };
        found.service(name).remarks.insert(what);
        ports.iter().for_each(|port| found.address(name, &with_port(address, *port)));
    }
}

/// Whether a service's selector, which must not be empty, is a part of the pod's labels in the same namespace.
fn selects(service: &Value, pod: &Value) -> bool {
    let Some(selector) = at(service, "/spec/selector").as_object().filter(|all| !all.is_empty())
    else {
        return false;
    };
    let labels = at(pod, "/metadata/labels");
    text(service, "namespace") == text(pod, "namespace")
        && selector.iter().all(|(key, value)| labels.get(key) == Some(value))
}

fn text<'v>(item: &'v Value, key: &str) -> Option<&'v str> {
    at(item, "/metadata").get(key)?.as_str().filter(|text| !text.is_empty())
}

fn full_name(item: &Value) -> Option<String> {
    let name = text(item, "name")?;
    Some(format!("{}/{name}", text(item, "namespace").unwrap_or("default")))
}

/// The name of what a pod is one of: its label, else its owner without the hash of the generation, else its own.
fn workload(pod: &Value) -> Option<String> {
    let labels = at(pod, "/metadata/labels");
    let label = ["app.kubernetes.io/name", "app", "k8s-app"];
    let label = label.iter().find_map(|key| labels.get(*key)?.as_str());
    let owner = at(pod, "/metadata/ownerReferences").as_array().and_then(|all| all.first());
    let owner = owner.and_then(|owner| {
        let name = at(owner, "/name").as_str()?;
        match at(owner, "/kind").as_str() {
            Some("ReplicaSet") => name.rsplit_once('-').map(|(name, _)| name),
            _ => Some(name),
        }
    });
    let name = label.or(owner).or_else(|| text(pod, "name"))?;
    Some(format!("{}/{name}", text(pod, "namespace").unwrap_or("default")))
}

fn owner(item: &Value) -> Option<String> {
    let maps = [at(item, "/metadata/annotations"), at(item, "/metadata/labels")];
    let found = maps.iter().find_map(|map| {
        ["owner", "team", "app.kubernetes.io/team"].iter().find_map(|key| map.get(*key)?.as_str())
    });
    found.filter(|text| !text.trim().is_empty()).map(ToOwned::to_owned)
}

fn strings(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn with_port(address: &str, port: u64) -> String {
    if address.contains(':') { format!("[{address}]:{port}") } else { format!("{address}:{port}") }
}

/// What is at a path of keys; null where nothing is.
fn at<'v>(value: &'v Value, path: &str) -> &'v Value {
    value.pointer(path).unwrap_or(&Value::Null)
}
