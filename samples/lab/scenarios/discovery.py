"""Where services find each other: etcd, ZooKeeper and gossip, in clear and protected."""

import base64
import os
import signal

from driver import frames
from driver.lab import scenario
from driver.truth import Truth, call, credential
from driver.wire import ipv4

from .secured import chain, in_clear, over_tls, pair
from .stores import DB, at, issued
from .tls12 import address

PASSWORD = "lab-not-a-real-registry-password"


def etcd(lab, port, *flags, scheme="http"):
    url = f"{scheme}://{at(port)}"
    lab.serve("server", [
        "etcd", "--name", "lab", "--data-dir", lab.path(f"etcd{port}"), "--listen-client-urls", url,
        "--advertise-client-urls", url, "--listen-peer-urls", f"http://127.0.0.1:{port + 1}",
        "--initial-advertise-peer-urls", f"http://127.0.0.1:{port + 1}", "--initial-cluster",
        f"lab=http://127.0.0.1:{port + 1}", "--logger", "zap", *flags,
    ], port, env={"ETCD_UNSUPPORTED_ARCH": ""})


def etcdctl(lab, port, *words, scheme="http", host="client", **how):
    return lab.call(host, ["etcdctl", f"--endpoints={scheme}://{at(port)}", *words], env={"ETCDCTL_API": "3"}, **how)


def kv(method, count=1, status=0):
    return call("etcdserverpb.KV", method, count, status)


def authenticate(status):
    return call("etcdserverpb.Auth", "Authenticate", 1, status)


@scenario("etcd-plaintext", "etcd in clear that asks nobody: a registration, a look-up, a deletion", ["etcd-server", "etcd-client"])
def etcd_plaintext(lab):
    etcd(lab, 2379)
    lab.settle()
    with lab.capture():
        etcdctl(lab, 2379, "put", "inventory.rpc/7587848943214", "10.77.0.4:8081")
        etcdctl(lab, 2379, "get", "--prefix", "inventory.rpc")
        etcdctl(lab, 2379, "del", "inventory.rpc/7587848943214")
    return Truth(
        [in_clear(at(2379), "grpc", calls=[kv(method)]) for method in ("Put", "Range", "DeleteRange")],
        present=["WL1001", "WL7001", "WL7002"], maybe=["WL1002", "WL1007", "WL4008"], absent=["WL1003"],
    )


@scenario("etcd-auth", "etcd in clear with users: the password crosses, then the token that it gives", ["etcd-server", "etcd-client"])
def etcd_auth(lab):
    etcd(lab, 2379)
    lab.settle()
    for words in (("user", "add", f"root:{PASSWORD}"), ("user", "grant-role", "root", "root"), ("auth", "enable")):
        etcdctl(lab, 2379, *words, host="server")
    wrong = "lab-not-a-real-wrong-password"
    password = [credential("password", "root", "Authenticate")]
    with lab.capture():
        etcdctl(lab, 2379, f"--user=root:{PASSWORD}", "put", "inventory.rpc/7587848943214", "10.77.0.4:8081")
        etcdctl(lab, 2379, f"--user=root:{wrong}", "get", "inventory.rpc/7587848943214", expect="failure")
        etcdctl(lab, 2379, "get", "inventory.rpc/7587848943214", expect="failure")
    return Truth(
        [
            in_clear(at(2379), "grpc", calls=[authenticate(0)], credential=password),
            in_clear(at(2379), "grpc", calls=[kv("Put")], credential=[credential("token", "", "metadata token")]),
            in_clear(at(2379), "grpc", calls=[authenticate(3)], credential=password),
            in_clear(at(2379), "grpc", calls=[kv("Range", status=3)]),
        ],
        present=["WL1001", "WL1003"], maybe=["WL1002", "WL4008", "WL6006", "WL7001"], secrets=[PASSWORD, wrong],
    )


@scenario("etcd-tls", "etcd over TLS: mutual, and one-way with a user; TLS 1.2 and 1.3 as its Go makes them", ["etcd-server", "etcd-client"])
def etcd_tls(lab):
    issued(lab)
    cert, key = pair(lab, "db")
    ca = lab.path("lab-root.pem")
    own = ["--cert-file", cert, "--key-file", key]
    etcd(lab, 2379, *own, "--client-cert-auth", "--trusted-ca-file", ca, scheme="https")
    etcd(lab, 2381, *own, "--cipher-suites", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", scheme="https")
    lab.settle()
    with lab.capture():
        etcdctl(lab, 2379, "--cacert", ca, "--cert", pair(lab, "orders")[0], "--key", pair(lab, "orders")[1], "get", "shop",
                scheme="https")
        etcdctl(lab, 2381, "--cacert", ca, "get", "shop", scheme="https")
    return Truth(
        [over_tls(at(2379), "1.3", "presented"), over_tls(at(2381), "1.3", "not-requested")],
        [chain(lab, "db", "server", at(port), "1.3") for port in (2379, 2381)],
        present=["WL4001", "WL9001"], maybe=["WL2002"], absent=["WL1001", "WL7001"],
    )


@scenario("etcd-peers-tls", "Two members of an etcd that talk over mutual TLS: the second joins the first", ["etcd-server", "etcd-client"])
def etcd_peers_tls(lab):
    """The first member sleeps until the second listens, so that nobody is called who is not there yet."""
    lab.keep_small()
    lab.authority()
    ca, hosts = lab.path("lab-root.pem"), {"server": "first", "backend": "second"}
    for host, name in hosts.items():
        lab.certificate(name, issuer="lab-root", dns=f"{name}.etcd.test", ip=ipv4(host), usage="both")
    peers = {name: f"https://{address(host, 2380)}" for host, name in hosts.items()}

    def member(host, name, state, those):
        cert, key = pair(lab, name)
        return [
            "etcd", "--name", name, "--data-dir", lab.path(f"etcd-{name}"), "--listen-client-urls", "http://127.0.0.1:2379",
            "--advertise-client-urls", "http://127.0.0.1:2379", "--listen-peer-urls", peers[name], "--initial-advertise-peer-urls",
            peers[name], "--initial-cluster", ",".join(f"{one}={peers[one]}" for one in those), "--initial-cluster-state", state,
            "--heartbeat-interval", "2000", "--election-timeout", "20000", "--peer-cert-file", cert, "--peer-key-file", key,
            "--peer-client-cert-auth", "--peer-trusted-ca-file", ca, "--logger", "zap",
        ]

    first = lab.serve("server", member("server", "first", "new", ["first"]), 2379, patience=30)
    ask = ["etcdctl", "--endpoints=http://127.0.0.1:2379", "--command-timeout=30s"]
    lab.call("server", [*ask, "put", "shop", "open"], env={"ETCDCTL_API": "3"})
    lab.settle(6)  # a member is added to a cluster that was whole for five seconds
    lab.call("server", [*ask, "member", "add", "second", f"--peer-urls={peers['second']}"], env={"ETCDCTL_API": "3"})
    first.send_signal(signal.SIGSTOP)
    lab.settle()
    with lab.capture():
        lab.start("backend", member("backend", "second", "existing", ["first", "second"]))
        lab.wait("backend", 2380)
        first.send_signal(signal.SIGCONT)
        lab.wait("backend", 2379, 30)
    seen = frames.connections(frames.read_pcap(lab.pcap))
    at_peer = {host: address(host, 2380) for host in hosts}
    met = {(host, other): sum(n for (_, to, port), n in seen.items() if port == 2380 and ipv4(other) == ".".join(map(str, to)))
           for host, other in (("server", "backend"), ("backend", "server"))}
    return Truth(
        [over_tls(at_peer[other], "1.3", "presented", many, client=ipv4(host)) for (host, other), many in met.items()],
        [chain(lab, name, role, at_peer[host] if role == "server" else ipv4(host), "1.3")
         for host, name in hosts.items() for role in ("server", "client")],
        present=["WL9001"], maybe=["WL2002"], absent=["WL1001", "WL1002", "WL4002", "WL7001"],
    )


JARS = "/usr/share/java"


def zookeeper(lab, port, *settings):
    """Debian's package, started by its own class: its scripts want a host of their own."""
    jars = ":".join(f"{JARS}/{name}.jar" for name in (
        "zookeeper", "zookeeper-jute", "slf4j-api", "slf4j-nop", "netty-all", "commons-cli", "commons-io", "metrics-core",
        "snappy-java", "jline", "jackson-databind", "jackson-core", "jackson-annotations", "netty-handler", "netty-transport",
        "netty-buffer", "netty-common", "netty-codec", "netty-resolver", "netty-transport-native-epoll",
        "netty-transport-native-unix-common",
    ) if os.path.exists(f"{JARS}/{name}.jar"))
    start_zookeeper(lab, port, f"/etc/zookeeper/conf:{jars}", f"clientPort={port}", f"clientPortAddress={ipv4('server')}", *settings)


def zookeeper_of_maven(lab, port, *settings):
    """The jars of Maven Central, which can do TLS: Debian's package leaves out what that needs of Netty."""
    start_zookeeper(lab, port, os.path.join(lab.build, "java-zookeeper", "*"), f"secureClientPort={port}", f"secureClientPortAddress={ipv4('server')}",
                    "serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory", *settings)


def start_zookeeper(lab, port, jars, *settings):
    config = lab.path(f"zoo{port}.cfg")
    with open(config, "w", encoding="ascii") as file:
        file.write("\n".join([
            f"dataDir={lab.path(f'zoo{port}')}", "tickTime=2000", "admin.enableServer=false", "4lw.commands.whitelist=*", "audit.enable=false", *settings, "",
        ]))
    lab.serve("server", ["java", "-Xmx256m", "-cp", jars,
                         "org.apache.zookeeper.server.quorum.QuorumPeerMain", config], port, patience=40, absolute=True)


@scenario("zookeeper-plaintext", "ZooKeeper in clear: a registration by nobody, a digest login, and a four-letter word", ["zookeeper", "kazoo", "python"])
def zookeeper_plaintext(lab):
    zookeeper(lab, 2181)
    lab.settle(2)
    with lab.capture():
        for words in ((), ("user=orders", f"password={PASSWORD}")):
            lab.call("client", [lab.python, lab.program("zookeeper_client.py"), at(2181), *words])
        lab.call("client", ["/usr/bin/python3", lab.program("say.py"), ipv4("server"), "2181"], input=b"srvr")
    return Truth(
        [
            in_clear(at(2181), "zookeeper"),
            in_clear(at(2181), "zookeeper", credential=[credential("password", "orders", "auth digest")]),
            in_clear(at(2181), "zookeeper"),
        ],
        present=["WL1002", "WL1003", "WL7001"], maybe=["WL1007"], absent=["WL9004"], secrets=[PASSWORD],
    )


def gossip(lab, *flags):
    agents = []
    for host, more in (("server", []), ("backend", ["-join", at(7946)])):
        agents.append((host, ["serf", "agent", f"-node={host}", f"-bind={ipv4(host)}:7946", "-rpc-addr=127.0.0.1:7373",
                              "-tag", "role=inventory", *flags, *more]))
    return agents


@scenario("serf-gossip", "Serf agents that join each other: gossip in clear", ["serf"])
def serf_gossip(lab):
    gossiped(lab)
    return Truth(
        [in_clear(at(7946), "serf", client=ipv4("backend"), count=1)], present=["WL7004"], maybe=["WL1001", "WL1002"],
        absent=["WL9004"],
    )


@scenario("serf-gossip-encrypted", "Serf agents that join each other: gossip with a key", ["serf"])
def serf_gossip_encrypted(lab):
    key = base64.b64encode(b"lab-not-a-real-gossip-key-32-byt").decode()
    gossiped(lab, f"-encrypt={key}")
    told = in_clear(at(7946), "serf", client=ipv4("backend"), posture=None, evidence=None)
    return Truth([told], absent=["WL7004"], maybe=["WL1001", "WL1002", "WL9004"], secrets=[key])


def gossiped(lab, *flags):
    (first, one), (second, two) = gossip(lab, *flags)
    lab.serve(first, one, 7946)
    with lab.capture():
        lab.serve(second, two, 7946)
        lab.settle(2)
