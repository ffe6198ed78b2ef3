//! JSON Web Tokens (RFC 7519), decoded and not verified.

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Value};

use crate::model::{Secret, Timestamp, Token, escape_bytes, limits};

/// The alphabet of tokens, with or without the padding that RFC 7515 forbids and some libraries send.
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What an encoded JSON object begins with: `{"`.
const BEGINS: &[u8] = b"eyJ";

/// The last second of the year 9999.
const LAST_SECOND: i64 = 253_402_300_799;

/// The token that this text is. Nothing for what is no token, or an encrypted one (RFC 7516).
pub(super) fn read(text: &[u8]) -> Option<Token> {
    if !text.starts_with(BEGINS) || text.len() > limits::CREDENTIAL_BYTES {
        return None;
    }
    let mut parts = text.split(|byte| *byte == b'.');
    let (header, claims, signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let (header, claims) = (object(header)?, object(claims)?);
    let algorithm = string(&header, "alg").unwrap_or_default();
    Some(Token {
        secret: Secret::of(text),
        unsigned: signature.is_empty() || algorithm.eq_ignore_ascii_case("none"),
        algorithm,
        media_type: string(&header, "typ"),
        key_id: string(&header, "kid"),
        key_url: string(&header, "jku").or_else(|| string(&header, "x5u")),
        issuer: string(&claims, "iss"),
        subject: string(&claims, "sub"),
        audience: texts(claims.get("aud")).collect(),
        has_id: claims.contains_key("jti"),
        issued: date(&claims, "iat"),
        not_before: date(&claims, "nbf"),
        expires: date(&claims, "exp"),
        grants: grants(&claims),
        last_accepted: None,
    })
}

fn object(part: &[u8]) -> Option<Map<String, Value>> {
    let json = URL_SAFE.decode(part).ok()?;
    match serde_json::from_slice(&json).ok()? {
        Value::Object(object) => Some(object),
        _ => None,
    }
}

fn string(object: &Map<String, Value>, name: &str) -> Option<String> {
    object.get(name)?.as_str().map(shown)
}

fn shown(text: &str) -> String {
    let bytes = text.as_bytes();
    escape_bytes(bytes.get(..limits::TEXT_BYTES).unwrap_or(bytes))
}

/// Whole seconds of a NumericDate, which may have a fraction. What no calendar has is no date.
fn date(claims: &Map<String, Value>, name: &str) -> Option<Timestamp> {
    let number = claims.get(name)?;
    let seconds = number.as_i64().or_else(|| number.as_f64().map(|seconds| seconds as i64))?;
    (0..=LAST_SECOND).contains(&seconds).then(|| Timestamp::from_seconds(seconds))
}

/// Scopes, roles and permissions, under the names that they usually have.
fn grants(claims: &Map<String, Value>) -> Vec<String> {
    let realm = claims.get("realm_access").and_then(|realm| realm.get("roles"));
    let named = ["scope", "scp", "roles", "role", "permissions"].map(|name| claims.get(name));
    let all = named.into_iter().chain([realm]).flat_map(texts);
    let mut grants: Vec<String> = Vec::new();
    for words in all {
        for word in words.split(' ').filter(|word| !word.is_empty()) {
            if grants.len() < limits::TOKEN_CLAIMS && !grants.iter().any(|known| known == word) {
                grants.push(word.to_owned());
            }
        }
    }
    grants
}

/// A text, or the texts of a list.
fn texts(value: Option<&Value>) -> impl Iterator<Item = String> {
    let list = value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let one = value.and_then(Value::as_str);
    let all = one.into_iter().chain(list.iter().filter_map(Value::as_str));
    all.take(limits::TOKEN_CLAIMS).map(shown)
}

#[cfg(test)]
pub(in crate::inspect) mod tests {
    use super::*;

    /// A token with these parts as they are, and a signature of 32 bytes.
    pub(in crate::inspect) fn token(header: &str, claims: &str) -> String {
        let encode = |text: &[u8]| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.{}", encode(header.as_bytes()), encode(claims.as_bytes()), encode(&[7; 32]))
    }

    fn claims(claims: &str) -> Token {
        read(token(r#"{"alg":"HS256","typ":"JWT"}"#, claims).as_bytes()).unwrap()
    }

    #[test]
    fn a_token_says_who_it_is_for_and_how_long() {
        let token = claims(
            r#"{"iss":"auth","sub":"orders","aud":["a","b"],"iat":1700000000,"exp":1700003600.5,"jti":"x",
                "scope":"read write","roles":["admin"],"realm_access":{"roles":["ops"]}}"#,
        );
        assert_eq!((token.algorithm.as_str(), token.unsigned), ("HS256", false));
        assert_eq!(token.issuer.as_deref(), Some("auth"));
        assert_eq!(token.subject.as_deref(), Some("orders"));
        assert_eq!(token.audience, ["a", "b"]);
        assert_eq!(token.expires, Some(Timestamp::from_seconds(1_700_003_600)));
        assert_eq!(token.grants, ["read", "write", "admin", "ops"]);
        assert!(token.has_id && token.not_before.is_none());
    }

    #[test]
    fn a_token_without_a_signature_is_unsigned_however_it_says_so() {
        for algorithm in ["none", "None", "NONE", "nOnE"] {
            let header = format!(r#"{{"alg":"{algorithm}"}}"#);
            assert!(read(token(&header, "{}").as_bytes()).unwrap().unsigned, "{algorithm}");
        }
        let signed = token(r#"{"alg":"RS256"}"#, "{}");
        let cut = signed.rsplit_once('.').unwrap().0;
        assert!(read(format!("{cut}.").as_bytes()).unwrap().unsigned);
    }

    #[test]
    fn what_is_no_token_is_none() {
        let nested = format!("{}1{}", "[".repeat(4000), "]".repeat(4000));
        for text in ["", "eyJ", "eyJ.eyJ", "eyJ.eyJ.eyJ", "eyJhbGciOiJub25lIn0.e30.a.b.c", "opaque"]
        {
            assert!(read(text.as_bytes()).is_none(), "{text}");
        }
        assert!(
            read(token(r#"{"alg":"A"}"#, &format!(r#"{{"a":{nested}}}"#)).as_bytes()).is_none()
        );
        assert!(read(token(r#"{"alg":"A"}"#, "[]").as_bytes()).is_none());
    }

    #[test]
    fn claims_are_escaped_and_dates_of_no_calendar_are_none() {
        let token = claims("{\"sub\":\"\\u001b[31m\\n\",\"exp\":1e300,\"iat\":-5,\"nbf\":\"1\"}");
        assert_eq!(token.subject.as_deref(), Some("\\u{1b}[31m\\n"));
        assert_eq!((token.expires, token.issued, token.not_before), (None, None, None));
    }
}
