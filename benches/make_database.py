#!/usr/bin/env python3
"""Fills a database of wirelint with made-up rows, to measure the dashboard.

    wirelint check samples/mixed-posture.pcapng --db big.db --exit-zero
    benches/make_database.py big.db [--findings 100000] [--sessions 1000000]

The file must be one that wirelint made; rows are added to it as one more run: 2,000 services, 20,000 edges, 5,000
certificates, and as many findings and kept sessions as asked. The same bytes every time. Not true to life: names are
numbers, all sessions of a service look alike, and evidence is the same for every finding.
"""

import argparse
import json
import random
import sqlite3

HOUR = 3_600_000_000
BEGIN = 1_768_986_000_000_000
POSTURES = ["mtls", "tls", "tls-opaque", "plaintext", "unknown"]
SEVERITIES = ["info", "low", "medium", "high", "critical"]
SERVICES, EDGES, CERTIFICATES = 2000, 20_000, 5000


def columns(db, table):
    return [row[1] for row in db.execute(f"SELECT * FROM pragma_table_info('{table}')")]


def insert(db, table, rows):
    """Rows as dictionaries; all of the same keys."""
    rows = iter(rows)
    first = next(rows)
    unknown = set(first) - set(columns(db, table))
    assert not unknown, f"{table} has no {unknown}"
    names = ", ".join(first)
    sql = f"INSERT INTO {table} ({names}) VALUES ({', '.join(':' + name for name in first)})"
    db.execute(sql, first)
    db.executemany(sql, rows)


def services(db):
    first = db.execute("SELECT max(service_id) FROM service").fetchone()[0] + 1
    insert(db, "service", ({"service_id": first + n, "name": f"service-{n}.bench", "how": "sni"} for n in range(SERVICES)))
    return first


def edges(db, dice, run, first):
    known = set()
    while len(known) < EDGES:
        known.add((dice.randrange(SERVICES // 4), dice.randrange(SERVICES)))
    for server, client in sorted(known):
        counts = [0] * 5
        for _ in range(dice.choice([1, 1, 2])):
            counts[dice.choices(range(5), [50, 20, 15, 10, 5])[0]] += dice.randrange(1, 200)
        hours = [[BEGIN + hour * HOUR, POSTURES[at], count, count * 900] for at, count in enumerate(counts) if count for hour in range(6)]
        yield {
            "server_service_id": first + server, "client_service_id": first + client, "server_port": 8443,
            "server_ip": f"10.1.{server // 250}.{server % 250 + 1}", "client_ip": f"10.2.{client // 250}.{client % 250 + 1}",
            "run_id": run, "protocols": '["grpc","tls"]', "mtls": counts[0], "tls": counts[1], "tls_opaque": counts[2],
            "plaintext": counts[3], "unknown": counts[4], "bytes": sum(counts) * 9000, "first_us": BEGIN,
            "last_us": BEGIN + 6 * HOUR, "hours": json.dumps(hours, separators=(",", ":")),
        }


def sessions(dice, run, first, count):
    for n in range(count):
        server, client = dice.randrange(SERVICES // 4), dice.randrange(SERVICES)
        yield {
            "session_id": (run << 40) | n, "run_id": run, "number": n, "source_id": None, "first_frame": n + 1,
            "community_id": f"1:{n:027d}=", "first_us": BEGIN + n * 20_000, "last_us": BEGIN + n * 20_000 + dice.randrange(9_000_000),
            "client_ip": f"10.2.{client // 250}.{client % 250 + 1}", "client_port": 32768 + n % 28_000,
            "server_ip": f"10.1.{server // 250}.{server % 250 + 1}", "server_port": 8443, "client_service_id": first + client,
            "server_service_id": first + server, "roles": "syn", "protocol": "tls", "posture": POSTURES[server % 5],
            "posture_why": "made up", "evidence": "observed", "confidence": "high", "packets_to_server": 9, "packets_to_client": 9,
            "bytes_to_server": dice.randrange(90_000), "bytes_to_client": dice.randrange(900_000), "start_seen": 1,
            "end_state": "fin", "gap_bytes": 0,
        }


def tls(run, count):
    for n in range(0, count, 2):
        yield {
            "session_id": (run << 40) | n, "version": "TLSv1.3", "cipher": "TLS_AES_128_GCM_SHA256", "sni": f"host-{n % 500}.bench",
            "alpn_offered": "[]", "hello_retry": 0, "history": "CsXid", "not_observable": "{}",
        }


def findings(dice, first, rules, count):
    for n in range(count):
        rule, severity = rules[n % len(rules)], dice.choices(SEVERITIES, [30, 30, 25, 12, 3])[0]
        yield {
            "finding_id": (n + 1) * 1_000_003, "fingerprint": n.to_bytes(16, "big"), "rule_id": rule, "severity": severity,
            "confidence": "high", "message": f"client {n} speaks grpc to a server without TLS", "client_service_id": first + n % SERVICES,
            "server_service_id": first + n % (SERVICES // 4), "server_port": 8443, "subject": f"subject-{n}",
        }


def finding_runs(run, count):
    evidence = json.dumps([{
        "community_id": "1:WyLVGAlQICNYUhGxZraw1zOt410=", "connection": "10.2.0.5:41000 -> 10.1.0.9:8443", "source": "bench.pcapng",
        "frames": [[118, BEGIN]], "facts": {"first bytes": "PRI * HTTP/2.0", "call": "POST /shop.Payments/Charge"},
    }] * 3, separators=(",", ":"))
    for n in range(count):
        yield {"finding_id": (n + 1) * 1_000_003, "run_id": run, "count": n % 977 + 1, "first_us": BEGIN, "last_us": BEGIN + n * 1000, "evidence": evidence}


def certificates(db, first, run):
    number = (db.execute("SELECT max(certificate_id) FROM certificate").fetchone()[0] or 0) + 1
    insert(db, "certificate", ({
        "certificate_id": number + n, "sha256": f"{n:064x}", "readable": 1, "subject": f"CN=host-{n}.bench", "issuer": "CN=Bench CA",
        "common_name": f"host-{n}.bench", "serial": f"{n:x}", "not_before_us": BEGIN - 24 * HOUR, "not_after_us": BEGIN + (n % 400) * 24 * HOUR,
        "key_kind": "EC", "key_bits": 256, "self_signed": 0, "is_ca": 0,
    } for n in range(CERTIFICATES)))
    insert(db, "certificate_use", ({
        "certificate_id": number + n, "run_id": run, "role": "server" if n % 3 else "client", "position": 0,
        "service_id": first + n % SERVICES, "ip": f"10.1.{n // 250 % 250}.{n % 250 + 1}", "port": 8443 if n % 3 else 0, "sessions": n % 50 + 1,
        "first_us": BEGIN, "last_us": BEGIN + 6 * HOUR, "first_frame": 1, "chain_faults": "[]",
    } for n in range(CERTIFICATES)))


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("db")
    options.add_argument("--findings", type=int, default=100_000)
    options.add_argument("--sessions", type=int, default=1_000_000)
    options = options.parse_args()
    dice = random.Random(7)
    db = sqlite3.connect(options.db)
    with db:
        db.execute("PRAGMA foreign_keys = ON")
        insert(db, "run", [{
            "command": "bench", "version": "0.1.0", "ruleset": "0" * 64, "rules": 1, "started_us": BEGIN, "ended_us": BEGIN + HOUR,
            "exit_code": 1, "frames": options.sessions * 18, "bytes": options.sessions * 9000, "first_us": BEGIN,
            "last_us": BEGIN + 6 * HOUR, "sessions": options.sessions,
        }])
        run = db.execute("SELECT max(run_id) FROM run").fetchone()[0]
        rules = [row[0] for row in db.execute("SELECT rule_id FROM rule")]
        assert rules, "the database has no finding: check a capture that has some into it first"
        first = services(db)
        insert(db, "edge", edges(db, dice, run, first))
        certificates(db, first, run)
        insert(db, "session", sessions(dice, run, first, options.sessions))
        insert(db, "tls", tls(run, options.sessions))
        insert(db, "finding", findings(dice, first, rules, options.findings))
        insert(db, "finding_run", finding_runs(run, options.findings))
    db.close()


if __name__ == "__main__":
    main()
