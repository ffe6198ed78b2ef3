use super::*;

fn read(text: &str) -> Result<Services, Vec<Diagnostic>> {
    Services::read(vec![("services.toml".to_owned(), format!("mapping-version = 1\n{text}"))])
}

fn named(services: &Services, at: &str) -> Option<(String, &'static str)> {
    let (addr, port) = address(at).unwrap();
    let at = Endpoint::new(addr, port.unwrap_or(0));
    let found = services.by_exact_address(at).or_else(|| services.by_network(at))?;
    Some((services.party(found, at).service.to_string(), found.how))
}

fn only_error(text: &str) -> Diagnostic {
    let mut errors = read(text).unwrap_err();
    assert_eq!(errors.len(), 1, "{errors:#?}");
    errors.pop().unwrap()
}

const SAMPLE: &str = r#"
[[service]]
name  = "payments"
owner = "team-money@example.com"
tier  = "critical"
addr  = ["10.0.2.9:8443", "10.0.2.10:8443"]
san   = ["dns:payments.prod.internal"]
spiffe = ["spiffe://prod.example/ns/shop/sa/payments"]

[[service]]
name = "orders"
cidr = ["10.0.1.0/28"]

[[service]]
name = "etcd"
kind = "discovery"
cidr = ["10.0.9.0/29"]
ports = [2379, 2380]

[[service]]
name = "batch-eu"
cidr = ["172.16.0.0/16"]
vni  = 4201
valid-from = 2026-01-01T00:00:00Z

[[group]]
name = "internet"
cidr = ["0.0.0.0/0", "::/0"]
"#;

#[test]
fn the_most_specific_entry_names_an_address() {
    let services = read(SAMPLE).unwrap();
    let expected = [
        ("10.0.2.9:8443", "payments", ADDRESS),
        ("10.0.2.9:9090", "internet", GROUP),
        ("10.0.2.9", "payments", ADDRESS),
        ("10.0.1.14:80", "orders", CIDR),
        ("10.0.1.16:80", "internet", GROUP),
        ("10.0.9.1:2379", "etcd", CIDR),
        ("10.0.9.1:80", "internet", GROUP),
        ("10.0.9.1", "etcd", CIDR),
        ("[2001:db8::1]:80", "internet", GROUP),
        ("172.16.0.1:80", "internet", GROUP),
    ];
    for (at, name, how) in expected {
        assert_eq!(named(&services, at), Some((name.to_owned(), how)), "{at}");
    }
    assert_eq!(services.len(), (4, 1));
    assert_eq!(services.virtual_networks(), [4201]);
}

#[test]
fn a_party_has_the_profile_of_its_entry() {
    let services = read(SAMPLE).unwrap();
    let at = Endpoint::new("10.0.2.9".parse().unwrap(), 8443);
    let party = services.party(services.by_exact_address(at).unwrap(), at);
    assert_eq!(party.owner(), Some("team-money@example.com"));
    let profile = party.profile.unwrap();
    assert_eq!((profile.tier.as_deref(), profile.place.line), (Some("critical"), 4));
}

#[test]
fn the_longest_prefix_wins_and_is_no_contradiction() {
    let services = read(
        "[[service]]\nname = 'a'\ncidr = '10.0.0.0/8'\n[[service]]\nname = 'b'\ncidr = ['10.1.0.0/16', '10.2.0.0/32']",
    )
    .unwrap();
    for (at, name) in [("10.1.0.1", "b"), ("10.3.0.1", "a"), ("10.2.0.0", "b"), ("10.2.0.1", "a")] {
        assert_eq!(named(&services, at).unwrap().0, name, "{at}");
    }
}

#[test]
fn names_are_found_whatever_their_case_and_by_wildcards() {
    let services =
        read("[[service]]\nname = 'a'\nsni = ['A.internal', '*.b.internal']\nsan = 'dns:x'\nspiffe = 'spiffe://d/a'")
            .unwrap();
    let found = |kind, name| services.by_name(kind, name).is_some();
    assert!(found(SNI, "a.internal") && found(SNI, "q.b.internal") && found(SAN, "x"));
    assert!(found(SPIFFE, "spiffe://d/a"));
    assert!(!found(SNI, "b.internal") && !found(SAN, "a.internal") && !found(SPIFFE, "x"));
}

#[test]
fn the_same_address_in_two_networks_is_two_services() {
    let services = read(
        "[[service]]\nname = 'red'\ncidr = '10.0.0.0/8'\nvni = 1\n[[service]]\nname = 'blue'\ncidr = '10.0.0.0/8'\nvni = [2, 3]",
    )
    .unwrap();
    let of = |vni| {
        let at = Endpoint::new("10.0.0.1".parse().unwrap(), 80).within(Realm::of_network(vni));
        services.by_network(at).map(|found| services.party(found, at).service)
    };
    assert_eq!(
        [of(1), of(2), of(3), of(4)].map(|n| n.unwrap_or_default()),
        ["red", "blue", "blue", ""]
    );
    assert_eq!(named(&services, "10.0.0.1:80"), None);
}

#[test]
fn an_address_belongs_to_whom_it_belonged_at_the_time() {
    let services = read(
        "[[service]]\nname = 'old'\naddr = '10.0.0.1'\nvalid-to = 2026-01-01\n\
         [[service]]\nname = 'new'\naddr = '10.0.0.1'\nvalid-from = 2026-01-01T00:00:00Z\nvalid-to = 2026-02-01",
    )
    .unwrap();
    let at = |time: &str| {
        let host = Endpoint::new("10.0.0.1".parse().unwrap(), 80);
        host.within(services.realm(host, Timestamp::parse(time).unwrap()))
    };
    let of =
        |at: Endpoint| services.by_exact_address(at).map(|found| services.party(found, at).service);
    assert_eq!(of(at("2025-12-31T23:59:59Z")).unwrap(), "old");
    assert_eq!(of(at("2026-01-01T00:00:00Z")).unwrap(), "new");
    assert_eq!(of(at("2026-02-01T00:00:00Z")), None);
    assert_ne!(at("2025-12-01T00:00:00Z"), at("2026-01-02T00:00:00Z"));
    assert_eq!(at("2026-01-01T00:00:00Z"), at("2026-01-31T00:00:00Z"));
}

#[test]
fn a_client_on_a_host_of_two_services_is_neither() {
    let services = read(
        "[[service]]\nname = 'a'\naddr = '10.0.0.1:80'\n[[service]]\nname = 'b'\naddr = '10.0.0.1:81'\n\
         [[group]]\nname = 'nodes'\ncidr = '10.0.0.0/24'",
    )
    .unwrap();
    assert_eq!(named(&services, "10.0.0.1:81").unwrap().0, "b");
    assert_eq!(named(&services, "10.0.0.1"), Some(("nodes".to_owned(), GROUP)));
}

#[test]
fn entries_that_claim_the_same_are_an_error_that_names_both_places() {
    let error = only_error(
        "[[service]]\nname = 'payments'\ncidr = ['10.0.2.0/24']\n[[service]]\nname = 'ledger'\ncidr = ['10.0.2.0/24']",
    );
    assert_eq!(error.code, "mapping-overlap");
    assert_eq!(error.message, "10.0.2.0/24 belongs to both \"payments\" and \"ledger\"");
    let place = error.place.unwrap();
    assert_eq!(
        (place.path.as_str(), place.line, place.column),
        ("services.toml:4:9 and services.toml", 7, 9)
    );
    let more = [
        "[[service]]\nname='a'\naddr='10.0.0.1:80'\n[[service]]\nname='b'\naddr='10.0.0.1'\nports=[80,81]",
        "[[service]]\nname='a'\nsni='x'\n[[service]]\nname='b'\nsni='X'",
        "[[service]]\nname='a'\nspiffe='spiffe://d/x'\n[[service]]\nname='b'\nspiffe='spiffe://d/x'",
        "[[service]]\nname='a'\naddr='10.0.0.1'\nvni=[1,2]\n[[service]]\nname='b'\naddr='10.0.0.1'\nvni=2",
    ];
    for text in more {
        assert_eq!(only_error(text).code, "mapping-overlap", "{text}");
    }
}

#[test]
fn what_can_be_told_apart_is_no_contradiction() {
    let fine = [
        "[[service]]\nname='a'\naddr='10.0.0.1:80'\n[[service]]\nname='b'\naddr='10.0.0.1:81'",
        "[[service]]\nname='a'\naddr='10.0.0.1:80'\n[[service]]\nname='b'\naddr='10.0.0.1'",
        "[[service]]\nname='a'\naddr='10.0.0.1'\n[[service]]\nname='b'\ncidr='10.0.0.1/32'",
        "[[service]]\nname='a'\ncidr='10.0.0.0/8'\n[[group]]\nname='b'\ncidr='10.0.0.0/8'",
        "[[service]]\nname='a'\ncidr='10.0.0.0/8'\nvni=1\n[[service]]\nname='b'\ncidr='10.0.0.0/8'",
        "[[service]]\nname='a'\naddr='10.0.0.1'\n[[service]]\nname='a'\naddr='10.0.0.1'",
        "[[service]]\nname='a'\naddr='::ffff:10.0.0.1'\n[[service]]\nname='a'\ncidr='::/0'",
    ];
    for text in fine {
        read(text).unwrap_or_else(|errors| panic!("{text}: {errors:#?}"));
    }
}

#[test]
fn what_is_wrong_is_said_with_its_place_and_what_was_meant() {
    let expected = [
        ("[[service]]\nname='a'\nadr='10.0.0.1'", "mapping-key", "did you mean \"addr\"?", 4),
        ("[[service]]\nname='a'\naddr='10.0.0.999'", "mapping-value", "expected 10.0.0.9", 4),
        ("[[service]]\nname='a'\ncidr='10.0.0.1/8'", "mapping-value", "write 10.0.0.0/8", 4),
        ("[[service]]\nname='a'\nsan='email:x@y'", "mapping-value", "expected dns:NAME", 4),
        ("[[service]]\nname='a'\nspiffe='payments'", "mapping-value", "expected spiffe://", 4),
        (
            "[[service]]\nname='a'\naddr='10.0.0.1'\nports=[70000]",
            "mapping-value",
            "expected numbers",
            5,
        ),
        (
            "[[service]]\nname='a'\naddr='10.0.0.1'\nvalid-from='soon'",
            "mapping-value",
            "expected a time",
            5,
        ),
        ("[[service]]\naddr='10.0.0.1'", "mapping-value", "", 2),
        ("[[service]]\nname='a'", "mapping-value", "addr, cidr", 3),
        ("[[groups]]\nname='a'", "mapping-key", "did you mean \"group\"?", 2),
        ("[[group]]\nname='a'\nsni='x'", "mapping-key", "", 4),
        ("service = 1", "mapping-value", "expected written as [[service]]", 2),
        ("= 1", "mapping-unreadable", "", 2),
    ];
    for (text, code, label, line) in expected {
        let error = read(text).unwrap_err().remove(0);
        let place = error.place.clone().unwrap();
        assert_eq!((error.code, place.line), (code, line), "{text}: {error:#?}");
        assert!(place.label.contains(label), "{text}: {error:#?}");
    }
    let version = Services::read(vec![("s".to_owned(), "mapping-version = 2".to_owned())]);
    assert_eq!(version.unwrap_err()[0].place.as_ref().unwrap().label, "write mapping-version = 1");
}

#[test]
fn files_are_one_mapping() {
    let file = |name: &str, text: &str| (name.to_owned(), format!("mapping-version = 1\n{text}"));
    let a = file("a.toml", "[[service]]\nname='a'\naddr='10.0.0.1'");
    let b = file("b.toml", "[[service]]\nname='b'\naddr='10.0.0.1'");
    let errors = Services::read(vec![a.clone(), b]).unwrap_err();
    assert_eq!(errors[0].place.as_ref().unwrap().path, "a.toml:4:6 and b.toml");
    let c = file("c.toml", "[[service]]\nname='c'\naddr='10.0.0.2'");
    let services = Services::read(vec![a, c]).unwrap();
    assert_eq!(named(&services, "10.0.0.2").unwrap().0, "c");
    assert_eq!(services.names(), ["a", "c"]);
}
