use super::*;
use crate::identity::Services;
use crate::model::Endpoint;

fn made(text: &str) -> String {
    let out = import("in", text, None).unwrap_or_else(|error| panic!("{error:#?}"));
    let loaded = Services::read(vec![("services.toml".to_owned(), out.clone())]);
    loaded.unwrap_or_else(|errors| panic!("{errors:#?}\n{out}"));
    out
}

fn who(file: &str, at: &str) -> Option<String> {
    let services = Services::read(vec![("services.toml".to_owned(), file.to_owned())]).unwrap();
    let (addr, port) = crate::identity::address(at).unwrap();
    let at = Endpoint::new(addr, port.unwrap_or(0));
    services.by_exact_address(at).map(|found| services.party(found, at).service.into())
}

const CLUSTER: &str = r#"{
  "apiVersion": "v1", "kind": "List", "items": [
    {"apiVersion": "v1", "kind": "Pod",
     "metadata": {"name": "payments-7d9f8b6c5-x2x4z", "namespace": "shop", "labels": {"app": "payments", "tier": "backend"},
       "ownerReferences": [{"kind": "ReplicaSet", "name": "payments-7d9f8b6c5"}]},
     "spec": {"containers": [{"name": "app", "ports": [{"containerPort": 8443, "protocol": "TCP"}]}]},
     "status": {"phase": "Running", "podIP": "10.244.1.5", "podIPs": [{"ip": "10.244.1.5"}, {"ip": "fd00::1:5"}]}},
    {"apiVersion": "v1", "kind": "Pod",
     "metadata": {"name": "migrate-abcde", "namespace": "shop", "labels": {"app": "payments"}},
     "spec": {"containers": []}, "status": {"phase": "Succeeded", "podIP": "10.244.1.6"}},
    {"apiVersion": "v1", "kind": "Pod",
     "metadata": {"name": "worker-6c9-q", "namespace": "shop", "labels": {"tier": "backend", "both": "yes"},
       "annotations": {"owner": "team-jobs@example.com"},
       "ownerReferences": [{"kind": "ReplicaSet", "name": "worker-6c9"}]},
     "spec": {"containers": []}, "status": {"phase": "Running", "podIP": "10.244.1.7"}},
    {"apiVersion": "v1", "kind": "Pod",
     "metadata": {"name": "node-exporter-1", "namespace": "monitoring", "labels": {"app": "node-exporter"}},
     "spec": {"hostNetwork": true, "containers": [{"ports": [{"containerPort": 9100}]}]},
     "status": {"phase": "Running", "podIP": "192.168.1.10"}},
    {"apiVersion": "v1", "kind": "Pod",
     "metadata": {"name": "kube-proxy-1", "namespace": "kube-system", "labels": {"k8s-app": "kube-proxy"}},
     "spec": {"hostNetwork": true, "containers": [{}]},
     "status": {"phase": "Running", "podIP": "192.168.1.10"}},
    {"apiVersion": "v1", "kind": "Service",
     "metadata": {"name": "payments", "namespace": "shop", "labels": {"team": "money"}},
     "spec": {"clusterIP": "10.96.0.20", "clusterIPs": ["10.96.0.20"], "selector": {"app": "payments"},
       "ports": [{"port": 8443, "targetPort": 8443, "protocol": "TCP"}]}},
    {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "backends", "namespace": "shop"},
     "spec": {"clusterIP": "None", "selector": {"both": "yes"}, "ports": [{"port": 80}]}},
    {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "backends-too", "namespace": "shop"},
     "spec": {"clusterIP": "None", "selector": {"tier": "backend", "both": "yes"}, "ports": [{"port": 80}]}},
    {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "kubernetes", "namespace": "default"},
     "spec": {"clusterIP": "10.96.0.1", "ports": [{"port": 443}]}}
  ]}"#;

#[test]
fn pods_belong_to_the_service_that_selects_them() {
    let file = made(CLUSTER);
    let expected = [
        ("10.96.0.20:8443", Some("shop/payments")),
        ("10.244.1.5", Some("shop/payments")),
        ("fd00::1:5", Some("shop/payments")),
        ("10.244.1.6", None),
        ("10.244.1.7", Some("shop/worker")),
        ("192.168.1.10:9100", Some("monitoring/node-exporter")),
        ("192.168.1.10:22", None),
        ("10.96.0.1:443", Some("default/kubernetes")),
    ];
    for (at, name) in expected {
        assert_eq!(who(&file, at).as_deref(), name, "{at}\n{file}");
    }
    for said in [
        "pods of shop/worker are behind several services: shop/backends, shop/backends-too",
        "kube-system/kube-proxy is on the network of the host 192.168.1.10",
        "owner = \"team-jobs@example.com\"",
        "owner = \"money\"",
        "\"payments.shop.svc.cluster.local\"",
    ] {
        assert!(file.contains(said), "{said}\n{file}");
    }
}

#[test]
fn the_order_of_what_is_imported_does_not_matter() {
    let mut all: serde_json::Value = serde_json::from_str(CLUSTER).unwrap();
    all["items"].as_array_mut().unwrap().reverse();
    assert_eq!(made(&all.to_string()), made(CLUSTER));
}

#[test]
fn compose_services_are_known_by_name_and_fixed_address() {
    let file = made(
        "services:\n  payments:\n    image: x\n    container_name: shop-payments-1\n    labels:\n      - owner=money\n    \
         networks:\n      back:\n        ipv4_address: 172.28.0.10\n        aliases: [pay]\n  orders:\n    image: y\n    \
         depends_on: [payments]\nnetworks:\n  back: {}\n",
    );
    assert_eq!(who(&file, "172.28.0.10").as_deref(), Some("payments"));
    for said in [
        "sni = [\"pay\", \"payments\", \"shop-payments-1\"]",
        "owner = \"money\"",
        "# orders has no fixed address",
    ] {
        assert!(file.contains(said), "{said}\n{file}");
    }
}

#[test]
fn a_hosts_file_names_addresses() {
    let file = made(
        "127.0.0.1 localhost\n::1 ip6-localhost\n# comment\n10.0.0.9\tpayments payments.internal # main\n10.0.0.10 payments\n10.0.0.9 pay2\n",
    );
    assert_eq!(who(&file, "10.0.0.9").as_deref(), Some("payments"));
    assert_eq!(who(&file, "10.0.0.10:80").as_deref(), Some("payments"));
    assert!(file.contains("# 10.0.0.9 is also called pay2"), "{file}");
    assert!(!file.contains("localhost"), "{file}");
}

#[test]
fn the_catalogue_of_consul_names_instances() {
    let catalogue = r#"[
        {"Node": "n1", "Address": "10.0.0.5", "ServiceName": "payments", "ServiceAddress": "", "ServicePort": 8443},
        {"Node": "n2", "Address": "10.0.0.6", "ServiceName": "payments", "ServiceAddress": "10.1.0.6", "ServicePort": 8443}]"#;
    let file = made(catalogue);
    assert_eq!(who(&file, "10.0.0.5:8443").as_deref(), Some("payments"));
    assert_eq!(who(&file, "10.1.0.6:8443").as_deref(), Some("payments"));
    let health = r#"[{"Node": {"Node": "n1", "Address": "10.0.0.5"}, "Service": {"Service": "orders", "Address": "", "Port": 80}}]"#;
    assert_eq!(who(&made(health), "10.0.0.5:80").as_deref(), Some("orders"));
    let agent =
        r#"{"web-1": {"ID": "web-1", "Service": "web", "Address": "10.0.0.7", "Port": 80}}"#;
    assert_eq!(who(&made(agent), "10.0.0.7:80").as_deref(), Some("web"));
}

#[test]
fn what_two_services_claim_is_left_to_a_person() {
    let catalogue = r#"[{"ServiceName": "a", "ServiceAddress": "10.0.0.5", "ServicePort": 80},
        {"ServiceName": "b", "ServiceAddress": "10.0.0.5", "ServicePort": 80},
        {"ServiceName": "b", "ServiceAddress": "10.0.0.5", "ServicePort": 81}]"#;
    let file = made(catalogue);
    assert!(file.contains("# 10.0.0.5:80 (addr) belongs to a and b: choose one"), "{file}");
    assert_eq!(
        (who(&file, "10.0.0.5:80"), who(&file, "10.0.0.5:81").as_deref()),
        (None, Some("b"))
    );
}

#[test]
fn hostile_names_stay_within_their_quotes() {
    let file = made(
        r#"[{"ServiceName": "a\"]\nx = 1 #\u001b", "ServiceAddress": "10.0.0.5", "ServicePort": 80}]"#,
    );
    assert!(file.chars().all(|c| c == '\n' || !c.is_control()), "{file}");
    assert!(who(&file, "10.0.0.5:80").unwrap().starts_with("a\"]\\nx"), "{file}");
}

#[test]
fn what_is_none_of_these_is_refused() {
    for text in [
        "",
        "{}",
        "[]",
        "{",
        "services: 1",
        "services:\n  - a",
        "garbage here",
        "services:\n a: &a [*a",
    ] {
        let error = import("in", text, None).unwrap_err();
        assert_eq!(error.code, "import-unreadable", "{text}");
    }
    let bomb: String = (0..40)
        .map(|n| format!("a{}: &a{n} [{}]\n", n, format!("*a{},", n.max(1) - 1).repeat(9)))
        .collect();
    assert!(import("in", &format!("services:\n  x: {{}}\n{bomb}"), None).is_err());
}
