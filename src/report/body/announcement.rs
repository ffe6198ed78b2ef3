//! What a datagram says of a service.

use serde::Serialize;

use super::{Place, Text};
use crate::model::{Announcement, Endpoint, RunInfo};

/// A service that was announced by multicast or gossip, or that a name server told.
#[derive(Serialize)]
pub(in crate::report) struct AnnouncementBody<'a> {
    registry: &'static str,
    write: bool,
    service: &'a str,
    address: &'a str,
    holds_credential: bool,
    from: Text<Endpoint>,
    to: Text<Endpoint>,
    count: u64,
    first: Place,
    last: Place,
}

impl<'a> AnnouncementBody<'a> {
    pub(in crate::report) fn of(run: &RunInfo, one: &'a Announcement) -> Self {
        let said = &one.registration;
        Self {
            registry: said.registry,
            write: said.write,
            service: &said.service,
            address: &said.address,
            holds_credential: said.holds_credential,
            from: Text(one.from),
            to: Text(one.to),
            count: one.count,
            first: Place::of(run, said.at),
            last: Place::of(run, one.last),
        }
    }
}
