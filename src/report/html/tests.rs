use super::*;
use crate::model::{ServiceRow, fixture};

fn page(outcome: &Outcome) -> String {
    let mut out = Vec::new();
    write(outcome, &Style::default(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn graded(mut outcome: Outcome) -> Outcome {
    crate::audit::grade(&mut outcome);
    outcome
}

/// What a peer would like a browser to run.
const SCRIPT: &str = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'&</style></title>";

/// The fixture with that wherever text of the wire, of files or of users comes in.
fn hostile() -> Outcome {
    let mut outcome = fixture::outcome();
    let text = SCRIPT.to_owned();
    let name = |party: &mut crate::model::Party| {
        party.service = text.as_str().into();
        party.how = "sni";
    };
    for row in &mut outcome.services {
        name(&mut row.service);
        row.protocols = vec![text.clone()];
    }
    for row in &mut outcome.edges {
        name(&mut row.client);
        name(&mut row.server);
    }
    for finding in &mut outcome.findings {
        finding.message = text.as_str().into();
        finding.fix = text.as_str().into();
        finding.accepted = Some(Box::new(fixture::acceptance()));
        finding.accepted.as_mut().unwrap().reason.clone_from(&text);
        if let Some(server) = &mut finding.server {
            name(server);
        }
        for sample in &mut finding.evidence {
            sample.facts.push(("sni", text.clone()));
        }
    }
    outcome.findings[0].accepted = None;
    for row in &mut outcome.certificates {
        name(&mut row.party);
        let mut certificate = (*row.certificate).clone();
        if let Some(details) = &mut certificate.details {
            details.subject.clone_from(&text);
            details.issuer.clone_from(&text);
            details.common_name = Some(text.clone());
            details.names = vec![crate::model::SanName::Dns(text.clone())];
        }
        row.certificate = certificate.into();
    }
    outcome.credentials[0].at.credential.principal = Some(text.clone());
    outcome.run.sources[0].name = text.clone();
    outcome.run.filter = Some(text.clone());
    outcome.coverage.incomplete[0].message = text;
    outcome
}

/// Every tag of a page, from `<` to `>`; quoted values may hold `>`.
fn tags(page: &str) -> Vec<&str> {
    let (head, rest) = page.split_once("<style>").unwrap();
    let (_, body) = rest.split_once("</style>").unwrap();
    let mut tags = Vec::new();
    for mut text in [head, body] {
        while let Some(start) = text.find('<') {
            let mut quoted = false;
            let end = text[start..].find(|c| {
                quoted ^= c == '"';
                c == '>' && !quoted
            });
            let end = start + end.expect("a tag ends");
            tags.push(&text[start..=end]);
            text = &text[end + 1..];
        }
    }
    tags
}

#[test]
fn text_of_the_wire_makes_no_tag_no_attribute_and_no_address() {
    let page = page(&graded(hostile()));
    assert!(page.contains("&lt;script&gt;alert(1)"));
    for tag in tags(&page) {
        let name: String =
            tag[1..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '/').collect();
        assert!(
            !matches!(name.as_str(), "script" | "img" | "iframe" | "object" | "link" | "form"),
            "{tag}"
        );
        for (at, _) in tag.match_indices("href=\"") {
            assert!(tag[at + 6..].starts_with('#'), "{tag}");
        }
        for name in ["src=\"", " on", " style=\"", " action=\""] {
            let outside: String = tag.split('"').step_by(2).collect::<Vec<_>>().join("\"");
            assert!(!outside.contains(name), "{tag}");
        }
        for name in [" id=\"", " class=\""] {
            for (at, _) in tag.match_indices(name) {
                let value = tag[at + name.len()..].split('"').next().unwrap();
                let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | ' ' | '_');
                assert!(value.chars().all(plain), "{tag}");
            }
        }
    }
}

#[test]
fn every_tag_that_opens_closes_in_its_order() {
    const VOID: [&str; 3] = ["meta", "br", "!DOCTYPE"];
    for outcome in [graded(hostile()), graded(fixture::outcome()), fixture::empty()] {
        let page = page(&outcome);
        let mut open: Vec<String> = Vec::new();
        let mut ids = std::collections::BTreeSet::new();
        for tag in tags(&page) {
            let name: String =
                tag[1..].chars().take_while(|c| !c.is_whitespace() && *c != '>').collect();
            if let Some((_, rest)) = tag.split_once(" id=\"") {
                let id = rest.split('"').next().unwrap().to_owned();
                assert!(ids.insert(id.clone()), "twice: {id}");
            }
            match name.strip_prefix('/') {
                Some(closed) => assert_eq!(open.pop().as_deref(), Some(closed)),
                None if !VOID.contains(&name.as_str()) => open.push(name),
                None => {}
            }
        }
        assert!(open.is_empty(), "{open:?}");
        let links = tags(&page)
            .into_iter()
            .filter_map(|tag| tag.split_once("href=\"#")?.1.split('"').next());
        for link in links {
            assert!(ids.contains(link), "{link} leads nowhere");
        }
        for (at, _) in page.match_indices("url(") {
            assert!(page[at..].starts_with("url(#head-"), "{}", &page[at..at + 40]);
        }
    }
}

#[test]
fn the_page_allows_its_own_style_and_nothing_else() {
    let page = page(&fixture::empty());
    let style = page.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
    let digest = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(style));
    let policy = format!(
        "content=\"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'\""
    );
    assert!(
        page.contains(&policy) || page.contains(&policy.replace('\'', "&#39;")),
        "{}",
        &page[..600]
    );
    assert!(!style.contains("http") && !style.contains("@import") && !style.contains("url("));
    let outside = page.replace(style, "");
    assert!(!outside.contains("http://") && !outside.contains("https://"));
}

#[test]
fn the_page_says_what_the_other_reports_say() {
    let page = page(&graded(fixture::outcome()));
    for wanted in [
        "FAILED: 2 findings at or above high",
        "orders speaks grpc to payments:50051 without TLS",
        "truncated-capture",
        "What would lift it",
        "frame.number in {118}",
        "payments.internal",
        "What could not be seen",
    ] {
        assert!(page.contains(wanted), "{wanted}");
    }
    let (unseen, findings) = (page.find("id=\"unseen\""), page.find("id=\"findings\""));
    assert!(unseen < findings);
    assert_eq!(page, self::page(&graded(fixture::outcome())));
}

/// A run with this many services, edges and findings.
fn large(services: usize, findings: usize) -> Outcome {
    let mut outcome = fixture::many_findings(findings);
    let (service, edge) = (outcome.services[1].clone(), outcome.edges[1].clone());
    let name = |n: usize| {
        fixture::party(&format!("service-{n}"), &format!("10.1.{}.{}", n / 250, n % 250))
    };
    outcome.services = (0..services)
        .map(|n| ServiceRow {
            service: name(n),
            endpoint: format!("10.1.{}.{}:50051", n / 250, n % 250),
            ..service.clone()
        })
        .collect();
    outcome.edges = (0..services)
        .flat_map(|n| [1, 7, 31].map(|step| (n, (n + step) % services)))
        .map(|(from, to)| {
            let mut edge = edge.clone();
            (edge.client, edge.server) = (name(from), name(to));
            edge
        })
        .collect();
    for (n, finding) in outcome.findings.iter_mut().enumerate() {
        finding.server = Some(name(n % services));
        finding.rule = format!("WL{}", 1000 + n % 60).into();
    }
    graded(outcome)
}

#[test]
fn ten_thousand_findings_and_a_thousand_services_stay_a_page() {
    let outcome = large(1000, 10_000);
    let page = page(&outcome);
    assert!(page.len() < 4_000_000, "{} bytes", page.len());
    assert!(page.contains("940 services are left out"));
    assert!(page.contains("not on this page"));
}

#[test]
fn a_map_is_the_same_each_time_and_boxes_do_not_overlap() {
    for services in [1, 5, 30, 60] {
        let outcome = large(services, 20);
        let map = map::Map::of(&outcome);
        let again = map::Map::of(&outcome);
        let places = |map: &map::Map| {
            map.nodes.iter().map(|node| (node.column, node.place)).collect::<Vec<_>>()
        };
        assert_eq!(places(&map), places(&again));
        let distinct: std::collections::BTreeSet<_> = places(&map).into_iter().collect();
        assert_eq!(distinct.len(), map.nodes.len());
        assert!(map.arrows.iter().all(|arrow| arrow.to < map.nodes.len()));
    }
}

#[test]
fn callers_stand_left_of_whom_they_call() {
    let outcome = graded(fixture::outcome());
    let map = map::Map::of(&outcome);
    for arrow in &map.arrows {
        assert!(map.nodes[arrow.from].column < map.nodes[arrow.to].column);
    }
}
