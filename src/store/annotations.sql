-- What people decided about findings, and why: every decision is a row, the latest one is also the finding's state.
-- Kept by fingerprint, so that it outlives the finding's rows.
CREATE TABLE annotation (
  annotation_id INTEGER PRIMARY KEY,
  fingerprint   BLOB    NOT NULL,
  state         TEXT    NOT NULL CHECK (state IN ('open', 'acknowledged', 'ignored')),
  reason        TEXT    NOT NULL,
  author        TEXT    NOT NULL,
  made_us       INTEGER NOT NULL -- by the clock of the machine
) STRICT;

CREATE INDEX annotation_by_finding ON annotation (fingerprint);

CREATE VIEW v_annotations AS
SELECT a.annotation_id, 'wlf1:' || lower(hex(a.fingerprint)) AS fingerprint, a.state, a.reason, a.author,
       strftime('%Y-%m-%dT%H:%M:%SZ', a.made_us / 1e6, 'unixepoch') AS made
FROM annotation a;
