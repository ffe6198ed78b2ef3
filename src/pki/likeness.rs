//! Whether two certificates speak of the same party, and whether the same authority vouches for it.

use super::name_match::covered;
use crate::model::{CertificateDetails, SanName};

/// Whether two certificates claim the same identity: the same SPIFFE id when both have one, else a host name, address or
/// URI in common (a wildcard stands for what it covers), else, when neither has any, the same subject.
///
/// One name in common is enough: a renewal may add and drop others.
#[must_use]
pub fn same_identity(a: &CertificateDetails, b: &CertificateDetails) -> bool {
    if let (Some(a), Some(b)) = (spiffe(a), spiffe(b)) {
        return a == b;
    }
    match (named(a), named(b)) {
        (true, true) => {
            a.names.iter().any(|name| claims(b, name)) || b.names.iter().any(|name| claims(a, name))
        }
        (false, false) => a.subject == b.subject,
        (true, false) => by_common_name(b, a),
        (false, true) => by_common_name(a, b),
    }
}

/// Whether the same authority vouches for two leaves, as far as the names in their chains say: the same issuer, or
/// chains that end below the same one, since authorities change their intermediates with every renewal.
#[must_use]
pub fn same_authority(
    [a, a_top]: [&CertificateDetails; 2],
    [b, b_top]: [&CertificateDetails; 2],
) -> bool {
    let ends_alike = !a.self_issued && !b.self_issued && a_top.issuer == b_top.issuer;
    a.issuer == b.issuer || ends_alike
}

/// Whether the keys of one issuer that signed two certificates are the same, by what the certificates say of them; `None`
/// when they say nothing, or name different issuers.
#[must_use]
pub fn same_issuer_key(a: &CertificateDetails, b: &CertificateDetails) -> Option<bool> {
    if a.self_issued && b.self_issued {
        return Some(a.spki_sha256 == b.spki_sha256);
    }
    let keys = a.authority_key_id.as_ref().zip(b.authority_key_id.as_ref());
    keys.filter(|_| a.issuer == b.issuer).map(|(a, b)| a == b)
}

fn spiffe(details: &CertificateDetails) -> Option<&str> {
    details.names.iter().find_map(|name| match name {
        SanName::Uri(uri) if uri.starts_with("spiffe://") => Some(uri.as_str()),
        _ => None,
    })
}

fn named(details: &CertificateDetails) -> bool {
    details
        .names
        .iter()
        .any(|name| matches!(name, SanName::Dns(_) | SanName::Ip(_) | SanName::Uri(_)))
}

fn claims(details: &CertificateDetails, name: &SanName) -> bool {
    match name {
        SanName::Dns(host) => covered(host, &details.names) || details.names.contains(name),
        SanName::Ip(_) | SanName::Uri(_) => details.names.contains(name),
        SanName::Email(_) | SanName::Other(_) => false,
    }
}

/// A certificate without names is taken at its common name, which is what its users go by.
fn by_common_name(unnamed: &CertificateDetails, other: &CertificateDetails) -> bool {
    let common = unnamed.common_name.as_deref();
    common.is_some_and(|common| covered(common, &other.names)) || unnamed.subject == other.subject
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fixture::certificate;

    fn with(names: &[SanName]) -> CertificateDetails {
        let certificate = certificate(1, "api");
        CertificateDetails { names: names.to_vec(), ..certificate.details.clone().unwrap() }
    }

    fn dns(name: &str) -> SanName {
        SanName::Dns(name.to_owned())
    }

    fn uri(name: &str) -> SanName {
        SanName::Uri(name.to_owned())
    }

    #[test]
    fn one_name_in_common_is_the_same_identity() {
        let old = with(&[dns("api.test"), dns("old.test")]);
        assert!(same_identity(&old, &with(&[dns("new.test"), dns("API.test")])));
        assert!(same_identity(&old, &with(&[dns("*.test")])));
        assert!(same_identity(&with(&[dns("*.test")]), &with(&[dns("*.test")])));
        assert!(!same_identity(&old, &with(&[dns("billing.test")])));
    }

    #[test]
    fn spiffe_ids_decide_where_both_have_one() {
        let a = with(&[uri("spiffe://prod/a"), dns("mesh.local")]);
        assert!(!same_identity(&a, &with(&[uri("spiffe://prod/b"), dns("mesh.local")])));
        assert!(same_identity(&a, &with(&[uri("spiffe://prod/a")])));
        assert!(same_identity(&a, &with(&[dns("mesh.local")])));
    }

    #[test]
    fn without_names_the_subject_decides() {
        let bare = with(&[]);
        assert!(same_identity(&bare, &with(&[])));
        let other = CertificateDetails { subject: "CN=other".into(), ..with(&[]) };
        assert!(!same_identity(&bare, &other));
        let api = CertificateDetails { subject: "O=x, CN=api".into(), ..with(&[]) };
        assert!(same_identity(&api, &with(&[dns("api")])));
    }

    #[test]
    fn a_new_intermediate_below_the_same_root_is_the_same_authority() {
        let leaf = |issuer: &str| CertificateDetails { issuer: issuer.into(), ..with(&[]) };
        let (r1, r2) = (leaf("CN=R1"), leaf("CN=R2"));
        let (below, other) = (leaf("CN=Root"), leaf("CN=Other root"));
        assert!(same_authority([&r1, &below], [&r2, &below]));
        assert!(!same_authority([&r1, &below], [&r2, &other]));
        assert!(same_authority([&r1, &below], [&r1, &r1]));
    }

    #[test]
    fn a_key_of_an_issuer_that_nobody_names_is_neither_same_nor_other() {
        let named =
            |id: &str| CertificateDetails { authority_key_id: Some(id.into()), ..with(&[]) };
        assert_eq!(same_issuer_key(&named("aa"), &named("aa")), Some(true));
        assert_eq!(same_issuer_key(&named("aa"), &named("bb")), Some(false));
        assert_eq!(same_issuer_key(&named("aa"), &with(&[])), None);
    }
}
