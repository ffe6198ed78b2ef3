//! What reports and excerpts of evidence show at most: whoever reads them must be able to open them.

/// Findings of which the frames are written; the worst come first.
pub const EXCERPTS: usize = 1000;

/// Frames of a connection that are kept around those that prove a finding: before them, and after the last of them.
pub const EXCERPT_FRAMES: [usize; 2] = [48, 8];

/// Captured bytes kept of one connection for an excerpt, beyond the frames that prove the finding.
pub const EXCERPT_BYTES: usize = 128 * 1024;

/// Captured bytes kept over all connections for excerpts. What would go beyond is left out and counted.
pub const EXCERPT_TOTAL: usize = 256 << 20;

/// Frames read behind the last one that proves anything, for its context.
pub const EXCERPT_READ_ON: u64 = 65_536;

/// Bytes of the longest known secret, how many lengths of them, and how many bytes of a stretch, that are searched for
/// secrets which no reader recognised: the work is the product of the last two.
pub const EXCERPT_SECRET: usize = 96;
/// See [`EXCERPT_SECRET`].
pub const EXCERPT_SECRETS: usize = 16;
/// See [`EXCERPT_SECRET`].
pub const EXCERPT_SEARCHED: usize = 16 * 1024;

/// Blanked bytes at the end of a frame that are kept; what is longer is cut there.
pub const EXCERPT_TAIL: usize = 256;

/// Results of a SARIF report: code scanning shows no more of one run.
pub const SARIF_RESULTS: usize = 5000;

/// Tags of a rule in SARIF.
pub const SARIF_TAGS: usize = 10;

/// Related locations of a result in SARIF.
pub const SARIF_RELATED: usize = 10;

/// Characters of one text in SARIF: code scanning takes 1024.
pub const SARIF_TEXT: usize = 1000;

/// Test cases of a JUnit report that did not fail. Rules times edges can be millions.
pub const JUNIT_QUIET_CASES: usize = 20_000;

/// Annotations of one type that a step of a CI job shows.
pub const ANNOTATIONS: usize = 10;

/// Bytes of a step summary; the service refuses 1 MiB.
pub const STEP_SUMMARY_BYTES: usize = 900 * 1024;

/// Services with their reasons on the HTML page.
pub const HTML_SERVICES: usize = 400;

/// Edges on the HTML page.
pub const HTML_EDGES: usize = 1000;

/// Findings with their evidence on the HTML page, over all rules.
pub const HTML_FINDINGS: usize = 400;

/// Findings of one rule with their evidence on the HTML page.
pub const HTML_FINDINGS_PER_RULE: usize = 25;

/// Findings in one line each on the HTML page.
pub const HTML_FINDING_LINES: usize = 5000;

/// Certificates on the HTML page.
pub const HTML_CERTIFICATES: usize = 500;

/// Certificates drawn in the expiry timeline.
pub const HTML_TIMELINE: usize = 40;

/// Credentials on the HTML page.
pub const HTML_CREDENTIALS: usize = 500;

/// Entries of the policy on the HTML page, and edges without one.
pub const HTML_POLICY: usize = 500;

/// Services on the map of the HTML page: more are no picture.
pub const HTML_MAP_SERVICES: usize = 60;

/// Boxes of callers on the map of the HTML page.
pub const HTML_MAP_CALLERS: usize = 60;

/// Services named in metrics: each is a time series of its own for good.
pub const METRIC_SERVICES: usize = 500;

/// Connections to the metrics endpoint that are answered at once; a scraper needs one.
pub const METRIC_CONNECTIONS: usize = 16;

/// Bytes of the head of a request to the metrics endpoint.
pub const METRIC_REQUEST_BYTES: usize = 8192;

/// Bytes of events that are written to their file at once.
pub const EVENT_BUFFER: usize = 64 * 1024;

/// Bytes of events that wait for a file that cannot be written.
pub const EVENTS_WAITING: usize = 16 << 20;

/// Files of events that are kept beside the one that is written to, where they are turned over.
pub const ROTATED_FILES: usize = 8;

/// Bytes of the file of headers that a webhook is sent with.
pub const HEADER_FILE_BYTES: usize = 16 * 1024;

/// Sessions that wait to be put into words for receivers; further ones are given up, and counted. Findings, which are shared,
/// are given up only when a run's come on top.
pub const UNTOLD_EVENTS: usize = 16_384;

/// Bytes of events that wait for the spool to be written; further ones are given up, and counted.
pub const UNSPOOLED_BYTES: usize = 8 << 20;

/// Bytes of events that are put into the spool at once, when many come.
pub const SPOOLED_BYTES: usize = 1 << 20;

/// Events delivered at once.
pub const DELIVERED_EVENTS: usize = 500;

/// Bytes of events delivered at once, unless one alone is larger.
pub const DELIVERED_BYTES: usize = 512 * 1024;

/// Bytes of the head of a receiver's answer.
pub const ANSWER_HEAD_BYTES: usize = 16 * 1024;

/// Bytes read of what a syslog receiver says, which is nothing.
pub const ANSWER_BYTES: usize = 64 * 1024;

/// Bytes of a syslog message in a datagram. RFC 5426 wants receivers to take 2048; larger ones than this get lost in
/// fragments.
pub const DATAGRAM_MESSAGE_BYTES: usize = 8192;

/// Bytes of a PEM file of authorities or of a certificate for delivery. Bundles of all public authorities have 250 KiB.
pub const PEM_FILE_BYTES: u64 = 4 << 20;

/// Bytes of a syslog message over TCP and TLS. RFC 5425 wants receivers to take 8192; common ones are set to take this.
pub const STREAM_MESSAGE_BYTES: usize = 65_536;

/// Findings that the text report shows in full; further ones are counted by rule. A large estate has thousands.
pub const SHOWN_FINDINGS: usize = 40;

/// Findings below medium that the text report shows in full.
pub const SHOWN_LOW_FINDINGS: usize = 5;

/// Rows of each table in the text report.
pub const SHOWN_ROWS: usize = 60;

/// Rows of a query that are laid out as one table, which needs all of them in memory.
pub const QUERY_TABLE_ROWS: usize = 10_000;

/// Bytes of one value that a query may build: `zeroblob(1e9)` is a short text.
pub const QUERY_VALUE_BYTES: i32 = 16 << 20;

/// Bytes of the text of one query.
pub const QUERY_SQL_BYTES: i32 = 1 << 20;

/// Rows held to each side of the selected one in a list on the screen: several screens of the tallest terminals.
pub const VIEW_ROWS: usize = 256;

/// Counts of filtered lists that are remembered until the database changes: one per filter that was typed.
pub const VIEW_COUNTS: usize = 64;

/// Runs that the dashboard can page through.
pub const VIEW_RUNS: usize = 64;

/// Reasons why a run is incomplete that are shown of it.
pub const VIEW_REASONS: usize = 32;

/// Hours and postures of one edge that are shown: a month, with every posture in every hour.
pub const VIEW_HOURS: usize = 5 * 24 * 31;
