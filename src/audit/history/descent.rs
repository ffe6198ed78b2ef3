//! How the strongest postures of an edge ended: what began after its latest mutual session and has no client certificate,
//! and what after its latest TLS session is readable.
//!
//! Sessions come as they end and count as they began. So one that has no certificate may come before a mutual one that
//! began earlier, and counts from then on.

use crate::model::{
    AuditedSession, Descent, Endpoint, Moment, Posture, Sighting, Transport, limits,
};

/// The sessions of an edge that have no client certificate.
#[derive(Clone, Debug, Default)]
pub(in crate::audit) struct Weaker {
    /// Those that began last.
    latest: [Option<Weak>; limits::WEAKER_SESSIONS],
    /// All others, where there are any.
    others: Option<Box<Others>>,
}

/// One of them. Its edge knows the rest of its ends.
#[derive(Clone, Copy, Debug)]
struct Weak {
    began: Moment,
    client_port: u16,
    transport: Transport,
    readable: bool,
}

/// Sessions that are not remembered one by one.
#[derive(Clone, Copy, Debug)]
struct Others {
    sessions: u64,
    readable: u64,
    first: Weak,
    /// When the last of them began.
    last: Moment,
}

/// What began after a moment.
#[derive(Default)]
struct Since {
    sessions: u64,
    readable: u64,
    first: Option<Weak>,
    first_readable: Option<Weak>,
}

impl Weak {
    /// A session that counts, where it has no client certificate.
    fn of(audited: &AuditedSession) -> Option<Self> {
        let session = &audited.session;
        let readable = audited.posture == Posture::Plaintext;
        (counts(audited) && (readable || audited.posture == Posture::Tls)).then_some(Self {
            began: session.first,
            client_port: session.client.port,
            transport: session.client.transport,
            readable,
        })
    }

    /// Where it can be seen, by another session of its edge.
    fn seen(self, other: &AuditedSession) -> Sighting {
        let Self { began, client_port, transport, .. } = self;
        let client = Endpoint { port: client_port, transport, ..other.session.client };
        (began, client, Endpoint { transport, ..other.session.server })
    }
}

impl Weaker {
    fn add(&mut self, session: Weak) {
        let began = |kept: &&mut Option<Weak>| kept.map(|kept| kept.began);
        let Some(place) = self.latest.iter_mut().min_by_key(began) else { return };
        let goes = match *place {
            Some(first) if session.began < first.began => Some(session),
            _ => place.replace(session),
        };
        let Some(goes) = goes else { return };
        let first = Others { sessions: 0, readable: 0, first: goes, last: goes.began };
        let others = self.others.get_or_insert_with(|| Box::new(first));
        others.sessions += 1;
        others.readable += u64::from(goes.readable);
        others.last = others.last.max(goes.began);
        if goes.began < others.first.began {
            others.first = goes;
        }
    }

    /// Forgets a session, and says whether it was known.
    fn remove(&mut self, session: Weak) -> bool {
        let same = |kept: &&mut Option<Weak>| kept.is_some_and(|kept| kept.began == session.began);
        if let Some(place) = self.latest.iter_mut().find(same) {
            *place = None;
            return true;
        }
        let Some(others) = &mut self.others else { return false };
        if !(others.first.began..=others.last).contains(&session.began) {
            return false;
        }
        others.sessions = others.sessions.saturating_sub(1);
        others.readable = others.readable.saturating_sub(u64::from(session.readable));
        if others.sessions == 0 {
            self.others = None;
        }
        true
    }

    /// What began after this moment; at least that much, where it lies among those that are not remembered one by one.
    fn since(&self, moment: Moment) -> Since {
        let mut since = Since::default();
        match self.others.as_deref() {
            Some(others) if others.first.began > moment => {
                since.sessions = others.sessions;
                since.readable = others.readable;
                since.first = Some(others.first);
            }
            Some(others) => since.sessions = u64::from(others.last > moment),
            None => {}
        }
        let earliest = |of: &mut Option<Weak>, one: Weak| {
            *of = Some(of.filter(|known| known.began < one.began).unwrap_or(one));
        };
        since.first_readable = since.first.filter(|first| first.readable);
        for one in self.latest.iter().flatten().filter(|one| one.began > moment) {
            since.sessions += 1;
            earliest(&mut since.first, *one);
            if one.readable {
                since.readable += 1;
                earliest(&mut since.first_readable, *one);
            }
        }
        since
    }
}

/// Notes what posture a session adds to the end of its edge's history.
pub(in crate::audit) fn note_descent(
    descent: &mut Descent,
    weaker: &mut Weaker,
    audited: &AuditedSession,
) {
    if !counts(audited) {
        return;
    }
    let session = &audited.session;
    let (began, here) = (session.first, (session.first, session.client, session.server));
    let mutual = audited.posture == Posture::Mtls;
    let is_tls = matches!(audited.posture, Posture::Mtls | Posture::Tls | Posture::TlsOpaque);
    if is_tls {
        let since = weaker.since(began);
        if descent.last_tls < Some(began) {
            descent.last_tls = Some(began);
            descent.readable = since.readable;
            if !mutual && descent.last_mtls.is_none() {
                descent.samples = [Some(here), since.first_readable.map(|one| one.seen(audited))];
            }
        }
        if mutual && descent.last_mtls < Some(began) {
            descent.last_mtls = Some(began);
            descent.without_certificate = since.sessions;
            descent.samples = [Some(here), since.first.map(|one| one.seen(audited))];
        }
    }
    let Some(weak) = Weak::of(audited) else { return };
    weaker.add(weak);
    let (without, less) = counted(descent, weak);
    descent.without_certificate += u64::from(without);
    descent.readable += u64::from(less);
    let [_, next] = &mut descent.samples;
    if (without || less) && next.is_none_or(|(earlier, ..)| began < earlier) {
        *next = Some(here);
    }
}

/// Notes that a session that was counted `before` is known to be another now.
pub(in crate::audit) fn amend_descent(
    descent: &mut Descent,
    weaker: &mut Weaker,
    [before, now]: [&AuditedSession; 2],
) {
    if let Some(weak) = Weak::of(before).filter(|weak| weaker.remove(*weak)) {
        let (without, less) = counted(descent, weak);
        let count = &mut descent.without_certificate;
        *count = count.saturating_sub(u64::from(without));
        descent.readable = descent.readable.saturating_sub(u64::from(less));
        if let [_, Some((began, ..))] = descent.samples
            && began == weak.began
        {
            let next = match (descent.last_mtls, descent.last_tls) {
                (Some(last), _) => weaker.since(last).first,
                (None, Some(last)) => weaker.since(last).first_readable,
                (None, None) => None,
            };
            descent.samples = [descent.samples[0], next.map(|one| one.seen(now))];
        }
    }
    note_descent(descent, weaker, now);
}

/// A question in the wrong protocol that was only refused says nothing of its edge.
fn counts(audited: &AuditedSession) -> bool {
    audited.session.facts.mismatch.is_none()
}

/// Whether a session counts as one without a certificate, and as a readable one.
fn counted(descent: &Descent, weak: Weak) -> (bool, bool) {
    let after = |last: Option<Moment>| last.is_some_and(|last| weak.began > last);
    (after(descent.last_mtls), weak.readable && after(descent.last_tls))
}

#[cfg(test)]
mod tests;
