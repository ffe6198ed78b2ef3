"""Databases and caches: in clear with the logins they have, and over TLS."""

import os
import shutil

from driver.lab import scenario
from driver.truth import Truth, connection, credential
from driver.wire import ipv4

from .secured import chain, in_clear, over_tls, pair, roots

DB = "db.shop.test"
REDIS_PASSWORD = "lab-not-a-real-redis-password"
SQL_PASSWORD = "lab-not-a-real-sql-password"
SQL_BIN = "/usr/lib/postgresql/15/bin"


def at(port):
    return f"{ipv4('server')}:{port}"


def issued(lab, key="p256"):
    """Certificates of the server and of a client, by one authority."""
    lab.authority()
    lab.certificate("db", issuer="lab-root", dns=DB, ip=ipv4("server"), key=key)
    lab.certificate("orders", issuer="lab-root", cn="orders", dns="orders.shop.test", usage="client", key=key)


def redis(lab, port, *flags):
    lab.serve("server", [
        "redis-server", "--bind", ipv4("server"), "--protected-mode", "no", "--save", "", "--dir", lab.directory, *flags,
    ], port)


def redis_cli(lab, port, *words, **how):
    return lab.call("client", ["redis-cli", "--no-auth-warning", "-h", ipv4("server"), "-p", str(port), *words], **how)


@scenario("redis-auth", "Redis with passwords in clear: of the default user, of a named one, by HELLO, and a wrong one", ["redis"])
def redis_auth(lab):
    wrong = "lab-not-a-real-wrong-password"
    redis(lab, 6379, "--port", "6379", "--requirepass", REDIS_PASSWORD, "--user", "orders", "on",
          f">{REDIS_PASSWORD}-2", "~*", "+@all")
    with lab.capture():
        redis_cli(lab, 6379, "-a", REDIS_PASSWORD, "SET", "stock:chair", "41")
        redis_cli(lab, 6379, "--user", "orders", "--pass", f"{REDIS_PASSWORD}-2", "GET", "stock:chair")
        redis_cli(lab, 6379, "-a", wrong, "GET", "stock:chair", expect="any")
        redis_cli(lab, 6379, "HELLO", "3", "AUTH", "orders", f"{REDIS_PASSWORD}-2")
    who = [("default", "AUTH"), ("orders", "AUTH"), ("default", "AUTH"), ("orders", "HELLO")]
    told = [in_clear(at(6379), "redis", credential=[credential("password", name, where)]) for name, where in who]
    return Truth(told, present=["WL1002", "WL1003"], absent=["WL1007", "WL9004"],
                 secrets=[REDIS_PASSWORD, f"{REDIS_PASSWORD}-2", wrong])


@scenario("redis-tls", "Redis over TLS with its password inside: TLS 1.2 and 1.3, one-way, mutual and declined", ["redis"])
def redis_tls(lab):
    lab.keep_small()
    issued(lab)
    cert, key = pair(lab, "db")
    kinds = {
        6380: ("1.2", "yes", "presented"), 6381: ("1.2", "optional", "declined"), 6382: ("1.3", "no", "not-requested"),
        6383: ("1.3", "yes", "presented"),
    }
    for port, (version, ask, _) in kinds.items():
        redis(
            lab, port, "--port", "0", "--tls-port", str(port), "--tls-cert-file", cert, "--tls-key-file", key,
            "--tls-ca-cert-file", lab.path("lab-root.pem"), "--tls-auth-clients", ask, "--tls-protocols", f"TLSv{version}",
            "--requirepass", REDIS_PASSWORD,
        )
    with lab.capture():
        for port, (_, _, auth) in kinds.items():
            own = ["--cert", pair(lab, "orders")[0], "--key", pair(lab, "orders")[1]] if auth == "presented" else []
            redis_cli(
                lab, port, "--tls", "--sni", DB, "--cacert", lab.path("lab-root.pem"), *own, "-a", REDIS_PASSWORD, "PING",
            )
    return secured_stores(lab, kinds, [at(6380), at(6381), ipv4("client")], sni=DB)


def secured_stores(lab, kinds, rooted=(), **facts):
    """The truth of one connection to each port, and certificates as far as they can be read; `rooted` send a root too."""
    shown = roots(lab, *rooted)
    for port, (version, _, auth) in kinds.items():
        shown.append(chain(lab, "db", "server", at(port), version))
        if auth == "presented" and version == "1.2":
            shown.append(chain(lab, "orders", "client", ipv4("client")))
    posture = {"not-requested": "WL4001", "declined": "WL4002"}
    return Truth(
        [over_tls(at(port), version, auth, **facts) for port, (version, _, auth) in kinds.items()], shown,
        present=sorted({posture[auth] for _, _, auth in kinds.values() if auth in posture} | {"WL9001"}),
        maybe=["WL2002", "WL3014"], absent=["WL1002", "WL1003"],
    )


def postgresql(lab, port, *settings, hba):
    """A fresh cluster with one user for each way to log in. PostgreSQL refuses to run as root."""
    data = lab.path(f"pg{port}")
    os.chmod(lab.directory, 0o755)
    os.mkdir(data, 0o700)
    shutil.chown(data, "postgres", "postgres")
    as_postgres = ["runuser", "-u", "postgres", "--"]
    lab.call("server", [*as_postgres, f"{SQL_BIN}/initdb", "-D", data, "-A", "trust", "-U", "postgres", "--no-sync"], absolute=True)
    users = "".join(
        f"SET password_encryption = '{'md5' if name == 'md5' else 'scram-sha-256'}';\n"
        f"CREATE ROLE {name} LOGIN PASSWORD '{SQL_PASSWORD}-{name}';\n"
        for name in ("plain", "md5", "scram", "trusted", "orders")
    )
    lab.call("server", [*as_postgres, f"{SQL_BIN}/postgres", "--single", "-j", "-D", data, "postgres"],
             absolute=True, input=users.replace(";\n", ";\n\n").encode())
    with open(os.path.join(data, "pg_hba.conf"), "w", encoding="ascii") as file:
        file.write(hba)
    words = [f"-c{setting}" for setting in (f"listen_addresses={ipv4('server')}", f"port={port}", "fsync=off", *settings)]
    lab.serve("server", [*as_postgres, f"{SQL_BIN}/postgres", "-D", data, "-k", data, *words], port, absolute=True)


def psql(lab, port, user, mode, *words, **how):
    password = {} if user == "trusted" else {"PGPASSWORD": f"{SQL_PASSWORD}-{user}"}
    asked = " ".join([f"host={ipv4('server')} port={port} user={user} dbname=postgres sslmode={mode} gssencmode=disable", *words])
    return lab.call("client", ["psql", "-X", "-At", "-c", "SELECT 41 + 1", asked], env=password, **how)


LOGINS = "".join(
    f"host all {user} 0.0.0.0/0 {method}\n"
    for user, method in (("plain", "password"), ("md5", "md5"), ("scram", "scram-sha-256"), ("trusted", "trust"))
)
KINDS = {"plain": "password", "md5": "md5-hash", "scram": "scram", "trusted": None}


def logged_in(user):
    if KINDS[user] is None:
        return {}
    return {"credential": [credential(KINDS[user], user, "PasswordMessage" if user != "scram" else "SASLResponse")]}


@scenario("postgresql-plaintext", "PostgreSQL in clear: the password itself, its MD5, SCRAM, and none", ["postgresql-15", "postgresql-client-15"])
def postgresql_plaintext(lab):
    postgresql(lab, 5432, hba=LOGINS)
    with lab.capture():
        for user in KINDS:
            psql(lab, 5432, user, "disable")
    told = [in_clear(at(5432), "postgresql", **logged_in(user)) for user in KINDS]
    return Truth(told, present=["WL1002", "WL1003", "WL1006"], absent=["WL1005", "WL9004"], maybe=["WL1007"],
                 secrets=[f"{SQL_PASSWORD}-plain"])


@scenario("postgresql-tls-refused", "PostgreSQL without TLS: a client that prefers it goes on in clear, one that insists goes away", ["postgresql-15", "postgresql-client-15"])
def postgresql_tls_refused(lab):
    postgresql(lab, 5432, hba=LOGINS)
    with lab.capture():
        psql(lab, 5432, "plain", "prefer")
        psql(lab, 5432, "plain", "require", expect="failure")
    return Truth(
        [in_clear(at(5432), "postgresql", **logged_in("plain")),
         connection(ipv4("client"), at(5432), 1, posture="unknown", protocol="postgresql")],
        present=["WL1002", "WL1003", "WL1005"], absent=["WL8004", "WL9004"], secrets=[f"{SQL_PASSWORD}-plain"],
    )


@scenario("postgresql-tls", "PostgreSQL that turns to TLS when asked: 1.2 and 1.3, one-way, mutual, declined", ["postgresql-15", "postgresql-client-15"])
def postgresql_tls(lab):
    lab.keep_small()
    issued(lab)
    kinds = {5432: ("1.2", None, "not-requested"), 5433: ("1.2", None, "presented"), 5434: ("1.2", None, "declined"),
             5435: ("1.3", None, "not-requested"), 5436: ("1.3", None, "presented")}
    shutil.copy(lab.path("db.key"), lab.path("server.key"))
    shutil.chown(lab.path("server.key"), "postgres", "postgres")
    for name in ("db.pem", "lab-root.pem"):
        os.chmod(lab.path(name), 0o644)
    for port, (version, _, auth) in kinds.items():
        asks = [] if auth == "not-requested" else [f"ssl_ca_file={lab.path('lab-root.pem')}"]
        postgresql(
            lab, port, "ssl=on", f"ssl_cert_file={lab.path('db.pem')}", f"ssl_key_file={lab.path('server.key')}",
            f"ssl_min_protocol_version=TLSv{version}", f"ssl_max_protocol_version=TLSv{version}", *asks,
            hba=LOGINS.replace("host ", "hostssl "),
        )
    with lab.capture():
        for port, (_, _, auth) in kinds.items():
            cert, key = pair(lab, "orders")
            own = f"sslcert={cert} sslkey={key}" if auth == "presented" else "sslcert=none sslkey=none"
            psql(lab, port, "plain", "verify-ca", own, f"sslrootcert={lab.path('lab-root.pem')}")
    told = secured_stores(lab, kinds, [at(5433), at(5434), ipv4("client")])
    told.quiet = sorted([*told.quiet, "WL1005"])
    return told


PAM_SERVICE = "/etc/pam.d/wirelint-lab"


def mariadb(lab, port, *flags, more=""):
    data = lab.path(f"my{port}")
    lab.call("server", ["mariadb-install-db", "--no-defaults", "--user=root", f"--datadir={data}", "--skip-test-db",
                        "--auth-root-authentication-method=normal"], absolute=True)
    start = lab.path(f"my{port}.sql")
    with open(start, "w", encoding="ascii") as file:
        file.write(
            f"CREATE DATABASE shop;\nCREATE USER orders@'%' IDENTIFIED BY '{SQL_PASSWORD}';\n"
            "GRANT ALL ON shop.* TO orders@'%';\nCREATE USER reports@'%';\nGRANT SELECT ON shop.* TO reports@'%';\n" + more
        )
    lab.serve("server", [
        "mariadbd", "--no-defaults", "--user=root", f"--datadir={data}", f"--socket={data}.sock", f"--port={port}",
        f"--pid-file={data}.pid", f"--bind-address={ipv4('server')}", "--skip-name-resolve", f"--init-file={start}",
        "--innodb-buffer-pool-size=16M", "--innodb-log-file-size=8M", *flags,
    ], port, patience=60, absolute=True)


def mysql_cli(lab, port, user, *flags, **how):
    return lab.call("client", [
        "mariadb", "--no-defaults", "-h", ipv4("server"), "-P", str(port), "-u", user, "-B", "-e", "SELECT 41 + 1", *flags, "shop",
    ], **how)


@scenario("mariadb-plaintext", "MariaDB in clear: a scrambled password, no password, and a wrong one", ["mariadb-server", "mariadb-client"])
def mariadb_plaintext(lab):
    mariadb(lab, 3306)
    with lab.capture():
        mysql_cli(lab, 3306, "orders", f"-p{SQL_PASSWORD}", "--skip-ssl")
        mysql_cli(lab, 3306, "reports", "--skip-ssl")
        mysql_cli(lab, 3306, "orders", "-plab-not-a-real-wrong-password", "--skip-ssl", expect="failure")
    hashed = {"credential": [credential("native-password", "orders", "HandshakeResponse")]}
    return Truth(
        [in_clear(at(3306), "mysql", **hashed), in_clear(at(3306), "mysql"), in_clear(at(3306), "mysql", **hashed)],
        present=["WL1002", "WL1006"], maybe=["WL1007"], absent=["WL1003", "WL9004"], secrets=[SQL_PASSWORD],
    )


@scenario("mariadb-clear-password", "MariaDB that asks for the password itself, for PAM: as MySQL does it, by MariaDB's dialog, and a wrong one", ["mariadb-server", "mariadb-client"])
def mariadb_clear_password(lab):
    """PAM asks a file of the lab's own, so that the machine's users do not matter."""
    wrong = "lab-not-a-real-wrong-password"
    with open(lab.path("pam-ask"), "w", encoding="ascii") as file:
        file.write(f"#!/bin/sh\nread -r word\n[ \"$PAM_USER\" = staff ] && [ \"$word\" = '{SQL_PASSWORD}' ]\n")
    os.chmod(lab.path("pam-ask"), 0o755)
    with open(PAM_SERVICE, "w", encoding="ascii") as file:
        file.write(f"auth required pam_exec.so expose_authtok quiet {lab.path('pam-ask')}\naccount required pam_permit.so\n")
    try:
        for port, clear in ((3306, "ON"), (3307, "OFF")):
            mariadb(lab, port, "--plugin-load-add=auth_pam_v1", f"--pam-use-cleartext-plugin={clear}",
                    more="CREATE USER staff@'%' IDENTIFIED VIA pam USING 'wirelint-lab';\nGRANT SELECT ON shop.* TO staff@'%';\n")
        with lab.capture():
            mysql_cli(lab, 3306, "staff", f"-p{SQL_PASSWORD}", "--skip-ssl")
            mysql_cli(lab, 3307, "staff", f"-p{SQL_PASSWORD}", "--skip-ssl")
            mysql_cli(lab, 3306, "staff", f"-p{wrong}", "--skip-ssl", expect="failure")
    finally:
        os.remove(PAM_SERVICE)
    # The client answers the greeting with a scramble before it hears that the password itself is wanted.
    shown = {"credential": [
        credential("native-password", "staff", "HandshakeResponse"), credential("password", "staff", "AuthSwitchResponse"),
    ]}
    return Truth(
        [in_clear(at(3306), "mysql", **shown), in_clear(at(3307), "mysql", **shown), in_clear(at(3306), "mysql", **shown)],
        present=["WL1002", "WL1003"], maybe=["WL1006", "WL1007"], absent=["WL9004"], secrets=[SQL_PASSWORD, wrong],
    )


@scenario("mariadb-tls", "MariaDB that turns to TLS when asked: 1.2 and 1.3, one-way and mutual", ["mariadb-server", "mariadb-client"])
def mariadb_tls(lab):
    lab.keep_small()
    issued(lab)
    cert, key = pair(lab, "db")
    kinds = {3306: ("1.2", None, "declined"), 3307: ("1.2", None, "presented"), 3308: ("1.3", None, "declined")}
    for port, (version, _, _) in kinds.items():
        mariadb(lab, port, f"--ssl-cert={cert}", f"--ssl-key={key}", f"--ssl-ca={lab.path('lab-root.pem')}",
                f"--tls-version=TLSv{version}")
    with lab.capture():
        for port, (_, _, auth) in kinds.items():
            own = [f"--ssl-{name}={path}" for name, path in zip(("cert", "key"), pair(lab, "orders"))]
            mysql_cli(lab, port, "orders", f"-p{SQL_PASSWORD}", f"--ssl-ca={lab.path('lab-root.pem')}",
                      *(own if auth == "presented" else []))
    told = secured_stores(lab, kinds, [at(3306), at(3307), ipv4("client")])
    told.note = "MariaDB always asks for a client certificate when it has an authority, and requires none."
    return told


@scenario("memcached-plaintext", "memcached in clear, by text and by the binary protocol's successor, and with a password", ["memcached", "pymemcache"])
def memcached_plaintext(lab):
    password = "lab-not-a-real-cache-password"
    with open(lab.path("cache.users"), "w", encoding="ascii") as file:
        file.write(f"orders:{password}\n")
    lab.serve("server", ["memcached", "-u", "root", "-l", ipv4("server"), "-p", "11211", "-U", "0"], 11211)
    lab.serve("server", ["memcached", "-u", "root", "-l", ipv4("server"), "-p", "11212", "-U", "0", "-Y", lab.path("cache.users")], 11212)
    with lab.capture():
        lab.call("client", [lab.python, lab.program("memcached_client.py"), ipv4("server"), "11211"])
        lab.call("client", ["/usr/bin/python3", lab.program("say.py"), ipv4("server"), "11212"],
                 input=f"set auth 0 0 {len(password) + 7}\r\norders {password}\r\nget stock\r\nquit\r\n".encode())
        lab.call("client", ["/usr/bin/python3", lab.program("say.py"), ipv4("server"), "11211"],
                 input=b"mn\r\nms chair 2\r\n41\r\nmg chair v\r\nquit\r\n")
    return Truth(
        [
            in_clear(at(11211), "memcached"),
            in_clear(at(11212), "memcached", credential=[credential("password", "orders", "set auth")]),
            in_clear(at(11211), "memcached"),
        ],
        present=["WL1002", "WL1003"], maybe=["WL1007"], absent=["WL9004"], secrets=[password],
    )
