//! The rule engine as its users meet it: what is refused and where, what conditions mean, and the rules we ship.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::model::{
    Answer, AuditedSession, ClientOffer, Confidence, Diagnostic, EndState, Endpoint, Facts,
    KeyExchange, Moment, Party, Posture, Roles, Seen, Session, Severity, Subject, TlsFacts, Why,
};

mod shipped;

const HEAD: &str = "rule-version = 1\ncode = \"ACME1\"\nname = \"mine\"\ntitle = \"t\"\nseverity = \"low\"\n\
    on = \"session\"\nmessage = \"m\"\ndescription = \"d\"\nfix = \"f\"\n\
    options = { ports = { type = \"list<int>\", default = [1], doc = \"\" }, name = { type = \"text\", default = \"x\" } }\n";

/// The line of the condition in [`rule_with`].
const LINE: usize = 11;

fn rule_with(condition: &str) -> Result<Rule, Vec<Diagnostic>> {
    read_rule("r.toml", &format!("{HEAD}when = '''{condition}'''\n"))
}

fn built_in() -> RuleSet {
    RuleSet::built_in().unwrap_or_else(|errors| panic!("{}", shown(&errors)))
}

fn shown(errors: &[Diagnostic]) -> String {
    let line = |error: &Diagnostic| {
        let place = error.place.clone().unwrap_or_default();
        let at = format!("{}:{}:{}", place.path, place.line, place.column);
        format!("{at}: {} {} [{}] {:?}\n", error.code, error.message, place.label, error.helps)
    };
    errors.iter().map(line).collect()
}

/// Says yes, no or neither on a session with these TOML values (`tls = { version = "TLSv1.0" }`) and absent fields.
fn ask(condition: &str, input: &str, absent: &str) -> &'static str {
    for expect in ["true", "false", "\"not-observable\""] {
        let test = format!(
            "[[test]]\nname = \"t\"\ninput = {input}\nabsent = [{absent}]\nexpect = {expect}\n"
        );
        let text = format!("{HEAD}when = '''{condition}'''\n{test}");
        let rule = read_rule("r.toml", &text).unwrap_or_else(|errors| panic!("{}", shown(&errors)));
        if rule.trials.iter().all(|trial| trial.run(&rule, fields_of(rule.on)).is_ok()) {
            return match expect {
                "true" => "yes",
                "false" => "no",
                _ => "neither",
            };
        }
    }
    "nothing"
}

#[test]
fn an_expression_that_is_wrong_is_refused_at_its_place() {
    let table = [
        // condition, code, column within the condition from 1, width
        ("tls.verison == \"x\"", "rule-field", 5, 7),
        ("session.tls && !has(tls.snii)", "rule-field", 25, 4),
        ("nothing == 1", "rule-field", 1, 7),
        ("options.port == 1", "rule-field", 9, 4),
        ("server.port == \"8443\"", "rule-type", 16, 6),
        ("server.port in [443, \"8443\"]", "rule-type", 22, 6),
        ("tls.version < \"1.2\"", "rule-type", 1, 11),
        ("server.port", "rule-type", 1, 11),
        ("true ? server.port : 5", "rule-type", 1, 22),
        ("session.tls && server.port", "rule-type", 16, 11),
        ("tls.offered_suites == \"x\"", "rule-type", 1, 18),
        ("tls.sni in \"example.com\"", "rule-type", 12, 13),
        ("matches(tls.sni)", "rule-type", 1, 7),
        ("tls.sni.matches(\"a\")", "rule-type", 9, 7),
        ("tls.offered_suites.contains(\"a\")", "rule-type", 1, 18),
        ("tls.offered_suites.exists(s, s == 1)", "rule-type", 35, 1),
        ("tls.sni.exists(s, s == \"a\")", "rule-type", 1, 7),
        ("packet.time - packet.time > 5", "rule-type", 1, 25),
        ("packet.time > \"2026-01-01\"", "rule-type", 15, 12),
        ("days_between(packet.time) > 5", "rule-type", 1, 12),
        ("timestamp(tls.sni) < packet.time", "rule-type", 1, 18),
        ("has(options.ports)", "rule-type", 5, 13),
        ("size(server.port) > 1", "rule-type", 6, 11),
        ("session.tls &&", "rule-syntax", 13, 2),
        ("session.tls = true", "rule-syntax", 13, 1),
        ("session.tls @ true", "rule-syntax", 13, 1),
        ("session.tls true", "rule-syntax", 13, 4),
        ("tls.sni == \"x", "rule-syntax", 12, 2),
        ("(session.tls", "rule-syntax", 12, 1),
        ("server.port / 2 == 1", "rule-syntax", 13, 1),
        ("tls.offered_suites[0] == \"x\"", "rule-syntax", 19, 1),
        ("server.port == 1.5", "rule-syntax", 16, 3),
        ("has(size(tls.sni))", "rule-syntax", 9, 1),
        ("", "rule-syntax", 1, 1),
    ];
    for (condition, code, column, width) in table {
        let errors = rule_with(condition).expect_err(condition);
        let place = errors[0].place.clone().unwrap();
        let offset = "when = '''".len();
        assert_eq!(
            (errors[0].code, place.line, place.column, place.width),
            (code, LINE, offset + column, width),
            "{condition}\n{}",
            shown(&errors)
        );
    }
}

#[test]
fn the_caret_is_right_on_a_later_line_and_behind_other_letters() {
    let errors =
        rule_with("\nsession.tls\n  && tls.sni == \"é\" && tls.verison == 1\n").unwrap_err();
    let place = errors[0].place.clone().unwrap();
    assert_eq!((place.line, place.column, place.width), (LINE + 2, 28, 7), "{}", shown(&errors));
    assert_eq!(place.label, "did you mean \"version\"?");
}

#[test]
fn a_string_with_escapes_is_pointed_at_as_a_whole() {
    let text = format!("{HEAD}when = \"tls.verison == \\\"x\\\"\"\n");
    let errors = read_rule("r.toml", &text).unwrap_err();
    let place = errors[0].place.clone().unwrap();
    assert_eq!((place.line, place.column), (LINE, "when = ".len() + 1));
}

#[test]
fn several_faults_of_one_file_are_told_together() {
    let text = HEAD.replace("severity = \"low\"", "severity = \"hgih\"").replace("title", "titel")
        + "when = 'tls.verison == 1 && server.prot == 2'\nkey = [\"packet.time\", \"tls.ciper\"]\nevidence = [\"hello\"]\n";
    let codes: Vec<&str> = read_rule("r.toml", &text).unwrap_err().iter().map(|e| e.code).collect();
    assert_eq!(codes.iter().filter(|code| **code == "rule-field").count(), 3, "{codes:?}");
    assert!(codes.contains(&"rule-key"), "{codes:?}");
    assert!(codes.iter().filter(|code| **code == "rule-value").count() >= 3, "{codes:?}");
}

#[test]
fn what_is_not_toml_is_refused_at_its_place() {
    let errors = read_rule("r.toml", "rule-version = 1\ncode = \n").unwrap_err();
    assert_eq!((errors[0].code, errors[0].place.clone().unwrap().line), ("rule-unreadable", 2));
}

#[test]
fn a_message_may_only_name_fields() {
    let text = HEAD.replace("message = \"m\"", "message = \"{server.service} has {tls.verison}\"")
        + "when = 'session.tls'\n";
    let errors = read_rule("r.toml", &text).unwrap_err();
    let place = errors[0].place.clone().unwrap();
    assert_eq!((errors[0].code, place.column, place.width), ("rule-field", 34, 11));
}

#[test]
fn an_embedded_test_may_only_name_fields_and_their_types() {
    for (input, code) in [
        ("{ tls = { verison = \"x\" } }", "rule-test"),
        ("{ tls = { version = 3 } }", "rule-test"),
        ("{ options = { prots = [1] } }", "rule-test"),
    ] {
        let text = format!(
            "{HEAD}when = 'session.tls'\n[[test]]\nname = \"t\"\ninput = {input}\nexpect = true\n"
        );
        assert_eq!(read_rule("r.toml", &text).unwrap_err()[0].code, code, "{input}");
    }
}

#[test]
fn hidden_facts_decide_only_where_nothing_else_does() {
    let hidden = "{ session = { tls = true } }";
    assert_eq!(ask("session.tls && tls.established", hidden, ""), "neither");
    assert_eq!(ask("!session.tls && tls.established", hidden, ""), "no");
    assert_eq!(ask("tls.established && !session.tls", hidden, ""), "no");
    assert_eq!(ask("session.tls || tls.established", hidden, ""), "yes");
    assert_eq!(ask("tls.established || session.tls", hidden, ""), "yes");
    assert_eq!(ask("!tls.established", hidden, ""), "neither");
    assert_eq!(ask("tls.version == \"TLSv1.0\"", hidden, ""), "neither");
    assert_eq!(ask("tls.version in [\"TLSv1.0\"]", hidden, ""), "neither");
    assert_eq!(ask("tls.version in []", hidden, ""), "no");
    assert_eq!(ask("tls.established ? session.tls : session.tls", hidden, ""), "yes");
    assert_eq!(ask("has(tls.sni)", hidden, ""), "neither");
    assert_eq!(ask("size(tls.offered_suites) > 0", hidden, ""), "neither");
}

#[test]
fn absent_facts_make_comparisons_false_and_count_as_empty() {
    let none = "\"tls.sni\", \"tls.version_number\", \"tls.offered_suites\", \"tls.resumed\"";
    for (condition, answer) in [
        ("tls.sni == \"a\"", "no"),
        ("tls.sni != \"a\"", "yes"),
        ("!(tls.sni == \"a\")", "yes"),
        ("tls.sni == tls.version", "no"),
        ("has(tls.sni)", "no"),
        ("tls.version_number <= 770", "no"),
        ("tls.version_number + 1 > 0", "no"),
        ("size(tls.sni) == 0", "yes"),
        ("tls.sni.contains(\"a\")", "no"),
        ("tls.sni in [\"a\"]", "no"),
        ("\"a\" in tls.offered_suites", "no"),
        ("tls.offered_suites.exists(s, s == \"a\")", "no"),
        ("tls.offered_suites.all(s, s == \"a\")", "yes"),
        ("tls.resumed", "no"),
        ("tls.resumed == false", "no"),
    ] {
        assert_eq!(ask(condition, "{}", none), answer, "{condition}");
    }
}

#[test]
fn the_language_means_what_its_page_says() {
    let input = "{ server = { port = 443 }, tls = { sni = \"api.x.é\", offered_suites = [\"A\", \"B\"] }, \
        packet = { time = 2026-01-21T00:00:00Z } }";
    for (condition, answer) in [
        ("server.port + 1 == 444 && server.port * 2 - 6 == 880 && -server.port < 0", "yes"),
        ("server.port * 9223372036854775807 > 0", "yes"),
        ("server.port in options.ports", "no"),
        ("server.port in [1, 443]", "yes"),
        ("443 in [server.port, 5]", "yes"),
        ("options.name == \"x\"", "yes"),
        ("size(tls.sni) == 7 && size(tls.offered_suites) == 2", "yes"),
        (
            "tls.sni.startsWith(\"api.\") && tls.sni.endsWith(\"é\") && tls.sni.contains(\".x.\")",
            "yes",
        ),
        (
            "tls.offered_suites.exists(s, s == \"B\") && !tls.offered_suites.all(s, s == \"B\")",
            "yes",
        ),
        (
            "tls.offered_suites.exists(a, tls.offered_suites.exists(b, a == \"A\" && b == \"B\"))",
            "yes",
        ),
        ("[\"A\"].all(s, s in tls.offered_suites)", "yes"),
        ("days_between(timestamp(\"2026-01-20\"), packet.time) == 1", "yes"),
        ("seconds_between(packet.time, timestamp(\"2026-01-20T23:59:59Z\")) == -1", "yes"),
        ("packet.time >= timestamp(\"2026-01-21T00:00:00Z\")", "yes"),
        ("(server.port > 400 ? 1 : 2) == 1", "yes"),
    ] {
        assert_eq!(ask(condition, input, ""), answer, "{condition}");
    }
}

#[test]
fn a_second_rule_with_a_taken_code_needs_to_say_so() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, more: &str| -> Vec<PathBuf> {
        let text = HEAD.replace("ACME1", "WL2001") + more + "when = 'session.tls'\n";
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        vec![path]
    };
    let errors = built_in().with_files(&file("a.toml", "")).unwrap_err();
    assert_eq!((errors[0].code, errors[0].place.clone().unwrap().line), ("rule-duplicate", 2));
    let set = built_in().with_files(&file("b.toml", "override = true\n")).unwrap();
    assert_eq!(set.rules().len(), built_in().rules().len());
    assert_eq!(set.find("WL2001").unwrap().name, "mine");
    assert_ne!(set.digest(), built_in().digest());
}

#[test]
fn a_directory_of_rules_that_is_not_there_is_an_error() {
    let errors = built_in().with_files(&[PathBuf::from("no/such/dir")]).unwrap_err();
    assert_eq!(errors[0].code, "rule-unreadable");
}

#[test]
fn rules_are_chosen_by_code_name_and_beginning() {
    let words = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
    let codes = |set: RuleSet| {
        set.rules().iter().map(|rule| rule.code.clone()).collect::<Vec<_>>().join(" ")
    };
    let choose = |select: &[&str], ignore: &[&str]| {
        codes(built_in().choose(&words(select), &words(ignore)).unwrap())
    };
    assert_eq!(
        choose(&["WL900", "plaintext-rpc"], &["wl9002"]),
        "WL1001 WL9001 WL9003 WL9004 WL9005"
    );
    let most = choose(&["ALL"], &["WL1", "no-mtls"]);
    assert!(
        most.contains("WL4002") && !most.contains("WL10") && !most.contains("WL4001"),
        "{most}"
    );
    let error = built_in().choose(&words(&["WL10l1"]), &[]).unwrap_err();
    assert_eq!(error[0].code, "rule-unknown");
    assert_eq!(error[0].helps[0], "did you mean WL1001 (plaintext-rpc)?");
    let mut set = built_in();
    set.fix_severity("plaintext-rpc=low").unwrap();
    assert_eq!(set.fixed_severity(0), Some(Severity::Low));
    assert_eq!(set.fix_severity("WL1001=lwo").unwrap_err().code, "rule-value");
}

fn session(version: u16) -> AuditedSession {
    let addr = |last| IpAddr::V4(Ipv4Addr::new(10, 0, 0, last));
    let party = |last| Party::unmapped(Endpoint::new(addr(last), 0));
    let hello = Answer { version, suite: 0xc02f, ..Answer::default() }.into();
    let tls = TlsFacts { server_hello: Seen::Value(Box::new(hello)), ..TlsFacts::default() };
    AuditedSession {
        number: 1,
        session: Session {
            end: EndState::Fin,
            protocol: Some("tls"),
            facts: Facts { tls: Some(Box::new(tls)), ..Facts::default() },
            ..Session::begun(
                Endpoint::new(addr(5), 40_000),
                Endpoint::new(addr(9), 8443),
                Roles::Syn,
                Moment::default(),
            )
        },
        client: party(5),
        server: party(9),
        posture: Posture::TlsOpaque,
        evidence: "observed",
        confidence: Confidence::High,
        posture_why: "",
        client_auth: Seen::NotReached,
        inherited: None,
        server_chain: Vec::new(),
        client_chain: Vec::new(),
        recalled: crate::model::Recalled::default(),
        server_outcome: Seen::NotReached,
        client_outcome: Seen::NotReached,
    }
}

#[test]
fn a_hit_becomes_a_finding_with_key_message_and_facts() {
    let mut evaluator = Evaluator::new(Arc::new(built_in()));
    let old = session(0x0301);
    let subject = Subject::Session(&old);
    let hits = evaluator.evaluate(&subject);
    let rules = Arc::clone(evaluator.rules());
    let hit = hits.iter().find(|hit| rules.rules()[hit.rule].code == "WL2001").unwrap();
    assert_eq!((hit.verdict, hit.severity), (Verdict::Hit, Severity::High));
    let parts = rules.rules()[hit.rule].finding_parts(&subject);
    assert_eq!(parts.message, "10.0.0.5 and 10.0.0.9:8443 agreed on TLSv1.0");
    assert_eq!(parts.key, [("tls.version", "TLSv1.0".to_owned())]);
    assert_eq!(parts.server_port, Some(8443));
    let facts = rules.rules()[hit.rule].facts(&subject);
    assert!(facts.contains(&("tls.version_number", "769".to_owned())));
    assert_eq!(rules.rules()[hit.rule].proof(&old).len(), 1);
}

#[test]
fn a_remembered_verdict_is_the_fresh_one() {
    let set = Arc::new(built_in());
    let mut warm = Evaluator::new(Arc::clone(&set));
    for version in [0x0303, 0x0301, 0x0300, 0x0304, 0x0301, 0x0303, 0x0301] {
        let subject = session(version);
        let subject = Subject::Session(&subject);
        let fresh = Evaluator::new(Arc::clone(&set)).evaluate(&subject);
        assert_eq!(warm.evaluate(&subject), fresh, "{version:04x}");
    }
}

#[test]
fn a_remembered_verdict_is_the_fresh_one_whatever_was_seen_of_the_handshake() {
    let set = Arc::new(built_in());
    let mut warm = Evaluator::new(Arc::clone(&set));
    let offer = |fallback, versions: &[u16], scheme: u16| {
        let (versions, signature_schemes) = (versions.into(), vec![scheme]);
        let offer = ClientOffer { fallback, versions, signature_schemes, ..ClientOffer::default() };
        Seen::Value(Box::new(offer.into()))
    };
    let hidden = Why::Gap;
    let offers = [
        Seen::NotReached,
        Seen::Hidden(hidden),
        offer(false, &[0x0303], 0x0804),
        offer(true, &[0x0303], 0x0804),
        offer(false, &[0x0301, 0x0303], 0x0804),
        offer(false, &[0x0301, 0x0303], 0x0201),
    ];
    let exchange = |group, dh_bits, signature_scheme| {
        let at = Moment::default();
        Seen::Value(KeyExchange { at, group, dh_bits, signature_scheme })
    };
    let exchanges = [
        Seen::Absent,
        Seen::Hidden(hidden),
        exchange(Some(29), None, Some(0x0804)),
        exchange(Some(29), None, Some(0x0201)),
        exchange(None, Some(1024), None),
        exchange(None, Some(2048), None),
    ];
    for _ in 0..2 {
        for (offer, exchange) in offers.iter().flat_map(|o| exchanges.iter().map(move |e| (o, e))) {
            for version in [0x0303, 0x0301] {
                let mut subject = session(version);
                let tls = subject.session.facts.tls.as_mut().unwrap();
                (tls.client_hello, tls.key_exchange) = (offer.clone(), exchange.clone());
                let subject = Subject::Session(&subject);
                let fresh = Evaluator::new(Arc::clone(&set)).evaluate(&subject);
                assert_eq!(warm.evaluate(&subject), fresh, "{offer:?} {exchange:?}");
            }
        }
    }
}

#[test]
fn a_rule_that_asks_who_calls_is_asked_for_every_client() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("r.toml");
    let text = format!("{HEAD}when = 'session.tls && client.addr == \"10.0.0.5\"'\n");
    std::fs::write(&file, text).unwrap();
    let rules = RuleSet::default().with_files(&[file]).unwrap_or_else(|e| panic!("{}", shown(&e)));
    let mut evaluator = Evaluator::new(Arc::new(rules));
    let hits = [5, 6, 5, 7].map(|client| {
        let mut subject = session(0x0303);
        subject.client.addr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, client));
        evaluator.evaluate(&Subject::Session(&subject)).len()
    });
    assert_eq!(hits, [1, 0, 1, 0]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_expression_panics(condition in "[ -~é\\n]{0,60}") {
        let _whatever = rule_with(&condition);
    }

    #[test]
    fn no_expression_of_real_words_panics(words in prop::collection::vec(prop::sample::select(WORDS), 0..14)) {
        if let Ok(rule) = rule_with(&words.join(" ")) {
            let subject = session(0x0303);
            let set = RuleSet::default();
            let mut evaluator = Evaluator::new(Arc::new(set));
            let _none = evaluator.evaluate(&Subject::Session(&subject));
            let parts = rule.finding_parts(&Subject::Session(&subject));
            prop_assert_eq!(parts.message, "m");
        }
    }

    #[test]
    fn no_file_panics(text in "[ -~\\n]{0,200}") {
        let _whatever = read_rule("r.toml", &text);
    }
}

const WORDS: &[&str] = &[
    "&&",
    "||",
    "!",
    "==",
    "!=",
    "<",
    "<=",
    "in",
    "+",
    "-",
    "*",
    "/",
    "?",
    ":",
    "(",
    ")",
    "[",
    "]",
    ",",
    ".",
    "has(tls.sni)",
    "tls.sni",
    "server.port",
    "session.tls",
    "tls.offered_suites",
    "options.ports",
    "1",
    "\"a\"",
    "true",
    "size(",
    ".exists(v,",
    "v",
    ".all(v,",
    "packet.time",
    "timestamp(\"2026-01-01\")",
    "'",
    "{",
    "}",
    "1.5",
    "-9223372036854775808",
    "\u{e9}",
];
