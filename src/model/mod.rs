//! The vocabulary of wirelint. Plain data: no input or output, no clock, no outside knowledge.

mod certificate;
mod diagnostic;
mod escape;
mod fields;
mod finding;
#[cfg(test)]
pub(crate) mod fixture;
mod handle;
pub mod limits;
mod net;
mod outcome;
mod secret;
mod seen;
mod session;
mod time;

pub use certificate::{
    Certificate, CertificateDetails, Der, Digest, KeyKind, PublicKey, SanName, SignatureAlgorithm,
};
pub use diagnostic::{Diagnostic, Level, Place};
pub use escape::{escape_bytes, escape_text};
pub use fields::{Field, Kind, Subject, SubjectKind, Value, WRONG_SUBJECT};
pub use finding::{Confidence, Evidence, Finding, FindingId, Severity};
pub use handle::Handle;
pub use net::{
    CommunityId, Direction, Endpoint, FlowKey, FrameNo, Moment, PerDirection, is_internal,
};
pub use outcome::{
    Accept, CertificateRow, Coverage, EdgeRow, Incomplete, Located, NotObservable, Outcome,
    Postures, RunInfo, ServiceRow, SourceInfo,
};
pub use secret::Secret;
pub use seen::{Seen, Why};
pub use session::{
    AcrossRun, Alert, AuditedSession, Call, CallFacts, CertificateAt, CertificateRequest,
    ChangeFacts, Claim, ClientAuth, ClientHello, ClientStep, Credential, CredentialKind,
    Decryption, Descent, EdgeFacts, EndState, EndpointFacts, Evident, Exposure, Facts, FirstBytes,
    Inference, Inherited, KeyExchange, Keys, Link, Party, Posture, Program, ReadableFacts,
    RecordFact, Refusals, Registration, Roles, ServerHello, ServerStep, Session, Showing, Shown,
    StreamFacts, TlsFacts, Traffic, Upgrade, UpgradeState,
};
pub use time::Timestamp;
