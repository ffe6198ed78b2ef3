//! Fields: what rules can ask, what `wirelint rules fields` lists and what messages can name. One line declares one.

use super::brief::{Brief as _, Gist};
use super::{
    Answer, AuditedSession, CallFacts, CertificateAt, ChangeFacts, Coverage, CredentialAt,
    EdgeFacts, EndpointFacts, Facts, KeyExchange, OfferedVersions, PolicyFacts, ReadableFacts,
    RelianceFacts, Seen, Timestamp, TlsFacts, Why,
};

/// What a rule judges, one at a time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SubjectKind {
    /// One connection.
    Session,
    /// One certificate that one endpoint used in one role.
    Certificate,
    /// One credential that was shown to one server address and port.
    Credential,
    /// One server address and port.
    Endpoint,
    /// One client address, server address and port.
    Edge,
    /// One certificate where another one was known.
    Change,
    /// What one client made of one server's certificate.
    Reliance,
    /// One thing that the policy says of one client, server and port, and what was seen against it.
    Policy,
    /// The whole run: what could and could not be seen.
    Run,
}

impl SubjectKind {
    /// All kinds with the word that rule files use.
    pub const ALL: [(&'static str, Self); 9] = [
        ("session", Self::Session),
        ("certificate", Self::Certificate),
        ("credential", Self::Credential),
        ("endpoint", Self::Endpoint),
        ("edge", Self::Edge),
        ("change", Self::Change),
        ("reliance", Self::Reliance),
        ("policy", Self::Policy),
        ("run", Self::Run),
    ];

    /// The word that rule files use.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }
}

/// The thing that is being judged.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    /// See [`SubjectKind::Session`].
    Session(&'a AuditedSession),
    /// See [`SubjectKind::Certificate`].
    Certificate(&'a CertificateAt),
    /// See [`SubjectKind::Credential`].
    Credential(&'a CredentialAt),
    /// See [`SubjectKind::Endpoint`].
    Endpoint(&'a EndpointFacts),
    /// See [`SubjectKind::Edge`].
    Edge(&'a EdgeFacts),
    /// See [`SubjectKind::Change`].
    Change(&'a ChangeFacts),
    /// See [`SubjectKind::Reliance`].
    Reliance(&'a RelianceFacts),
    /// See [`SubjectKind::Policy`].
    Policy(&'a PolicyFacts),
    /// See [`SubjectKind::Run`].
    Run(&'a Coverage),
}

impl Subject<'_> {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> SubjectKind {
        match self {
            Self::Session(_) => SubjectKind::Session,
            Self::Certificate(_) => SubjectKind::Certificate,
            Self::Credential(_) => SubjectKind::Credential,
            Self::Endpoint(_) => SubjectKind::Endpoint,
            Self::Edge(_) => SubjectKind::Edge,
            Self::Change(_) => SubjectKind::Change,
            Self::Reliance(_) => SubjectKind::Reliance,
            Self::Policy(_) => SubjectKind::Policy,
            Self::Run(_) => SubjectKind::Run,
        }
    }

    /// Whether it has this part.
    #[must_use]
    pub fn has(&self, part: Part) -> bool {
        let facts = facts(self);
        match part {
            Part::Whole => true,
            Part::Tls | Part::Offer | Part::Answer | Part::Exchange => {
                facts.is_some_and(|facts| facts.tls.is_some())
            }
            Part::Readable => {
                facts.is_some_and(|facts| facts.calls.is_some() || facts.readable.is_some())
            }
        }
    }

    /// All that the fields of a part are told from, where that is short: subjects of which it is the same have the same
    /// fields.
    #[must_use]
    pub fn gist(&self, part: Part) -> Option<Seen<Gist>> {
        let tls = facts(self)?.tls.as_deref()?;
        match part {
            Part::Offer => Some(OfferedVersions::seen(tls).map(|offered| offered.gist())),
            Part::Answer => Some(Answer::seen(tls).map(|answer| answer.gist())),
            Part::Exchange => Some(KeyExchange::seen(tls).map(|exchange| exchange.gist())),
            Part::Whole | Part::Tls | Part::Readable => None,
        }
    }
}

/// The type of a field.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Int,
    /// Text.
    Text,
    /// A moment.
    Time,
    /// A list of texts.
    Texts,
    /// A list of whole numbers.
    Ints,
}

impl Kind {
    /// The name in the documentation and in error messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Text => "text",
            Self::Time => "time",
            Self::Texts => "list of text",
            Self::Ints => "list of int",
        }
    }
}

/// What a field tells of, within its subject. Of subjects without it the field always says the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// The subject as a whole.
    Whole,
    /// What a session's TLS showed.
    Tls,
    /// Of that, the versions that the client offered.
    Offer,
    /// Of that, what the server agreed to.
    Answer,
    /// Of that, how the key was agreed.
    Exchange,
    /// What of a session crossed readable: calls and the rest.
    Readable,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Whole, Self::Tls, Self::Offer, Self::Answer, Self::Exchange, Self::Readable];
}

/// The value of a field of one subject.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Value<'a> {
    /// See [`Kind::Bool`].
    Bool(bool),
    /// See [`Kind::Int`].
    Int(i64),
    /// See [`Kind::Text`].
    Text(std::borrow::Cow<'a, str>),
    /// See [`Kind::Time`].
    Time(Timestamp),
    /// See [`Kind::Texts`].
    Texts(Vec<std::borrow::Cow<'a, str>>),
    /// See [`Kind::Ints`].
    Ints(Vec<i64>),
}

impl<'a> Value<'a> {
    /// A text value that borrows.
    #[must_use]
    pub fn text(text: &'a str) -> Self {
        Self::Text(std::borrow::Cow::Borrowed(text))
    }
}

/// A field of a subject: its name, its type, its documentation and how to read it.
///
/// A getter answers [`Seen::Absent`] where the thing is known not to be there (a ClientHello without SNI) and
/// [`Seen::Hidden`] where it could not be seen; a rule that needs a hidden field is *not observable*.
#[derive(Clone, Copy)]
pub struct Field {
    /// Where it can be asked: on which subject.
    pub on: SubjectKind,
    /// What of the subject it tells.
    pub part: Part,
    /// Dotted name, as in `tls.version`.
    pub path: &'static str,
    /// Its type.
    pub kind: Kind,
    /// What it means, with units.
    pub doc: &'static str,
    /// A value it may have.
    pub example: &'static str,
    /// Reads it.
    pub get: Getter,
}

/// Reads a field of a subject.
pub type Getter = for<'a> fn(&Subject<'a>) -> Seen<Value<'a>>;

/// Declares a field of what `T` is: its path, type, a value it may have, what it means, and how to read it.
pub const fn field<T: Told>(
    path: &'static str,
    kind: Kind,
    example: &'static str,
    doc: &'static str,
    get: Getter,
) -> Field {
    Field { on: T::ON, part: T::PART, path, kind, doc, example, get }
}

/// What a field can tell of.
pub trait Told {
    /// On which subject.
    const ON: SubjectKind;

    /// Which part of it.
    const PART: Part;
}

impl<T: Judged> Told for T {
    const ON: SubjectKind = <T as Judged>::ON;
    const PART: Part = <T as Judged>::PART;
}

/// What a subject holds.
pub trait Judged: 'static {
    /// Which subject that is.
    const ON: SubjectKind;

    /// Which part of the subject it is.
    const PART: Part = Part::Whole;

    /// What its fields answer where a subject does not have it.
    const MISSING: Seen<Value<'static>> = WRONG_SUBJECT;

    /// It, if the subject is of this kind.
    fn in_subject<'a>(subject: &Subject<'a>) -> Option<&'a Self>;

    /// Reads something of it: what most getters do.
    fn of<'a>(
        subject: &Subject<'a>,
        read: impl FnOnce(&'a Self) -> Seen<Value<'a>>,
    ) -> Seen<Value<'a>> {
        Self::in_subject(subject).map_or(Self::MISSING, read)
    }
}

impl std::fmt::Debug for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Field({} on {})", self.path, self.on.name())
    }
}

/// What a getter answers when it is asked of another kind of subject, which the rule loader rules out.
pub const WRONG_SUBJECT: Seen<Value<'static>> = Seen::Hidden(Why::Bound);

impl Judged for AuditedSession {
    const ON: SubjectKind = SubjectKind::Session;

    fn in_subject<'a>(subject: &Subject<'a>) -> Option<&'a Self> {
        if let Subject::Session(judged) = subject { Some(judged) } else { None }
    }
}

impl Judged for TlsFacts {
    const ON: SubjectKind = SubjectKind::Session;
    const PART: Part = Part::Tls;
    const MISSING: Seen<Value<'static>> = Seen::Absent;

    fn in_subject<'a>(subject: &Subject<'a>) -> Option<&'a Self> {
        facts(subject)?.tls.as_deref()
    }
}

impl Judged for CallFacts {
    const ON: SubjectKind = SubjectKind::Session;
    const PART: Part = Part::Readable;
    const MISSING: Seen<Value<'static>> = Seen::Absent;

    fn in_subject<'a>(subject: &Subject<'a>) -> Option<&'a Self> {
        facts(subject)?.calls.as_deref()
    }
}

impl Judged for ReadableFacts {
    const ON: SubjectKind = SubjectKind::Session;
    const PART: Part = Part::Readable;
    const MISSING: Seen<Value<'static>> = Seen::Absent;

    fn in_subject<'a>(subject: &Subject<'a>) -> Option<&'a Self> {
        facts(subject)?.readable.as_deref()
    }
}

fn facts<'a>(subject: &Subject<'a>) -> Option<&'a Facts> {
    AuditedSession::in_subject(subject).map(|audited| &audited.session.facts)
}

impl Judged for CertificateAt {
    const ON: SubjectKind = SubjectKind::Certificate;

    fn in_subject<'a>(subject: &Subject<'a>) -> Option<&'a Self> {
        if let Subject::Certificate(judged) = subject { Some(judged) } else { None }
    }
}

impl Judged for CredentialAt {
    const ON: SubjectKind = SubjectKind::Credential;

    fn in_subject<'a>(subject: &Subject<'a>) -> Option<&'a Self> {
        if let Subject::Credential(judged) = subject { Some(judged) } else { None }
    }
}

impl Judged for EndpointFacts {
    const ON: SubjectKind = SubjectKind::Endpoint;

    fn in_subject<'a>(subject: &Subject<'a>) -> Option<&'a Self> {
        if let Subject::Endpoint(judged) = subject { Some(judged) } else { None }
    }
}

impl Judged for EdgeFacts {
    const ON: SubjectKind = SubjectKind::Edge;

    fn in_subject<'a>(subject: &Subject<'a>) -> Option<&'a Self> {
        if let Subject::Edge(judged) = subject { Some(judged) } else { None }
    }
}

impl Judged for ChangeFacts {
    const ON: SubjectKind = SubjectKind::Change;

    fn in_subject<'a>(subject: &Subject<'a>) -> Option<&'a Self> {
        if let Subject::Change(judged) = subject { Some(judged) } else { None }
    }
}

impl Judged for RelianceFacts {
    const ON: SubjectKind = SubjectKind::Reliance;

    fn in_subject<'a>(subject: &Subject<'a>) -> Option<&'a Self> {
        if let Subject::Reliance(judged) = subject { Some(judged) } else { None }
    }
}

impl Judged for PolicyFacts {
    const ON: SubjectKind = SubjectKind::Policy;

    fn in_subject<'a>(subject: &Subject<'a>) -> Option<&'a Self> {
        if let Subject::Policy(judged) = subject { Some(judged) } else { None }
    }
}

impl Judged for Coverage {
    const ON: SubjectKind = SubjectKind::Run;

    fn in_subject<'a>(subject: &Subject<'a>) -> Option<&'a Self> {
        if let Subject::Run(judged) = subject { Some(judged) } else { None }
    }
}
