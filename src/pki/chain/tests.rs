use super::super::workshop::{
    Authority, GOOD, PLAIN, SPRING, must_staple, noon, read_all, revoked, root, root_with,
    self_signed,
};
use super::*;
use crate::model::ChainFault as Fault;
use rcgen::{
    BasicConstraints, CidrSubnet, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    KeyUsagePurpose, NameConstraints, date_time_ymd,
};

/// What is asked about a chain in most tests.
struct Case<'a> {
    chain: Vec<Der>,
    trusted: Vec<(&'a str, &'a Der)>,
    crls: Vec<Vec<u8>>,
    name: Option<&'a str>,
    role: Direction,
    staple: Seen<&'a [u8]>,
    at: Timestamp,
}

impl<'a> Case<'a> {
    fn of(chain: &[&Der]) -> Self {
        Self {
            chain: chain.iter().map(|der| (*der).clone()).collect(),
            trusted: vec![],
            crls: vec![],
            name: Some("api.internal"),
            role: Direction::ToClient,
            staple: Seen::Absent,
            at: noon(),
        }
    }

    fn trusting(mut self, authority: &'a Authority) -> Self {
        self.trusted.push(("own", &authority.der));
        self
    }

    fn with_crl(mut self, crl: Vec<u8>) -> Self {
        self.crls.push(crl);
        self
    }

    fn at(mut self, day: &str) -> Self {
        self.at = Timestamp::parse(day).unwrap();
        self
    }

    fn authorities(&self) -> Authorities {
        let mut authorities = Authorities::default();
        for (bundle, der) in &self.trusted {
            authorities.trust.add(bundle, "test.pem", &der.0).unwrap();
        }
        for crl in &self.crls {
            authorities.crls.add("test.crl", crl).unwrap();
        }
        authorities
    }

    fn outcome(&self) -> ChainOutcome {
        let names: Vec<&str> = self.name.into_iter().collect();
        let shown = Shown {
            chain: &self.chain,
            certificates: &read_all(&self.chain),
            role: self.role,
            names: &names,
            staple: self.staple.clone(),
            staple_wanted: true,
        };
        judge_chain(&shown, self.at, &self.authorities())
    }

    fn faults(&self) -> Vec<&'static str> {
        self.outcome().faults.names().collect()
    }
}

/// A root, an authority below it, and a server's certificate of that.
fn family() -> (Authority, Authority, Der) {
    let root = root("root");
    let zone = root.below("zone", PLAIN);
    let leaf = zone.leaf(PLAIN);
    (root, zone, leaf)
}

fn anchored(bundle: &str) -> ChainTrust {
    ChainTrust::Anchored(Arc::from(bundle))
}

#[test]
fn a_chain_that_is_in_order_has_no_fault() {
    let (root, zone, leaf) = family();
    let outcome = Case::of(&[&leaf, &zone.der]).trusting(&root).outcome();
    assert_eq!((outcome.faults, &outcome.trust), (Default::default(), &anchored("own")));
    assert_eq!((outcome.path_length, outcome.names), (3, NameCheck::Covered));
    assert_eq!((outcome.revocation, &outcome.staple), (Revocation::Unasked, &Seen::Absent));
    assert_eq!(outcome.unjudged, <[&str; 0]>::default());
    // A root that is sent along is superfluous and harms nobody.
    let with_root = Case::of(&[&leaf, &zone.der, &root.der]).trusting(&root);
    assert_eq!(with_root.faults(), <[&str; 0]>::default());
}

#[test]
fn without_a_bundle_nothing_is_called_untrusted() {
    let (root, zone, leaf) = family();
    for chain in [vec![&leaf], vec![&leaf, &zone.der], vec![&leaf, &zone.der, &root.der]] {
        let outcome = Case::of(&chain).outcome();
        assert_eq!((outcome.faults, outcome.trust), (Default::default(), ChainTrust::Unasked));
    }
}

#[test]
fn the_bundle_that_a_chain_leads_to_is_named() {
    let (root, zone, leaf) = family();
    let other = super::super::workshop::root("other");
    let mut case = Case::of(&[&leaf, &zone.der]);
    case.trusted = vec![("partners", &other.der), ("mesh", &root.der)];
    assert_eq!(case.outcome().trust, anchored("mesh"));
}

#[test]
fn an_unknown_issuer_is_told_from_a_self_signed_leaf() {
    let (_, zone, leaf) = family();
    let other = root("other");
    assert_eq!(Case::of(&[&leaf, &zone.der]).trusting(&other).faults(), ["unknown-issuer"]);
    assert_eq!(Case::of(&[&leaf]).trusting(&other).faults(), ["unknown-issuer"]);
    let alone = self_signed(PLAIN);
    assert_eq!(Case::of(&[&alone]).trusting(&other).faults(), ["self-signed"]);
    assert_eq!(Case::of(&[&alone]).faults(), ["self-signed"]);
    let mut pinned = Case::of(&[&alone]);
    pinned.trusted = vec![("pins", &alone)];
    let outcome = pinned.outcome();
    assert_eq!((outcome.faults.len(), outcome.trust), (0, anchored("pins")));
}

#[test]
fn an_authority_of_the_same_name_made_anew_is_unknown_and_not_forged() {
    let (_, zone, leaf) = family();
    let again = root("root");
    let outcome = Case::of(&[&leaf, &zone.der]).trusting(&again).outcome();
    assert_eq!(outcome.faults.names().collect::<Vec<_>>(), ["unknown-issuer"]);
    assert_eq!(outcome.trust, ChainTrust::Unanchored);
}

#[test]
fn a_signature_that_the_named_key_did_not_make_is_forged() {
    let (root, zone, leaf) = family();
    let mut bytes = leaf.0.to_vec();
    let at = bytes.windows(3).position(|window| window == b"api").unwrap();
    bytes[at] = b'o';
    let forged = Der(bytes.into());
    let case = Case::of(&[&forged, &zone.der]).trusting(&root);
    assert_eq!(case.faults(), ["excess-certificate", "forged-signature"]);
    assert_eq!(case.outcome().trust, ChainTrust::Unanchored);
}

#[test]
fn a_missing_intermediate_is_told_when_it_is_known() {
    let (root, zone, leaf) = family();
    let known = Case::of(&[&leaf]).trusting(&root).trusting(&zone);
    assert_eq!(
        (known.faults(), known.outcome().trust),
        (vec!["missing-intermediate"], anchored("own"))
    );
    // Whoever trusts the intermediate alone misses nothing.
    assert_eq!(Case::of(&[&leaf]).trusting(&zone).faults(), <[&str; 0]>::default());
    let case = Case::of(&[&leaf]).trusting(&root);
    let shown = Shown {
        chain: &case.chain,
        certificates: &read_all(&case.chain),
        role: Direction::ToClient,
        names: &[],
        staple: Seen::Absent,
        staple_wanted: false,
    };
    let elsewhere = [(zone.der.clone(), read_all(std::slice::from_ref(&zone.der)).remove(0))];
    let mut window = Window::around(noon());
    let outcome = judge(&shown, &elsewhere, &case.authorities(), &mut window);
    assert_eq!(outcome.faults.names().collect::<Vec<_>>(), ["missing-intermediate"]);
    assert_eq!(outcome.trust, anchored("own"));
}

#[test]
fn order_and_excess_are_told_apart() {
    let root = root("root");
    let region = root.below("region", PLAIN);
    let zone = region.below("zone", PLAIN);
    let leaf = zone.leaf(PLAIN);
    let stranger = super::super::workshop::root("stranger").below("strange", PLAIN);
    let faults = |chain: &[&Der]| Case::of(chain).trusting(&root).faults();
    assert_eq!(faults(&[&leaf, &region.der, &zone.der]), ["misordered"]);
    assert_eq!(faults(&[&leaf, &zone.der, &region.der, &stranger.der]), ["excess-certificate"]);
    assert_eq!(faults(&[&leaf, &zone.der, &zone.der, &region.der]), ["excess-certificate"]);
    assert_eq!(faults(&[&leaf, &root.der, &zone.der, &region.der]), ["misordered"]);
    assert_eq!(Case::of(&[&leaf, &region.der, &zone.der]).faults(), ["misordered"]);
}

#[test]
fn dates_are_judged_at_the_moment_of_the_packet() {
    let root = root("root");
    let old = root.below("zone", &|params| params.not_after = date_time_ymd(2026, 2, 1));
    let leaf = old.leaf(&|params| params.not_before = date_time_ymd(2026, 1, 10));
    let case = |day| Case::of(&[&leaf, &old.der]).trusting(&root).at(day).faults();
    assert_eq!(case("2026-01-15"), <[&str; 0]>::default());
    assert_eq!(case("2026-01-05"), ["not-yet-valid"]);
    assert_eq!(case("2026-01-09T23:58:00Z"), <[&str; 0]>::default(), "clocks differ");
    assert_eq!(case("2026-03-01"), ["issuer-expired"]);
    assert_eq!(case("2027-01-01"), ["expired", "issuer-expired"]);
}

#[test]
fn of_two_paths_the_one_that_is_in_date_is_taken() {
    let root = root("root");
    let late =
        &|params: &mut rcgen::CertificateParams| params.not_after = date_time_ymd(2026, 2, 1);
    let zone = root.below("zone", PLAIN);
    let leaf = zone.leaf(PLAIN);
    // The same name and key, certified twice.
    let mut params = rcgen::CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "zone");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.not_before = date_time_ymd(2026, 1, 1);
    late(&mut params);
    let expired = params.signed_by(zone.issuer.key(), &root.issuer).unwrap();
    let expired = Der(expired.der().as_ref().into());
    let outcome = Case::of(&[&leaf, &expired, &zone.der]).trusting(&root).outcome();
    assert_eq!(outcome.faults.names().collect::<Vec<_>>(), ["excess-certificate"]);
}

#[test]
fn names_are_compared_by_kind() {
    let root = root("root");
    let leaf = root.leaf(PLAIN);
    let spiffe = root.leaf(&|params| {
        let id = "spiffe://example.org/api".try_into().unwrap();
        params.subject_alt_names = vec![rcgen::SanType::URI(id)];
    });
    let addressed = root.leaf(&|params| {
        params.subject_alt_names = vec![rcgen::SanType::IpAddress("10.0.0.9".parse().unwrap())];
    });
    let check = |leaf: &Der, name| {
        let outcome = Case { name, ..Case::of(&[leaf]) }.outcome();
        assert_eq!(
            outcome.faults.contains(Fault::NameMismatch),
            outcome.names == NameCheck::Mismatch
        );
        outcome.names
    };
    assert_eq!(check(&leaf, Some("api.internal")), NameCheck::Covered);
    assert_eq!(check(&leaf, Some("pay.internal")), NameCheck::Mismatch);
    assert_eq!(check(&leaf, None), NameCheck::Unasked);
    assert_eq!(check(&spiffe, Some("pay.internal")), NameCheck::Spiffe);
    assert_eq!(check(&addressed, Some("10.0.0.9")), NameCheck::Covered);
    assert_eq!(check(&addressed, Some("10.0.0.8")), NameCheck::Mismatch);
}

#[test]
fn usages_are_judged_by_role_and_along_the_path() {
    let root = root("root");
    let server = root.leaf(PLAIN);
    let any = root.leaf(&|params| params.extended_key_usages.clear());
    let as_client = |leaf: &Der, authority: &Authority| {
        let role = Direction::ToServer;
        Case { role, name: None, ..Case::of(&[leaf]) }.trusting(authority).faults()
    };
    assert_eq!(as_client(&server, &root), ["wrong-usage"]);
    assert_eq!(as_client(&any, &root), <[&str; 0]>::default());
    let clients = root.below("clients", &|params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    let leaf = clients.leaf(PLAIN);
    assert_eq!(Case::of(&[&leaf, &clients.der]).trusting(&root).faults(), ["wrong-usage"]);
}

#[test]
fn who_may_issue_is_judged() {
    let root = root("root");
    let authority = root.below("zone", PLAIN);
    let mut case = Case::of(&[&authority.der]).trusting(&root);
    case.name = None;
    assert_eq!(case.faults(), ["authority-as-leaf"]);
    let plain = root.below("plain", &|params| params.is_ca = IsCa::ExplicitNoCa);
    let leaf = plain.leaf(PLAIN);
    assert_eq!(Case::of(&[&leaf, &plain.der]).trusting(&root).faults(), ["issuer-not-authority"]);
    let other = root.below("other", &|params| {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    });
    let leaf = other.leaf(PLAIN);
    assert_eq!(Case::of(&[&leaf, &other.der]).trusting(&root).faults(), ["issuer-not-authority"]);
}

#[test]
fn path_lengths_are_counted_below_each_authority() {
    let limited = |most: u8| {
        let root = root_with("root", &|p| p.is_ca = IsCa::Ca(BasicConstraints::Constrained(most)));
        let region = root.below("region", PLAIN);
        let zone = region.below("zone", PLAIN);
        let leaf = zone.leaf(PLAIN);
        let chain = [&leaf, &zone.der, &region.der];
        Case::of(&chain).trusting(&root).faults()
    };
    assert_eq!(limited(1), ["path-length"]);
    assert_eq!(limited(2), <[&str; 0]>::default());
}

#[test]
fn names_outside_of_what_an_authority_is_limited_to_are_told() {
    let limited = |subtree: GeneralSubtree| {
        let root = root("root");
        let zone = root.below("zone", &|params| {
            let permitted_subtrees = vec![subtree.clone()];
            params.name_constraints =
                Some(NameConstraints { permitted_subtrees, excluded_subtrees: vec![] });
        });
        let leaf = zone.leaf(PLAIN);
        Case::of(&[&leaf, &zone.der]).trusting(&root).faults()
    };
    assert_eq!(limited(GeneralSubtree::DnsName("internal".to_owned())), <[&str; 0]>::default());
    assert_eq!(limited(GeneralSubtree::DnsName("example".to_owned())), ["name-constraint"]);
    let network = CidrSubnet::from_v4_prefix([10, 0, 0, 0], 8);
    assert_eq!(limited(GeneralSubtree::IpAddress(network)), <[&str; 0]>::default());
}

#[test]
fn a_revocation_list_is_used_only_with_its_issuers_signature_and_in_its_time() {
    let (root, zone, leaf) = family();
    let revoked = zone.crl(&[(&[0x4d, 0x02], 2)]);
    let case = Case::of(&[&leaf, &zone.der]).trusting(&root).with_crl(revoked.clone());
    assert_eq!(case.faults(), ["revoked"]);
    let since = Timestamp::parse("2026-02-10").unwrap();
    let expected = Revocation::Revoked { since, reason: "keyCompromise", source: "crl" };
    assert_eq!(case.outcome().revocation, expected);
    let before = Case::of(&[&leaf, &zone.der]).with_crl(revoked.clone()).at("2026-02-05");
    assert_eq!(before.outcome().revocation, Revocation::Good, "not revoked then");
    let after = Case::of(&[&leaf, &zone.der]).with_crl(revoked.clone()).at("2026-06-01");
    assert_eq!(after.faults(), ["revoked"], "who was revoked remains so");
    let other = Case::of(&[&leaf, &zone.der]).with_crl(zone.crl(&[(&[0x4d, 0x03], 2)]));
    assert_eq!(other.outcome().revocation, Revocation::Good);
    let stale = other.at("2026-06-01").outcome();
    assert_eq!(stale.revocation, Revocation::Unknown("the revocation list was out of date"));
    assert_eq!(stale.stale_crl, Some(0));
    let impostor = super::super::workshop::root("zone").crl(&[(&[0x4d, 0x02], 2)]);
    let unknown = Case::of(&[&leaf, &zone.der]).with_crl(impostor).outcome();
    let why = "the revocation list is not signed by the issuer's key";
    assert_eq!((unknown.revocation, unknown.faults.len()), (Revocation::Unknown(why), 0));
    let unrelated = root.crl(&[(&[0x4d, 0x02], 2)]);
    let unasked = Case::of(&[&leaf, &zone.der]).with_crl(unrelated).outcome();
    assert_eq!(unasked.revocation, Revocation::Unasked);
    let unchecked = Case::of(&[&leaf]).with_crl(revoked).outcome();
    assert!(matches!(unchecked.revocation, Revocation::Unknown(_)), "{unchecked:?}");
}

#[test]
fn a_revoked_intermediate_is_told_from_a_revoked_leaf() {
    let root = root("root");
    let zone = root.below("zone", &|params| {
        params.serial_number = Some(rcgen::SerialNumber::from_slice(&[0x33]));
    });
    let leaf = zone.leaf(PLAIN);
    let case = Case::of(&[&leaf, &zone.der]).trusting(&root).with_crl(root.crl(&[(&[0x33], 2)]));
    assert_eq!(case.faults(), ["issuer-revoked"]);
}

#[test]
fn a_staple_is_an_answer_only_when_it_is_the_issuers_and_about_this_leaf() {
    let (root, zone, leaf) = family();
    let other = zone.leaf(&|p| p.serial_number = Some(rcgen::SerialNumber::from_slice(&[9])));
    let said = |response: &[u8], day| {
        let staple = Seen::Value(response);
        let outcome =
            Case { staple, ..Case::of(&[&leaf, &zone.der]) }.trusting(&root).at(day).outcome();
        (outcome.staple.value().copied().unwrap(), outcome.faults.names().collect::<Vec<_>>())
    };
    let day = "2026-03-01";
    let good = zone.staple(&leaf, GOOD, SPRING);
    assert_eq!(said(&good, day), ("good", vec![]));
    assert_eq!(said(&good, "2026-04-02"), ("expired", vec!["staple-invalid"]));
    assert_eq!(said(&good, "2026-01-20"), ("not-yet-valid", vec!["staple-invalid"]));
    assert_eq!(said(&zone.staple(&leaf, &revoked(), SPRING), day), ("revoked", vec!["revoked"]));
    assert_eq!(said(&zone.staple(&leaf, &[0x82, 0], SPRING), day), ("unknown", vec![]));
    let about_other = zone.staple(&other, GOOD, SPRING);
    assert_eq!(said(&about_other, day), ("other-certificate", vec!["staple-invalid"]));
    let stranger = super::super::workshop::root("stranger");
    let forged = zone.staple_signed(&leaf, GOOD, SPRING, (&stranger.issuer, None));
    assert_eq!(said(&forged, day), ("forged-signature", vec!["staple-invalid"]));
    let responder = zone.below("ocsp", &|params| {
        params.is_ca = IsCa::ExplicitNoCa;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::OcspSigning];
    });
    let by_responder = (&responder.issuer, Some(&responder.der));
    let appointed = zone.staple_signed(&leaf, GOOD, SPRING, by_responder);
    assert_eq!(said(&appointed, day), ("good", vec![]));
    let by_other = (&stranger.issuer, Some(&stranger.der));
    let usurped = zone.staple_signed(&leaf, GOOD, SPRING, by_other);
    assert_eq!(said(&usurped, day).0, "forged-signature");
    assert_eq!(said(&[0x30, 0x03, 0x0a, 0x01, 0x06], day).0, "unsuccessful");
    assert_eq!(said(b"rubbish", day).0, "malformed");
    for length in 0..good.len() {
        assert_ne!(said(&good[..length], day).0, "good", "{length}");
    }
}

#[test]
fn a_leaf_that_demands_a_staple_is_missed_only_by_who_asked_for_one() {
    let root = root("root");
    let leaf = root.leaf(&must_staple);
    let case = |staple: Seen<&'static [u8]>, wanted| {
        let chain = [leaf.clone()];
        let shown = Shown {
            chain: &chain,
            certificates: &read_all(&chain),
            role: Direction::ToClient,
            names: &[],
            staple,
            staple_wanted: wanted,
        };
        judge_chain(&shown, noon(), &Authorities::default()).faults.contains(Fault::StapleMissing)
    };
    assert!(case(Seen::Absent, true));
    assert!(!case(Seen::Absent, false) && !case(Seen::NotReached, true));
}

#[test]
fn what_cannot_be_judged_is_said_and_is_no_fault() {
    let rubbish = Der(b"rubbish".as_slice().into());
    let root = root("root");
    let outcome = Case::of(&[&rubbish]).trusting(&root).outcome();
    assert_eq!((outcome.faults.len(), outcome.trust), (0, ChainTrust::Unverifiable));
    assert_eq!(outcome.unjudged, ["the leaf cannot be read"]);
    assert_eq!(Case::of(&[]).trusting(&root).outcome().names, NameCheck::Unreadable);
    let unknown = &|params: &mut rcgen::CertificateParams| {
        let mut extension = rcgen::CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
        extension.set_criticality(true);
        params.custom_extensions.push(extension);
    };
    let outcome = Case::of(&[&root.leaf(unknown)]).trusting(&root).outcome();
    assert_eq!((outcome.faults.len(), outcome.trust), (0, anchored("own")));
    assert_eq!(outcome.unjudged, ["a critical extension is not known"]);
    // A curve that few use, a self-signature that cannot be computed.
    let brainpool = Der(include_bytes!("../testdata/brainpool320.der").as_slice().into());
    let mut case = Case::of(&[&brainpool]).trusting(&root);
    (case.name, case.role) = (None, Direction::ToServer);
    let outcome = case.outcome();
    assert_eq!(outcome.trust, ChainTrust::Unverifiable);
    assert!(!outcome.faults.contains(Fault::UnknownIssuer), "{outcome:?}");
}

#[test]
fn old_signatures_are_weak_and_no_stranger_ones() {
    let old = Der(include_bytes!("../testdata/rsa1024-sha1.der").as_slice().into());
    let mut case = Case::of(&[&old]);
    case.name = None;
    case.trusted = vec![("old", &old)];
    let outcome = case.outcome();
    assert_eq!(outcome.trust, anchored("old"));
    assert!(outcome.faults.contains(Fault::WeakKey), "{outcome:?}");
}

#[test]
fn certificates_that_could_all_have_signed_each_other_are_given_up() {
    let names = root("same");
    let strange: Vec<Authority> = (0..15).map(|_| names.below("same", PLAIN)).collect();
    let leaf = names.leaf(PLAIN);
    let mut chain = vec![&leaf];
    chain.extend(strange.iter().map(|authority| &authority.der));
    let other = root("other");
    let outcome = Case::of(&chain).trusting(&other).outcome();
    let given_up = outcome.unjudged.contains(&"there are too many certificates to try");
    assert!(given_up || outcome.trust == ChainTrust::Unanchored, "{outcome:?}");
}

#[test]
fn an_outcome_is_used_again_only_while_it_holds() {
    let root = root("root");
    let leaf = root.leaf(&|params| params.not_after = date_time_ymd(2026, 3, 1));
    let chain = [leaf];
    let certificates = read_all(&chain);
    let mut authorities = Authorities::default();
    authorities.trust.add("own", "test.pem", &root.der.0).unwrap();
    let mut judge = super::super::ChainJudge::new(authorities);
    let mut ask = |day: &str, names: &[&str]| {
        let role = Direction::ToClient;
        let staple = Seen::Absent;
        let (chain, certificates) = (&chain[..], &certificates[..]);
        let shown = Shown { chain, certificates, role, names, staple, staple_wanted: false };
        let outcome = judge.judge(&shown, Timestamp::parse(day).unwrap());
        (outcome.faults.names().collect::<Vec<_>>(), judge.work())
    };
    assert_eq!(ask("2026-02-01", &[]), (vec![], (1, 1)));
    assert_eq!(ask("2026-02-20", &[]), (vec![], (2, 1)));
    assert_eq!(ask("2026-02-20", &["x"]), (vec!["name-mismatch"], (3, 2)));
    assert_eq!(ask("2026-03-02", &[]), (vec!["expired"], (4, 3)));
    assert_eq!(ask("2026-04-02", &[]), (vec!["expired"], (5, 3)));
    assert_eq!(ask("2026-02-02", &[]), (vec![], (6, 4)), "time may go back between files");
}
