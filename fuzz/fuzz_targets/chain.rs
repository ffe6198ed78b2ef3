//! Whatever peers send as a chain and staple to it, and whatever files of authorities and revocation lists hold: judging
//! ends, twice gives the same, and a remembered outcome is the one that judging anew gives.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use wirelint::model::{Der, Direction, Seen, Timestamp};
use wirelint::pki::{Authorities, ChainJudge, Shown, judge_chain, read};

/// Parts of the input are divided by this, which no certificate begins with.
const DIVIDER: &[u8] = b"\n##\n";

fuzz_target!(|input: &[u8]| {
    let Some((options, rest)) = input.split_first() else { return };
    let mut parts = divided(rest).into_iter();
    let mut part = || parts.next().unwrap_or_default();
    let (trusted, crls, staple) = (part(), part(), part());
    let chain: Vec<Der> = parts.take(16).map(|der| Der(der.into())).collect();
    let certificates: Vec<_> = chain.iter().map(|der| Arc::new(read(&der.0))).collect();
    let authorities = || {
        let mut authorities = Authorities::default();
        let _ = authorities.trust.add("own", "own.pem", trusted);
        // Half the time an authority of the chain is trusted, so that paths are found.
        if let Some(last) = chain.last().filter(|_| options & 1 == 0) {
            let _ = authorities.trust.add("sent", "sent.pem", &last.0);
        }
        let _ = authorities.crls.add("own.crl", crls);
        authorities
    };
    let role = if options & 2 == 0 { Direction::ToClient } else { Direction::ToServer };
    let shown = Shown {
        chain: &chain,
        certificates: &certificates,
        role,
        names: if options & 4 == 0 { &["api.shop.test"] } else { &[] },
        staple: if staple.is_empty() { Seen::Absent } else { Seen::Value(staple) },
        staple_wanted: true,
    };
    let at = |day: i64| Timestamp::from_seconds(1_795_000_000 + day * 86_400);
    let mut judge = ChainJudge::new(authorities());
    for day in [0, 1, -400, 400, i64::from(*options) * 40, 0] {
        let anew = judge_chain(&shown, at(day), judge.authorities());
        assert_eq!(*judge.judge(&shown, at(day)), anew);
    }
    let elsewhere: Vec<_> = chain.iter().cloned().zip(certificates.iter().cloned()).collect();
    if let Some(leaf) = shown.certificates.get(..1) {
        let alone = Shown { chain: &chain[..1], certificates: leaf, ..shown.clone() };
        assert_eq!(
            judge.judge_with(&alone, &elsewhere, at(0)),
            judge.judge_with(&alone, &elsewhere, at(0))
        );
    }
});

fn divided(mut rest: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    while let Some(at) = rest.windows(DIVIDER.len()).position(|window| window == DIVIDER) {
        parts.push(&rest[..at]);
        rest = &rest[at + DIVIDER.len()..];
    }
    parts.push(rest);
    parts
}
