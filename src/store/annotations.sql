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

-- A run that finds a finding in no baseline opens it; what a person ignored here stays ignored until a person opens it.
CREATE TRIGGER annotation_stays AFTER UPDATE OF state ON finding
WHEN OLD.state = 'ignored' AND NEW.state = 'open'
BEGIN
  UPDATE finding SET state = 'ignored', state_reason = OLD.state_reason
  WHERE finding_id = NEW.finding_id
    AND (SELECT a.state FROM annotation a WHERE a.fingerprint = NEW.fingerprint
         ORDER BY a.annotation_id DESC LIMIT 1) = 'ignored';
END;
