//! Announcements as sessions, so that the rules of discovery judge them as they judge what crosses in connections.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use crate::model::{
    Announcement, Facts, Moment, NameMove, ReadableFacts, Roles, Session, is_internal, limits,
};

/// Kinds of announcements that rules judge. What name servers answer is no announcement of a service.
const JUDGED: [&str; 2] = ["mdns", "memberlist"];

/// One session for everything that one sender announces in one way, in the order of their first frames; then one for
/// each name server that gave one host a name with other addresses than before.
pub(super) fn sessions(announcements: &[Announcement]) -> Vec<Session> {
    let mut places = BTreeMap::new();
    let mut sessions: Vec<Session> = Vec::new();
    for one in announcements.iter().filter(|one| JUDGED.contains(&one.registration.registry)) {
        let key = (one.registration.registry, one.from, one.to);
        let place = *places.entry(key).or_insert(sessions.len());
        if place == sessions.len() {
            sessions.push(begin(one));
        }
        let Some(session) = sessions.get_mut(place) else { continue };
        session.last = session.last.max(one.last);
        session.traffic.to_server.packets += one.count;
        let Some(readable) = &mut session.facts.readable else { continue };
        if readable.registrations.len() < limits::REGISTRATIONS {
            readable.registrations.push(one.registration.clone());
        } else {
            readable.cut = true;
        }
    }
    for (one, moved) in moves(announcements) {
        let key = (one.registration.registry, one.from, one.to);
        let place = *places.entry(key).or_insert(sessions.len());
        if place == sessions.len() {
            sessions.push(answered(one));
        }
        let Some(readable) = sessions.get_mut(place).and_then(|s| s.facts.readable.as_mut()) else {
            continue;
        };
        if readable.moves.len() < limits::REGISTRATIONS {
            readable.moves.push(moved);
        } else {
            readable.cut = true;
        }
    }
    sessions
}

/// When one address of a name was given.
struct Given<'a> {
    address: &'a str,
    first: Moment,
    last: Moment,
    count: u64,
    by: &'a Announcement,
}

/// Names whose addresses were all given up for others, each with the first announcement of a new one, in their order.
///
/// Where any address is given both before and after, the answers take turns or one more was added: nothing moved. A
/// single answer on either side is too little to tell. Names that only ever have public addresses are left out, as
/// those of content networks change all the time.
fn moves(announcements: &[Announcement]) -> Vec<(&Announcement, NameMove)> {
    // Answers for IPv4, for IPv6 and for a service with its port are each asked for by themselves.
    let mut names: BTreeMap<(&str, &str, bool, bool), BTreeMap<&str, Given<'_>>> = BTreeMap::new();
    for one in announcements {
        let said = &one.registration;
        let Some((host, port)) = parsed(&said.address) else { continue };
        let key = (said.registry, said.service.as_str(), host.is_ipv6(), port);
        let name = names.entry(key).or_default();
        let given = name.entry(&said.address).or_insert_with(|| Given {
            address: &said.address,
            first: said.at,
            last: one.last,
            count: 0,
            by: one,
        });
        given.first = given.first.min(said.at);
        given.last = given.last.max(one.last);
        given.count = given.count.saturating_add(one.count);
    }
    let mut moves: Vec<_> = names
        .into_iter()
        .filter_map(|((_, name, ..), all)| moved(name, all.into_values().collect()))
        .collect();
    moves.sort_by_key(|(one, moved)| (moved.at, one.from));
    moves
}

fn moved<'a>(name: &str, mut all: Vec<Given<'a>>) -> Option<(&'a Announcement, NameMove)> {
    const ENOUGH: u64 = 2;
    let internal = |one: &Given<'_>| parsed(one.address).is_some_and(|(host, _)| is_internal(host));
    if all.len() < 2 || !all.iter().any(internal) {
        return None;
    }
    all.sort_by_key(|one| one.first);
    let answers =
        |some: &[Given<'_>]| some.iter().map(|one| one.count).fold(0, u64::saturating_add);
    let apart = |at: &usize| {
        let Some((before, after)) = all.split_at_checked(*at) else { return false };
        let last = before.iter().map(|one| one.last).max();
        let first = after.first().map(|one| one.first);
        last < first && answers(before) >= ENOUGH && answers(after) >= ENOUGH
    };
    let at = (1..all.len()).find(apart)?;
    let (before, after) = all.split_at_checked(at)?;
    let addresses = |some: &[Given<'_>]| {
        let sorted: BTreeSet<&str> = some.iter().map(|one| one.address).collect();
        sorted.into_iter().map(str::to_owned).collect()
    };
    let new = after.first()?;
    let (before, after) = (addresses(before), addresses(after));
    Some((new.by, NameMove { name: name.to_owned(), before, after, at: new.first }))
}

/// The host of an address as announcements have it, and whether there is a port.
fn parsed(address: &str) -> Option<(IpAddr, bool)> {
    let socket = address.parse::<SocketAddr>().map(|socket| (socket.ip(), true));
    socket.or_else(|_| address.parse::<IpAddr>().map(|host| (host, false))).ok()
}

/// What a name server told a host, as a session with the server. The host's port means nothing.
fn answered(one: &Announcement) -> Session {
    Session { client: one.to.host(), server: one.from, ..begin(one) }
}

fn begin(one: &Announcement) -> Session {
    let at = one.registration.at;
    Session {
        last: one.last,
        protocol: Some(one.registration.registry),
        facts: Facts {
            readable: Some(Box::new(ReadableFacts::default())),
            plaintext: Some(at),
            ..Facts::default()
        },
        ..Session::begun(one.from, one.to, Roles::Content, at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Endpoint, FrameNo, Moment, Registration};

    /// Answers of one name server: address, first and last frame, how many.
    fn answers(name: &str, all: &[(&str, u64, u64, u64)]) -> Vec<Announcement> {
        let moment = |frame| Moment { frame: FrameNo(frame), ..Moment::default() };
        let answer = |&(address, first, last, count): &(&str, u64, u64, u64)| Announcement {
            registration: Registration {
                registry: "dns",
                write: false,
                service: name.to_owned(),
                address: address.to_owned(),
                at: moment(first),
                holds_credential: false,
            },
            from: Endpoint::new([10, 0, 0, 2].into(), 53),
            to: Endpoint::new([10, 0, 0, 9].into(), 40_000),
            count,
            last: moment(last),
        };
        all.iter().map(answer).collect()
    }

    #[test]
    fn a_name_whose_addresses_are_all_replaced_has_moved() {
        let all = answers(
            "orders",
            &[("10.0.0.4", 1, 4, 2), ("10.0.0.5", 2, 3, 1), ("10.0.0.6", 7, 9, 2)],
        );
        let sessions = sessions(&all);
        let moved = &sessions[0].facts.readable.as_ref().unwrap().moves[0];
        assert_eq!((moved.name.as_str(), moved.at.frame), ("orders", FrameNo(7)));
        assert_eq!(
            (moved.before.join(" "), moved.after.join(" ")),
            ("10.0.0.4 10.0.0.5".to_owned(), "10.0.0.6".to_owned())
        );
        assert_eq!((sessions[0].server.port, sessions[0].client.port), (53, 0));
    }

    #[test]
    fn answers_that_take_turns_are_added_or_come_once_have_not_moved() {
        for all in [
            &[("10.0.0.4", 1, 7, 3), ("10.0.0.5", 2, 8, 3)][..],
            &[("10.0.0.4", 1, 9, 3), ("10.0.0.5", 4, 8, 3)],
            &[("10.0.0.4", 1, 2, 2), ("10.0.0.5", 4, 4, 1)],
            &[("192.0.43.4", 1, 2, 2), ("192.0.43.5", 4, 5, 2)],
            &[("10.0.0.4", 1, 2, 2), ("fd00::4", 4, 5, 2)],
            &[("10.0.0.4", 1, 2, 2), ("10.0.0.4:80", 4, 5, 2)],
        ] {
            assert!(sessions(&answers("orders", all)).is_empty(), "{all:?}");
        }
    }

    #[test]
    fn what_one_sender_announces_in_one_way_is_one_session() {
        let announced = |registry, last: u8, service: &str, frame| Announcement {
            registration: Registration {
                registry,
                write: true,
                service: service.to_owned(),
                address: String::new(),
                at: Moment { frame: FrameNo(frame), ..Moment::default() },
                holds_credential: false,
            },
            from: Endpoint::new([10, 0, 0, last].into(), 5353),
            to: Endpoint::new([224, 0, 0, 251].into(), 5353),
            count: 2,
            last: Moment { frame: FrameNo(frame + 1), ..Moment::default() },
        };
        let all = [
            announced("mdns", 1, "orders", 1),
            announced("dns", 1, "www.example", 2),
            announced("mdns", 2, "stock", 3),
            announced("mdns", 1, "payments", 5),
        ];
        let sessions = sessions(&all);
        let services = |session: &Session| {
            let all = session.facts.readable.as_ref().unwrap().registrations.iter();
            all.map(|one| one.service.clone()).collect::<Vec<_>>()
        };
        assert_eq!(services(&sessions[0]), ["orders", "payments"]);
        assert_eq!(services(&sessions[1]), ["stock"]);
        assert_eq!(
            (sessions.len(), sessions[0].last.frame, sessions[0].traffic.to_server.packets),
            (2, FrameNo(6), 4)
        );
    }
}
