//! What an auditor does only while a run goes on: sessions that are told of again, other rules, another run.

use std::sync::Arc;

use super::chains::Chains;
use super::credentials::Credentials;
use super::inventory::Inventory;
use super::ledger::Ledger;
use super::ongoing::{Judged, can_be_judged, connection, news};
use super::{Auditor, Callers, CaptureFacts, HashMap, KeepSessions, Tally, judge, naming};
use crate::identity::{Directory, Names};
use crate::model::{Announcement, AuditedSession, EndState, Outcome, RunInfo, Session, Subject};
use crate::pki::Authorities;
use crate::rule::{Evaluator, Policy, RuleSet, Verdict};

/// Seconds of packet time for which a resumed session waits for the one that it resumes. In a live audit that one is known
/// as soon as its handshake is.
const ORIGIN_SECONDS: i64 = 10;

impl Auditor {
    /// The same, for a run without an end: what waits for something that may come later waits for seconds only.
    #[must_use]
    pub fn live(mut self) -> Self {
        self.resumption.patience = Some(ORIGIN_SECONDS);
        self
    }

    /// Begins another run, with nothing counted and nothing found. What later sessions may depend on stays: handshakes that
    /// may be resumed, certificates that were shown where, requests that may come again, connections that go on.
    pub fn begin_run(&mut self) {
        self.inventory = Inventory::default();
        self.ledger = Ledger::default();
        self.published = None;
        self.tally = Tally::default();
        self.credentials = Credentials::default();
        self.callers = Callers::default();
        self.suites = Default::default();
        self.named = Default::default();
        self.kept = Vec::new();
        self.evidence = HashMap::default();
        self.ongoing.begin_run();
        self.chains.begin_run();
    }

    /// Judges by other rules and authorities from here on, in another run.
    pub fn begin_run_with(&mut self, rules: Arc<RuleSet>, authorities: Authorities) {
        self.begin_run();
        self.evaluator = Evaluator::new(rules);
        self.chains = Chains::new(authorities);
    }

    /// Sessions that came or changed since they were given out last, here or with [`Self::publish`], by the names that
    /// their ends have by now. Its cost grows with what has a name, and with these sessions.
    #[must_use]
    pub fn hand_out(&mut self, announcements: &[Announcement]) -> Vec<AuditedSession> {
        let mut kept = std::mem::take(&mut self.kept);
        if !kept.is_empty() {
            let mut named = self.named.clone();
            named.announced(announcements);
            naming::sessions(&Names::settle(self.directory.clone(), &named), &mut kept);
        }
        kept
    }

    /// How many sessions there are to give out.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.kept.len()
    }

    /// Forgets the oldest sessions that there are to give out, and says how many.
    pub fn forget_kept(&mut self, count: usize) -> usize {
        self.kept.drain(..count.min(self.kept.len())).len()
    }

    /// Ends the run: gives what it came to, as [`Self::publish`] does, but keeps nothing of it. Another run is to begin.
    #[must_use]
    pub fn end_run(&mut self, run: RunInfo, capture: CaptureFacts) -> Outcome {
        self.published = None;
        self.conclude(run, capture)
    }

    /// Goes by another directory and policy from here on.
    pub fn go_by(&mut self, directory: Directory, policy: Option<Policy>) {
        self.directory = directory;
        self.policy = policy;
        self.ledger.forget_edges();
    }

    /// Forgets what of earlier sessions later ones might depend on: memory is short.
    pub fn forget(&mut self) {
        self.history = Default::default();
        self.memory = Default::default();
    }

    /// Judges a connection that goes on, or that was judged while it did. Gives back any other session.
    pub(super) fn go_on(
        &mut self,
        session: Session,
        seen: &mut dyn FnMut(&AuditedSession),
    ) -> Option<Session> {
        let connection = connection(&session);
        let going = session.end == EndState::Going;
        let Some(before) = self.ongoing.take(&connection) else {
            if !going {
                return Some(session);
            }
            let posture = judge(&session).posture;
            let waits = !can_be_judged(&session, posture) || self.resumption.lacks_origin(&session);
            if !waits && self.ongoing.has_room() {
                let mut audited = Box::new(self.judge(session));
                self.resumption.remember(&audited);
                audited.recalled = self.memory.recall(&audited);
                let kept = self.add(&mut audited, seen);
                self.keep_going(Judged { audited, kept, counted: true });
            }
            return None;
        };
        self.amend(before, session, seen);
        None
    }

    fn keep_going(&mut self, judged: Judged) {
        if judged.kept && self.keep != KeepSessions::None {
            self.kept.push((*judged.audited).clone());
        }
        self.ongoing.put(connection(&judged.audited.session), judged);
    }

    fn amend(&mut self, before: Judged, session: Session, seen: &mut dyn FnMut(&AuditedSession)) {
        let Judged { audited: old, kept, counted } = before;
        let ended = session.end != EndState::Going;
        let mut audited = Box::new(self.judge(session));
        if counted {
            audited.number = old.number;
        }
        self.resumption.remember(&audited);
        let news = news(&old, &audited);
        let recalled = self.memory.recall(&news);
        audited.recalled.since_tls_failure = old.recalled.since_tls_failure;
        audited.recalled.repeated = old.recalled.repeated + recalled.repeated;
        audited.recalled.repeated_elsewhere =
            old.recalled.repeated_elsewhere + recalled.repeated_elsewhere;
        audited.recalled.repeated_at = old.recalled.repeated_at.or(recalled.repeated_at);
        audited.recalled.ticket_from_elsewhere =
            old.recalled.ticket_from_elsewhere || recalled.ticket_from_elsewhere;
        audited.recalled.ticket_key_days =
            old.recalled.ticket_key_days.or(recalled.ticket_key_days);
        if !counted {
            let kept = self.add(&mut audited, seen);
            return self.keep_going(Judged { audited, kept, counted: true });
        }
        self.tally.remove(&old);
        self.tally.add(&audited);
        self.credentials.add(&news);
        self.credentials.go_on(&old, &audited);
        self.callers.add(&news);
        self.chains.note_again(&old, &audited);
        self.inventory.amend(&old, &audited);
        if old.server_chain.is_empty() {
            self.history.add(&audited);
        }
        self.named.add(&audited);
        let is_evidence = self.apply_again(&old, &mut audited);
        if ended || old.posture != audited.posture {
            seen(&audited);
        }
        let kept = kept || (is_evidence && self.keep != KeepSessions::None);
        self.keep_going(Judged { audited, kept, counted });
    }

    /// Applies the session rules to a session that they were applied to before: only what is true now and was not counts.
    fn apply_again(&mut self, before: &AuditedSession, now: &mut AuditedSession) -> bool {
        let rules = Arc::clone(self.evaluator.rules());
        let mut identity = |audited: &AuditedSession, only: Option<&[(usize, Vec<u8>)]>| {
            let subject = Subject::Session(audited);
            let hits = self.evaluator.evaluate(&subject);
            let mut keys = Vec::new();
            for hit in hits.iter() {
                let Some(rule) = rules.rules().get(hit.rule) else { continue };
                let mut key = Vec::new();
                if hit.verdict != Verdict::NotObservable {
                    rule.write_identity(&subject, &mut key);
                }
                if only.is_none_or(|known| !known.contains(&(hit.rule, key.clone()))) {
                    keys.push((hit.rule, key));
                }
            }
            keys
        };
        let known = identity(before, None);
        let fresh = identity(now, Some(&known));
        // What could not be decided before and can now was counted as undecided.
        let undecided = known.iter().filter(|(_, key)| key.is_empty()).map(|(rule, _)| *rule);
        let settled = |rule: &usize| fresh.iter().any(|(now, key)| now == rule && !key.is_empty());
        let settled: Vec<usize> = undecided.filter(settled).collect();
        settled.into_iter().for_each(|rule| self.ledger.decided(rule));
        if fresh.is_empty() {
            return false;
        }
        let fresh: Vec<usize> = fresh.into_iter().map(|(rule, _)| rule).collect();
        self.apply_session_rules(now, Some(&fresh), None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Posture, fixture};

    fn auditor() -> Auditor {
        let rules = Arc::new(RuleSet::built_in().unwrap());
        Auditor::new(rules, Directory::new(), KeepSessions::Samples).live()
    }

    fn told(times: &[(EndState, u64)]) -> (Auditor, usize) {
        let (mut auditor, mut seen) = (auditor(), 0);
        for (end, bytes) in times {
            let mut session = fixture::session(1, Posture::Plaintext).session;
            session.facts.plaintext = Some(session.first);
            session.end = *end;
            session.traffic.to_server.bytes = *bytes;
            auditor.session(session, &mut |_| seen += 1);
        }
        (auditor, seen)
    }

    fn publish(auditor: &mut Auditor) -> crate::model::Outcome {
        let mut outcome = auditor.publish(RunInfo::default(), CaptureFacts::default());
        crate::audit::grade(&mut outcome);
        outcome
    }

    #[test]
    fn a_connection_that_is_told_of_again_is_counted_once() {
        let (mut once, _) = told(&[(EndState::Fin, 900)]);
        let all = [(EndState::Going, 100), (EndState::Going, 500), (EndState::Fin, 900)];
        let (mut often, seen) = told(&all);
        let (once, often) = (publish(&mut once), publish(&mut often));
        assert_eq!(seen, 2, "when it was judged, and when it ended");
        assert_eq!(once.coverage, often.coverage);
        assert_eq!(once.edges, often.edges);
        assert_eq!(once.findings, often.findings);
        let last = often.sessions.last().map(|one| (one.number, one.session.end));
        assert_eq!(last, Some((1, EndState::Fin)));
    }

    #[test]
    fn a_run_that_goes_on_can_be_published_as_often_as_one_likes() {
        let (mut auditor, _) = told(&[(EndState::Fin, 900)]);
        let first = publish(&mut auditor);
        let second = publish(&mut auditor);
        assert_eq!((first.sessions.len(), second.sessions.len()), (1, 0), "sessions once");
        assert_eq!(first.findings, second.findings);
        assert_eq!(first.edges, second.edges);
        let last = auditor.finish(RunInfo::default(), CaptureFacts::default());
        assert_eq!(first.findings, last.findings);
        assert_eq!(first.coverage, last.coverage);
    }

    #[test]
    fn sessions_that_were_handed_out_are_those_that_would_have_been_published() {
        let (mut handed, _) = told(&[(EndState::Fin, 900)]);
        let (mut published, _) = told(&[(EndState::Fin, 900)]);
        let sessions = handed.hand_out(&[]);
        assert_eq!(format!("{sessions:?}"), format!("{:?}", publish(&mut published).sessions));
        assert!(handed.hand_out(&[]).is_empty(), "sessions once");
        assert!(publish(&mut handed).sessions.is_empty());
    }

    #[test]
    fn the_policy_holds_every_time() {
        let (auditor, _) = told(&[(EndState::Fin, 900)]);
        let policy = Policy::read("policy.toml", "policy-version = 1\nunknown-edges = \"high\"\n");
        let mut auditor = auditor.with_policy(Some(policy.unwrap()));
        let unexpected = |outcome: crate::model::Outcome| {
            outcome.findings.iter().filter(|finding| finding.rule == "WL6004").count()
        };
        assert_eq!([(); 3].map(|()| unexpected(publish(&mut auditor))), [1, 1, 1]);
    }

    #[test]
    fn another_run_counts_from_the_beginning_and_knows_the_connections_that_go_on() {
        let (mut auditor, _) = told(&[(EndState::Going, 100)]);
        auditor.begin_run();
        assert_eq!(publish(&mut auditor).coverage.sessions, 0);
        let mut session = fixture::session(1, Posture::Plaintext).session;
        session.end = EndState::Fin;
        auditor.session(session, &mut |_| {});
        let outcome = publish(&mut auditor);
        assert_eq!((outcome.coverage.sessions, outcome.sessions.len()), (1, 1));
    }
}
