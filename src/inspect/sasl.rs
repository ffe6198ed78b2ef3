//! What a client says in SASL (RFC 4422), whichever protocol carries it.
//!
//! Takes the mechanism's name and the client's response; gives the credential. Knows no framing.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::exchange::{Login, Notes};
use crate::model::{CredentialKind, Moment, limits};

/// Base64 as clients write it, padded or not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// A mechanism, by what its responses give away.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mechanism {
    /// RFC 4616: the password.
    Plain,
    /// The name, then the password, each in a response of its own.
    Login,
    /// RFC 2195: the name and a digest of a challenge.
    CramMd5,
    /// RFC 2831: a digest of a challenge.
    DigestMd5,
    /// RFC 5802 with SHA-1.
    ScramSha1,
    /// RFC 7677.
    ScramSha256,
    /// The same with SHA-512.
    ScramSha512,
    /// RFC 7628 and what came before it: a token.
    Bearer,
    /// NTLM within SASL.
    Ntlm,
    /// Kerberos, certificates, anonymous: nothing that a listener could use.
    Other,
}

impl Mechanism {
    /// The mechanism with this name.
    pub(super) fn named(name: &[u8]) -> Self {
        const NAMES: [(&[u8], Mechanism); 13] = [
            (b"PLAIN", Mechanism::Plain),
            (b"LOGIN", Mechanism::Login),
            (b"CRAM-MD5", Mechanism::CramMd5),
            (b"DIGEST-MD5", Mechanism::DigestMd5),
            (b"SCRAM-SHA-1", Mechanism::ScramSha1),
            (b"SCRAM-SHA-1-PLUS", Mechanism::ScramSha1),
            (b"SCRAM-SHA-256", Mechanism::ScramSha256),
            (b"SCRAM-SHA-256-PLUS", Mechanism::ScramSha256),
            (b"SCRAM-SHA-512", Mechanism::ScramSha512),
            (b"XOAUTH2", Mechanism::Bearer),
            (b"OAUTHBEARER", Mechanism::Bearer),
            (b"NTLM", Mechanism::Ntlm),
            (b"GSS-SPNEGO", Mechanism::Ntlm),
        ];
        let known = NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        known.map_or(Self::Other, |(_, mechanism)| *mechanism)
    }
}

/// A SASL exchange of one connection.
#[derive(Clone, Default)]
pub(super) struct Sasl {
    mechanism: Option<Mechanism>,
    /// The name from an earlier response, where the secret comes in a later one.
    name: Vec<u8>,
    responses: u8,
}

impl Sasl {
    /// The client chose a mechanism.
    pub(super) fn begin(&mut self, mechanism: &[u8]) {
        *self = Self { mechanism: Some(Mechanism::named(mechanism)), ..Self::default() };
    }

    /// An exchange is going on.
    pub(super) fn is_open(&self) -> bool {
        self.mechanism.is_some()
    }

    /// The exchange is over, or nothing is known of it any longer.
    pub(super) fn end(&mut self) {
        *self = Self::default();
    }

    /// Takes a response in base64, as protocols of lines have it.
    pub(super) fn response_base64(
        &mut self,
        text: &[u8],
        place: &'static str,
        notes: &mut Notes,
        at: Moment,
    ) {
        let text = text.trim_ascii();
        if text == b"*" {
            return self.end();
        }
        if let Some(response) = base64_decoded(text) {
            self.response(&response, place, notes, at);
        }
    }

    /// Takes a response.
    pub(super) fn response(
        &mut self,
        response: &[u8],
        place: &'static str,
        notes: &mut Notes,
        at: Moment,
    ) {
        let Some(mechanism) = self.mechanism else { return };
        if response.is_empty() {
            return;
        }
        self.responses = self.responses.saturating_add(1);
        match mechanism {
            Mechanism::Plain => {
                if let Some((user, password)) = plain(response) {
                    notes.login(Login::password("sasl plain", place, user, password), at);
                }
            }
            Mechanism::Login if self.responses == 1 => {
                self.name = response.get(..limits::TEXT_BYTES).unwrap_or(response).to_vec();
            }
            Mechanism::Login if self.responses == 2 => {
                notes.login(Login::password("sasl login", place, &self.name, response), at);
            }
            Mechanism::CramMd5 => {
                let space = memchr::memrchr(b' ', response).unwrap_or_default();
                let (user, digest) = response.split_at_checked(space).unwrap_or_default();
                notes.login(Login::password("cram-md5", place, user, digest).crackable(), at);
            }
            Mechanism::DigestMd5 if self.responses == 1 => {
                let user = quoted(response, b"username=");
                notes.login(Login::password("digest-md5", place, user, response).crackable(), at);
            }
            Mechanism::ScramSha1 => self.scram("scram-sha-1", response, place, (notes, at)),
            Mechanism::ScramSha256 => self.scram("scram-sha-256", response, place, (notes, at)),
            Mechanism::ScramSha512 => self.scram("scram-sha-512", response, place, (notes, at)),
            Mechanism::Bearer => bearer(response, place, notes, at),
            Mechanism::Ntlm if ntlm_user(response).is_some() => {
                let user: Vec<u8> = ntlm_user(response).unwrap_or_default();
                notes.login(Login::password("ntlm", place, &user, response).crackable(), at);
            }
            _ => {}
        }
    }

    /// RFC 5802 section 5: `n,,n=user,r=nonce`, then `c=biws,r=nonce,p=proof`.
    fn scram(
        &mut self,
        mechanism: &'static str,
        response: &[u8],
        place: &'static str,
        (notes, at): (&mut Notes, Moment),
    ) {
        let part = |key: &[u8]| {
            let mut parts = response.split(|byte| *byte == b',');
            parts.find_map(|part| part.strip_prefix(key)).unwrap_or_default()
        };
        if self.responses == 1 {
            let name = part(b"n=");
            self.name = name.get(..limits::TEXT_BYTES).unwrap_or(name).to_vec();
            return;
        }
        let proof = part(b"p=");
        let login = Login::password(mechanism, place, &self.name, proof);
        // Whoever heard the whole exchange can try passwords against it, and SHA-1 is fast to try them with.
        let login = match self.mechanism {
            Some(Mechanism::ScramSha1) => login.crackable(),
            _ => login.safe(CredentialKind::Response),
        };
        notes.login(login, at);
    }
}

/// The name and the password of a PLAIN response: `[authzid] NUL authcid NUL passwd`.
pub(super) fn plain(response: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut parts = response.splitn(3, |byte| *byte == 0);
    let (_, user, password) = (parts.next()?, parts.next()?, parts.next()?);
    Some((user, password.strip_suffix(&[0]).unwrap_or(password)))
}

/// What base64 says, at most what a message may have.
pub(super) fn base64_decoded(text: &[u8]) -> Option<Vec<u8>> {
    let text = text.get(..limits::MESSAGE_BYTES).unwrap_or(text);
    BASE64.decode(text).ok()
}

/// `n,a=user,^Aauth=Bearer TOKEN^A^A`, or `user=NAME^Aauth=Bearer TOKEN^A^A`.
fn bearer(response: &[u8], place: &'static str, notes: &mut Notes, at: Moment) {
    let mut parts = response.split(|byte| *byte == 1);
    let token = parts.find_map(|part| part.strip_prefix(b"auth=Bearer ")).unwrap_or_default();
    let mut names = response.split(|byte| matches!(byte, 1 | b','));
    let name = names.find_map(|part| part.strip_prefix(b"user=").or(part.strip_prefix(b"a=")));
    let dots = token.iter().filter(|byte| **byte == b'.').count();
    let jwt = dots == 2 && token.starts_with(b"eyJ");
    let kind = if jwt { CredentialKind::Jwt } else { CredentialKind::Token };
    let login = Login::password("sasl oauthbearer", place, name.unwrap_or_default(), token);
    notes.login(login.token(kind), at);
}

/// The quoted value of a directive of DIGEST-MD5.
fn quoted<'a>(response: &'a [u8], directive: &[u8]) -> &'a [u8] {
    let start = memchr::memmem::find(response, directive);
    let value = start.and_then(|start| response.get(start.saturating_add(directive.len())..));
    let value = value.and_then(|value| value.strip_prefix(b"\"")).unwrap_or_default();
    value.split(|byte| *byte == b'"').next().unwrap_or_default()
}

/// The user of an NTLM AUTHENTICATE message (MS-NLMP section 2.2.1.3), its ASCII part.
pub(super) fn ntlm_user(message: &[u8]) -> Option<Vec<u8>> {
    let start = memchr::memmem::find(message, b"NTLMSSP\0\x03\0\0\0")?;
    let message = message.get(start..)?;
    let field = message.get(36..44)?;
    let length = usize::from(u16::from_le_bytes(*field.first_chunk()?));
    let offset = u32::from_le_bytes(*field.last_chunk()?);
    let offset = usize::try_from(offset).ok()?;
    let name = message.get(offset..offset.checked_add(length.min(limits::TEXT_BYTES))?)?;
    Some(name.iter().copied().filter(|byte| *byte != 0).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Credential, Exposure};

    fn said(mechanism: &str, responses: &[&[u8]]) -> Option<Credential> {
        let mut notes = Notes::default();
        let mut sasl = Sasl::default();
        sasl.begin(mechanism.as_bytes());
        for response in responses {
            sasl.response(response, "test", &mut notes, Moment::default());
        }
        notes.into_facts().readable.map(|mut readable| readable.credentials.remove(0))
    }

    #[test]
    fn a_plain_response_is_a_password() {
        let credential = said("PLAIN", &[b"\0tim\0tanstaaftanstaaf"]).unwrap(); // RFC 4616 section 4
        assert_eq!(credential.principal.as_deref(), Some("tim"));
        assert_eq!((credential.exposure, credential.secret.length()), (Exposure::Readable, 16));
    }

    #[test]
    fn a_login_comes_in_two_responses() {
        let credential = said("LOGIN", &[b"app", b"pw"]).unwrap();
        assert_eq!(credential.principal.as_deref(), Some("app"));
        assert_eq!(credential.secret.length(), 2);
    }

    #[test]
    fn a_digest_can_be_guessed_against_and_a_proof_is_made_for_clear_channels() {
        let cram = said("CRAM-MD5", &[b"tim b913a602c7eda7a495b4e6e7334d3890"]).unwrap(); // RFC 2195
        assert_eq!((cram.principal.as_deref(), cram.exposure), (Some("tim"), Exposure::Crackable));
        // RFC 5802 section 5.
        let first = b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL";
        let last =
            b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=";
        for (mechanism, exposure) in [
            ("SCRAM-SHA-1", Exposure::Crackable),
            ("SCRAM-SHA-256", Exposure::Safe),
            ("SCRAM-SHA-512", Exposure::Safe),
        ] {
            let scram = said(mechanism, &[first, last]).unwrap();
            assert_eq!((scram.principal.as_deref(), scram.exposure), (Some("user"), exposure));
        }
    }

    #[test]
    fn a_bearer_is_a_token() {
        let response = b"n,a=user@example.com,\x01host=server\x01auth=Bearer vF9dft4q\x01\x01";
        let token = said("OAUTHBEARER", &[response]).unwrap(); // RFC 7628 section 4.1
        assert_eq!(token.principal.as_deref(), Some("user@example.com"));
        assert_eq!((token.kind, token.secret.length()), (CredentialKind::Token, 8));
    }

    #[test]
    fn nothing_is_noted_of_what_has_no_secret() {
        assert!(said("ANONYMOUS", &[b"trace"]).is_none());
        assert!(said("EXTERNAL", &[b""]).is_none());
    }
}
