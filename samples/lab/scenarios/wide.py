"""Documents and wide columns: MongoDB's protocol as FerretDB speaks it, and Cassandra."""

import os

from driver.lab import scenario
from driver.truth import Truth, connection, credential
from driver.wire import ipv4

from .secured import chain, in_clear, over_tls, pair, roots
from .stores import at, issued

PASSWORD = "lab-not-a-real-document-password"
WRONG = "lab-not-a-real-wrong-password"


def both_in_one(lab, name):
    """Certificate and key in one file, as some programs want them."""
    path = lab.path(f"{name}-both.pem")
    with open(path, "w", encoding="ascii") as file:
        for part in pair(lab, name)[::-1]:
            with open(part, encoding="ascii") as text:
                file.write(text.read())
    return path


def ferretdb(lab, port, *flags, tls=False):
    """One server on SQLite. Its login wants a user from the start, or lets everybody in."""
    base = lab.path(f"ferret{port}")
    os.mkdir(base)
    where = ["--listen-addr=", f"--listen-tls={at(port)}"] if tls else [f"--listen-addr={at(port)}"]
    lab.serve("server", [
        os.path.join(lab.build, "ferretdb"), "--handler=sqlite", f"--sqlite-url=file:{base}/", f"--state-dir={base}",
        "--telemetry=disable", "--debug-addr=-", *where, *flags,
    ], port, patience=30, absolute=True)


LOGIN = ["--test-enable-new-auth", "--setup-username=orders", f"--setup-password={PASSWORD}", "--setup-database=admin"]


def mongo(lab, port, *flags, **how):
    return lab.call("client", [lab.python, lab.program("mongo_client.py"), at(port), *flags], **how)


def as_orders(mechanism, password=PASSWORD):
    return ["user=orders", f"password={password}", f"mechanism={mechanism}"]


@scenario("mongodb-plaintext", "MongoDB's protocol in clear: nobody asked, the password itself, SCRAM, and a wrong one", ["ferretdb", "pymongo"])
def mongodb_plaintext(lab):
    ferretdb(lab, 27017)
    ferretdb(lab, 27018, *LOGIN)
    ferretdb(lab, 27019)
    with lab.capture():
        mongo(lab, 27017)
        mongo(lab, 27019, *as_orders("PLAIN"))
        mongo(lab, 27018, *as_orders("SCRAM-SHA-256"))
        mongo(lab, 27018, *as_orders("SCRAM-SHA-256", WRONG), expect="failure")
    watch = in_clear(at(27018), "mongodb")
    scram = {"credential": [credential("scram", "orders", "saslStart")]}
    return Truth(
        [
            in_clear(at(27017), "mongodb", 2),
            in_clear(at(27019), "mongodb"), in_clear(at(27019), "mongodb", credential=[credential("sasl-plain", "orders", "saslStart")]),
            watch, in_clear(at(27018), "mongodb", **scram), watch, in_clear(at(27018), "mongodb", **scram),
        ],
        present=["WL1002", "WL1003"], maybe=["WL1006", "WL1007"], absent=["WL1001", "WL9004"], secrets=[PASSWORD, WRONG],
        note="The first connection of a client watches the server, the second works.",
    )


@scenario("mongodb-tls", "MongoDB's protocol over TLS 1.3: one-way and mutual", ["ferretdb", "pymongo"])
def mongodb_tls(lab):
    lab.keep_small()
    issued(lab)
    cert, key = pair(lab, "db")
    ca = lab.path("lab-root.pem")
    own = [f"--listen-tls-cert-file={cert}", f"--listen-tls-key-file={key}"]
    ferretdb(lab, 27017, *own, tls=True)
    ferretdb(lab, 27018, *own, f"--listen-tls-ca-file={ca}", tls=True)
    with lab.capture():
        mongo(lab, 27017, f"ca={ca}")
        mongo(lab, 27018, f"ca={ca}", f"cert={both_in_one(lab, 'orders')}")
    return Truth(
        [over_tls(at(27017), "1.3", "not-requested", 2), over_tls(at(27018), "1.3", "presented", 2)],
        [chain(lab, "db", "server", at(27017), "1.3"), chain(lab, "db", "server", at(27018), "1.3"),
         chain(lab, "orders", "client", ipv4("client"), "1.3")],
        present=["WL4001", "WL9001"], absent=["WL1002", "WL1003"], maybe=["WL2002"],
    )


CASSANDRA = """cluster_name: lab
num_tokens: 1
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
data_file_directories: [{base}/data]
commitlog_directory: {base}/commitlog
saved_caches_directory: {base}/caches
hints_directory: {base}/hints
cdc_raw_directory: {base}/cdc
commitlog_sync: periodic
commitlog_sync_period: 10000ms
authenticator: {authenticator}
authorizer: AllowAllAuthorizer
role_manager: CassandraRoleManager
seed_provider:
  - class_name: org.apache.cassandra.locator.SimpleSeedProvider
    parameters: [{{seeds: "127.0.0.1"}}]
listen_address: 127.0.0.1
rpc_address: {address}
native_transport_port: {port}
endpoint_snitch: SimpleSnitch
{more}
"""

# What its start script opens of Java 17.
OPENED = (
    "java.base/java.io java.base/java.lang java.base/java.lang.module java.base/java.lang.reflect java.base/java.net java.base/java.nio "
    "java.base/java.util java.base/java.util.concurrent java.base/java.util.concurrent.atomic java.base/java.util.concurrent.locks "
    "java.base/jdk.internal.loader java.base/jdk.internal.math java.base/jdk.internal.misc java.base/jdk.internal.module "
    "java.base/jdk.internal.ref java.base/jdk.internal.reflect java.base/jdk.internal.util.jar java.base/sun.nio.ch "
    "java.base/sun.nio.fs java.management.rmi/com.sun.jmx.remote.internal.rmi java.rmi/sun.rmi.registry java.rmi/sun.rmi.server "
    "java.rmi/sun.rmi.transport.tcp java.sql/java.sql jdk.management/com.sun.management.internal"
).split()


def cassandra(lab, port, *more, login=True):
    """One node that keeps to its loopback device but for its clients."""
    base, jars = lab.path(f"cassandra{port}"), os.path.join(lab.build, "java-cassandra")
    os.mkdir(base)
    config = os.path.join(base, "cassandra.yaml")
    with open(config, "w", encoding="ascii") as file:
        file.write(CASSANDRA.format(
            base=base, address=ipv4("server"), port=port, more="\n".join(more),
            authenticator="PasswordAuthenticator" if login else "AllowAllAuthenticator",
        ))
    agent = next(name for name in os.listdir(jars) if name.startswith("jamm-"))
    opened = [f"--add-{how}={name}=ALL-UNNAMED" for name in OPENED for how in ("opens", "exports")]
    quick = [f"-Dcassandra.{key}={value}" for key, value in {
        "config": f"file://{config}", "storagedir": base, "superuser_setup_delay_ms": 0, "ring_delay_ms": 1,
        "skip_wait_for_gossip_to_settle": 0, "jmx.local.port": 7199,
    }.items()]
    lab.serve("server", [
        "java", "-Xmx700m", "-XX:TieredStopAtLevel=1", "-Djdk.attach.allowAttachSelf=true", "-Djava.security.manager=allow",
        f"-javaagent:{jars}/{agent}", *opened, *quick, "-Dcassandra-foreground=yes", "-cp", f"{jars}/*",
        "org.apache.cassandra.service.CassandraDaemon",
    ], port, patience=90, absolute=True)
    # The role that there is at first is made a moment after the port is open.
    lab.settle(4)


def cql(lab, port, version, *words, **how):
    return lab.call("client", [lab.python, lab.program("cassandra_client.py"), ipv4("server"), str(port), str(version), *words], **how)


@scenario("cassandra-plaintext", "Cassandra in clear: the login that it comes with, by protocol 4 and 5, a wrong password, and none", ["cassandra", "java", "cassandra-driver"])
def cassandra_plaintext(lab):
    cassandra(lab, 9042)
    default = ["user=cassandra", "password=cassandra"]
    with lab.capture():
        for version in (4, 5):
            cql(lab, 9042, version, *default)
        cql(lab, 9042, 5, "user=orders", f"password={WRONG}", expect="failure")
        cql(lab, 9042, 5, expect="failure")
    shown = {"credential": [credential("sasl-plain", "cassandra", "AUTH_RESPONSE")]}
    return Truth(
        [
            in_clear(at(9042), "cassandra", 4, **shown),
            in_clear(at(9042), "cassandra", credential=[credential("sasl-plain", "orders", "AUTH_RESPONSE")]),
            in_clear(at(9042), "cassandra"),
        ],
        present=["WL1002", "WL1003", "WL1007"], absent=["WL1001", "WL9004"], secrets=[WRONG],
        note="The password cassandra is left out of the secrets: it is the name of its user as well.",
    )


@scenario("cassandra-tls", "Cassandra over mutual TLS, 1.2 and 1.3, on a port that takes plaintext too, and refuses a client without a certificate", ["cassandra", "java", "cassandra-driver"])
def cassandra_tls(lab):
    lab.keep_small()
    issued(lab)
    own = both_in_one(lab, "db")
    cassandra(
        lab, 9042, "client_encryption_options:", "  enabled: true", "  optional: true", "  require_client_auth: true",
        "  ssl_context_factory:", "    class_name: org.apache.cassandra.security.PEMBasedSslContextFactory",
        f"  keystore: {own}", f"  truststore: {lab.path('lab-root.pem')}", "  protocol: TLS", login=False,
    )
    ca = f"ca={lab.path('lab-root.pem')}"
    mine = [f"{word}={path}" for word, path in zip(("cert", "key"), pair(lab, "orders"))]
    with lab.capture():
        cql(lab, 9042, 5, ca, "version=1.2", *mine)
        cql(lab, 9042, 5, ca, "version=1.2", expect="failure")
        cql(lab, 9042, 5, ca, "version=1.3", *mine)
        cql(lab, 9042, 5)
    return Truth(
        [
            over_tls(at(9042), "1.2", "presented", 2), over_tls(at(9042), "1.2", "declined", posture=None, established=False), over_tls(at(9042), "1.3", "presented", 2),
            in_clear(at(9042), "cassandra", 2),
        ],
        [chain(lab, "db", "server", at(9042)), chain(lab, "orders", "client", ipv4("client")), *roots(lab, ipv4("client"))],
        present=["WL1002", "WL1004", "WL9001"], maybe=["WL1005", "WL1007", "WL2002", "WL2007", "WL3014", "WL3015", "WL8001"],
        absent=["WL1001", "WL1003", "WL4001", "WL4002", "WL9004"],
    )
