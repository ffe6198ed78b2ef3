//! Extensions of a certificate (RFC 5280 section 4.2).
//!
//! They are read one by one from their own bytes, so that one which makes no sense hides no other. An extension that
//! occurs twice is read the first time, except that all alternative names count.

use std::net::IpAddr;

use x509_parser::asn1_rs::{Any, Oid, Tag, oid};
use x509_parser::extensions::X509Extension;

use super::text::{context_tag, dotted, elements, hex, is_universal, sequence, text};
use crate::model::{SanName, limits};

/// What the extensions say. Fields as in [`crate::model::CertificateDetails`].
#[derive(Default)]
pub(super) struct Extensions {
    pub(super) names: Vec<SanName>,
    pub(super) is_ca: Option<bool>,
    pub(super) path_length: Option<u32>,
    pub(super) key_usage: Option<Vec<&'static str>>,
    pub(super) extended_key_usage: Option<Vec<String>>,
    pub(super) subject_key_id: Option<String>,
    pub(super) authority_key_id: Option<String>,
    pub(super) revocation_pointer: bool,
    pub(super) must_staple: bool,
}

impl Extensions {
    /// Reads the extensions of one certificate.
    pub(super) fn of(extensions: &[X509Extension<'_>]) -> Self {
        let mut out = Self::default();
        for extension in extensions {
            out.add(extension.oid.as_bytes(), extension.value);
        }
        out
    }

    fn add(&mut self, oid: &[u8], value: &[u8]) {
        match oid {
            SUBJECT_ALT_NAME => self.add_names(value),
            BASIC_CONSTRAINTS if self.is_ca.is_none() => self.read_basic_constraints(value),
            KEY_USAGE if self.key_usage.is_none() => self.key_usage = key_usage(value),
            EXTENDED_KEY_USAGE if self.extended_key_usage.is_none() => {
                self.extended_key_usage = Some(extended_key_usage(value));
            }
            SUBJECT_KEY_ID if self.subject_key_id.is_none() => {
                self.subject_key_id = elements(value).next().map(|id| hex(id.data));
            }
            AUTHORITY_KEY_ID if self.authority_key_id.is_none() => {
                let id = sequence(value).find(|element| context_tag(element) == Some(0));
                self.authority_key_id = id.map(|id| hex(id.data));
            }
            CRL_DISTRIBUTION_POINTS => self.revocation_pointer |= sequence(value).next().is_some(),
            AUTHORITY_INFO_ACCESS => {
                self.revocation_pointer |= sequence(value).any(|a| is_ocsp(&a))
            }
            TLS_FEATURE => self.must_staple |= sequence(value).any(|f| f.data == STATUS_REQUEST),
            _ => {}
        }
    }

    fn add_names(&mut self, value: &[u8]) {
        let room = limits::CERTIFICATE_NAMES.saturating_sub(self.names.len());
        self.names.extend(sequence(value).take(room).map(|name| san_name(&name)));
    }

    fn read_basic_constraints(&mut self, value: &[u8]) {
        let Some(outer) = elements(value).next().filter(|any| is_universal(any, Tag::Sequence))
        else {
            return;
        };
        let mut ca = false;
        for element in elements(outer.data) {
            if is_universal(&element, Tag::Boolean) {
                ca = element.data != [0];
            } else if is_universal(&element, Tag::Integer) {
                self.path_length = element.as_u32().ok();
            }
        }
        self.is_ca = Some(ca);
    }
}

fn san_name(name: &Any<'_>) -> SanName {
    match context_tag(name) {
        Some(0) => SanName::Other("otherName"),
        Some(1) => SanName::Email(text(name.data)),
        Some(2) => SanName::Dns(text(name.data)),
        Some(3) => SanName::Other("x400Address"),
        Some(4) => SanName::Other("directoryName"),
        Some(5) => SanName::Other("ediPartyName"),
        Some(6) => SanName::Uri(text(name.data)),
        Some(7) => address(name.data).map_or(SanName::Other("iPAddress"), SanName::Ip),
        Some(8) => SanName::Other("registeredID"),
        _ => SanName::Other("unknown"),
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    four.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}

/// The usages whose bits are set. A BIT STRING's first byte counts the unused bits at its end, which are zero.
fn key_usage(value: &[u8]) -> Option<Vec<&'static str>> {
    let bits = elements(value).next().filter(|any| is_universal(any, Tag::BitString))?;
    let mut bytes = bits.data.iter().skip(1).copied();
    let flags = [bytes.next().unwrap_or(0), bytes.next().unwrap_or(0)];
    let mut rest = u16::from_be_bytes(flags);
    let mut set = Vec::new();
    for name in KEY_USAGES {
        if rest & 0x8000 != 0 {
            set.push(*name);
        }
        rest <<= 1;
    }
    Some(set)
}

fn extended_key_usage(value: &[u8]) -> Vec<String> {
    sequence(value).take(limits::CERTIFICATE_NAMES).map(|usage| purpose(&usage)).collect()
}

fn purpose(usage: &Any<'_>) -> String {
    match PURPOSES.iter().find(|(oid, _)| *oid == usage.data) {
        Some((_, name)) => (*name).to_owned(),
        None => dotted(&Oid::new(usage.data.into())),
    }
}

/// Whether an access description says where OCSP is answered, rather than where the issuer's certificate is.
fn is_ocsp(access: &Any<'_>) -> bool {
    elements(access.data).next().is_some_and(|method| method.data == OCSP)
}

const SUBJECT_KEY_ID: &[u8] = &oid!(raw 2.5.29.14);
const KEY_USAGE: &[u8] = &oid!(raw 2.5.29.15);
const SUBJECT_ALT_NAME: &[u8] = &oid!(raw 2.5.29.17);
const BASIC_CONSTRAINTS: &[u8] = &oid!(raw 2.5.29.19);
const CRL_DISTRIBUTION_POINTS: &[u8] = &oid!(raw 2.5.29.31);
const AUTHORITY_KEY_ID: &[u8] = &oid!(raw 2.5.29.35);
const EXTENDED_KEY_USAGE: &[u8] = &oid!(raw 2.5.29.37);
const AUTHORITY_INFO_ACCESS: &[u8] = &oid!(raw 1.3.6.1.5.5.7.1.1);
const TLS_FEATURE: &[u8] = &oid!(raw 1.3.6.1.5.5.7.1.24);
const OCSP: &[u8] = &oid!(raw 1.3.6.1.5.5.7.48.1);

/// The number of the `status_request` extension of TLS, as the content of a DER integer (RFC 7633).
const STATUS_REQUEST: &[u8] = &[5];

/// Key usages by bit, RFC 5280 section 4.2.1.3.
static KEY_USAGES: &[&str] = &[
    "digitalSignature",
    "nonRepudiation",
    "keyEncipherment",
    "dataEncipherment",
    "keyAgreement",
    "keyCertSign",
    "cRLSign",
    "encipherOnly",
    "decipherOnly",
];

/// Purposes of extended key usage that have a usual name.
static PURPOSES: &[(&[u8], &str)] = &[
    (&oid!(raw 1.3.6.1.5.5.7.3.1), "serverAuth"),
    (&oid!(raw 1.3.6.1.5.5.7.3.2), "clientAuth"),
    (&oid!(raw 1.3.6.1.5.5.7.3.3), "codeSigning"),
    (&oid!(raw 1.3.6.1.5.5.7.3.4), "emailProtection"),
    (&oid!(raw 1.3.6.1.5.5.7.3.5), "ipsecEndSystem"),
    (&oid!(raw 1.3.6.1.5.5.7.3.6), "ipsecTunnel"),
    (&oid!(raw 1.3.6.1.5.5.7.3.7), "ipsecUser"),
    (&oid!(raw 1.3.6.1.5.5.7.3.8), "timeStamping"),
    (&oid!(raw 1.3.6.1.5.5.7.3.9), "OCSPSigning"),
    (&oid!(raw 1.3.6.1.5.5.7.3.17), "ipsecIKE"),
    (&oid!(raw 2.5.29.37.0), "anyExtendedKeyUsage"),
    (&oid!(raw 1.3.6.1.4.1.311.10.3.3), "msSGC"),
    (&oid!(raw 2.16.840.1.113730.4.1), "nsSGC"),
];
