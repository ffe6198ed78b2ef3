//! What the two ends of an edge are to each other: who they are, by which proof, and what one calls at the other.

/// How an end of an edge says who it is, from the least to the most that can be believed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum IdentityRank {
    /// A text that the caller sent: a header field, metadata. Whoever calls can write it.
    Header,
    /// What is known of its address: the services file, or what was learned of it.
    Address,
    /// Whom a token or a login authenticates that the server let in.
    Token,
    /// A host name of the certificate that it presented.
    CertificateDns,
    /// A URI name of the certificate that it presented: a SPIFFE id.
    CertificateUri,
}

impl IdentityRank {
    /// All of them, least first.
    pub const ALL: [Self; 5] =
        [Self::Header, Self::Address, Self::Token, Self::CertificateDns, Self::CertificateUri];

    /// The word in outputs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Address => "address",
            Self::Token => "token",
            Self::CertificateDns => "certificate-dns",
            Self::CertificateUri => "certificate-uri",
        }
    }
}

/// Who one end is, by one proof.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Identity {
    /// The proof.
    pub rank: IdentityRank,
    /// The name, escaped.
    pub name: String,
}

/// One method that crossed readable on an edge.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct EdgeCall {
    /// `SERVICE/METHOD`, or an HTTP method and path where there is no service; escaped.
    pub method: String,
    /// Requests.
    pub count: u64,
    /// Of them, answered with success.
    pub succeeded: u64,
}

/// Who the ends of an edge are, and what is called; over the run, within bounds.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Dealings {
    /// Identities of the client, the strongest first; of its address the name that the edge has.
    pub client_identities: Vec<Identity>,
    /// Identities of the server, the strongest first.
    pub server_identities: Vec<Identity>,
    /// Methods, by name.
    pub calls: Vec<EdgeCall>,
    /// A bound was reached: the lists are not all there was.
    pub cut: bool,
}
