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
    /// A field that says who sends the request, and proves it with a secret.
    Credential(CredentialField),
    /// `set-cookie`
    SetCookie,
    /// `app`: the name that go-zero's zrpc sends with its token.
    App,
    /// `referer`
    Referer,
    /// `idempotency-key` and `grpc-previous-rpc-attempts`: the request may come again.
    Repeatable,
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

/// A header field with a credential.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(in crate::inspect) enum CredentialField {
    /// `authorization`: a scheme, then a secret.
    Authorization,
    /// `proxy-authorization`, of the same form.
    ProxyAuthorization,
    /// `x-api-key`
    XApiKey,
    /// `api-key`
    ApiKey,
    /// `apikey`
    ApiKeyWord,
    /// `x-auth-token`
    XAuthToken,
    /// `token`
    Token,
    /// `x-consul-token`
    ConsulToken,
    /// `x-vault-token`
    VaultToken,
    /// `x-amz-security-token`
    AmazonToken,
    /// `x-content-security`: go-zero's signature over a request.
    ContentSecurity,
    /// `cookie`
    Cookie,
}

/// The longest name that is looked for.
const LONGEST: usize = 26;

impl CredentialField {
    /// Where it stands, in words.
    pub(super) fn place(self) -> &'static str {
        match self {
            Self::Authorization => "header authorization",
            Self::ProxyAuthorization => "header proxy-authorization",
            Self::XApiKey => "header x-api-key",
            Self::ApiKey => "header api-key",
            Self::ApiKeyWord => "header apikey",
            Self::XAuthToken => "header x-auth-token",
            Self::Token => "header token",
            Self::ConsulToken => "header x-consul-token",
            Self::VaultToken => "header x-vault-token",
            Self::AmazonToken => "header x-amz-security-token",
            Self::ContentSecurity => "header x-content-security",
            Self::Cookie => "header cookie",
        }
    }

    /// Whether a scheme stands before the secret.
    pub(in crate::inspect) fn has_scheme(self) -> bool {
        matches!(self, Self::Authorization | Self::ProxyAuthorization)
    }
}

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
            b"authorization" => Self::Credential(CredentialField::Authorization),
            b"proxy-authorization" => Self::Credential(CredentialField::ProxyAuthorization),
            b"x-api-key" => Self::Credential(CredentialField::XApiKey),
            b"api-key" => Self::Credential(CredentialField::ApiKey),
            b"apikey" => Self::Credential(CredentialField::ApiKeyWord),
            b"x-auth-token" => Self::Credential(CredentialField::XAuthToken),
            b"token" => Self::Credential(CredentialField::Token),
            b"x-consul-token" => Self::Credential(CredentialField::ConsulToken),
            b"x-vault-token" => Self::Credential(CredentialField::VaultToken),
            b"x-amz-security-token" => Self::Credential(CredentialField::AmazonToken),
            b"x-content-security" => Self::Credential(CredentialField::ContentSecurity),
            b"cookie" => Self::Credential(CredentialField::Cookie),
            b"set-cookie" => Self::SetCookie,
            b"app" => Self::App,
            b"referer" => Self::Referer,
            b"idempotency-key" | b"grpc-previous-rpc-attempts" => Self::Repeatable,
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
        assert_eq!(
            HeaderName::of_any_case(b"Proxy-Authorization"),
            HeaderName::Credential(CredentialField::ProxyAuthorization)
        );
        assert_eq!(
            HeaderName::of_any_case(b"X-Amz-Security-Token"),
            HeaderName::Credential(CredentialField::AmazonToken)
        );
        assert_eq!(HeaderName::of_any_case(b"HOST"), HeaderName::Authority);
        assert_eq!(HeaderName::of_any_case(&[b'a'; 300]), HeaderName::Other);
        assert_eq!(HeaderName::of_any_case(b""), HeaderName::Other);
    }
}
