//! Findings: what rules drew from the facts.

use std::fmt;
use std::net::IpAddr;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use ecow::EcoVec;

use super::{CommunityId, Endpoint, Moment, Party, Place, Text, Timestamp, Transport};

/// How bad a finding is, from least to worst.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Should be tidied up.
    Low,
    /// Weakens a protection.
    Medium,
    /// A protection that users rely on is not there.
    High,
    /// Open to anyone on the path, now.
    Critical,
}

impl Severity {
    /// All of them, least first.
    pub const ALL: [Self; 5] = [Self::Info, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The word in rule files, options and outputs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.name() == word)
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How sure a finding is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Confidence {
    /// A hint.
    Low,
    /// Likely; the rule's page says what else it could be.
    Medium,
    /// Read from the bytes.
    High,
}

impl Confidence {
    /// All of them, least first.
    pub const ALL: [Self; 3] = [Self::Low, Self::Medium, Self::High];

    /// The word in rule files, options and outputs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|confidence| confidence.name() == word)
    }
}

/// The identity of a finding across runs: made from the rule and its key, never from times, frames or client ports.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FindingId(pub [u8; 16]);

impl FindingId {
    /// Reads `wlf1:` and 32 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("wlf1:")?;
        let hex = digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = hex.then(|| u128::from_str_radix(digits, 16).ok()).flatten()?;
        Some(Self(number.to_be_bytes()))
    }
}

impl fmt::Display for FindingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("wlf1:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for FindingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// One finding, however often it was seen, shared by all that hold it: what one of them changes is its own from then on.
#[derive(Clone, PartialEq, Eq)]
pub struct Finding(Arc<FindingBody>);

impl Finding {
    /// Whether both are one and the same in memory, and so certainly equal.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl From<FindingBody> for Finding {
    fn from(body: FindingBody) -> Self {
        Self(Arc::new(body))
    }
}

impl Deref for Finding {
    type Target = FindingBody;

    fn deref(&self) -> &FindingBody {
        &self.0
    }
}

impl DerefMut for Finding {
    fn deref_mut(&mut self) -> &mut FindingBody {
        Arc::make_mut(&mut self.0)
    }
}

impl fmt::Debug for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a finding says. Every text in it is escaped.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FindingBody {
    /// Identity across runs.
    pub id: FindingId,
    /// Four-digit code of the rule, as `WL2001`.
    pub rule: Text,
    /// Kebab-case name of the rule.
    pub rule_name: Text,
    /// How bad.
    pub severity: Severity,
    /// How sure.
    pub confidence: Confidence,
    /// The rule's title.
    pub title: Text,
    /// The rule's message with this finding's values.
    pub message: Text,
    /// Who called, when the finding is about one client.
    pub client: Option<Party>,
    /// Who was called, when the finding is about one server.
    pub server: Option<Party>,
    /// The server's port.
    pub server_port: Option<u16>,
    /// What makes it this finding besides the parties: a cipher suite, a certificate's digest.
    pub subject: Option<String>,
    /// First time it was true.
    pub first: Moment,
    /// Last time it was true.
    pub last: Moment,
    /// In how many sessions (or certificates, endpoints) it was true.
    pub count: u64,
    /// Samples, earliest first, at most [`super::limits::EVIDENCE`].
    pub evidence: Vec<Evidence>,
    /// What to do, in one line for lists; the whole text is with the rule.
    pub fix: Text,
    /// Words for filters and standards: `cwe-319`.
    pub tags: Arc<[String]>,
    /// The line of the user's policy, else of the services file, that it is about: where a reader can act on it.
    pub declared: Option<Box<Place>>,
    /// The line of the services file that names the server, else the client.
    pub mapped: Option<Box<Place>>,
    /// Addresses of the server at which it was seen, sorted; at most [`super::limits::FINDING_ADDRESSES`].
    pub seen_at: Vec<IpAddr>,
    /// Set when the user accepts it. It is still reported, apart from the open ones, and fails no run.
    pub accepted: Option<Box<Acceptance>>,
}

impl FindingBody {
    /// Whether nobody has accepted it.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.accepted.is_none()
    }

    /// The word of its state in outputs: `open`, `baseline`, `ignored`.
    #[must_use]
    pub fn state(&self) -> &'static str {
        match self.accepted.as_ref().map(|accepted| accepted.by) {
            None => "open",
            Some(AcceptedBy::Baseline) => "baseline",
            Some(AcceptedBy::Ignore) => "ignored",
        }
    }
}

/// That a finding is known and accepted, and on whose word.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Acceptance {
    /// What accepts it.
    pub by: AcceptedBy,
    /// Why, as the user wrote it. Escaped.
    pub reason: String,
    /// The last moment at which this holds; `None` for good.
    pub until: Option<Timestamp>,
    /// The entry in the user's file.
    pub place: Place,
}

/// What accepts a finding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum AcceptedBy {
    /// An entry of the baseline for exactly this finding.
    Baseline,
    /// An entry that a person wrote for a kind of findings.
    Ignore,
}

impl AcceptedBy {
    /// The word in outputs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Ignore => "ignore",
        }
    }
}

/// Facts by the paths of their fields, with their values in words. Most sessions of a service show the same, so they are
/// shared.
pub type NamedFacts = EcoVec<(&'static str, String)>;

/// Where a finding can be seen with one's own eyes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Evidence {
    /// Frames that prove it, in order.
    pub frames: Vec<Moment>,
    /// Who called.
    pub client: Endpoint,
    /// Who was called.
    pub server: Endpoint,
    /// Named facts that prove it. Never payload, never a secret.
    pub facts: NamedFacts,
}

impl Evidence {
    /// The connection's Community ID.
    #[must_use]
    pub fn community_id(&self) -> CommunityId {
        CommunityId::of(self.client, self.server)
    }

    /// The connection in words: `10.0.0.1:40000 -> 10.0.0.2:443`, with `/udp` behind it where that carried it.
    #[must_use]
    pub fn connection(&self) -> String {
        let mut text = String::with_capacity(64);
        self.client.push_to(&mut text);
        text.push_str(" -> ");
        self.server.push_to(&mut text);
        text.push_str(match self.server.transport {
            Transport::Tcp => "",
            Transport::Udp => "/udp",
        });
        text
    }
}
