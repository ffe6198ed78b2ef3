//! Every bound on what a peer, a file or an accident can inflate, with what it is for.
//!
//! Reaching a bound is a counted fact, never an error and never a crash.

mod datagrams;
mod reports;

pub use datagrams::*;
pub use reports::*;

/// Largest frame taken from a file. A length field of a damaged or hostile file can claim 2 GiB; jumbo frames, GSO and
/// IPv6 jumbograms stay far below this.
pub const FRAME_BYTES: usize = 1 << 20;

/// Largest record that any tool of the pcap family writes when the file's snapshot length does not say more.
pub const COMMON_SNAPLEN: usize = 262_144;

/// Bytes of a capture file read at once and held in the reader's buffer. Larger is slower: it takes the cache from what is
/// followed.
pub const READ_WINDOW: usize = 128 * 1024;

/// Largest pcapng block that is held whole: a packet with its options, or the key log of a long capture. A length field
/// can claim 4 GiB. Blocks that are only skipped are not held and have no bound.
pub const BLOCK_BYTES: usize = 16 << 20;

/// Interfaces of one pcapng section. A file can describe one every 20 bytes without ever using it.
pub const INTERFACES: usize = 65_536;

/// Link types named for one source; real files have one or two.
pub const LINK_TYPES: usize = 64;

/// Bytes of key log taken from the decryption secrets of a run's files.
pub const SECRET_BYTES: usize = 16 << 20;

/// Folders followed downwards below a folder that is read recursively.
pub const FOLDER_DEPTH: usize = 64;

/// VLAN tags, extension headers and encapsulations followed in one frame. Hostile frames nest them without end.
pub const HEADER_DEPTH: usize = 16;

/// Datagrams under reassembly from IP fragments at once, over all connections. A fragment flood never completes any.
pub const FRAGMENTED_DATAGRAMS: usize = 1024;

/// Bytes of one datagram under reassembly: the largest that IP can express.
pub const DATAGRAM_BYTES: usize = 65_535;

/// Bytes of all datagrams under reassembly. A fragment near the end of its datagram costs the whole datagram.
pub const FRAGMENTED_BYTES: usize = 16 << 20;

/// Fragments of one datagram. Real ones have a few; teardrop-like ones have thousands of a few bytes.
pub const FRAGMENTS_PER_DATAGRAM: usize = 128;

/// Seconds of packet time after which an unfinished datagram is given up (RFC 791 suggests 15, hosts use 30).
pub const FRAGMENT_SECONDS: i64 = 30;

/// Shards of the flow table. Fixed, so that what happens where a bound is reached does not depend on workers.
pub const SHARDS: usize = 16;

/// Connections with data followed at once, over all shards.
pub const FLOWS: usize = 1 << 20;

/// Connections of which only a SYN was seen, kept at once, over all shards: what a SYN flood fills.
pub const HALF_OPEN: usize = 1 << 21;

/// Bytes held back for one direction of one connection: out-of-order segments and what an inspector left for later.
/// The largest thing an inspector waits for whole is a TLS record of 2^14 + 2048 bytes or an HTTP header block.
pub const PENDING_BYTES: usize = 256 * 1024;

/// Out-of-order pieces held back for one direction. One-byte segments in reverse order cost more than their bytes.
pub const PENDING_PIECES: usize = 1024;

/// Bytes held back over all connections.
pub const PENDING_TOTAL: usize = 256 << 20;

/// Bytes that may arrive behind a hole before the hole is taken for a loss of the capture.
pub const GAP_PATIENCE: usize = 128 * 1024;

/// Seconds of packet time without a packet after which a connection is taken for ended.
pub const IDLE_SECONDS: i64 = 3600;

/// Ended connections of one shard whose late segments are still known as theirs.
pub const RECENTLY_ENDED: usize = 16_384;

/// Seconds of packet time after which a lone SYN is forgotten.
pub const HALF_OPEN_SECONDS: i64 = 60;

/// Bytes at the start of a direction that probes may ask for before the protocol is called unknown.
pub const PROBE_BYTES: usize = 2048;

/// Bytes of one TLS handshake message. Real chains reach some 30 KiB, odd ones 340 KiB; the length field allows 16 MiB.
pub const HANDSHAKE_MESSAGE: usize = 512 * 1024;

/// Secrets kept of all key logs of a run. A capture has some five of each TLS 1.3 connection; a file can name any number.
pub const KEY_LOG_SECRETS: usize = 1 << 20;

/// Bytes of a key log file read at once; its lines have some 200.
pub const KEY_LOG_READ: usize = 256 * 1024;

/// Bytes of one connection that are decrypted when its keys are known. What an audit comes for is at the beginning; a bulk
/// transfer would cost its whole length.
pub const DECRYPTED_BYTES: usize = 16 << 20;

/// Turns in which the two sides of a decrypted conversation are given what they left over, after one of them was
/// recognised.
pub const PROBE_TURNS: usize = 8;

/// Encrypted records after ServerHello whose lengths are kept for one connection.
pub const RECORD_FACTS: usize = 96;

/// Certificates of one chain that are kept.
pub const CHAIN_CERTIFICATES: usize = 16;

/// Entries kept of any list in a hello: suites, groups, versions, protocols, authorities.
pub const HELLO_ENTRIES: usize = 512;

/// Distinct offers of clients, certificates and requests for certificates, each, that a thread recognises when they come
/// again. A new one takes the place of an older one.
pub const RECENT_MESSAGES: usize = 256;

/// Bytes of each that are kept to recognise it by. Longer ones are read whenever they come.
pub const RECENT_BYTES: usize = 4096;

/// Alerts kept of one connection.
pub const ALERTS: usize = 8;

/// Distinct certificates held parsed at once.
pub const CERTIFICATE_CACHE: usize = 65_536;

/// Bytes of the certificates held parsed at once. A certificate may be as long as a handshake message, and a hostile
/// peer sends a new one with every handshake.
pub const CERTIFICATE_CACHE_BYTES: usize = 128 << 20;

/// Bytes of a subject or issuer in one line, after which no further part of it is added. Certificates made before
/// alternative names were usual list a hundred hosts in their subject.
pub const DISTINGUISHED_NAME_BYTES: usize = 4096;

/// Alternative names, and extended key usages, kept of one certificate. Shared hosting reaches some hundreds of names;
/// a message has room for 80,000.
pub const CERTIFICATE_NAMES: usize = 1024;

/// Bytes of a file of trusted authorities. The lists that operating systems carry have a quarter of a megabyte.
pub const TRUST_FILE_BYTES: u64 = 16 << 20;

/// Trusted authorities of one run, over all files.
pub const TRUST_CERTIFICATES: usize = 8192;

/// Bytes of a file of revocation lists. Public authorities have lists of some tens of megabytes.
pub const CRL_FILE_BYTES: u64 = 128 << 20;

/// Revocation lists of one run.
pub const CRLS: usize = 1024;

/// Signatures that are verified for one chain: a peer may send certificates that all carry one name, each of which might
/// have signed each other.
pub const CHAIN_SIGNATURES: usize = 48;

/// Steps of the search for a path from a leaf to an authority.
pub const CHAIN_STEPS: usize = 256;

/// Outcomes of chains held at once.
pub const CHAIN_CACHE: usize = 16_384;

/// Bytes of an OCSP staple that is looked at. Real ones have 300 to 3000.
pub const OCSP_STAPLE_BYTES: usize = 32 * 1024;

/// Certificates of authorities kept from all chains of a run, to say which one a server should have sent.
pub const SEEN_AUTHORITIES: usize = 4096;

/// Distinct clients that went on or refused after one server's certificate, over the run.
pub const RELIANCES: usize = 131_072;

/// Seconds by which the clocks of authorities, peers and the capture may differ before a date counts as passed.
pub const CLOCK_SKEW_SECONDS: i64 = 300;

/// Bits of the largest RSA modulus that wirelint computes with itself, where the cryptographic library refuses a key or
/// hash that is too old for it. The peer chooses the size, and the work grows with its cube: 1 ms at this one.
pub const RSA_MODULUS_BITS: u64 = 4096;

/// Bits of the largest RSA public exponent that wirelint computes with itself: those of 65537.
pub const RSA_EXPONENT_BITS: u64 = 17;

/// Bytes of one HTTP/1 head. Servers accept 8 to 64 KiB.
pub const HTTP1_HEAD: usize = 64 * 1024;

/// Header fields of one HTTP message.
pub const HTTP_FIELDS: usize = 128;

/// Bytes of one line within a chunked HTTP/1 body: a chunk size with its extensions, a trailer field.
pub const HTTP1_LINE: usize = 8 * 1024;

/// Requests of one HTTP/1 connection whose response is awaited. Clients that pipeline send a few.
pub const HTTP1_PIPELINE: usize = 256;

/// Bytes of one HTTP/2 header block over all its CONTINUATION frames (CVE-2024-27316 sends them without end).
pub const HTTP2_HEADER_BLOCK: usize = 64 * 1024;

/// Bytes of one HTTP/2 frame taken for plausible where no frame boundary is known: the default of
/// SETTINGS_MAX_FRAME_SIZE.
pub const HTTP2_RESYNC_FRAME: usize = 16 * 1024;

/// Streams of one HTTP/2 connection whose response is awaited.
pub const HTTP2_STREAMS: usize = 256;

/// Bytes of an HPACK dynamic table, whatever the peers agree on.
pub const HPACK_TABLE: usize = 64 * 1024;

/// Distinct calls (service and method) kept of one connection; further ones are counted only.
pub const CALLS: usize = 64;

/// Bytes kept of one message of a protocol in clear; the rest of a longer one is skipped.
pub const MESSAGE_BYTES: usize = 16 * 1024;

/// Requests of one connection whose answer is awaited, so that the answer's success is known to be theirs.
pub const AWAITED_ANSWERS: usize = 256;

/// Distinct credentials kept of one connection.
pub const CREDENTIALS: usize = 16;

/// Distinct values of header fields with credentials that are recognised again on one connection; further ones are
/// counted only.
pub const CREDENTIAL_VALUES: usize = 32;

/// Bytes of one credential that is looked into. Headers are bounded by 64 KiB, and cookies and tokens come near it.
pub const CREDENTIAL_BYTES: usize = 16 * 1024;

/// Audiences, scopes and roles kept of one token.
pub const TOKEN_CLAIMS: usize = 16;

/// Cookies and query parameters of one request that are looked at.
pub const PARAMETERS: usize = 64;

/// Requests kept of one connection to recognise them when they come again.
pub const REQUEST_PRINTS: usize = 32;

/// Requests of a run that are remembered to recognise them when they come again; the oldest is forgotten.
pub const REMEMBERED_REQUESTS: usize = 65_536;

/// Session tickets of a run that are remembered with who has them, and keys of tickets; the oldest is forgotten.
pub const REMEMBERED_TICKETS: usize = 65_536;

/// Seconds in which the same request from the same address is a retry.
pub const RETRY_SECONDS: i64 = 30;

/// Bytes of a body that are taken into a request's print. Of a longer one nothing is said.
pub const PRINTED_BODY: usize = 64 * 1024;

/// Bytes that a body must have at least for a request to be known again: two callers that share a token send a short one
/// both without either having it from the other.
pub const PRINTED_BODY_LEAST: usize = 24;

/// Distinct credentials at servers followed in one run.
pub const CREDENTIAL_PLACES: usize = 65_536;

/// Bytes of each direction of a readable connection that are searched for card numbers and private keys: a search costs
/// per byte, and what a service sends it sends again and again.
pub const SEARCHED_BYTES: usize = 16 * 1024;

/// Requests of one HTTP/2 connection whose prints are being made at a time; further ones have none.
pub const PRINTED_STREAMS: usize = 16;

/// Bytes of the body of HTTP 400 in which the words of a server are looked for that expected TLS.
pub const REFUSAL_BYTES: usize = 512;

/// Addresses kept of those that showed one credential, and servers of those that were shown it.
pub const CREDENTIAL_HOLDERS: usize = 64;

/// Methods of one server endpoint of which it is kept who is let in.
pub const ENDPOINT_METHODS: usize = 128;

/// Names that callers of one edge gave themselves, and registries gave one endpoint.
pub const ACCESS_NAMES: usize = 16;

/// Clients whose last TLS failure is remembered, each with the server.
pub const TLS_FAILURES: usize = 65_536;

/// Seconds after a failed handshake in which plaintext to the same server counts as a retreat from TLS.
pub const RETREAT_SECONDS: i64 = 60;

/// Distinct registrations kept of one connection: a registry's watch stream names every service there is.
pub const REGISTRATIONS: usize = 64;

/// Bytes of one message to a registry that are looked at.
pub const REGISTRY_BYTES: usize = 4096;

/// Distinct announcements in datagrams kept of one run: names in answers of DNS, nodes in gossip.
pub const ANNOUNCEMENTS: usize = 16_384;

/// Bytes of one announcement when it is inflated. Those of real services are a tenth of this.
pub const ANNOUNCEMENT_BYTES: usize = 64 * 1024;

/// Distinct authorities, user agents and similar kept of one connection.
pub const NAMES: usize = 8;

/// Bytes kept of one text from the wire: a name, a path, a subject.
pub const TEXT_BYTES: usize = 512;

/// Distinct findings of one run.
pub const FINDINGS: usize = 100_000;

/// Versions of TLS named for one edge or server. There are six; a server can answer with any number.
pub const VERSIONS: usize = 32;
/// Places (rule, client, server, port) of which it is kept that a rule could not decide.
pub const UNDECIDED_PLACES: usize = 262_144;

/// Distinct versions and suites of server endpoints of one run.
pub const SUITES: usize = 131_072;

/// Samples of evidence kept with one finding.
pub const EVIDENCE: usize = 5;

/// Bytes of a services file: the addresses of some tens of thousands of pods.
pub const SERVICES_FILE_BYTES: usize = 1 << 24;

/// Bytes of a file that a services file is made from: the pods of a large cluster.
pub const IMPORT_BYTES: usize = 1 << 28;

/// Services and groups of all services files.
pub const SERVICES: usize = 65_536;

/// Complaints about services files that are shown at once.
pub const SERVICES_ERRORS: usize = 20;

/// Endpoints and hosts of which it is kept by what names they go.
pub const NAMED_PLACES: usize = 131_072;

/// Names kept of one endpoint or host from one kind of source; with more, that kind of source names it no more.
pub const NAMES_OF_PLACE: usize = 16;

/// Texts that were asked whether they are names, and the answer; all are forgotten when there are more.
pub const USABLE_NAMES: usize = 1024;

/// Identities told of each end of an edge: callers name themselves as they like.
pub const EDGE_IDENTITIES: usize = 16;

/// Distinct edges (client address, server address and port) of one run.
pub const EDGES: usize = 262_144;

/// What rules said of edges, by edge, rule and verdict, of which it is remembered where it is counted. Further ones are
/// looked for by what tells findings apart.
pub const EDGE_VERDICTS: usize = 1_048_576;

/// Distinct server endpoints of one run.
pub const ENDPOINTS: usize = 131_072;

/// KiB of database pages held while a run is written. Rows come in the order of their keys, so that few pages are in use
/// at once: with eight times as much a run of 65,000 findings takes as long, and 70 MiB more.
pub const STORE_CACHE_KIB: i64 = 16 * 1024;

/// Sessions kept as a sample of one edge and posture.
pub const SESSIONS_PER_EDGE: u64 = 3;

/// Sessions kept as a sample of one server endpoint and posture, over all its clients: a row in the database costs more
/// than auditing the session it describes.
pub const SESSIONS_PER_ENDPOINT: u64 = 32;

/// Sessions kept over all edges as samples.
pub const SESSION_SAMPLES: usize = 20_000;

/// Distinct fact tuples whose verdicts are remembered by the rule evaluator.
pub const VERDICT_MEMO: usize = 16_384;

/// Places (endpoint or client, role, position) at which distinct certificates are followed in one run.
pub const CERTIFICATE_USES: usize = 131_072;

/// Connections that were judged while they go on, kept so that what they add later is not counted twice.
pub const ONGOING: usize = 65_536;

/// Sessions of a live audit that may wait to be judged, while what is known is being published: some 100 MB. Beyond that,
/// batches of packets are dropped and counted, so that a flood of short connections costs packets and not memory.
pub const UNJUDGED_SESSIONS: u64 = 16_384;

/// Sessions of a live audit that wait for a database that cannot be written; the oldest is given up, and counted. Fewer
/// where little memory is allowed.
pub const UNSTORED_SESSIONS: usize = 50_000;

/// Sessions and events that may wait however little memory is allowed: those of a moment.
pub const LEAST_WAITING: usize = 1024;

/// Full handshakes that are remembered for the sessions that resume them.
pub const ORIGINS: usize = 65_536;

/// Resumed sessions that ended before the session that they resume did, kept until it comes.
pub const AWAITING_ORIGIN: usize = 4096;

/// Seconds of packet time for which such a session is kept.
pub const AWAITING_ORIGIN_SECONDS: i64 = 3600;
/// Pairs of a server and a name that clients asked it for whose certificates are followed over the run. A client chooses
/// the names.
pub const CERTIFICATE_SERIES: usize = 131_072;

/// Certificates of one such pair that are told apart. A server that makes one for every connection never ends.
pub const CERTIFICATES_PER_SERIES: usize = 32;

/// Sessions of one certificate at one place of which it is looked at how the server answers.
pub const END_TRAITS_SESSIONS: u64 = 16;

/// Different hellos of which the answer is kept, for each certificate at one place.
pub const END_ANSWERS: usize = 4;

/// Changes of certificates that are told of one run.
pub const CERTIFICATE_CHANGES: usize = 16_384;

/// Addresses kept of those that refused one certificate.
pub const REFUSERS: usize = 64;

/// Names that clients asked one endpoint for, kept with one certificate.
pub const REQUESTED_NAMES: usize = 16;

/// Copies of a database that migrations of the same version leave beside it.
pub const MIGRATION_BACKUPS: u32 = 100;
/// Bytes of a rule's condition. The parser's time grows faster than its input.
pub const CONDITION_BYTES: usize = 4096;

/// Operator characters in a rule's condition: chains of them nest in the parser, which has no bound of its own there.
pub const CONDITION_OPERATORS: usize = 512;

/// Nesting of a rule's condition.
pub const CONDITION_DEPTH: usize = 128;

/// Bytes of a rule file.
pub const RULE_FILE_BYTES: usize = 1 << 20;

/// Texts shown of a list field in a message or as evidence.
pub const SHOWN_ENTRIES: usize = 8;

/// Bytes of a baseline file. A system full of findings has some ten thousand entries of 300 bytes.
pub const BASELINE_FILE_BYTES: usize = 32 << 20;

/// Errors shown of one file of the user's.
pub const SHOWN_ERRORS: usize = 20;

/// Entries of a baseline that one warning names; further ones are counted.
pub const SHOWN_BASELINE_ENTRIES: usize = 10;

/// Bytes of a configuration file.
pub const CONFIG_FILE_BYTES: u64 = 1 << 20;

/// Configuration files that one extends, each the next.
pub const CONFIG_DEPTH: usize = 8;

/// Characters of a filter that is typed.
pub const FILTER_CHARS: usize = 1000;

/// Nesting of parentheses in it.
pub const FILTER_DEPTH: usize = 16;

/// Characters of the reason for a decision about a finding.
pub const REASON_CHARS: usize = 500;

/// Sessions of an edge without a client certificate that are remembered one by one; the others are counted together.
pub const WEAKER_SESSIONS: usize = 4;

/// Distinct identities kept for each end of an edge. A client can show a certificate of its own making with every session.
pub const USED_IDENTITIES: usize = 32;

/// Distinct calls kept for an edge. Paths with identifiers in them make a new one with every request.
pub const USED_METHODS: usize = 128;

/// Largest policy file.
pub const POLICY_FILE_BYTES: u64 = 4 << 20;

/// Edges of a policy. Every edge of a run is compared with each.
pub const POLICY_EDGES: usize = 16_384;

/// What is told word for word of what was seen against one entry of a policy. All of it is counted.
pub const POLICY_AGAINST: usize = 5;

/// Addresses kept of a finding about a service that has many.
pub const FINDING_ADDRESSES: usize = 64;

/// Microseconds by which the time of a packet may be before that of an earlier one. Interfaces and threads of a capture
/// put packets out of order by milliseconds.
pub const STEP_BACK_MICROS: i64 = 60_000_000;

/// Seconds by which packets may be ahead of the clock of this machine before that is worth a word.
pub const CLOCK_AHEAD_SECONDS: i64 = 366 * 86_400;
