//! The directory of parties.
//!
//! A name can come from several places, and [`Party::how`] says from which: the user's services file, a certificate,
//! a name asked for on the wire. Only the last resort is built so far, the address itself. The services file enters
//! here, as a table of address ranges looked up before the fallback, so that whoever asks for a name needs no change.

use std::net::IpAddr;

use crate::model::{Endpoint, Party};

/// Names the parties of a run.
#[derive(Clone, Debug, Default)]
pub struct Directory {}

impl Directory {
    /// A directory that knows no names.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Who is at this address.
    #[must_use]
    pub fn party(&self, addr: IpAddr) -> Party {
        Party::unmapped(Endpoint::new(addr, 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_nobody_named_is_its_own_name() {
        let directory = Directory::new();
        for text in ["10.0.0.1", "2001:db8::1"] {
            let addr = text.parse().unwrap();
            let party = directory.party(addr);
            assert_eq!((party.service.as_str(), party.how), (text, "unmapped"));
        }
    }
}
