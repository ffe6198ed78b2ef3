//! The directory of parties: what the user's services file says of addresses.
//!
//! What an address alone tells is known at once. What certificates, server names and the rest of the wire tell of it is
//! known when the run is over, see [`Names`](super::Names).

use std::sync::Arc;

use super::services::{ADDRESS, Match, Services};
use crate::model::{Endpoint, Party, Session};

/// Names the parties of a run by their addresses.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    services: Arc<Services>,
}

impl Directory {
    /// A directory that knows no names.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A directory of the user's services.
    #[must_use]
    pub fn of(services: Arc<Services>) -> Self {
        Self { services }
    }

    /// The user's services.
    #[must_use]
    pub fn services(&self) -> &Services {
        &self.services
    }

    /// Puts the ends of a session into the periods that the services file tells apart.
    pub fn place(&self, session: &mut Session) {
        let time = session.first.time;
        for end in [&mut session.client, &mut session.server] {
            end.realm = self.services.realm(*end, time);
        }
    }

    /// Who the client at this endpoint is, by its address.
    #[must_use]
    pub fn client(&self, at: Endpoint) -> Party {
        self.party(at.host())
    }

    /// Who the server at this endpoint is, by its address and port.
    #[must_use]
    pub fn server(&self, at: Endpoint) -> Party {
        self.party(at)
    }

    fn party(&self, at: Endpoint) -> Party {
        if self.services.is_empty() {
            return unmapped(at);
        }
        let found = self.exact(at).or_else(|| self.services.by_network(at));
        found.map_or_else(|| unmapped(at), |found| self.services.party(found, at))
    }

    /// Whether nothing that is learned later changes this name.
    #[must_use]
    pub fn is_final(party: &Party) -> bool {
        party.how == ADDRESS
    }

    pub(super) fn exact(&self, at: Endpoint) -> Option<Match> {
        self.services.by_exact_address(at)
    }
}

/// A party without a name. Its network tells it from others with its address.
pub(super) fn unmapped(at: Endpoint) -> Party {
    let party = Party::unmapped(at.host());
    match at.realm.network() {
        Some(number) => {
            Party { service: format!("{} (vni {number})", party.service).into(), ..party }
        }
        None => party,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_nobody_named_is_its_own_name() {
        let directory = Directory::new();
        for text in ["10.0.0.1", "2001:db8::1"] {
            let at = Endpoint::new(text.parse().unwrap(), 80);
            let party = directory.server(at);
            assert_eq!((party.service.as_str(), party.how), (text, "unmapped"));
            assert_eq!(directory.client(at), party);
        }
    }
}
