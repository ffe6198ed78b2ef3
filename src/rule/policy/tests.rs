//! What a policy may say, and what is said of one that is wrong.

use super::*;

const HEAD: &str = "policy-version = 1\nunknown-edges = \"high\"\n";

fn read(rest: &str) -> Policy {
    Policy::read("policy.toml", &format!("{HEAD}{rest}")).unwrap_or_else(|e| panic!("{e:#?}"))
}

/// The first complaint: code, line, column, what is marked, label.
#[track_caller]
fn refused(rest: &str) -> (&'static str, usize, usize, String, String) {
    let text = format!("{HEAD}{rest}");
    let errors = Policy::read("policy.toml", &text).expect_err("it is wrong");
    let error = &errors[0];
    let place = error.place.clone().unwrap();
    let marked: String = place.text.chars().skip(place.column - 1).take(place.width).collect();
    (error.code, place.line, place.column, marked, format!("{}: {}", error.message, place.label))
}

fn edge(rest: &str) -> String {
    format!("[[edge]]\nfrom = \"orders\"\nto = \"payments\"\n{rest}")
}

#[test]
fn an_entry_says_who_may_talk_to_whom_and_how() {
    let policy = read(&edge(
        "port = [8443, 443]\nrequire = \"tls\"\ntls-min = \"1.3\"\nmethods = \"shop.*\"\n\
         identity = { server = [\"dns:a\", \"spiffe://b\"] }\nreason = \"r\"\nuntil = 2026-06-30\n",
    ));
    let PolicyEdge { terms, weaker, place, require_place, .. } = &policy.edges[0];
    assert_eq!(terms.edge(), "orders -> payments:443,8443");
    assert_eq!(terms.demand, Demand { require: Require::Tls, tls_min: 0x0304 });
    assert_eq!(
        (&*terms.methods, &*terms.servers),
        (&["shop.*".into()][..], &["dns:a".into(), "spiffe://b".into()][..])
    );
    assert_eq!(terms.until, Timestamp::parse("2026-07-01").ok());
    assert_eq!((*weaker, place.line, require_place.as_ref().unwrap().line), (true, 3, 7));
    assert_eq!((place.column, &*place.text, place.width), (1, "[[edge]]", 8));
    assert_eq!((policy.unknown_edges, policy.unknown_place.line), (Some(Severity::High), 2));
}

#[test]
fn the_entry_that_is_closest_wins() {
    let policy = read(
        "[zones]\nfront = [\"gateway\", \"web-*\"]\n\
         [[edge]]\nfrom = \"*\"\nto = \"*\"\n\
         [[edge]]\nfrom = \"*\"\nto = \"etcd\"\n\
         [[edge]]\nfrom = \"*\"\nto = \"etcd\"\nport = 2379\n\
         [[edge]]\nfrom = \"zone:front\"\nto = \"etcd\"\n\
         [[edge]]\nfrom = \"web-1\"\nto = \"etcd\"\n\
         [[edge]]\nfrom = \"pay*\"\nto = \"a*\"\n\
         [[edge]]\nfrom = \"payments-*\"\nto = \"a*\"\n\
         [[edge]]\nfrom = \"*\"\nto = \"abcdefgh*\"\n",
    );
    let found = |client, server, port| policy.find(client, server, port).map(|found| found.number);
    assert_eq!(found("x", "y", 1), Some(0));
    assert_eq!(found("x", "etcd", 1), Some(1), "a name before a pattern");
    assert_eq!(found("x", "etcd", 2379), Some(2), "a port before none");
    assert_eq!(found("gateway", "etcd", 1), Some(3), "two names before one");
    assert_eq!(found("gateway", "etcd", 2379), Some(3), "names before ports");
    assert_eq!(found("web-2", "etcd", 1), Some(3), "more letters");
    assert_eq!(found("web-1", "etcd", 1), Some(4));
    assert_eq!(found("payments-1", "ab", 1), Some(6), "more letters");
    assert_eq!(found("pay-1", "abcdefgh", 1), Some(7), "letters of both ends count");
    assert!(policy.find("x", "y", 1).unwrap().any_server);
    assert!(read("").find("x", "y", 1).is_none());
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let cases: [(&str, &str, usize, &str, &str); 16] = [
        ("colour = 1\n", "policy-key", 3, "colour", "is not a key"),
        (
            "[defaults]\nrequires = \"tls\"\n",
            "policy-key",
            4,
            "requires",
            "did you mean \"require\"",
        ),
        (
            "[defaults]\nrequire = \"mutual\"\n",
            "policy-value",
            4,
            "\"mutual\"",
            "expected any, tls or mtls",
        ),
        (&edge("ports = 1\n"), "policy-key", 6, "ports", "did you mean \"port\""),
        (&edge("port = 0\n"), "policy-value", 6, "0", "1 to 65535"),
        (&edge("port = [80, \"x\"]\n"), "policy-value", 6, "\"x\"", "1 to 65535"),
        (&edge("port = []\n"), "policy-value", 6, "[]", "leave it out"),
        (&edge("tls-min = \"1.4\"\n"), "policy-value", 6, "\"1.4\"", "1.2 or 1.3"),
        (&edge("tls-min = 1.2\n"), "policy-value", 6, "1.2", "text in quotes"),
        (&edge("until = \"2026-06-30\"\n"), "policy-value", 6, "\"2026-06-30\"", "without quotes"),
        (&edge("until = 2026-06-30\n"), "policy-edge", 6, "2026-06-30", "leave it out"),
        (&edge("methods = []\n"), "policy-value", 6, "[]", "list"),
        (&edge("identity = { clients = \"x\" }\n"), "policy-key", 6, "clients", "\"client\""),
        ("[[edge]]\nfrom = \"a\"\n", "policy-value", 3, "[[edge]]", "to is missing"),
        (
            "[[edge]]\nfrom = \"zone:fornt\"\nto = \"b\"\n[zones]\nfront = \"a\"\n",
            "policy-value",
            4,
            "\"zone:fornt\"",
            "zone:front",
        ),
        ("[[edge]]\nfrom = \"\"\nto = \"b\"\n", "policy-value", 4, "\"\"", "no name"),
    ];
    for (text, code, line, marked, says) in cases {
        let found = refused(text);
        assert_eq!((found.0, found.1, &*found.3), (code, line, marked), "{text}: {}", found.4);
        assert!(found.4.contains(says), "{text}: {}", found.4);
    }
}

#[test]
fn less_than_the_defaults_needs_a_reason() {
    assert_eq!(refused(&edge("require = \"any\"\n")).0, "policy-reason");
    let empty = refused(&edge("require = \"tls\"\nreason = \" \"\n"));
    assert_eq!((empty.0, empty.1, &*empty.3), ("policy-reason", 7, "\" \""));
    assert_eq!(refused(&edge("tls-min = \"1.1\"\n")).0, "policy-reason");
    read(&edge("require = \"tls\"\nreason = \"a migration\"\n"));
    read(&format!("[defaults]\nrequire = \"tls\"\n{}", edge("require = \"tls\"\n")));
    read(&edge("tls-min = \"1.3\"\n"));
    read(&edge("deny = true\n"));
}

#[test]
fn an_entry_that_contradicts_itself_is_refused() {
    let any = "require = \"any\"\nreason = \"r\"\n";
    let tls = "require = \"tls\"\nreason = \"r\"\n";
    for (rest, says) in [
        (format!("{tls}identity.client = \"spiffe://a\"\n"), "require = \"mtls\""),
        (format!("{any}identity.server = \"a\"\n"), "require = \"tls\" or"),
        ("deny = true\nrequire = \"mtls\"\n".to_owned(), "deny = true is all"),
        ("deny = true\nmethods = \"x\"\n".to_owned(), "deny = true is all"),
    ] {
        let found = refused(&edge(&rest));
        assert!(found.0 == "policy-edge" && found.4.contains(says), "{found:?}");
    }
    read(&edge(&format!("{any}identity.client = \"sub:orders\"\n")));
}

#[test]
fn of_two_entries_for_the_same_the_later_is_refused() {
    let twice = |first: &str, second: &str| format!("{}{}", edge(first), edge(second));
    for (first, second) in [("", ""), ("port = [1, 2]\n", "port = [2, 3]\n")] {
        let found = refused(&twice(first, second));
        assert!(found.0 == "policy-shadowed" && found.4.contains("line 3 speaks"), "{found:?}");
    }
    read(&twice("", "port = 2\n"));
    read(&twice("port = 1\n", "port = 2\n"));
}

#[test]
fn all_that_is_wrong_is_said_together_in_the_order_of_the_file() {
    let text = format!("{}{}", edge("port = 0\nrequire = \"x\"\n"), edge("until = 1\n"));
    let errors = Policy::read("p", &format!("{HEAD}{text}")).expect_err("it is wrong");
    let lines: Vec<usize> = errors.iter().map(|e| e.place.as_ref().unwrap().line).collect();
    assert_eq!(lines, [6, 7, 11]);
    let toml = Policy::read("p", "a = = 1").expect_err("it is no TOML");
    assert_eq!(toml[0].code, "policy-unreadable");
    assert!(Policy::read("p", "policy-version = 2\n").is_err() && Policy::read("p", "").is_err());
}

#[test]
fn names_that_nobody_has_are_told_with_the_nearest() {
    let policy = read("[[edge]]\nfrom = \"ordres\"\nto = [\"pay*\", \"10.0.0.1\", \"etcd\"]\n");
    let unknown = policy.unknown_names(&["orders", "etcd"]);
    assert_eq!(unknown.len(), 1, "patterns and addresses are no names");
    let place = unknown[0].place.as_ref().unwrap();
    assert_eq!((place.line, place.column, place.width), (4, 8, 8));
    assert_eq!(place.label, "did you mean \"orders\"?");
}

#[test]
fn differences_are_one_line_for_each_edge() {
    let terms = |policy: &Policy| policy.edges.iter().map(|e| e.terms.clone()).collect::<Vec<_>>();
    let old = read(&format!("{}{}", edge("port = 1\n"), "[[edge]]\nfrom = \"a\"\nto = \"b\"\n"));
    let new = read(&format!("{}{}", edge("port = 1\ntls-min = \"1.3\"\n"), edge("port = 2\n")));
    let lines = diff(&terms(&old), &terms(&new));
    assert_eq!(
        lines,
        [
            "- a -> b:*  require mtls, tls-min 1.2",
            "~ orders -> payments:1  tls-min 1.2 -> 1.3",
            "+ orders -> payments:2  require mtls, tls-min 1.2",
        ]
    );
    assert!(diff(&terms(&old), &terms(&old)).is_empty());
}

#[test]
fn no_text_panics() {
    let sound = format!(
        "{HEAD}{}",
        edge("port = [1]\nidentity = { client = \"é\" }\nuntil = 2026-06-30\n")
    );
    for end in 0..=sound.len() {
        if let Some(text) = sound.get(..end) {
            let _either = Policy::read("p", text);
        }
    }
    for from in 0..sound.len() {
        let mut bytes = sound.clone().into_bytes();
        bytes[from] = b'"';
        let _either = Policy::read("p", &String::from_utf8_lossy(&bytes));
    }
}
