//! Names, put where they belong when the run is over.
//!
//! Names are learned while a run goes on, so nothing that outlives a session may hold one before its end. What is kept by
//! place gets its names here. A finding about sessions is worded when it begins: until the end it says, instead of a name,
//! where it goes.

use std::net::IpAddr;

use crate::identity::{Directory, Evidence, Names, is_host_name};
use crate::model::{
    AuditedSession, CertificateAt, ChangeFacts, CredentialRow, Direction, EdgeFacts, Endpoint,
    EndpointFacts, Party, Realm, RelianceFacts, Text, push_hex,
};

pub(super) fn certificates(names: &Names, all: &mut [CertificateAt]) {
    for place in all {
        place.party = match place.role {
            Direction::ToServer => names.client(place.party.at(0)),
            Direction::ToClient => names.server(place.party.at(place.port)),
        };
    }
}

/// Tells leaves that a server showed to clients which named nobody by what names the server is found.
pub(super) fn called(evidence: &Evidence, all: &mut [CertificateAt]) {
    let asked = |place: &&mut CertificateAt| {
        place.role == Direction::ToClient && place.position == 0 && place.asked_without_name
    };
    for place in all.iter_mut().filter(asked) {
        place.called = evidence.called(place.party.at(place.port));
        let own = &place.party.service;
        if place.party.is_mapped()
            && is_host_name(own)
            && !place.called.iter().any(|name| own == name)
        {
            place.called.push(own.to_string());
            place.called.sort();
        }
    }
}

pub(super) fn changes(names: &Names, all: &mut [ChangeFacts]) {
    for change in all {
        change.server = names.server(change.server.at(change.port));
    }
}

pub(super) fn reliances(names: &Names, all: &mut [RelianceFacts]) {
    for reliance in all {
        reliance.client = names.client(reliance.client.at(0));
        reliance.server = names.server(reliance.server.at(reliance.port));
    }
}

pub(super) fn endpoints(names: &Names, all: &mut [EndpointFacts]) {
    for endpoint in all {
        endpoint.server = names.server(endpoint.server.at(endpoint.port));
    }
}

pub(super) fn edges(names: &Names, all: &mut [EdgeFacts]) {
    for edge in all {
        edge.client = names.client(edge.client.at(0));
        edge.server = names.server(edge.server.at(edge.port));
    }
}

pub(super) fn credentials(names: &Names, all: &mut [CredentialRow]) {
    for row in all {
        row.at.server = names.server(row.at.server.at(row.at.port));
    }
}

pub(super) fn sessions(names: &Names, all: &mut [AuditedSession]) {
    for audited in all {
        audited.client = names.client(audited.session.client);
        audited.server = names.server(audited.session.server);
    }
}

/// Puts marks in the place of names that may change, and gives back the names.
pub(super) fn hide(audited: &mut AuditedSession) -> [Option<Text>; 2] {
    let hidden = |party: &mut Party, at: Endpoint, end| {
        let mark = (!Directory::is_final(party)).then(|| mark(end, at));
        mark.map(|mark| std::mem::replace(&mut party.service, mark))
    };
    let session = &audited.session;
    [
        hidden(&mut audited.client, session.client.host(), CLIENT),
        hidden(&mut audited.server, session.server.host(), SERVER),
    ]
}

/// Puts the names back.
pub(super) fn restore(audited: &mut AuditedSession, [client, server]: [Option<Text>; 2]) {
    for (party, name) in [(&mut audited.client, client), (&mut audited.server, server)] {
        if let Some(name) = name {
            party.service = name;
        }
    }
}

/// The names of a session's ends, to be put in the place of their marks.
pub(super) struct Revealing<'a>([(Text, &'a str); 2]);

impl<'a> Revealing<'a> {
    pub(super) fn new(ends: (Endpoint, Endpoint), [client, server]: [&'a str; 2]) -> Self {
        Self([(mark(CLIENT, ends.0.host()), client), (mark(SERVER, ends.1.host()), server)])
    }

    /// A text with names in the place of the marks of these ends. Nothing where there are no marks.
    pub(super) fn revealed(&self, text: &str) -> Option<String> {
        let mut revealed = None;
        let mut rest = text;
        while let Some((before, after)) = marked(rest) {
            let known = self
                .0
                .iter()
                .find_map(|(mark, name)| Some((*name, after.strip_prefix(mark.as_str())?)));
            let revealed = revealed.get_or_insert_with(|| String::with_capacity(text.len()));
            revealed.push_str(before);
            rest = match known {
                Some((name, behind)) => {
                    revealed.push_str(name);
                    behind
                }
                None => {
                    revealed.push(OPEN);
                    after.strip_prefix(OPEN).unwrap_or_default()
                }
            };
        }
        if let Some(revealed) = &mut revealed {
            revealed.push_str(rest);
        }
        revealed
    }
}

/// Whether a text has a mark.
pub(super) fn has_mark(text: &str) -> bool {
    marked(text).is_some()
}

/// A text up to its first mark, and from there on.
fn marked(text: &str) -> Option<(&str, &str)> {
    // Only few texts have marks, and the first byte of one is rare.
    const FIRST: u8 = 0xee;
    memchr::memchr(FIRST, text.as_bytes())?;
    text.split_at_checked(text.find(OPEN)?)
}

/// Where the name of a client or server at an address goes. Text from the wire is escaped and has no such characters.
fn mark(end: char, at: Endpoint) -> Text {
    let mut mark = Text::new();
    mark.push(OPEN);
    mark.push(end);
    match at.addr {
        IpAddr::V4(addr) => push_hex(&mut mark, &addr.octets()),
        IpAddr::V6(addr) => push_hex(&mut mark, &addr.octets()),
    }
    if at.realm != Realm::default() {
        mark.push_str(&format!("/{:?}/{}", at.realm.network(), at.realm.period()));
    }
    mark.push(CLOSE);
    mark
}

const OPEN: char = '\u{e000}';
const CLOSE: char = '\u{e001}';
const CLIENT: char = 'c';
const SERVER: char = 's';

#[cfg(test)]
mod tests;
