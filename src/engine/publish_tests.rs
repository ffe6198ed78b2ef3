//! What is published of a run that goes on, against the same made anew, on everything that the samples hold.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::{Input, Options, replay};
use crate::audit::{Auditor, CaptureFacts, KeepSessions};
use crate::capture::Inputs;
use crate::identity::Directory;
use crate::inspect::tls::KeyLog;
use crate::model::{Announcement, DatagramFacts, Finding, Outcome, RunInfo, Session};
use crate::rule::{Policy, RuleSet};

/// The sessions and announcements of all samples.
fn samples() -> (Vec<Session>, Vec<Announcement>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let input = Input {
        replay: Inputs::resolve(&[folder], false).unwrap().replay(),
        filter: None,
        stop: &AtomicBool::new(false),
        run: RunInfo::default(),
        keys: Arc::new(KeyLog::default()),
        networks: Vec::new(),
        progress: &|_| {},
    };
    let mut sessions = Vec::new();
    let end = replay(input, Options::default(), &mut |_, session| sessions.push(session)).unwrap();
    (sessions, end.datagrams.announcements)
}

fn auditor() -> Auditor {
    let rules = Arc::new(RuleSet::built_in().unwrap());
    let policy = "policy-version = 1\nunknown-edges = \"high\"\n[[edge]]\nfrom = \"*\"\n\
                  to = \"*a*\"\nrequire = \"mtls\"\n";
    let policy = Policy::read("policy.toml", policy).unwrap();
    Auditor::new(rules, Directory::new(), KeepSessions::None).live().with_policy(Some(policy))
}

fn publish(auditor: &mut Auditor, announcements: &[Announcement]) -> Outcome {
    let announcements = announcements.to_vec();
    let datagrams = DatagramFacts { announcements, ..DatagramFacts::default() };
    auditor.publish(RunInfo::default(), CaptureFacts { datagrams, ..CaptureFacts::default() })
}

/// Numbers that look like chance.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end.max(1)
    }
}

fn take_in(auditor: &mut Auditor, sessions: &[Session]) {
    sessions.iter().for_each(|session| auditor.session(session.clone(), &mut |_| {}));
}

#[track_caller]
fn assert_equal(published: &Outcome, anew: &Outcome, at: usize) {
    let pairs = published.findings.iter().zip(&anew.findings);
    for (one, other) in pairs {
        assert_eq!(format!("{one:#?}"), format!("{other:#?}"), "after {at} sessions");
    }
    assert_eq!(published.findings.len(), anew.findings.len(), "after {at} sessions");
    assert_eq!(format!("{published:?}"), format!("{anew:?}"), "after {at} sessions");
}

#[test]
fn what_is_published_again_and_again_is_what_it_would_be_made_anew() {
    let (mut sessions, announcements) = samples();
    for seed in 1..=3 {
        let mut dice = Dice(seed);
        for place in 0..sessions.len() {
            let other = place + dice.below(sessions.len() - place);
            sessions.swap(place, other);
        }
        let (mut goes_on, mut so_far) = (auditor(), 0);
        while so_far < sessions.len() {
            let end = (so_far + 1 + dice.below(sessions.len() / 6)).min(sessions.len());
            take_in(&mut goes_on, &sessions[so_far..end]);
            so_far = end;
            let heard = &announcements[..announcements.len() * so_far / sessions.len()];
            let mut anew = auditor();
            take_in(&mut anew, &sessions[..so_far]);
            assert_equal(&publish(&mut goes_on, heard), &publish(&mut anew, heard), so_far);
        }
    }
}

#[test]
fn what_did_not_change_is_shared_with_the_last_time() {
    let (sessions, announcements) = samples();
    let mut auditor = auditor();
    take_in(&mut auditor, &sessions);
    let first = publish(&mut auditor, &announcements);
    let second = publish(&mut auditor, &announcements);
    let shared = |(one, other): &(&Finding, &Finding)| one.is_same(other);
    let same = first.findings.iter().zip(&second.findings).filter(shared).count();
    // Those of policies, of datagrams and of the run as a whole are few, and not looked for.
    let made = first.findings.len() - same;
    assert!(made * 5 < first.findings.len(), "{made} of {} were made anew", first.findings.len());
}
