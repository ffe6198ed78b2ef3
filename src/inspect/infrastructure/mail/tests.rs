//! Conversations by the examples of the RFCs.

use crate::inspect::Next;
use crate::inspect::feeder::{client, facts, inspect, server};
use crate::model::{Exposure, UpgradeState};

#[test]
fn mail_that_goes_on_in_clear_although_tls_is_offered_is_told_with_its_login() {
    let facts = facts(
        "smtp",
        &[
            server("220 mail.example.com ESMTP Postfix\r\n"),
            client("EHLO client.example.com\r\n"),
            server("250-mail.example.com\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN\r\n"),
            client("AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n"),
            server("235 ok\r\n"),
            client("MAIL FROM:<a@b>\r\nDATA\r\n"),
            server("250 ok\r\n354 go\r\n"),
            client("AUTH LOGIN\r\n.\r\n"),
            server("250 ok\r\n"),
        ],
    );
    let readable = facts.readable.unwrap();
    assert_eq!(readable.credentials.len(), 1, "what a message says is no login");
    let credential = &readable.credentials[0];
    assert_eq!((credential.principal.as_deref(), credential.accepted), (Some("tim"), Some(true)));
    let upgrade = readable.upgrade.unwrap();
    assert_eq!((upgrade.state, upgrade.clear_after.is_some()), (UpgradeState::Offered, true));
    let calls = facts.calls.unwrap().calls;
    let methods: Vec<_> = calls.iter().map(|call| &*call.method).collect();
    assert_eq!(methods, ["AUTH", "MAIL", "DATA"]);
}

#[test]
fn starttls_hands_over_and_nothing_was_readable() {
    let smtp = [
        server("220 mail.example.com ESMTP\r\n"),
        client("EHLO c\r\n"),
        server("250-mail\r\n250 STARTTLS\r\n"),
        client("STARTTLS\r\n"),
        server("220 go ahead\r\n"),
    ];
    let imap = [
        server("* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n"),
        client("a1 STARTTLS\r\n"),
        server("a1 OK begin\r\n"),
    ];
    let pop3 = [server("+OK POP3 ready\r\n"), client("STLS\r\n"), server("+OK begin\r\n")];
    for (name, events) in [("smtp", smtp.as_slice()), ("imap", &imap), ("pop3", &pop3)] {
        for cut in [1, 1000] {
            let (facts, next) = inspect(name, events, cut);
            assert_eq!(
                (next, facts.plaintext, facts.calls),
                (Next::Switch("tls"), None, None),
                "{name}"
            );
            assert_eq!(facts.readable.unwrap().upgrade.unwrap().state, UpgradeState::Accepted);
        }
    }
}

#[test]
fn a_login_in_two_lines_is_put_together() {
    let facts = facts(
        "smtp",
        &[
            server("220 x ESMTP\r\n"),
            client("EHLO c\r\nAUTH LOGIN\r\n"),
            server("334 VXNlcm5hbWU6\r\n"),
            client("YXBw\r\n"),
            server("334 UGFzc3dvcmQ6\r\n"),
            client("czNjcmV0\r\n"),
            server("535 no\r\n"),
        ],
    );
    let credential = facts.readable.unwrap().credentials.remove(0);
    assert_eq!((credential.principal.as_deref(), credential.accepted), (Some("app"), Some(false)));
    assert_eq!(credential.secret.length(), 6);
}

#[test]
fn mailboxes_are_opened_with_passwords_and_digests() {
    let imap =
        [server("* OK IMAP4 ready\r\n"), client("a LOGIN \"app\" s3cret\r\n"), server("a OK\r\n")];
    let credential = facts("imap", &imap).readable.unwrap().credentials.remove(0);
    assert_eq!((credential.secret.length(), credential.accepted), (6, Some(true)));
    let apop = "APOP mrose c4c9334bac560ecc979e58001b3e22fb\r\n"; // RFC 1939 section 7
    let pop3 =
        [server("+OK POP3 <1896.697170952@dbc.mtview.ca.us>\r\n"), client(apop), server("+OK\r\n")];
    let credential = facts("pop3", &pop3).readable.unwrap().credentials.remove(0);
    assert_eq!((credential.exposure, credential.accepted), (Exposure::Crackable, Some(true)));
}

#[test]
fn an_answer_to_something_before_starttls_is_no_answer_to_it() {
    let smtp = [
        server("220 mail.example.com ESMTP\r\n"),
        client("EHLO c\r\n"),
        client("STARTTLS\r\n"),
        server("250-mail\r\n250 STARTTLS\r\n"),
        server("220 go ahead\r\n"),
    ];
    let pop3 = [
        server("+OK POP3 ready\r\n"),
        client("CAPA\r\n"),
        client("STLS\r\n"),
        server("+OK\r\nSTLS\r\n.\r\n"),
        server("+OK begin\r\n"),
    ];
    for (name, mut events) in [("smtp", smtp), ("pop3", pop3)] {
        for cut in [1, 1000] {
            let (heard, next) = inspect(name, &events, cut);
            assert_eq!((next, heard.plaintext), (Next::Switch("tls"), None), "{name}");
            // The answer is captured before what it answers.
            events.swap(2, 3);
            events.swap(3, 4);
            let (heard, next) = inspect(name, &events, cut);
            assert_eq!((next, heard.plaintext), (Next::Switch("tls"), None), "{name}");
            events.swap(3, 4);
            events.swap(2, 3);
        }
    }
}
