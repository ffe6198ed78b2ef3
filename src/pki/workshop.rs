//! Certificates, revocation lists and OCSP responses made for tests.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CustomExtension, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevocationReason,
    RevokedCertParams, SerialNumber, SigningKey as _, date_time_ymd,
};
use sha1::{Digest as _, Sha1};

use super::certificate::parse;
use super::read;
use crate::model::{Certificate, Der, Timestamp};

/// An authority with its key.
pub(crate) struct Authority {
    pub(crate) issuer: Issuer<'static, KeyPair>,
    pub(crate) der: Der,
}

/// Changes to what is made.
pub(crate) type Change<'c> = &'c dyn Fn(&mut CertificateParams);

/// No change.
pub(crate) const PLAIN: Change<'static> = &|_| {};

/// A moment at which everything that is made here is valid.
pub(crate) fn noon() -> Timestamp {
    Timestamp::parse("2026-03-01T12:00:00Z").unwrap()
}

fn authority_params(name: &str, change: Change<'_>) -> CertificateParams {
    let mut params = base(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    change(&mut params);
    params
}

fn base(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2026, 12, 1);
    params.use_authority_key_identifier_extension = true;
    params
}

pub(crate) fn root(name: &str) -> Authority {
    root_with(name, PLAIN)
}

pub(crate) fn root_with(name: &str, change: Change<'_>) -> Authority {
    let params = authority_params(name, change);
    let key = KeyPair::generate().unwrap();
    let der = Der(params.self_signed(&key).unwrap().der().as_ref().into());
    Authority { issuer: Issuer::new(params, key), der }
}

impl Authority {
    pub(crate) fn below(&self, name: &str, change: Change<'_>) -> Authority {
        let params = authority_params(name, change);
        let key = KeyPair::generate().unwrap();
        let der = Der(params.signed_by(&key, &self.issuer).unwrap().der().as_ref().into());
        Authority { issuer: Issuer::new(params, key), der }
    }

    /// A server's certificate for `api.internal`.
    pub(crate) fn leaf(&self, change: Change<'_>) -> Der {
        let mut params = base("api");
        let names = CertificateParams::new(["api.internal".to_owned()]).unwrap();
        params.subject_alt_names = names.subject_alt_names;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.serial_number = Some(SerialNumber::from_slice(&[0x4d, 0x02]));
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        Der(params.signed_by(&key, &self.issuer).unwrap().der().as_ref().into())
    }

    /// A list of these serial numbers, each with its month of 2026, made in February and good until May.
    pub(crate) fn crl(&self, revoked: &[(&[u8], u8)]) -> Vec<u8> {
        self.crl_between(revoked, (2, 5))
    }

    pub(crate) fn crl_between(&self, revoked: &[(&[u8], u8)], (from, to): (u8, u8)) -> Vec<u8> {
        let entry = |(serial, month): &(&[u8], u8)| RevokedCertParams {
            serial_number: SerialNumber::from_slice(serial),
            revocation_time: date_time_ymd(2026, *month, 10),
            reason_code: Some(RevocationReason::KeyCompromise),
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2026, from, 1),
            next_update: date_time_ymd(2026, to, 1),
            crl_number: SerialNumber::from_slice(&[1]),
            issuing_distribution_point: None,
            revoked_certs: revoked.iter().map(entry).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).unwrap().der().to_vec()
    }

    /// An OCSP response about `leaf`, signed by this authority.
    pub(crate) fn staple(&self, leaf: &Der, status: &[u8], (from, to): (&str, &str)) -> Vec<u8> {
        self.staple_signed(leaf, status, (from, to), (&self.issuer, None))
    }

    /// The same, signed by another who is shown by a certificate.
    pub(crate) fn staple_signed(
        &self,
        leaf: &Der,
        status: &[u8],
        (from, to): (&str, &str),
        (signer, shown): (&Issuer<'static, KeyPair>, Option<&Der>),
    ) -> Vec<u8> {
        let (leaf, own) = (parse(&leaf.0).unwrap(), parse(&self.der.0).unwrap());
        let own = &own.tbs_certificate;
        let sha1 = tlv(0x30, &[&[0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a], &[0x05, 0x00]]);
        let id = tlv(
            0x30,
            &[
                &sha1,
                &tlv(0x04, &[&Sha1::digest(own.subject.as_raw())]),
                &tlv(0x04, &[&Sha1::digest(&own.subject_pki.subject_public_key.data)]),
                &tlv(0x02, &[leaf.tbs_certificate.raw_serial()]),
            ],
        );
        let time = |text: &str| tlv(0x18, &[text.as_bytes()]);
        let single = tlv(0x30, &[&id, status, &time(from), &tlv(0xa0, &[&time(to)])]);
        let by_name = tlv(0xa1, &[own.subject.as_raw()]);
        let data = tlv(0x30, &[&by_name, &time(from), &tlv(0x30, &[&single])]);
        let ecdsa = [0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
        let signature = signer.key().sign(&data).unwrap();
        let signature = tlv(0x03, &[&[0], &signature]);
        let shown = shown.map_or_else(Vec::new, |der| tlv(0xa0, &[&tlv(0x30, &[&der.0])]));
        let basic = tlv(0x30, &[&data, &ecdsa, &signature, &shown]);
        let kind = [0x06, 0x09, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01];
        let bytes = tlv(0x30, &[&kind, &tlv(0x04, &[&basic])]);
        tlv(0x30, &[&[0x0a, 0x01, 0x00], &tlv(0xa0, &[&bytes])])
    }
}

/// Status of an OCSP response: good.
pub(crate) const GOOD: &[u8] = &[0x80, 0x00];

/// Status of an OCSP response: revoked on 2026-02-10.
pub(crate) fn revoked() -> Vec<u8> {
    tlv(0xa1, &[&tlv(0x18, &[b"20260210000000Z"]), &[0xa0, 0x03, 0x0a, 0x01, 0x01]])
}

/// February to April.
pub(crate) const SPRING: (&str, &str) = ("20260201000000Z", "20260401000000Z");

/// Says that a staple must come.
pub(crate) fn must_staple(params: &mut CertificateParams) {
    let oid = [1, 3, 6, 1, 5, 5, 7, 1, 24];
    let content = vec![0x30, 0x03, 0x02, 0x01, 0x05];
    params.custom_extensions.push(CustomExtension::from_oid_content(&oid, content));
}

/// A certificate for `api.internal` that signed itself.
pub(crate) fn self_signed(change: Change<'_>) -> Der {
    let mut params = base("api");
    let names = CertificateParams::new(["api.internal".to_owned()]).unwrap();
    params.subject_alt_names = names.subject_alt_names;
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    Der(params.self_signed(&key).unwrap().der().as_ref().into())
}

/// The same, read.
pub(crate) fn read_all(chain: &[Der]) -> Vec<Arc<Certificate>> {
    chain.iter().map(|der| Arc::new(read(&der.0))).collect()
}

/// A DER element.
pub(crate) fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut out = vec![tag];
    match u8::try_from(content.len()) {
        Ok(short @ 0..0x80) => out.push(short),
        Ok(long) => out.extend([0x81, long]),
        Err(_) => {
            out.push(0x82);
            out.extend(u16::try_from(content.len()).unwrap().to_be_bytes());
        }
    }
    out.extend(content);
    out
}
