//! What OpenSSL makes is understood: `testdata/make.sh` has the commands.

use super::*;
use crate::model::ChainFault;
use crate::pki::workshop::read_all;

macro_rules! made {
    ($name:literal) => {
        include_bytes!(concat!("../testdata/openssl-", $name)).as_slice()
    };
}

fn outcome(leaf: &[u8], crl: bool, staple: Option<&[u8]>) -> ChainOutcome {
    let chain = [Der(leaf.into())];
    let mut authorities = Authorities::default();
    authorities.trust.add("openssl", "ca.der", made!("ca.der")).unwrap();
    if crl {
        authorities.crls.add("crl.pem", made!("crl.pem")).unwrap();
    }
    let shown = Shown {
        chain: &chain,
        certificates: &read_all(&chain),
        role: Direction::ToClient,
        names: &["api.shop.test"],
        staple: staple.map_or(Seen::Absent, Seen::Value),
        staple_wanted: true,
    };
    judge_chain(&shown, Timestamp::parse("2026-12-24").unwrap(), &authorities)
}

#[test]
fn a_list_tells_the_revoked_from_the_good() {
    assert_eq!(outcome(made!("good.der"), true, None).revocation, Revocation::Good);
    let revoked = outcome(made!("revoked.der"), true, None);
    assert!(matches!(
        revoked.revocation,
        Revocation::Revoked { reason: "keyCompromise", source: "crl", .. }
    ));
    let faults: Vec<_> = revoked.faults.names().collect();
    assert_eq!(faults, ["revoked", "staple-missing"], "the leaf demands a staple");
}

#[test]
fn one_response_about_two_certificates_by_an_appointed_responder_is_read_for_each() {
    let response = made!("ocsp.der");
    let good = outcome(made!("good.der"), false, Some(response));
    assert_eq!((good.staple, good.faults.len()), (Seen::Value("good"), 0));
    let revoked = outcome(made!("revoked.der"), false, Some(response));
    assert_eq!(revoked.staple, Seen::Value("revoked"));
    assert!(revoked.faults.contains(ChainFault::Revoked));
    let mut forged = response.to_vec();
    let at = forged.windows(7).position(|bytes| bytes == b"2026112").unwrap();
    forged[at + 6] = b'1';
    let forged = outcome(made!("good.der"), false, Some(&forged));
    assert_eq!(forged.staple, Seen::Value("forged-signature"));
}
