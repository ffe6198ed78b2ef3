//! The header fields that matter, recognised once.

use super::frameworks::FrameworkField;

/// A header field's name, as far as it matters here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::inspect) enum HeaderName {
    /// `:method`
    Method,
    /// `:path`
    Path,
    /// `:scheme`
    Scheme,
    /// `:authority`, or `Host`.
    Authority,
    /// `:status`
    Status,
    /// `content-type`
    ContentType,
    /// `grpc-status`
    GrpcStatus,
    /// `user-agent`
    UserAgent,
    /// `authorization` and `proxy-authorization`: a scheme, then a secret.
    Authorization,
    /// A field whose whole value is a secret by which services know each other.
    Credential,
    /// `server`
    Server,
    /// `content-length`
    ContentLength,
    /// `transfer-encoding`
    TransferEncoding,
    /// `upgrade`
    Upgrade,
    /// A field that a framework puts there.
    Framework(FrameworkField),
    /// Any other.
    Other,
    /// A name that was sent where it could not be seen.
    Unknown,
}

/// The longest name that is looked for.
const LONGEST: usize = 26;

impl HeaderName {
    /// What a name in lower case is, as HTTP/2 sends it.
    pub(in crate::inspect) const fn of(name: &[u8]) -> Self {
        match name {
            b":method" => Self::Method,
            b":path" => Self::Path,
            b":scheme" => Self::Scheme,
            b":authority" | b"host" => Self::Authority,
            b":status" => Self::Status,
            b"content-type" => Self::ContentType,
            b"grpc-status" => Self::GrpcStatus,
            b"user-agent" => Self::UserAgent,
            b"authorization" | b"proxy-authorization" => Self::Authorization,
            b"x-api-key"
            | b"api-key"
            | b"apikey"
            | b"x-auth-token"
            | b"token"
            | b"x-consul-token"
            | b"x-vault-token"
            | b"x-amz-security-token" => Self::Credential,
            b"server" => Self::Server,
            b"content-length" => Self::ContentLength,
            b"transfer-encoding" => Self::TransferEncoding,
            b"upgrade" => Self::Upgrade,
            _ => match FrameworkField::of(name) {
                Some(field) => Self::Framework(field),
                None => Self::Other,
            },
        }
    }

    /// What a name in any case is, as HTTP/1 sends it.
    pub(in crate::inspect) fn of_any_case(name: &[u8]) -> Self {
        let mut lower = [0; LONGEST];
        let Some(lower) = lower.get_mut(..name.len()) else { return Self::Other };
        lower.copy_from_slice(name);
        lower.make_ascii_lowercase();
        Self::of(lower)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_1_names_are_recognised_in_any_case_and_length() {
        assert_eq!(HeaderName::of_any_case(b"Proxy-Authorization"), HeaderName::Authorization);
        assert_eq!(HeaderName::of_any_case(b"X-Amz-Security-Token"), HeaderName::Credential);
        assert_eq!(HeaderName::of_any_case(b"HOST"), HeaderName::Authority);
        assert_eq!(HeaderName::of_any_case(&[b'a'; 300]), HeaderName::Other);
        assert_eq!(HeaderName::of_any_case(b""), HeaderName::Other);
    }
}
