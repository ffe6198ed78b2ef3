//! The vocabulary of wirelint. Plain data: no input or output, no clock, no outside knowledge.

mod announcement;
mod brief;
mod certificate;
mod chain;
mod counted;
mod diagnostic;
mod escape;
mod fields;
mod finding;
#[cfg(test)]
pub(crate) mod fixture;
mod flow_key;
mod grade;
mod handle;
mod hex;
pub mod limits;
mod net;
mod outcome;
mod policy_standing;
mod rule_text;
mod secret;
mod seen;
mod session;
mod time;
pub mod told;

/// Text that many values share, as names of services and titles of rules are: a copy costs next to nothing.
pub use ecow::EcoString as Text;

pub use announcement::{Announcement, DatagramFacts};
pub use brief::{Brief, Gist};
pub use certificate::{
    Certificate, CertificateDetails, Der, Digest, KeyKind, PublicKey, SanName, SignatureAlgorithm,
};
pub use chain::{
    ChainFault, ChainFaults, ChainOutcome, ChainTrust, NameCheck, Revocation, SeenChain, no_chain,
};
pub use counted::{SuiteRow, Undecided, UndecidedAt};
pub use diagnostic::{Diagnostic, Level, Lines, Place};
pub use escape::{escape_bytes, escape_text};
pub use fields::{
    Field, Getter, Judged, Kind, Part, Subject, SubjectKind, Told, Value, WRONG_SUBJECT, field,
};
pub use finding::{
    Acceptance, AcceptedBy, Confidence, Evidence, Finding, FindingBody, FindingId, NamedFacts,
    Severity,
};
pub use flow_key::FlowKey;
pub use grade::{CEILINGS, Cause, Ceiling, Grade, Graded, Lift, Reason};
pub use handle::Handle;
pub use hex::{hex, push_hex};
pub use net::{
    CommunityId, Direction, Endpoint, FrameNo, Moment, PerDirection, Realm, Transport, is_internal,
};
pub use outcome::{
    Accept, CertificateRow, Coverage, CredentialRow, EdgeRow, Incomplete, Located, Looks,
    NotObservable, Outcome, Postures, RunInfo, ServiceRow, SourceInfo,
};
pub use policy_standing::{EntryStanding, PolicyStanding};
pub use rule_text::RuleText;
pub use secret::Secret;
pub use seen::{Seen, Why};
pub use session::{
    AcrossRun, Alert, Answer, AuditedSession, Call, CallFacts, CertificateAt, CertificateRequest,
    ChangeFacts, Claim, ClientAuth, ClientHello, ClientOffer, ClientStep, Credential, CredentialAt,
    CredentialKind, Decryption, Descent, EdgeAccess, EdgeFacts, EndState, EndTraits,
    EndpointAccess, EndpointFacts, Evident, Exposure, Facts, FirstBytes, Identity, IdentityRank,
    Inference, Inherited, KeyExchange, Keys, Link, NameMove, OfferedVersions, Party, Posture,
    Profile, Program, ReadableFacts, Recalled, RecordFact, Refusals, Registration, RelianceFacts,
    RequestPrint, Roles, SensitiveData, SensitiveKind, ServerHello, ServerStep, Session, SetCookie,
    Showing, Shown, StreamFacts, TlsFacts, Token, Traffic, Upgrade, UpgradeState,
};
pub use session::{
    Aspect, Earlier, EarlierEdge, EdgeUse, EndIdentity, EndUse, Method, Particulars, PolicyFacts,
    Sighting, Unseen, Used, Version, counted,
};
pub(crate) use session::{address_text, room_for_one};
pub use time::Timestamp;
