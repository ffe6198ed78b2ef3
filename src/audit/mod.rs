//! Sessions in order, the inventory they build, and the findings that rules draw from both.
//!
//! Takes sessions one by one in a fixed order; gives one finished [`Outcome`]. Knows no frames, no threads and no clock.

mod acceptance;
mod access;
mod announced;
mod apply;
mod chains;
mod coverage;
mod credentials;
mod earlier;
mod edge_use;
mod grade;
mod history;
mod inventory;
mod learn;
mod ledger;
mod live;
mod naming;
mod ongoing;
mod policy;
mod posture;
mod recall;
mod resumption;
mod rows;
mod suites;
mod tickets;

pub use acceptance::{Accepting, EXPIRES_SOON_DAYS, accept, is_guarded};
pub use grade::grade;
pub use learn::{Learn, Learned, learn};
pub use ledger::renamed;
pub use posture::{Verdict, judge};
pub use rows::count_findings;

use std::sync::Arc;

use access::Callers;
use apply::Counted;
use chains::Chains;
use coverage::Tally;
use credentials::Credentials;
use earlier::EarlierRuns;
use hashbrown::HashMap;
use history::History;
use inventory::{EdgeNumber, Inventory};
use ledger::{Ledger, Naming};
use ongoing::Ongoing;
use recall::Memory;
use resumption::Resumption;
use smallvec::SmallVec;
use suites::Suites;

use crate::identity::{Directory, Evidence, Names};
use crate::model::{
    Announcement, AuditedSession, Certificate, CertificateAt, ChangeFacts, Coverage, DatagramFacts,
    Der, EarlierEdge, EdgeFacts, Endpoint, EndpointFacts, Incomplete, Outcome, Recalled,
    RelianceFacts, RunInfo, Seen, Session, Subject, limits,
};
use crate::pki::{Authorities, CertificateCache};
use crate::rule::{Evaluator, Hit, Policy, RuleSet, Verdict as RuleVerdict};

/// Which sessions are kept with the outcome.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum KeepSessions {
    /// Those that are evidence, and a few per edge and posture.
    #[default]
    Samples,
    /// Every one.
    All,
    /// None.
    None,
}

/// Judges the sessions of one run.
pub struct Auditor {
    evaluator: Evaluator,
    directory: Directory,
    named: Evidence,
    certificates: CertificateCache,
    chains: Chains,
    inventory: Inventory,
    resumption: Resumption,
    history: History,
    ledger: Ledger,
    /// Findings of what is only judged when an outcome is made, while the run goes on.
    standing: Option<Ledger>,
    /// The same of the last time, to be taken up again where nothing changed.
    published: Option<Ledger>,
    tally: Tally,
    credentials: Credentials,
    callers: Callers,
    suites: Suites,
    memory: Memory,
    ongoing: Ongoing,
    policy: Option<Policy>,
    earlier: EarlierRuns,
    keep: KeepSessions,
    kept: Vec<AuditedSession>,
    /// Findings that began, by rule and server: a rule that is true of every client of a server is proved by a few of
    /// the sessions.
    evidence: HashMap<(usize, Endpoint), u64, foldhash::quality::RandomState>,
    key: Vec<u8>,
    print: Vec<u8>,
}

/// What the sessions of a run come to.
struct Gathered {
    certificates: Vec<CertificateAt>,
    changes: Vec<ChangeFacts>,
    reliances: Vec<RelianceFacts>,
    endpoints: Vec<EndpointFacts>,
    edges: Vec<EdgeFacts>,
    credentials: credentials::Told,
    /// Changes beyond the bound.
    untold: u64,
}

/// What the capture itself says of a run, for its coverage.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CaptureFacts {
    /// Frames let through, their bytes and times, kinds and cuts; attempts and evictions of the flow table; losses.
    pub coverage: Coverage,
    /// What datagrams said of services.
    pub datagrams: DatagramFacts,
}

impl Auditor {
    /// An auditor that judges by these rules.
    #[must_use]
    pub fn new(rules: Arc<RuleSet>, directory: Directory, keep: KeepSessions) -> Self {
        Self {
            evaluator: Evaluator::new(rules),
            directory,
            named: Evidence::default(),
            certificates: CertificateCache::new(),
            chains: Chains::default(),
            inventory: Inventory::default(),
            resumption: Resumption::default(),
            history: History::default(),
            ledger: Ledger::default(),
            standing: None,
            published: None,
            tally: Tally::default(),
            credentials: Credentials::default(),
            callers: Callers::default(),
            suites: Suites::default(),
            memory: Memory::default(),
            ongoing: Ongoing::default(),
            policy: None,
            earlier: EarlierRuns::default(),
            keep,
            kept: Vec::new(),
            evidence: HashMap::default(),
            key: Vec::new(),
            print: Vec::new(),
        }
    }

    /// The same, with chains judged against these authorities and revocation lists.
    #[must_use]
    pub fn with_authorities(mut self, authorities: Authorities) -> Self {
        self.chains = Chains::new(authorities);
        self
    }

    /// The same, with edges compared with this policy.
    #[must_use]
    pub fn with_policy(mut self, policy: Option<Policy>) -> Self {
        self.policy = policy;
        self
    }

    /// The same, with edges compared with what earlier runs saw of them.
    #[must_use]
    pub fn with_earlier_runs(mut self, edges: Vec<EarlierEdge>) -> Self {
        self.earlier = EarlierRuns::new(edges);
        self
    }

    /// Revocation lists whose issuer issued nothing that was seen so far, in words.
    #[must_use]
    pub fn unused_crls(&self) -> Vec<String> {
        self.chains.unused_crls()
    }

    /// How many chains were asked for so far, and how many of them had to be verified.
    #[must_use]
    pub fn chain_work(&self) -> (u64, u64) {
        self.chains.work()
    }

    /// Judges the next session. `seen` is shown it with its verdict, or later when it resumes a session that has not come
    /// yet. A connection without any payload is counted as an attempt and is no session.
    pub fn session(&mut self, mut session: Session, seen: &mut dyn FnMut(&AuditedSession)) {
        if session.traffic.to_server.bytes + session.traffic.to_client.bytes == 0 {
            self.tally.coverage.half_open += 1;
            return;
        }
        self.directory.place(&mut session);
        let Some(session) = self.go_on(session, seen) else { return };
        let now = session.last;
        if let Some(session) = self.resumption.hold(session) {
            self.admit(session, seen);
        }
        while let Some(session) = self.resumption.release(now) {
            self.admit(session, seen);
        }
    }

    /// Judges the resumed sessions that wait for an origin which did not come. Call it before [`Self::finish`], which
    /// does so too but shows them to nobody.
    pub fn flush(&mut self, seen: &mut dyn FnMut(&AuditedSession)) {
        while let Some(session) = self.resumption.release_oldest() {
            self.admit(session, seen);
        }
    }

    fn admit(&mut self, session: Session, seen: &mut dyn FnMut(&AuditedSession)) {
        let mut audited = self.judge(session);
        self.resumption.remember(&audited);
        audited.recalled = self.memory.recall(&audited);
        if self.add(&mut audited, seen) {
            self.kept.push(audited);
        }
    }

    /// Counts a session everywhere, and says whether it is to be kept.
    fn add(&mut self, audited: &mut AuditedSession, seen: &mut dyn FnMut(&AuditedSession)) -> bool {
        self.tally.add(audited);
        self.credentials.add(audited);
        self.callers.add(audited);
        self.named.add(audited);
        self.suites.add(audited);
        self.chains.note(audited);
        let (edge, sample) = self.inventory.add(audited);
        self.history.add(audited);
        let is_evidence = self.apply_session_rules(audited, None, edge);
        seen(audited);
        match self.keep {
            KeepSessions::All => true,
            KeepSessions::Samples => sample || is_evidence,
            KeepSessions::None => false,
        }
    }

    /// How many findings there are so far, for progress.
    #[must_use]
    pub fn findings(&self) -> usize {
        self.ledger.len()
    }

    /// How many sessions were judged so far.
    #[must_use]
    pub fn sessions(&self) -> u64 {
        self.tally.coverage.sessions
    }

    /// Judges what is only known at the end, and gives the outcome.
    #[must_use]
    pub fn finish(mut self, run: RunInfo, capture: CaptureFacts) -> Outcome {
        self.flush(&mut |_| {});
        grade::with_grades(self.conclude(run, capture))
    }

    /// What is known of a run that goes on: the same as [`Self::finish`] would give now, but for sessions, of which it
    /// gives those that came or changed since the last time, and for grades, which [`grade`] gives whoever needs them.
    ///
    /// Its cost grows with the inventory, not with the sessions; findings that are as they were are those of the last time.
    #[must_use]
    pub fn publish(&mut self, run: RunInfo, capture: CaptureFacts) -> Outcome {
        let room = limits::FINDINGS.saturating_sub(self.ledger.len());
        self.standing = Some(Ledger::after(self.published.take(), room));
        let outcome = self.conclude(run, capture);
        self.published = self.standing.take();
        outcome
    }

    fn conclude(&mut self, mut run: RunInfo, capture: CaptureFacts) -> Outcome {
        let DatagramFacts { announcements, overflow: unheard, .. } = capture.datagrams;
        let named = self.all_named(&announcements);
        let names = Names::settle(self.directory.clone(), &named);
        let Gathered { certificates, changes, reliances, endpoints, edges, credentials, untold } =
            self.gather(&names, &named);
        naming::sessions(&names, &mut self.kept);
        certificates.iter().for_each(|place| self.apply_certificate(place));
        credentials.rows.iter().for_each(|row| self.apply_credential(&row.at));
        changes.iter().for_each(|change| self.apply_change(change));
        endpoints.iter().for_each(|endpoint| self.apply_endpoint(endpoint));
        edges.iter().for_each(|edge| self.apply_edge(edge));
        let policy = self.apply_policy(&edges);
        reliances.iter().for_each(|reliance| self.apply_reliance(reliance));
        let mut coverage = self.tally.joined(capture.coverage);
        coverage.origins_forgotten = self.resumption.forgotten;
        history::count_leaves(&certificates, &mut coverage);
        for mut session in announced::sessions(&announcements) {
            self.directory.place(&mut session);
            let mut audited = self.judge(session);
            self.apply_session_rules(&mut audited, None, None);
        }
        coverage.incomplete.extend(self.chains.lost());
        let overflow = self.overflow() + credentials.overflow + untold + unheard + named.overflow();
        coverage.incomplete.extend(inventory_full(overflow));
        self.apply_run(&coverage);
        let rules = Arc::clone(self.evaluator.rules());
        coverage.not_observable = match &self.standing {
            Some(standing) => standing.undecided(&rules, Some(&self.ledger)),
            None => self.ledger.undecided(&rules, None),
        };
        run.ruleset = rules.digest();
        run.rules = rules.rules().len();
        let how = Naming { names: &names, policy: self.policy.as_ref() };
        let (undecided, findings) = match &mut self.standing {
            Some(standing) => (
                standing.undecided_places(Some(&self.ledger), &names),
                standing.published(&mut self.ledger, &how),
            ),
            None => {
                let ledger = std::mem::take(&mut self.ledger);
                (ledger.undecided_places(None, &names), ledger.finish(&how))
            }
        };
        Outcome {
            services: rows::service_rows(&endpoints, &findings),
            edges: rows::edge_rows(edges),
            certificates: rows::certificate_rows(&certificates),
            credentials: credentials.rows,
            sessions: std::mem::take(&mut self.kept),
            announcements,
            findings,
            coverage,
            suites: self.suites.told(&names),
            rules: rules.texts(),
            undecided,
            policy,
            run,
        }
    }

    /// What sessions and datagrams say of names. When the run is over, nothing of it is left for later.
    fn all_named(&mut self, announcements: &[Announcement]) -> Evidence {
        let mut named = match self.standing {
            Some(_) => self.named.clone(),
            None => std::mem::take(&mut self.named),
        };
        named.announced(announcements);
        named
    }

    /// How much was not kept because there was too much of it.
    fn overflow(&self) -> u64 {
        let standing = self.standing.as_ref().map_or(0, |standing| standing.overflow);
        let lists = self.inventory.overflow + self.history.overflow + self.chains.overflow;
        lists + self.ledger.overflow + standing + self.suites.overflow
    }

    /// What the sessions come to, with the names that are final.
    fn gather(&mut self, names: &Names, named: &Evidence) -> Gathered {
        let mut certificates = self.inventory.certificates();
        let (mut changes, untold) = self.history.changes();
        history::relate(&mut certificates, &mut changes);
        let mut reliances = self.chains.finish(&mut certificates);
        let mut endpoints = self.inventory.endpoints();
        let mut edges = match self.standing {
            Some(_) => self.inventory.edges(),
            None => self.inventory.take_edges(),
        };
        self.callers.tell_endpoints(&mut endpoints, &certificates);
        self.callers.tell_edges(&mut edges);
        let mut credentials = self.credentials.told();
        naming::certificates(names, &mut certificates);
        naming::called(named, &mut certificates);
        naming::changes(names, &mut changes);
        naming::reliances(names, &mut reliances);
        naming::endpoints(names, &mut endpoints);
        naming::edges(names, &mut edges);
        self.earlier.tell(&mut edges);
        naming::credentials(names, &mut credentials.rows);
        Gathered { certificates, changes, reliances, endpoints, edges, credentials, untold }
    }

    fn judge(&mut self, mut session: Session) -> AuditedSession {
        let mut verdict = judge(&session);
        let inherited = self.resumption.inherit(&session, &mut verdict);
        let (mut server_chain, mut client_chain) = (Vec::new(), Vec::new());
        if let Some(tls) = session.facts.tls.as_deref_mut() {
            server_chain = read_chain(&mut self.certificates, &mut tls.server_chain);
            client_chain = read_chain(&mut self.certificates, &mut tls.client_chain);
        }
        let (server_outcome, client_outcome) =
            self.chains.outcomes(&mut session, &server_chain, &client_chain);
        AuditedSession {
            number: self.tally.coverage.sessions + 1,
            client: self.directory.client(session.client),
            server: self.directory.server(session.server),
            posture: verdict.posture,
            evidence: verdict.evidence,
            confidence: verdict.confidence,
            posture_why: verdict.why,
            client_auth: verdict.client_auth,
            inherited,
            server_chain,
            client_chain,
            recalled: Recalled::default(),
            server_outcome,
            client_outcome,
            session,
        }
    }

    /// Applies these of the session rules, or all, and says whether a finding begins with this session, which is of this
    /// edge.
    fn apply_session_rules(
        &mut self,
        audited: &mut AuditedSession,
        only: Option<&[usize]>,
        edge: Option<EdgeNumber>,
    ) -> bool {
        let hits = self.evaluator.evaluate(&Subject::Session(audited));
        let is_wanted = |hit: &&Hit| only.is_none_or(|only| only.contains(&hit.rule));
        let mut new: SmallVec<[&Hit; 8]> = hits.iter().filter(is_wanted).collect();
        if let Some(edge) = edge {
            new.retain(|hit| !self.count_again(hit, audited, edge));
        }
        if new.is_empty() {
            return false;
        }
        let names = naming::hide(audited);
        let is_evidence = self.count_hits(&new, audited, edge);
        naming::restore(audited, names);
        is_evidence
    }

    fn count_hits(
        &mut self,
        hits: &[&Hit],
        audited: &AuditedSession,
        edge: Option<EdgeNumber>,
    ) -> bool {
        let subject = Subject::Session(audited);
        let rules = Arc::clone(self.evaluator.rules());
        let mut is_evidence = false;
        for hit in hits {
            let Some(rule) = rules.rules().get(hit.rule) else { continue };
            let session = &audited.session;
            let samples = || vec![(rule.proof(audited), session.client, session.server)];
            let times = [session.first, session.last];
            let Counted { place, begins } = self.count(rule, hit, &subject, times, 1, &samples);
            if self.standing.is_some() {
                continue;
            }
            // What tells its findings apart besides the edge is only known from each session.
            let by_edge = rule.key.is_empty() || hit.verdict == RuleVerdict::NotObservable;
            if let (Some(edge), Some(place), true) = (edge, place, by_edge) {
                self.ledger.know(edge, hit, place);
            }
            if begins {
                let kept = self.evidence.entry((hit.rule, session.server)).or_default();
                *kept += 1;
                is_evidence |= *kept <= limits::SESSIONS_PER_ENDPOINT;
            }
        }
        is_evidence
    }
}

fn inventory_full(overflow: u64) -> Option<Incomplete> {
    (overflow > 0).then(|| Incomplete {
        code: "inventory-full",
        message: format!("{overflow} facts were not kept because there were too many"),
    })
}

/// The ends of a session, whose names are not final.
fn ends(subject: &Subject<'_>) -> Option<(Endpoint, Endpoint)> {
    match subject {
        Subject::Session(audited) => Some((audited.session.client, audited.session.server)),
        _ => None,
    }
}

fn read_chain(cache: &mut CertificateCache, chain: &mut Seen<Vec<Der>>) -> Vec<Arc<Certificate>> {
    let chain = chain.value_mut().map(Vec::as_mut_slice).unwrap_or_default();
    chain.iter_mut().map(|der| cache.share(der)).collect()
}
