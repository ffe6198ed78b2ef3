-- The schema of a wirelint database, version 1.
--
-- Times are whole microseconds since 1970-01-01T00:00:00Z and come from packets; only run.started_us and run.ended_us
-- are of the machine that ran the audit. Text that came from the wire is stored escaped. NULL in a column that answers
-- yes or no means: could not be seen.
--
-- What a run counted is kept per run, so that reading the same capture twice adds a run and doubles nothing; the views
-- show every finding, edge and certificate as the latest run that saw it left it.

CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE run (
  run_id          INTEGER PRIMARY KEY AUTOINCREMENT,
  command         TEXT    NOT NULL,
  version         TEXT    NOT NULL,
  ruleset         TEXT    NOT NULL,
  rules           INTEGER NOT NULL,
  filter          TEXT,
  fail_on         TEXT,
  started_us      INTEGER NOT NULL,
  ended_us        INTEGER,
  exit_code       INTEGER,
  frames          INTEGER NOT NULL DEFAULT 0,
  bytes           INTEGER NOT NULL DEFAULT 0,
  first_us        INTEGER,
  last_us         INTEGER,
  sessions        INTEGER NOT NULL DEFAULT 0,
  mtls            INTEGER NOT NULL DEFAULT 0,
  tls             INTEGER NOT NULL DEFAULT 0,
  tls_opaque      INTEGER NOT NULL DEFAULT 0,
  plaintext       INTEGER NOT NULL DEFAULT 0,
  unknown         INTEGER NOT NULL DEFAULT 0,
  half_open       INTEGER NOT NULL DEFAULT 0,
  dropped         INTEGER NOT NULL DEFAULT 0,
  gap_bytes       INTEGER NOT NULL DEFAULT 0,
  coverage        TEXT    NOT NULL DEFAULT '{}' CHECK (json_valid(coverage)),
  incomplete      TEXT    NOT NULL DEFAULT '[]' CHECK (json_valid(incomplete))
) STRICT;

CREATE TABLE source (
  source_id   INTEGER PRIMARY KEY,
  run_id      INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  position    INTEGER NOT NULL,
  name        TEXT    NOT NULL,
  first_frame INTEGER NOT NULL,
  frames      INTEGER NOT NULL,
  bytes       INTEGER NOT NULL,
  link_types  TEXT    NOT NULL CHECK (json_valid(link_types)),
  UNIQUE (run_id, position)
) STRICT;

CREATE TABLE service (
  service_id INTEGER PRIMARY KEY,
  name       TEXT NOT NULL UNIQUE,
  how        TEXT NOT NULL
) STRICT;

CREATE TABLE certificate (
  certificate_id INTEGER PRIMARY KEY,
  sha256         TEXT NOT NULL UNIQUE,
  readable       INTEGER NOT NULL CHECK (readable IN (0, 1)),
  subject        TEXT,
  issuer         TEXT,
  common_name    TEXT,
  serial         TEXT,
  not_before_us  INTEGER,
  not_after_us   INTEGER,
  names          TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(names)),
  spiffe_id      TEXT,
  key_kind       TEXT,
  key_bits       INTEGER,
  key_curve      TEXT,
  spki_sha256    TEXT,
  signature      TEXT,
  is_ca          INTEGER CHECK (is_ca IN (0, 1)),
  self_signed    INTEGER CHECK (self_signed IN (0, 1))
) STRICT;

-- Who showed a certificate where, as one run saw it. port 0: shown by a client.
CREATE TABLE certificate_use (
  certificate_id INTEGER NOT NULL REFERENCES certificate,
  run_id         INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  role           TEXT    NOT NULL CHECK (role IN ('server', 'client')),
  position       INTEGER NOT NULL,
  service_id     INTEGER NOT NULL REFERENCES service,
  ip             TEXT    NOT NULL,
  port           INTEGER NOT NULL,
  sessions       INTEGER NOT NULL,
  first_us       INTEGER NOT NULL,
  last_us        INTEGER NOT NULL,
  first_frame    INTEGER NOT NULL,
  chain_trust    TEXT    CHECK (chain_trust IN ('unasked', 'anchored', 'unanchored', 'unverifiable')),
  chain_bundle   TEXT,
  chain_faults   TEXT    NOT NULL CHECK (json_valid(chain_faults)),
  revocation     TEXT    CHECK (revocation IN ('unasked', 'good', 'revoked', 'unknown')),
  staple         TEXT,
  PRIMARY KEY (certificate_id, role, position, service_id, ip, port, run_id)
) STRICT, WITHOUT ROWID;

-- Sessions that were kept: samples of every edge and posture, or all. Counts are in edge.
CREATE TABLE session (
  session_id        INTEGER PRIMARY KEY, -- the run's number, then the session's within the run in 40 bits
  run_id            INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  number            INTEGER NOT NULL,
  source_id         INTEGER REFERENCES source,
  first_frame       INTEGER NOT NULL,
  community_id      TEXT    NOT NULL,
  first_us          INTEGER NOT NULL,
  last_us           INTEGER NOT NULL,
  client_ip         TEXT    NOT NULL,
  client_port       INTEGER NOT NULL,
  server_ip         TEXT    NOT NULL,
  server_port       INTEGER NOT NULL,
  client_service_id INTEGER NOT NULL REFERENCES service,
  server_service_id INTEGER NOT NULL REFERENCES service,
  roles             TEXT    NOT NULL,
  vlan              INTEGER,
  protocol          TEXT,
  posture           TEXT    NOT NULL,
  posture_why       TEXT    NOT NULL,
  evidence          TEXT    NOT NULL,
  confidence        TEXT    NOT NULL, -- low, medium, high
  inherited_from    INTEGER,
  inherited_by      TEXT, -- session-id, ticket, ends
  client_auth       TEXT,
  packets_to_server INTEGER NOT NULL,
  packets_to_client INTEGER NOT NULL,
  bytes_to_server   INTEGER NOT NULL,
  bytes_to_client   INTEGER NOT NULL,
  start_seen        INTEGER NOT NULL CHECK (start_seen IN (0, 1)),
  end_state         TEXT    NOT NULL,
  gap_bytes         INTEGER NOT NULL,
  first_bytes       TEXT
) STRICT;

CREATE TABLE tls (
  session_id                   INTEGER PRIMARY KEY REFERENCES session ON DELETE CASCADE,
  version                      TEXT,
  cipher                       TEXT,
  key_group                    TEXT,
  sni                          TEXT,
  alpn                         TEXT,
  alpn_offered                 TEXT NOT NULL CHECK (json_valid(alpn_offered)),
  resumed                      INTEGER CHECK (resumed IN (0, 1)),
  hello_retry                  INTEGER NOT NULL CHECK (hello_retry IN (0, 1)),
  established                  INTEGER CHECK (established IN (0, 1)),
  client_certificate_requested INTEGER CHECK (client_certificate_requested IN (0, 1)),
  client_certificate           TEXT,
  server_certificate_id        INTEGER REFERENCES certificate,
  client_certificate_id        INTEGER REFERENCES certificate,
  alert                        TEXT,
  history                      TEXT NOT NULL,
  inferred                     TEXT,
  inferred_confidence          TEXT,
  inferred_why                 TEXT,
  not_observable               TEXT NOT NULL,
  ja3                          TEXT,
  ja3s                         TEXT,
  ja4                          TEXT
) STRICT;

CREATE TABLE call (
  session_id  INTEGER NOT NULL REFERENCES session ON DELETE CASCADE,
  position    INTEGER NOT NULL,
  service     TEXT    NOT NULL,
  method      TEXT    NOT NULL,
  count       INTEGER NOT NULL,
  succeeded   INTEGER NOT NULL,
  failed      INTEGER NOT NULL,
  last_status INTEGER,
  first_us    INTEGER NOT NULL,
  first_frame INTEGER NOT NULL,
  PRIMARY KEY (session_id, position)
) STRICT, WITHOUT ROWID;

-- What is the same for all findings of a rule, as the latest run that had one says it.
CREATE TABLE rule (
  rule_id INTEGER PRIMARY KEY,
  code    TEXT NOT NULL UNIQUE,
  name    TEXT NOT NULL,
  title   TEXT NOT NULL,
  fix     TEXT NOT NULL,
  tags    TEXT NOT NULL CHECK (json_valid(tags))
) STRICT;

-- One row per rule and key, whatever the number of runs that saw it. The number is made of the fingerprint, so that one
-- tree finds a row by either. The words of severity, confidence and state are not checked here: for a list of words
-- SQLite builds a table in memory for each row that is written, which cost more than the writing.
CREATE TABLE finding (
  finding_id        INTEGER PRIMARY KEY,
  fingerprint       BLOB    NOT NULL,
  rule_id           INTEGER NOT NULL REFERENCES rule,
  severity          TEXT    NOT NULL, -- info, low, medium, high, critical
  confidence        TEXT    NOT NULL, -- low, medium, high
  message           TEXT    NOT NULL,
  client_service_id INTEGER REFERENCES service,
  server_service_id INTEGER REFERENCES service,
  server_port       INTEGER,
  subject           TEXT,
  state             TEXT    NOT NULL DEFAULT 'open', -- open, baseline, ignored, acknowledged, fixed
  state_reason      TEXT
) STRICT;

-- A finding in one run. evidence: the run's earliest samples, an array of objects (see v_evidence); facts are left out
-- where they are those of the first. It has a rowid because a tree without one puts such long rows on pages of their own.
CREATE TABLE finding_run (
  finding_id  INTEGER NOT NULL REFERENCES finding ON DELETE CASCADE,
  run_id      INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  count       INTEGER NOT NULL,
  first_us    INTEGER NOT NULL,
  last_us     INTEGER NOT NULL,
  evidence    TEXT    NOT NULL,
  PRIMARY KEY (finding_id, run_id)
) STRICT;

-- hours: what happened by the hour, an array of [microseconds, posture, sessions, bytes].
CREATE TABLE edge (
  server_service_id INTEGER NOT NULL REFERENCES service,
  client_service_id INTEGER NOT NULL REFERENCES service,
  server_port       INTEGER NOT NULL,
  server_ip         TEXT    NOT NULL,
  client_ip         TEXT    NOT NULL,
  run_id            INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  protocols         TEXT    NOT NULL,
  mtls              INTEGER NOT NULL,
  tls               INTEGER NOT NULL,
  tls_opaque        INTEGER NOT NULL,
  plaintext         INTEGER NOT NULL,
  unknown           INTEGER NOT NULL,
  bytes             INTEGER NOT NULL,
  first_us          INTEGER NOT NULL,
  last_us           INTEGER NOT NULL,
  hours             TEXT    NOT NULL,
  versions          TEXT    NOT NULL, -- of TLS
  grade             TEXT, -- A to F; NULL: nothing could be judged
  certainty         TEXT    NOT NULL, -- low, medium, high
  PRIMARY KEY (server_service_id, client_service_id, server_port, server_ip, client_ip, run_id)
) STRICT, WITHOUT ROWID;

-- What a server address and port came to in a run. reasons, lifts, doubts: as in the json report.
CREATE TABLE service_grade (
  service_id INTEGER NOT NULL REFERENCES service,
  endpoint   TEXT    NOT NULL,
  run_id     INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  clients    INTEGER NOT NULL,
  protocols  TEXT    NOT NULL,
  versions   TEXT    NOT NULL,
  mtls       INTEGER NOT NULL,
  tls        INTEGER NOT NULL,
  tls_opaque INTEGER NOT NULL,
  plaintext  INTEGER NOT NULL,
  unknown    INTEGER NOT NULL,
  findings   INTEGER NOT NULL,
  worst      TEXT,
  grade      TEXT, -- A to F; NULL: nothing could be judged
  certainty  TEXT    NOT NULL, -- low, medium, high
  doubts     TEXT    NOT NULL,
  reasons    TEXT    NOT NULL,
  lifts      TEXT    NOT NULL,
  PRIMARY KEY (service_id, endpoint, run_id)
) STRICT, WITHOUT ROWID;

-- The key of this database's fingerprints. No query may read it.
CREATE TABLE fingerprint_key (
  id  INTEGER PRIMARY KEY CHECK (id = 1),
  key BLOB    NOT NULL CHECK (length(key) = 32)
) STRICT;

-- A credential that was shown to a server: what it is, never the secret. Equal secrets have equal fingerprints; an answer
-- that is made anew each time has none. principal '': the protocol does not say.
CREATE TABLE credential (
  credential_id INTEGER PRIMARY KEY,
  fingerprint   TEXT    NOT NULL,
  kind          TEXT    NOT NULL,
  mechanism     TEXT    NOT NULL,
  place         TEXT    NOT NULL,
  principal     TEXT    NOT NULL,
  service_id    INTEGER NOT NULL REFERENCES service,
  ip            TEXT    NOT NULL,
  port          INTEGER NOT NULL,
  length        INTEGER NOT NULL,
  exposure      TEXT    NOT NULL CHECK (exposure IN ('readable', 'crackable', 'safe')),
  is_default    INTEGER NOT NULL CHECK (is_default IN (0, 1)),
  UNIQUE (service_id, ip, port, kind, mechanism, place, principal, fingerprint)
) STRICT;

CREATE TABLE credential_use (
  credential_id INTEGER NOT NULL REFERENCES credential ON DELETE CASCADE,
  run_id        INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
  number        INTEGER NOT NULL,
  clients       TEXT    NOT NULL CHECK (json_valid(clients)),
  sessions      INTEGER NOT NULL,
  in_clear      INTEGER NOT NULL,
  count         INTEGER NOT NULL,
  accepted      INTEGER CHECK (accepted IN (0, 1)),
  expires_us    INTEGER,
  first_us      INTEGER NOT NULL,
  last_us       INTEGER NOT NULL,
  first_frame   INTEGER NOT NULL,
  PRIMARY KEY (credential_id, run_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX credential_by_secret ON credential (fingerprint);
CREATE INDEX credential_use_run   ON credential_use (run_id);
CREATE INDEX session_by_time     ON session (last_us);
CREATE INDEX session_by_server   ON session (server_service_id, posture);
CREATE INDEX certificate_by_end  ON certificate (not_after_us);
CREATE INDEX certificate_use_run ON certificate_use (run_id);

-- The views are the supported surface for queries; the tables may change with the schema version.

CREATE VIEW v_runs AS
SELECT r.run_id, r.command, r.version, r.exit_code,
       strftime('%Y-%m-%dT%H:%M:%SZ', r.started_us / 1e6, 'unixepoch') AS started,
       strftime('%Y-%m-%dT%H:%M:%SZ', r.ended_us / 1e6, 'unixepoch') AS ended,
       (SELECT group_concat(name, ', ') FROM (
          SELECT s.name FROM source s WHERE s.run_id = r.run_id ORDER BY s.position)) AS sources,
       r.frames, r.bytes,
       strftime('%Y-%m-%dT%H:%M:%fZ', r.first_us / 1e6, 'unixepoch') AS first_packet,
       strftime('%Y-%m-%dT%H:%M:%fZ', r.last_us / 1e6, 'unixepoch') AS last_packet,
       r.sessions, r.mtls, r.tls, r.tls_opaque, r.plaintext, r.unknown, r.half_open, r.dropped, r.gap_bytes,
       (SELECT count(*) FROM finding_run f WHERE f.run_id = r.run_id) AS findings,
       r.incomplete, r.ruleset
FROM run r;

CREATE VIEW v_sessions AS
SELECT s.session_id, s.run_id, s.community_id, s.last_us,
       strftime('%Y-%m-%dT%H:%M:%fZ', s.first_us / 1e6, 'unixepoch') AS first_seen,
       round((s.last_us - s.first_us) / 1e6, 3) AS seconds,
       f.name AS source, s.first_frame - coalesce(f.first_frame, 1) + 1 AS frame,
       c.name AS client, d.name AS server, s.client_ip, s.client_port, s.server_ip, s.server_port,
       s.protocol, s.posture, s.posture_why, s.evidence, s.confidence, s.inherited_from, s.inherited_by, s.client_auth,
       t.version AS tls_version, t.cipher, t.sni, t.alpn, t.resumed, t.established,
       t.client_certificate_requested, t.client_certificate, t.not_observable, t.ja3, t.ja3s, t.ja4,
       s.bytes_to_server, s.bytes_to_client, s.end_state, s.start_seen, s.gap_bytes
FROM session s
JOIN service c ON c.service_id = s.client_service_id
JOIN service d ON d.service_id = s.server_service_id
LEFT JOIN source f ON f.source_id = s.source_id
LEFT JOIN tls t ON t.session_id = s.session_id;

CREATE VIEW v_edges AS
SELECT c.name AS client, d.name AS server, e.server_port AS port, e.client_ip, e.server_ip, e.protocols,
       e.mtls + e.tls + e.tls_opaque + e.plaintext + e.unknown AS sessions,
       e.mtls, e.tls, e.tls_opaque, e.plaintext, e.unknown,
       CASE WHEN e.plaintext > 0 THEN 'plaintext'
            WHEN e.unknown > 0 THEN 'unknown'
            WHEN e.tls > 0 THEN 'tls'
            WHEN e.tls_opaque > 0 THEN 'tls-opaque'
            ELSE 'mtls' END AS worst_posture,
       e.grade, e.certainty, e.versions, e.bytes,
       strftime('%Y-%m-%dT%H:%M:%SZ', e.first_us / 1e6, 'unixepoch') AS first_seen,
       strftime('%Y-%m-%dT%H:%M:%SZ', e.last_us / 1e6, 'unixepoch') AS last_seen,
       e.run_id
FROM edge e
JOIN service c ON c.service_id = e.client_service_id
JOIN service d ON d.service_id = e.server_service_id
WHERE NOT EXISTS (
  SELECT 1 FROM edge n
  WHERE n.server_service_id = e.server_service_id AND n.client_service_id = e.client_service_id
    AND n.server_port = e.server_port AND n.server_ip = e.server_ip AND n.client_ip = e.client_ip
    AND n.run_id > e.run_id);

-- reasons: [reason, best grade, rule, what, accepted]; lifts: [step, grade it leads to].
CREATE VIEW v_grades AS
SELECT s.name AS service, g.endpoint, g.grade, g.certainty, g.clients,
       g.mtls + g.tls + g.tls_opaque + g.plaintext + g.unknown AS sessions,
       g.mtls, g.tls, g.tls_opaque, g.plaintext, g.unknown, g.protocols, g.versions, g.findings, g.worst,
       g.doubts, g.reasons, g.lifts, g.run_id
FROM service_grade g
JOIN service s ON s.service_id = g.service_id
WHERE g.run_id = (SELECT max(n.run_id) FROM service_grade n
                  WHERE n.service_id = g.service_id AND n.endpoint = g.endpoint);

CREATE VIEW v_findings AS
SELECT f.finding_id, x.code AS rule, x.name AS rule_name, f.severity, f.confidence, f.state, x.title,
       c.name AS client, d.name AS server, f.server_port AS port, f.subject,
       r.count,
       strftime('%Y-%m-%dT%H:%M:%SZ',
         (SELECT min(a.first_us) FROM finding_run a WHERE a.finding_id = f.finding_id) / 1e6, 'unixepoch')
         AS first_seen,
       strftime('%Y-%m-%dT%H:%M:%SZ',
         (SELECT max(a.last_us) FROM finding_run a WHERE a.finding_id = f.finding_id) / 1e6, 'unixepoch')
         AS last_seen,
       (SELECT count(*) FROM finding_run a WHERE a.finding_id = f.finding_id) AS runs,
       r.run_id AS last_run,
       CASE f.severity WHEN 'critical' THEN 5 WHEN 'high' THEN 4 WHEN 'medium' THEN 3 WHEN 'low' THEN 2 ELSE 1 END
         AS rank,
       f.message, x.fix, x.tags, f.state_reason, 'wlf1:' || lower(hex(f.fingerprint)) AS fingerprint
FROM finding f
JOIN rule x ON x.rule_id = f.rule_id
JOIN finding_run r ON r.finding_id = f.finding_id
 AND r.run_id = (SELECT max(a.run_id) FROM finding_run a WHERE a.finding_id = f.finding_id)
LEFT JOIN service c ON c.service_id = f.client_service_id
LEFT JOIN service d ON d.service_id = f.server_service_id;

-- The earliest samples of a finding over all runs are those with the lowest ts_us.
CREATE VIEW v_evidence AS
SELECT r.finding_id, r.run_id, j.key AS position,
       j.value ->> '$.community_id' AS community_id, coalesce(j.value ->> '$.frames[0][1]', r.first_us) AS ts_us,
       j.value ->> '$.connection' AS connection, j.value ->> '$.source' AS source,
       j.value ->> '$.frames[0][0]' AS frame, j.value -> '$.frames' AS frames, coalesce(j.value -> '$.facts', r.evidence -> '$[0].facts') AS facts
FROM finding_run r, json_each(r.evidence) j;

-- What happened on an edge by the hour.
CREATE VIEW v_edge_hours AS
SELECT c.name AS client, d.name AS server, e.server_port AS port, e.client_ip, e.server_ip, e.run_id,
       strftime('%Y-%m-%dT%H:%M:%SZ', (j.value ->> 0) / 1e6, 'unixepoch') AS hour,
       j.value ->> 1 AS posture, j.value ->> 2 AS sessions, j.value ->> 3 AS bytes
FROM edge e
JOIN service c ON c.service_id = e.client_service_id
JOIN service d ON d.service_id = e.server_service_id, json_each(e.hours) j;

CREATE VIEW v_certificates AS
SELECT x.certificate_id, u.role, u.position, s.name AS service, u.ip, nullif(u.port, 0) AS port,
       x.readable, x.subject, x.issuer, x.serial, x.names, x.spiffe_id, x.key_kind, x.key_bits, x.key_curve,
       x.signature, x.is_ca, x.self_signed,
       strftime('%Y-%m-%dT%H:%M:%SZ', x.not_before_us / 1e6, 'unixepoch') AS not_before,
       strftime('%Y-%m-%dT%H:%M:%SZ', x.not_after_us / 1e6, 'unixepoch') AS not_after,
       round((x.not_after_us - u.last_us) / 86400e6, 1) AS days_left_when_last_seen,
       u.chain_trust, u.chain_bundle, u.chain_faults, u.revocation, u.staple,
       u.sessions,
       strftime('%Y-%m-%dT%H:%M:%SZ', u.first_us / 1e6, 'unixepoch') AS first_seen,
       strftime('%Y-%m-%dT%H:%M:%SZ', u.last_us / 1e6, 'unixepoch') AS last_seen,
       u.run_id AS last_run, x.sha256
FROM certificate_use u
JOIN certificate x ON x.certificate_id = u.certificate_id
JOIN service s ON s.service_id = u.service_id
WHERE NOT EXISTS (
  SELECT 1 FROM certificate_use n
  WHERE n.certificate_id = u.certificate_id AND n.role = u.role AND n.position = u.position
    AND n.service_id = u.service_id AND n.ip = u.ip AND n.port = u.port AND n.run_id > u.run_id);

CREATE VIEW v_credentials AS
SELECT c.credential_id, c.kind, c.mechanism, c.place, nullif(c.principal, '') AS principal, s.name AS server,
       c.ip AS server_ip, c.port AS server_port, c.length, c.exposure, c.is_default,
       nullif(c.fingerprint, '') AS fingerprint, u.number, u.clients, u.sessions, u.in_clear, u.count, u.accepted,
       strftime('%Y-%m-%dT%H:%M:%SZ', u.expires_us / 1e6, 'unixepoch') AS expires,
       strftime('%Y-%m-%dT%H:%M:%SZ',
         (SELECT min(a.first_us) FROM credential_use a WHERE a.credential_id = c.credential_id) / 1e6, 'unixepoch')
         AS first_seen,
       strftime('%Y-%m-%dT%H:%M:%SZ',
         (SELECT max(a.last_us) FROM credential_use a WHERE a.credential_id = c.credential_id) / 1e6, 'unixepoch')
         AS last_seen,
       u.run_id AS last_run
FROM credential c
JOIN credential_use u ON u.credential_id = c.credential_id
 AND u.run_id = (SELECT max(a.run_id) FROM credential_use a WHERE a.credential_id = c.credential_id)
JOIN service s ON s.service_id = c.service_id;

CREATE VIEW v_service_posture AS
SELECT e.server AS service,
       count(DISTINCT e.client_ip) AS clients,
       sum(e.sessions) AS sessions,
       sum(e.mtls) AS mtls, sum(e.tls) AS tls, sum(e.tls_opaque) AS tls_opaque,
       sum(e.plaintext) AS plaintext, sum(e.unknown) AS unknown,
       round(100.0 * sum(e.mtls) / sum(e.sessions), 1) AS pct_mtls,
       round(100.0 * sum(e.tls) / sum(e.sessions), 1) AS pct_tls,
       round(100.0 * sum(e.tls_opaque) / sum(e.sessions), 1) AS pct_tls_opaque,
       round(100.0 * sum(e.plaintext) / sum(e.sessions), 1) AS pct_plaintext,
       round(100.0 * sum(e.unknown) / sum(e.sessions), 1) AS pct_unknown,
       coalesce(f.open, 0) AS open_findings
FROM v_edges e
LEFT JOIN (SELECT s.name, count(*) AS open FROM finding f JOIN service s ON s.service_id = f.server_service_id
           WHERE f.state = 'open' GROUP BY s.name) f ON f.name = e.server
GROUP BY e.server;
