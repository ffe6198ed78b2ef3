-- What a session went over. Before, only TCP was followed.
ALTER TABLE session ADD COLUMN transport TEXT NOT NULL DEFAULT 'tcp' CHECK (transport IN ('tcp', 'udp'));

DROP VIEW v_sessions;
CREATE VIEW v_sessions AS
SELECT s.session_id, s.run_id, s.community_id, s.last_us,
       strftime('%Y-%m-%dT%H:%M:%fZ', s.first_us / 1e6, 'unixepoch') AS first_seen,
       round((s.last_us - s.first_us) / 1e6, 3) AS seconds,
       f.name AS source, s.first_frame - coalesce(f.first_frame, 1) + 1 AS frame,
       c.name AS client, d.name AS server, s.client_ip, s.client_port, s.server_ip, s.server_port, s.transport,
       s.protocol, s.posture, s.posture_why, s.evidence, s.confidence, s.inherited_from, s.inherited_by, s.client_auth,
       t.version AS tls_version, t.cipher, t.sni, t.alpn, t.resumed, t.established,
       t.client_certificate_requested, t.client_certificate, t.not_observable, t.ja3, t.ja3s, t.ja4,
       s.bytes_to_server, s.bytes_to_client, s.end_state, s.start_seen, s.gap_bytes
FROM session s
JOIN service c ON c.service_id = s.client_service_id
JOIN service d ON d.service_id = s.server_service_id
LEFT JOIN source f ON f.source_id = s.source_id
LEFT JOIN tls t ON t.session_id = s.session_id;
