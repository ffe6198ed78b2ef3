use std::sync::Arc;

use proptest::prelude::*;

use super::super::services::Services;
use super::*;

fn at(text: &str) -> Endpoint {
    let (addr, port) = super::super::services::address(text).unwrap();
    Endpoint::new(addr, port.unwrap_or(0))
}

/// Evidence in a few words: `10.0.0.2:443 sni payments`, `10.0.0.1 uri spiffe://x/y`, `10.0.0.1 asks payments`.
fn evidence(lines: &[&str]) -> Evidence {
    let mut all = Evidence::default();
    for line in lines {
        let [place, what, name] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let (place, host) = (at(place), at(place).port == 0);
        if what == "asks" {
            all.asked.entry(place).or_default().insert(name.to_owned());
            continue;
        }
        let source = match what {
            "uri" => Source::CertificateUri,
            "san" => Source::CertificateDns,
            "registry" => Source::Registry,
            "sni" => Source::Sni,
            "authority" => Source::Authority,
            "dns" => Source::Dns,
            _ => Source::Mdns,
        };
        let map = if host { &mut all.hosts } else { &mut all.servers };
        map.entry(place).or_default().add_for_test(source, name);
    }
    all
}

fn settled(file: &str, lines: &[&str]) -> Names {
    let text = format!("mapping-version = 1\n{file}");
    let services = Services::read(vec![("services.toml".to_owned(), text)]).unwrap();
    Names::settle(Directory::of(Arc::new(services)), &evidence(lines))
}

fn server(names: &Names, place: &str) -> String {
    let party = names.server(at(place));
    format!("{} {}", party.service, party.how)
}

fn client(names: &Names, place: &str) -> String {
    let party = names.client(at(place));
    format!("{} {}", party.service, party.how)
}

const FILE: &str = "
[[service]]
name = 'payments'
addr = '10.0.2.9:8443'
san = 'dns:payments.internal'
spiffe = 'spiffe://prod/payments'
[[service]]
name = 'orders'
spiffe = 'spiffe://prod/orders'
sni = 'orders.internal'
[[service]]
name = 'net'
cidr = '10.0.3.0/24'
";

#[test]
fn the_users_file_comes_before_everything_that_was_learned() {
    let names = settled(
        FILE,
        &[
            "10.0.2.9:8443 uri spiffe://prod/orders",
            "10.0.3.1:443 uri spiffe://prod/orders",
            "10.0.3.2:443 san payments.internal",
            "10.0.3.3:443 sni orders.internal",
            "10.0.3.4:443 sni other.internal",
            "10.0.4.1:443 sni other.internal",
        ],
    );
    assert_eq!(server(&names, "10.0.2.9:8443"), "payments address");
    assert_eq!(server(&names, "10.0.3.1:443"), "orders spiffe");
    assert_eq!(server(&names, "10.0.3.2:443"), "payments san");
    assert_eq!(server(&names, "10.0.3.3:443"), "orders sni");
    assert_eq!(server(&names, "10.0.3.4:443"), "net cidr");
    assert_eq!(server(&names, "10.0.4.1:443"), "other.internal learned-sni");
    assert_eq!(client(&names, "10.0.3.1"), "orders spiffe");
    assert_eq!(client(&names, "10.0.4.1"), "other.internal learned-sni");
}

#[test]
fn an_endpoint_that_shows_the_names_of_two_services_is_neither() {
    let names = settled(
        FILE,
        &["10.0.4.1:443 uri spiffe://prod/orders", "10.0.4.1:443 uri spiffe://prod/payments"],
    );
    assert_eq!(server(&names, "10.0.4.1:443"), "10.0.4.1 unmapped");
}

#[test]
fn the_best_word_decides_and_weaker_ones_only_choose() {
    let names = settled(
        "",
        &[
            "10.0.0.1:443 san a.internal",
            "10.0.0.1:443 sni b.internal",
            "10.0.0.2:443 san c.internal",
            "10.0.0.2:443 san d.internal",
            "10.0.0.2:443 sni d.internal",
            "10.0.0.3:443 san *.e.internal",
            "10.0.0.3:443 sni x.e.internal",
            "10.0.0.3:443 sni stranger",
            "10.0.0.4:443 san *.f.internal",
        ],
    );
    assert_eq!(server(&names, "10.0.0.1:443"), "a.internal learned-san");
    assert_eq!(server(&names, "10.0.0.2:443"), "d.internal learned-sni");
    assert_eq!(server(&names, "10.0.0.3:443"), "x.e.internal learned-sni");
    assert_eq!(server(&names, "10.0.0.4:443"), "10.0.0.4 unmapped");
}

#[test]
fn several_services_behind_one_address_leave_it_its_address() {
    let names = settled(
        "",
        &[
            "10.0.0.1:443 sni a.internal",
            "10.0.0.1:443 sni b.internal",
            "10.0.0.2:80 authority payments",
            "10.0.0.2:80 authority payments.shop",
            "10.0.0.2:80 authority payments.shop.svc",
            "10.0.0.3:80 authority payments.shop",
            "10.0.0.3:80 authority payments.test",
        ],
    );
    assert_eq!(server(&names, "10.0.0.1:443"), "10.0.0.1 unmapped");
    assert_eq!(server(&names, "10.0.0.2:80"), "payments.shop.svc learned-authority");
    assert_eq!(server(&names, "10.0.0.3:80"), "10.0.0.3 unmapped");
}

#[test]
fn no_name_is_forged_that_something_stronger_gave_to_another() {
    let names = settled(
        FILE,
        &[
            "10.0.0.1:443 san ledger.internal",
            "10.0.0.9:443 sni ledger.internal",
            "10.0.0.8 dns ledger.internal",
            "10.0.0.7:80 authority payments",
            "10.0.0.6 dns orders",
        ],
    );
    assert_eq!(server(&names, "10.0.0.1:443"), "ledger.internal learned-san");
    for (place, name) in [("10.0.0.9:443", "10.0.0.9"), ("10.0.0.7:80", "10.0.0.7")] {
        assert_eq!(server(&names, place), format!("{name} unmapped"));
    }
    for place in ["10.0.0.8", "10.0.0.6"] {
        assert_eq!(client(&names, place), format!("{place} unmapped"));
    }
}

#[test]
fn who_passes_requests_on_does_not_have_the_name() {
    let names = settled(
        "",
        &[
            "10.0.0.1:443 sni shop.example.com",
            "10.0.0.1 asks shop.example.com",
            "10.0.0.2:443 sni shop.example.com",
            "10.0.0.3:443 sni api.example.com",
            "54.1.2.3:443 sni api.example.com",
        ],
    );
    assert_eq!(server(&names, "10.0.0.1:443"), "10.0.0.1 unmapped");
    assert_eq!(server(&names, "10.0.0.2:443"), "shop.example.com learned-sni");
    assert_eq!(server(&names, "10.0.0.3:443"), "10.0.0.3 unmapped");
    assert_eq!(server(&names, "54.1.2.3:443"), "api.example.com learned-sni");
}

#[test]
fn a_client_has_the_name_of_its_certificate_else_of_what_it_serves() {
    let names = settled(
        "",
        &[
            "10.0.0.1 uri spiffe://prod/orders",
            "10.0.0.1:80 authority shop.internal",
            "10.0.0.2:80 authority stock.internal",
            "10.0.0.3:80 authority a.internal",
            "10.0.0.3:81 authority b.internal",
            "10.0.0.4 dns search.internal",
            "10.0.0.4:9200 mdns other.internal",
        ],
    );
    assert_eq!(client(&names, "10.0.0.1"), "spiffe://prod/orders learned-spiffe");
    assert_eq!(client(&names, "10.0.0.2"), "stock.internal learned-authority");
    assert_eq!(client(&names, "10.0.0.3"), "10.0.0.3 unmapped");
    assert_eq!(client(&names, "10.0.0.4"), "search.internal learned-dns");
    assert_eq!(server(&names, "10.0.0.4:9200"), "search.internal learned-dns");
}

#[test]
fn a_place_with_more_names_than_are_kept_has_none() {
    let many: Vec<String> = (0..40).map(|n| format!("10.0.0.1:443 sni name{n}.internal")).collect();
    let lines: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(server(&settled("", &lines), "10.0.0.1:443"), "10.0.0.1 unmapped");
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(6),
        ..ProptestConfig::with_cases(256)
    })]

    #[test]
    fn names_do_not_depend_on_the_order_in_which_they_were_learned(
        facts in proptest::collection::vec((0u8..4, 0u8..3, 0usize..7, 0u8..5), 0..40),
        cut in 0usize..40,
    ) {
        const WHAT: [&str; 7] = ["uri", "san", "registry", "sni", "authority", "dns", "mdns"];
        let line = |(host, port, what, name): &(u8, u8, usize, u8)| {
            let port = if *port == 0 { String::new() } else { format!(":{port}") };
            format!("10.0.0.{host}{port} {} n{name}.internal", WHAT[*what])
        };
        let lines: Vec<String> = facts.iter().map(line).collect();
        let forward: Vec<&str> = lines.iter().map(String::as_str).collect();
        let mut turned = forward.clone();
        turned.rotate_left(cut.min(forward.len()));
        turned.reverse();
        let (one, other) = (settled(FILE, &forward), settled(FILE, &turned));
        for host in 0..4 {
            let place = format!("10.0.0.{host}");
            prop_assert_eq!(client(&one, &place), client(&other, &place));
            for port in 1..3 {
                let place = format!("10.0.0.{host}:{port}");
                prop_assert_eq!(server(&one, &place), server(&other, &place));
            }
        }
    }
}
