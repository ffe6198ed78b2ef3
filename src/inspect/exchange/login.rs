//! How a protocol tells [`Notes`] of a secret that crossed: what the protocols have in common of it.

use super::Notes;
use crate::model::{Credential, CredentialKind, Direction, Exposure, Moment, Secret};
use crate::model::{escape_bytes, limits};

/// A secret that a client authenticates with. Has no `Debug`: it borrows the secret.
#[derive(Clone, Copy)]
pub(in crate::inspect) struct Login<'a> {
    kind: CredentialKind,
    exposure: Exposure,
    mechanism: &'static str,
    place: &'static str,
    principal: &'a [u8],
    secret: &'a [u8],
    shipped: bool,
}

impl<'a> Login<'a> {
    /// A password as it is. `place` is where the protocol has it.
    pub(in crate::inspect) fn password(
        mechanism: &'static str,
        place: &'static str,
        principal: &'a [u8],
        secret: &'a [u8],
    ) -> Self {
        let kind = CredentialKind::Password;
        let exposure = Exposure::Readable;
        Self { kind, exposure, mechanism, place, principal, secret, shipped: false }
    }

    /// A token: who has it is the caller.
    pub(in crate::inspect) fn token(self, kind: CredentialKind) -> Self {
        Self { kind, ..self }
    }

    /// An answer to a challenge against which passwords can be tried.
    pub(in crate::inspect) fn crackable(self) -> Self {
        Self { kind: CredentialKind::Response, exposure: Exposure::Crackable, ..self }
    }

    /// An answer of a mechanism that was made for clear channels.
    pub(in crate::inspect) fn safe(self, kind: CredentialKind) -> Self {
        Self { kind, exposure: Exposure::Safe, ..self }
    }

    /// The product ships with this user and this password.
    pub(in crate::inspect) fn shipped_as(self, user: &[u8], password: &[u8]) -> Self {
        let shipped = self.principal == user && self.secret == password;
        Self { shipped: self.shipped || shipped, ..self }
    }
}

impl Notes {
    /// Takes note of a secret that the client sent. Without a secret there is nothing to note.
    pub(in crate::inspect) fn login(&mut self, login: Login<'_>, at: Moment) {
        if login.secret.is_empty() {
            return;
        }
        let principal = login.principal;
        let shown = principal.get(..limits::TEXT_BYTES).unwrap_or(principal);
        self.credential(Credential {
            kind: login.kind,
            mechanism: login.mechanism,
            place: login.place.to_owned(),
            principal: (!shown.is_empty()).then(|| escape_bytes(shown)),
            secret: Secret::of(login.secret),
            exposure: login.exposure,
            default: login.shipped,
            direction: Direction::ToServer,
            first: at,
            count: 1,
            accepted: None,
        });
    }
}
