//! Fingerprints against the examples that their authors published.

use super::super::hello::client_hello;
use super::*;
use crate::model::{Answer, Moment};
use smallvec::smallvec;

/// The first example of the description of JA3.
fn java() -> ClientOffer {
    ClientOffer {
        legacy_version: 769,
        suites: vec![47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4],
        extensions: vec![0, 10, 11],
        groups: vec![23, 24, 25],
        point_formats: smallvec![0],
        ..ClientOffer::default()
    }
}

/// The example of the description of JA4: a browser.
fn browser() -> ClientOffer {
    let numbers =
        |text: &str| text.split(',').map(|n| u16::from_str_radix(n, 16).unwrap()).collect();
    ClientOffer {
        legacy_version: 0x0303,
        versions: vec![0x0304, 0x0303],
        suites: numbers(
            "1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,009c,009d,002f,0035",
        ),
        extensions: numbers(
            "001b,0000,0033,0010,4469,0017,002d,000d,0005,0023,0012,002b,ff01,000b,000a,0015",
        ),
        signature_schemes: numbers("0403,0804,0401,0503,0805,0501,0806,0601"),
        alpn_ends: Some((b'h', b'2')),
        ..ClientOffer::default()
    }
}

fn text(seen: Seen<String>) -> String {
    seen.value().cloned().unwrap()
}

#[test]
fn ja3_is_as_published() {
    let expected = "769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0";
    assert_eq!(ja3_text(&java()), expected);
    assert_eq!(text(ja3(&java())), "ada70206e40642a3e4461f35503241d5");
}

#[test]
fn ja3_of_a_hello_without_extensions_is_as_published() {
    let hello = ClientOffer {
        legacy_version: 769,
        suites: vec![4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99],
        ..ClientOffer::default()
    };
    assert_eq!(text(ja3(&hello)), "de350869b8c85de67a350c8d186f11e6");
}

#[test]
fn ja3s_tells_the_version_of_the_message_and_not_the_one_agreed_on() {
    let hello = ServerHello {
        legacy_version: 771,
        extensions: smallvec![51, 43],
        ..Answer { version: 772, suite: 0x1301, ..Answer::default() }.into()
    };
    assert_eq!(ja3s(&hello), md5_hex("771,4865,51-43"));
    // A digest that everybody who has seen a TLS 1.3 server knows.
    assert_eq!(ja3s(&hello), "eb1d94daa7e0344597e756a1fb6e7054");
}

#[test]
fn ja4_is_as_published() {
    assert_eq!(text(ja4(&browser())), "t13d1516h2_8daaf6152771_e5627efa2ab1");
}

#[test]
fn ja4_without_signature_schemes_is_as_published() {
    let hello = ClientOffer { signature_schemes: vec![], ..browser() };
    assert_eq!(text(ja4(&hello)), "t13d1516h2_8daaf6152771_6d807ffa2a79");
}

#[test]
fn what_is_not_there_is_zeros_in_ja4() {
    let hello = ClientOffer { legacy_version: 0x0301, ..ClientOffer::default() };
    assert_eq!(text(ja4(&hello)), "t10i000000_000000000000_000000000000");
}

#[test]
fn the_alpn_of_ja4_is_as_published() {
    let cases: [(&[u8], &str); 8] = [
        (b"h2", "h2"),
        (b"http/1.1", "h1"),
        (b"x", "xx"),
        (&[0xab], "ab"),
        (&[0xab, 0xcd], "ad"),
        (&[0x30, 0xab], "3b"),
        (&[0x30, 0x31, 0xab, 0xcd], "3d"),
        (&[0x30, 0xab, 0xcd, 0x31], "01"),
    ];
    for (name, expected) in cases {
        let ends = Some((name[0], name[name.len() - 1]));
        assert_eq!(ja4_alpn(ends), expected, "{name:x?}");
    }
    assert_eq!(ja4_alpn(None), "00");
}

#[test]
fn signals_stand_where_they_were_sent() {
    let hello = ClientOffer {
        suites: vec![1, 2],
        suite_signals: smallvec![(0, 0x5600), (1, 0x00ff), (2, 0x00ff)],
        ..ClientOffer::default()
    };
    assert_eq!(suites(&hello).collect::<Vec<_>>(), [0x5600, 1, 0x00ff, 2, 0x00ff]);
}

#[test]
fn grease_changes_no_fingerprint() {
    let hello = |grease: &[u8]| {
        let suites: &[u8] = &[0x13, 0x01, 0x00, 0xff];
        let suites = [grease, suites].concat();
        let length = u8::try_from(suites.len()).unwrap();
        // Version, random, no session id, suites, no compression.
        let body = [&[3, 3][..], &[7; 32], &[0, 0, length], &suites, &[1, 0]].concat();
        *client_hello(&body, Moment::default()).unwrap()
    };
    let (plain, greased) = (hello(&[]), hello(&[0x3a, 0x3a]));
    assert!(greased.grease);
    assert_eq!(ja3(&plain), ja3(&greased));
    assert_eq!(ja4(&plain), ja4(&greased));
    assert_eq!(ja3_text(&plain), "771,4865-255,,,");
}

#[test]
fn a_hello_that_was_not_read_whole_has_no_fingerprint() {
    let malformed = ClientOffer { malformed: true, ..browser() };
    assert_eq!(ja4(&malformed), Seen::Hidden(Why::Malformed));
    let cut = ClientOffer { cut: true, ..browser() };
    assert_eq!(ja3(&cut), Seen::Hidden(Why::Bound));
    let sslv2 = ClientOffer { sslv2: true, ..browser() };
    assert_eq!(ja3(&sslv2), Seen::Absent);
}
