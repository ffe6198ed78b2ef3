//! Announcements as sessions, so that the rules of discovery judge them as they judge what crosses in connections.

use std::collections::BTreeMap;

use crate::model::{
    Announcement, EndState, Facts, PerDirection, ReadableFacts, Roles, Session, StreamFacts,
    Traffic, limits,
};

/// Kinds of announcements that rules judge. What name servers answer is no announcement of a service.
const JUDGED: [&str; 2] = ["mdns", "memberlist"];

/// One session for everything that one sender announces in one way, in the order of their first frames.
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
    sessions
}

fn begin(one: &Announcement) -> Session {
    let at = one.registration.at;
    Session {
        client: one.from,
        server: one.to,
        roles: Roles::Content,
        first: at,
        last: one.last,
        traffic: PerDirection { to_server: Traffic::default(), to_client: Traffic::default() },
        vlan: None,
        start_seen: true,
        closed: PerDirection::default(),
        end: EndState::Open,
        stream: StreamFacts::default(),
        protocol: Some(one.registration.registry),
        facts: Facts {
            readable: Some(Box::new(ReadableFacts::default())),
            plaintext: Some(at),
            ..Facts::default()
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Endpoint, FrameNo, Moment, Registration};

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
