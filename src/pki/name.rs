//! Distinguished names in one line.

use x509_parser::asn1_rs::{Any, FromDer as _, Oid, oid};
use x509_parser::x509::X509Name;

use super::text::{CUT, directory_string, dotted};
use crate::model::limits;

/// The name in the order of the certificate, as `C=US, O=Example, CN=api`; what divides parts is escaped within them
/// (RFC 4514 section 2.4), several attributes of one part are joined by `+`.
pub(super) fn one_line(name: &X509Name<'_>) -> String {
    let mut out = String::new();
    for part in name.iter_rdn() {
        for (index, attribute) in part.iter().enumerate() {
            if out.len() >= limits::DISTINGUISHED_NAME_BYTES {
                out.push(CUT);
                return out;
            }
            out.push_str(match (index, out.is_empty()) {
                (_, true) => "",
                (0, false) => ", ",
                (_, false) => "+",
            });
            push_key(&mut out, attribute.attr_type());
            out.push('=');
            push_value(&mut out, &directory_string(attribute.attr_value()));
        }
    }
    // The parser stops at the first part that makes no sense; its bytes then end before its header says so.
    if Any::from_der(name.as_raw()).is_err() {
        out.push(CUT);
    }
    out
}

/// The name in these bytes of DER, in one line; `None` when they are no name.
#[must_use]
pub fn name_text(der: &[u8]) -> Option<String> {
    X509Name::from_der(der).ok().map(|(_, name)| one_line(&name))
}

/// The last common name, escaped but without the escapes that only one line needs. The last is the most specific: it
/// is the one that software which still looks at common names compares.
pub(super) fn common_name(name: &X509Name<'_>) -> Option<String> {
    let last = name.iter_common_name().last()?;
    Some(directory_string(last.attr_value()))
}

/// Whether two names are the same, byte for byte.
pub(super) fn same(one: &X509Name<'_>, other: &X509Name<'_>) -> bool {
    one.as_raw() == other.as_raw() && Any::from_der(one.as_raw()).is_ok()
}

fn push_key(out: &mut String, key: &Oid<'_>) {
    match SHORT_NAMES.iter().find(|(bytes, _)| *bytes == key.as_bytes()) {
        Some((_, name)) => out.push_str(name),
        None => out.push_str(&dotted(key)),
    }
}

fn push_value(out: &mut String, value: &str) {
    let last = value.chars().count().saturating_sub(1);
    for (index, c) in value.chars().enumerate() {
        let divides = matches!(c, ',' | '+' | '"' | ';' | '<' | '>');
        let at_an_edge = c == ' ' && (index == 0 || index == last);
        if divides || at_an_edge {
            out.push('\\');
        }
        out.push(c);
    }
}

/// OpenSSL's short names of attribute types, the frequent ones first.
static SHORT_NAMES: &[(&[u8], &str)] = &[
    (&oid!(raw 2.5.4.3), "CN"),
    (&oid!(raw 2.5.4.10), "O"),
    (&oid!(raw 2.5.4.6), "C"),
    (&oid!(raw 2.5.4.11), "OU"),
    (&oid!(raw 2.5.4.8), "ST"),
    (&oid!(raw 2.5.4.7), "L"),
    (&oid!(raw 1.2.840.113549.1.9.1), "emailAddress"),
    (&oid!(raw 0.9.2342.19200300.100.1.25), "DC"),
    (&oid!(raw 0.9.2342.19200300.100.1.1), "UID"),
    (&oid!(raw 2.5.4.5), "serialNumber"),
    (&oid!(raw 2.5.4.4), "SN"),
    (&oid!(raw 2.5.4.9), "street"),
    (&oid!(raw 2.5.4.12), "title"),
    (&oid!(raw 2.5.4.13), "description"),
    (&oid!(raw 2.5.4.15), "businessCategory"),
    (&oid!(raw 2.5.4.17), "postalCode"),
    (&oid!(raw 2.5.4.41), "name"),
    (&oid!(raw 2.5.4.42), "GN"),
    (&oid!(raw 2.5.4.43), "initials"),
    (&oid!(raw 2.5.4.44), "generationQualifier"),
    (&oid!(raw 2.5.4.46), "dnQualifier"),
    (&oid!(raw 2.5.4.65), "pseudonym"),
    (&oid!(raw 2.5.4.72), "role"),
    (&oid!(raw 2.5.4.97), "organizationIdentifier"),
    (&oid!(raw 1.2.840.113549.1.9.2), "unstructuredName"),
    (&oid!(raw 1.2.840.113549.1.9.8), "unstructuredAddress"),
    (&oid!(raw 1.3.6.1.4.1.311.60.2.1.1), "jurisdictionL"),
    (&oid!(raw 1.3.6.1.4.1.311.60.2.1.2), "jurisdictionST"),
    (&oid!(raw 1.3.6.1.4.1.311.60.2.1.3), "jurisdictionC"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> String {
        let mut out = String::new();
        push_value(&mut out, text);
        out
    }

    #[test]
    fn what_divides_a_name_is_escaped_within_a_value() {
        assert_eq!(value("Example, Inc."), "Example\\, Inc.");
        assert_eq!(value("a+b;<\">"), "a\\+b\\;\\<\\\"\\>");
        assert_eq!(value(" a b "), "\\ a b\\ ");
        assert_eq!(value(" "), "\\ ");
        assert_eq!(value(""), "");
    }
}
