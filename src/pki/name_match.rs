//! Whether a certificate is valid for a name, after RFC 9525: subject alternative names only, never the common name.

use std::net::IpAddr;

use crate::model::SanName;

/// The requested names that none of a certificate's names covers, in their order.
///
/// A certificate that carries a SPIFFE id and no host name or address is checked by its id, not by the name that was
/// asked for: nothing is mismatched then.
pub(crate) fn mismatched<'n>(
    requested: &'n [String],
    names: &'n [SanName],
) -> impl Iterator<Item = &'n str> {
    let hosts = names.iter().any(|name| matches!(name, SanName::Dns(_) | SanName::Ip(_)));
    let by_name = hosts || !names.iter().any(is_spiffe);
    requested.iter().map(String::as_str).filter(move |asked| by_name && !covered(asked, names))
}

fn is_spiffe(name: &SanName) -> bool {
    matches!(name, SanName::Uri(uri) if uri.starts_with("spiffe://"))
}

/// Whether one of the names covers what was asked for: an address by an address, a host name by a host name.
pub(crate) fn covered(asked: &str, names: &[SanName]) -> bool {
    let literal = asked.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    names.iter().any(|name| match (name, &literal) {
        (SanName::Ip(addr), Ok(asked)) => addr.to_canonical() == asked.to_canonical(),
        (SanName::Dns(pattern), Err(_)) => matches_host(pattern, asked),
        _ => false,
    })
}

/// RFC 9525 section 6.3: a wildcard is the whole left-most label and stands for exactly one label.
fn matches_host(pattern: &str, asked: &str) -> bool {
    let (pattern, asked) = (trimmed(pattern), trimmed(asked));
    if pattern.is_empty() || asked.is_empty() {
        return false;
    }
    let Some(parent) = pattern.strip_prefix("*.") else {
        return pattern.eq_ignore_ascii_case(asked);
    };
    let Some((label, rest)) = asked.split_once('.') else { return false };
    // Some verifiers also refuse "*.internal"; the RFC does not, and a finding must hold for all of them.
    let sound = !parent.is_empty() && !parent.contains('*');
    sound && !label.is_empty() && rest.eq_ignore_ascii_case(parent)
}

fn trimmed(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dns(name: &str) -> SanName {
        SanName::Dns(name.to_owned())
    }

    #[test]
    fn host_names_match_whatever_their_case_and_with_a_final_dot() {
        assert!(covered("API.internal", &[dns("api.internal")]));
        assert!(covered("api.internal.", &[dns("api.internal")]));
        assert!(!covered("api.internal.evil", &[dns("api.internal")]));
        assert!(!covered("", &[dns("")]));
    }

    #[test]
    fn a_wildcard_is_one_whole_leftmost_label() {
        let names = [dns("*.shop.internal")];
        assert!(covered("api.shop.internal", &names));
        assert!(!covered("shop.internal", &names));
        assert!(!covered("a.b.shop.internal", &names));
        assert!(!covered(".shop.internal", &names));
        assert!(!covered("api.shop.internal", &[dns("a*.shop.internal")]));
        assert!(!covered("api.shop.internal", &[dns("api.*.internal")]));
        assert!(covered("api.internal", &[dns("*.internal")]));
        assert!(!covered("anything", &[dns("*")]));
    }

    #[test]
    fn addresses_match_addresses_only() {
        let names = [SanName::Ip("10.0.0.9".parse().unwrap()), dns("10.0.0.8")];
        assert!(covered("10.0.0.9", &names));
        assert!(!covered("10.0.0.8", &names));
        assert!(covered("[::1]", &[SanName::Ip("::1".parse().unwrap())]));
    }

    #[test]
    fn a_certificate_with_only_a_spiffe_id_is_not_mismatched() {
        let requested = ["payments.svc".to_owned()];
        let id = SanName::Uri("spiffe://example.org/ns/a/sa/b".to_owned());
        assert_eq!(mismatched(&requested, std::slice::from_ref(&id)).count(), 0);
        assert_eq!(mismatched(&requested, &[id, dns("other.svc")]).count(), 1);
        assert_eq!(mismatched(&requested, &[]).collect::<Vec<_>>(), ["payments.svc"]);
    }
}
