//! What a run's sessions tell of certificates over time: which server showed which, to clients that asked for which name.
//!
//! Takes sessions in the order of the audit, gives changes: one certificate where another one was known. Only a session
//! in which the certificates were seen, and the name that was asked for, says anything here; one in which TLS 1.3 hid
//! them neither confirms nor ends anything.

mod across;
mod descent;
mod traits;

use std::sync::Arc;

use hashbrown::HashMap;
use smallvec::SmallVec;

pub(super) use across::{count_leaves, note_reception, relate};
pub(super) use descent::{Weaker, amend_descent, note_descent};

use crate::model::{
    AuditedSession, Certificate, ChangeFacts, EndTraits, Endpoint, Moment, Party, Showing, limits,
};

type Map<K, V> = HashMap<K, V, foldhash::quality::RandomState>;

/// A name that clients ask for, as a number; none is [`NO_NAME`].
type NameId = u32;

const NO_NAME: NameId = 0;

/// The certificates of a run over time.
#[derive(Debug, Default)]
pub(super) struct History {
    names: Map<Box<str>, NameId>,
    series: Map<(Endpoint, NameId), Series>,
    /// Showings and changes that were not followed because there were too many.
    pub(super) overflow: u64,
}

/// The leaves that one server showed to clients that asked for one name.
#[derive(Debug)]
struct Series {
    party: Party,
    /// By when they were first met.
    stays: SmallVec<[Stay; 1]>,
    current: usize,
}

/// One leaf at one place.
#[derive(Debug)]
struct Stay {
    leaf: Arc<Certificate>,
    top: Arc<Certificate>,
    first: Moment,
    last: Moment,
    sessions: u64,
    /// Times that it came back after another one.
    returns: u64,
    sample: (Moment, Endpoint, Endpoint),
    end: EndTraits,
}

impl History {
    /// Takes in a session.
    pub(super) fn add(&mut self, audited: &AuditedSession) {
        let (Some(leaf), Some(top)) = (audited.server_chain.first(), audited.server_chain.last())
        else {
            return;
        };
        let session = &audited.session;
        let Some(tls) = session.facts.tls.as_deref() else { return };
        let Some(hello) = tls.client_hello.value() else { return };
        let Some(name) = self.name(hello.sni.as_deref()) else {
            self.overflow += 1;
            return;
        };
        let key = (session.server, name);
        let full = self.series.len() >= limits::CERTIFICATE_SERIES;
        if full && !self.series.contains_key(&key) {
            self.overflow += 1;
            return;
        }
        let series = self.series.entry(key).or_insert_with(|| Series {
            party: audited.server.clone(),
            stays: SmallVec::new(),
            current: 0,
        });
        let at = tls.server_chain_at.unwrap_or(session.first);
        let sample = (at, session.client, session.server);
        match series.show([leaf, top], sample) {
            Some(stay) if stay.sessions <= limits::END_TRAITS_SESSIONS => {
                traits::note(&mut stay.end, session, tls);
            }
            Some(_) => {}
            None => self.overflow += 1,
        }
    }

    /// The number of a name; `None` when there are too many.
    fn name(&mut self, name: Option<&str>) -> Option<NameId> {
        let Some(name) = name else { return Some(NO_NAME) };
        if let Some(id) = self.names.get(name) {
            return Some(*id);
        }
        if self.names.len() >= limits::CERTIFICATE_SERIES {
            return None;
        }
        let id = NameId::try_from(self.names.len()).ok()?.checked_add(1)?;
        self.names.insert(name.into(), id);
        Some(id)
    }

    /// All changes, by server, name and time: within each series, and between servers that clients call by one name.
    /// And how many there were beyond the bound.
    pub(super) fn changes(&self) -> (Vec<ChangeFacts>, u64) {
        let mut names = vec![None; self.names.len() + 1];
        for (name, id) in &self.names {
            if let Some(slot) = names.get_mut(*id as usize) {
                *slot = Some(&**name);
            }
        }
        let mut all: Vec<Line<'_>> = Vec::with_capacity(self.series.len());
        for ((place, id), series) in &self.series {
            let name = names.get(*id as usize).copied().flatten();
            all.push(Line { name, place: *place, party: &series.party, stays: series.in_order() });
        }
        all.sort_by_key(|line| (line.name, line.place));
        let mut changes: Vec<ChangeFacts> = all.iter().flat_map(Line::changes).collect();
        for same_name in all.chunk_by(|a, b| a.name == b.name).filter(|lines| lines.len() > 1) {
            changes.extend(elsewhere(same_name));
        }
        let order = |change: &ChangeFacts| {
            let place = (change.after.place, change.elsewhere());
            (place, change.name.clone(), change.after.first, change.after.leaf.sha256)
        };
        changes.sort_by_cached_key(order);
        let over = changes.len().saturating_sub(limits::CERTIFICATE_CHANGES);
        changes.truncate(limits::CERTIFICATE_CHANGES);
        (changes, over as u64)
    }
}

impl Series {
    /// Notes that the server showed a chain, by its leaf and its last certificate. `None` when there were too many.
    fn show(
        &mut self,
        [leaf, top]: [&Arc<Certificate>; 2],
        sample: (Moment, Endpoint, Endpoint),
    ) -> Option<&mut Stay> {
        let at = sample.0;
        let is = |stay: &Stay| Arc::ptr_eq(&stay.leaf, leaf) || stay.leaf.sha256 == leaf.sha256;
        let current_last = self.stays.get(self.current).map(|stay| stay.last);
        // Nearly always the one that was shown last.
        let known = match self.stays.get(self.current) {
            Some(current) if is(current) => Some(self.current),
            _ => self.stays.iter().position(is),
        };
        let Some(index) = known else {
            if self.stays.len() >= limits::CERTIFICATES_PER_SERIES {
                return None;
            }
            if current_last.is_none_or(|last| at > last) {
                self.current = self.stays.len();
            }
            let (leaf, top) = (Arc::clone(leaf), Arc::clone(top));
            let (first, last, end) = (at, at, EndTraits::default());
            self.stays.push(Stay { leaf, top, first, last, sessions: 1, returns: 0, sample, end });
            return self.stays.last_mut();
        };
        // Sessions come when they end: a long one may show what was replaced meanwhile.
        let later = current_last.is_none_or(|last| at > last);
        let stay = self.stays.get_mut(index)?;
        if later && index != self.current {
            stay.returns += 1;
            self.current = index;
        }
        if at < stay.first {
            stay.first = at;
            stay.sample = sample;
        }
        stay.last = stay.last.max(at);
        stay.sessions += 1;
        Some(stay)
    }

    fn in_order(&self) -> Vec<&Stay> {
        let mut stays: Vec<&Stay> = self.stays.iter().collect();
        stays.sort_by_key(|stay| (stay.first, stay.leaf.sha256));
        stays
    }
}

/// A series with its name, for telling.
struct Line<'a> {
    name: Option<&'a str>,
    place: Endpoint,
    party: &'a Party,
    /// By when they were first shown.
    stays: Vec<&'a Stay>,
}

impl Line<'_> {
    fn changes(&self) -> Vec<ChangeFacts> {
        let pairs = self.stays.iter().zip(self.stays.iter().skip(1));
        pairs.map(|(before, after)| self.change((self.place, before), after)).collect()
    }

    fn change(&self, (place, before): (Endpoint, &Stay), after: &Stay) -> ChangeFacts {
        let returns = if place == self.place { before.returns } else { 0 };
        ChangeFacts {
            server: self.party.clone(),
            port: self.place.port,
            name: self.name.map(str::to_owned),
            before: before.showing(place),
            after: after.showing(self.place),
            returns,
            issuer_places: 0,
            samples: vec![before.sample, after.sample],
        }
    }
}

impl Stay {
    fn showing(&self, place: Endpoint) -> Showing {
        Showing {
            place,
            leaf: Arc::clone(&self.leaf),
            top: Arc::clone(&self.top),
            first: self.first,
            last: self.last,
            sessions: self.sessions,
            end: self.end.clone(),
        }
    }

    fn issuer(&self) -> Option<&str> {
        self.leaf.details.as_ref().map(|details| details.issuer.as_str())
    }
}

/// What other servers show to clients that ask for the same name, each against the server that was seen with it first:
/// against its certificate of the same issuer, if it has one. What happens at a server later is told by its own series.
fn elsewhere(lines: &[Line<'_>]) -> Vec<ChangeFacts> {
    let began = |line: &&Line<'_>| line.stays.first().map(|stay| (stay.first, line.place));
    let Some(known) = lines.iter().filter(|line| line.name.is_some()).min_by_key(began) else {
        return Vec::new();
    };
    let others = lines.iter().filter(|line| line.place != known.place);
    let change = |line: &Line<'_>| {
        let after = line.stays.first()?;
        if known.stays.iter().any(|stay| stay.leaf.sha256 == after.leaf.sha256) {
            return None;
        }
        let of_issuer = |stay: &&&Stay| stay.issuer() == after.issuer();
        let before = known.stays.iter().find(of_issuer).or_else(|| known.stays.first())?;
        Some(line.change((known.place, before), after))
    };
    others.filter_map(change).collect()
}

#[cfg(test)]
mod tests;
