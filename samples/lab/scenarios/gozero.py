"""go-zero: zrpc with etcd and with app and token, and rest."""

import os

from driver import frames, jwt
from driver.lab import scenario
from driver.truth import Truth, call, credential
from driver.wire import ipv4

from .discovery import PASSWORD, etcd, etcdctl
from .secured import chain, in_clear, over_tls, pair, roots
from .stores import issued, redis
from .tls12 import address

PORT = 8081
TOKEN = "lab-not-a-real-zrpc-token"
NAME = "inventory.shop.test"
RESERVE = call("shop.Inventory", "Reserve", 2, 0)


def gozero(lab, *words):
    return [os.path.join(lab.build, "gozero"), *words]


def serve(lab, *flags, host="server", port=PORT):
    lab.serve(host, gozero(lab, "zrpc-serve", "-listen", address(host, port), *flags), port)


def ask(lab, *flags, host="client", **how):
    lab.call(host, gozero(lab, "zrpc-call", *flags), **how)


def at(host="server", port=PORT):
    return address(host, port)


@scenario("zrpc-plaintext", "go-zero zrpc as it is by default: gRPC in clear, without any caller identity", ["go-zero", "grpc-go-in-go-zero"])
def zrpc_plaintext(lab):
    serve(lab)
    with lab.capture():
        ask(lab, "-listen", at())
    return Truth([in_clear(at(), "grpc", calls=[RESERVE])], present=["WL1001"], maybe=["WL4008"], absent=["WL1003"])


@scenario("zrpc-etcd", "go-zero zrpc by way of etcd: a registration, a look-up, and the call, all in clear", ["go-zero", "etcd-server"])
def zrpc_etcd(lab):
    etcd(lab, 2379)
    lab.settle()
    with lab.capture():
        serve(lab, "-etcd", at(port=2379), host="backend")
        lab.settle(1.5)
        ask(lab, "-etcd", at(port=2379))
    return Truth(
        [
            in_clear(at(port=2379), "grpc", 2, client=ipv4("backend")), in_clear(at(port=2379), "grpc", 2),
            in_clear(at("backend"), "grpc", calls=[RESERVE]),
        ],
        present=["WL1001", "WL7001"], maybe=["WL1002", "WL1007", "WL4008"], absent=["WL1003", "WL4010", "WL7002"],
    )


@scenario("zrpc-etcd-tls", "go-zero zrpc by way of an etcd that wants TLS with certificates and a user; the call itself stays in clear", ["go-zero", "etcd-server", "etcd-client"])
def zrpc_etcd_tls(lab):
    issued(lab)
    ca, (cert, key), own = lab.path("lab-root.pem"), pair(lab, "db"), pair(lab, "orders")
    etcd(lab, 2379, "--cert-file", cert, "--key-file", key, "--client-cert-auth", "--trusted-ca-file", ca, scheme="https")
    lab.settle()
    admin = ["--cacert", ca, "--cert", own[0], "--key", own[1]]
    for words in (("user", "add", f"root:{PASSWORD}"), ("user", "grant-role", "root", "root"), ("auth", "enable")):
        etcdctl(lab, 2379, *admin, *words, scheme="https", host="server")
    asked = ["-etcd", at(port=2379), "-etcd-user", "root", "-etcd-pass", PASSWORD, "-etcd-cert", own[0], "-etcd-cert-key", own[1], "-etcd-ca", ca]
    with lab.capture():
        serve(lab, *asked, host="backend")
        lab.settle(1.5)
        ask(lab, *asked)
    seen = frames.connections(frames.read_pcap(lab.pcap))
    to_etcd = {host: sum(n for (client, _, port), n in seen.items() if port == 2379 and ipv4(host) == ".".join(map(str, client)))
               for host in ("backend", "client")}
    return Truth(
        [
            *(over_tls(at(port=2379), "1.3", "presented", many, client=ipv4(host)) for host, many in to_etcd.items()),
            in_clear(at("backend"), "grpc", calls=[RESERVE]),
        ],
        [chain(lab, "db", "server", at(port=2379), "1.3"),
         *(chain(lab, "orders", "client", ipv4(host), "1.3") for host in to_etcd)],
        present=["WL1001", "WL9001"], maybe=["WL2002", "WL4008"], absent=["WL1003", "WL7001"], secrets=[PASSWORD],
    )


def with_tokens(lab, *flags):
    """A server that looks tokens up in a Redis on its own loopback device, which is not captured."""
    lab.serve("server", ["redis-server", "--bind", "127.0.0.1", "--port", "6379", "--save", "", "--dir", lab.directory], 6379)
    lab.call("server", ["redis-cli", "HSET", "rpc.tokens", "orders", TOKEN])
    serve(lab, "-redis", "127.0.0.1:6379", *flags)


def said(app, calls, **facts):
    return in_clear(at(), "grpc", calls=calls, credential=[credential("token", app, "metadata app token")], **facts)


@scenario("zrpc-auth-open", "go-zero zrpc with app and token, StrictControl off: an app that nobody knows gets in as well", ["go-zero", "redis"])
def zrpc_auth_open(lab):
    with_tokens(lab)
    unknown, wrong = "lab-not-a-real-token-of-nobody", "lab-not-a-real-wrong-token"
    with lab.capture():
        ask(lab, "-listen", at(), "-app", "orders", "-token", TOKEN)
        ask(lab, "-listen", at(), "-app", "nobody", "-token", unknown)
        ask(lab, "-listen", at(), "-app", "orders", "-token", wrong, expect="failure")
    return Truth(
        [said("orders", [RESERVE]), said("nobody", [RESERVE]), said("orders", [{**RESERVE, "count": 1, "status": 16}])],
        present=["WL1001", "WL1003"], maybe=["WL4007", "WL4008"], secrets=[TOKEN, unknown, wrong],
        note="The server accepted an app of which its Redis knows nothing.",
    )


@scenario("zrpc-auth-strict", "go-zero zrpc with app and token, StrictControl on: who is not known stays out", ["go-zero", "redis"])
def zrpc_auth_strict(lab):
    with_tokens(lab, "-strict")
    unknown = "lab-not-a-real-token-of-nobody"
    with lab.capture():
        ask(lab, "-listen", at(), "-app", "orders", "-token", TOKEN)
        ask(lab, "-listen", at(), "-app", "nobody", "-token", unknown, expect="failure")
        ask(lab, "-listen", at(), expect="failure")
    refused = [{**RESERVE, "count": 1, "status": 16}]
    internal = [{**RESERVE, "count": 1, "status": 13}]
    return Truth(
        [said("orders", [RESERVE]), said("nobody", internal), in_clear(at(), "grpc", calls=refused)],
        present=["WL1001", "WL1003"], absent=["WL4007"], maybe=["WL4008"], secrets=[TOKEN, unknown],
        note="go-zero refuses an app that its Redis does not know with INTERNAL, and one without a token with UNAUTHENTICATED.",
    )


@scenario("zrpc-auth-shared", "go-zero zrpc with one app and token that two hosts use", ["go-zero", "redis"])
def zrpc_auth_shared(lab):
    with_tokens(lab, "-strict")
    with lab.capture():
        for host in ("client", "caller"):
            ask(lab, "-listen", at(), "-app", "orders", "-token", TOKEN, host=host)
    return Truth(
        [said("orders", [RESERVE]), said("orders", [RESERVE], client=ipv4("caller"))],
        present=["WL1001", "WL1003", "WL5006"], absent=["WL4007"], maybe=["WL4008"], secrets=[TOKEN],
    )


@scenario("zrpc-tls", "go-zero zrpc over mutual TLS by its real options: TLS 1.2 and 1.3", ["go-zero"])
def zrpc_tls(lab):
    lab.authority()
    lab.certificate("inventory", issuer="lab-root", dns=NAME)
    lab.certificate("orders", issuer="lab-root", uri="spiffe://shop.test/ns/shop/sa/orders", usage="client")
    ca = ["-ca", lab.path("lab-root.pem")]
    kinds = {8081: "1.2", 8082: "1.3"}
    for port, version in kinds.items():
        cert, key = pair(lab, "inventory")
        serve(lab, *ca, "-cert", cert, "-cert-key", key, "-max", version, port=port)
    cert, key = pair(lab, "orders")
    with lab.capture():
        for port in kinds:
            ask(lab, "-listen", at(port=port), *ca, "-name", NAME, "-cert", cert, "-cert-key", key)
    return Truth(
        [over_tls(at(port=8081), "1.2", "presented", sni=NAME, alpn="h2"), over_tls(at(port=8082), "1.3", "presented", sni=NAME)],
        [chain(lab, "inventory", "server", at(port=8081)), chain(lab, "inventory", "server", at(port=8082), "1.3"),
         chain(lab, "orders", "client", ipv4("client"))],
        present=["WL9001"], absent=["WL1001", "WL4001", "WL4002"], maybe=["WL3014"],
    )


@scenario("gozero-redis-tls", "go-zero to its Redis with Tls: true, which verifies nothing: a self-signed certificate is fine", ["go-zero", "redis"])
def gozero_redis_tls(lab):
    lab.certificate("store", dns="store.shop.test", key="rsa2048")
    cert, key = pair(lab, "store")
    redis(lab, 6380, "--port", "0", "--tls-port", "6380", "--tls-cert-file", cert, "--tls-key-file", key, "--tls-auth-clients", "no",
          "--tls-protocols", "TLSv1.2", "--tls-ca-cert-file", cert)
    serve(lab, "-redis", at(port=6380), "-redis-tls", host="backend")
    with lab.capture():
        ask(lab, "-listen", at("backend"), "-app", "orders", "-token", TOKEN, "-times", "1")
        lab.settle(1.5)
    return Truth(
        [
            in_clear(at("backend"), "grpc", calls=[{**RESERVE, "count": 1}],
                     credential=[credential("token", "orders", "metadata app token")]),
            over_tls(at(port=6380), "1.2", "not-requested", 9, client=ipv4("backend")),
        ],
        [chain(lab, "store", "server", at(port=6380))],
        present=["WL1001", "WL1003", "WL3001", "WL4001"], maybe=["WL2007", "WL4003", "WL4007", "WL4008"], secrets=[TOKEN],
    )


@scenario("gozero-rest", "go-zero rest in clear with the tokens of its users: good, without an end, and none", ["go-zero", "curl"])
def gozero_rest(lab):
    secret = "lab-not-a-real-signing-secret"
    lab.serve("server", gozero(lab, "rest-serve", "-listen", at(port=8888), "-jwt", secret), 8888)
    tokens = [jwt.token(**jwt.usual()), jwt.token(**jwt.usual(exp=None, iat=None))]
    with lab.capture():
        for token in [*tokens, None]:
            own = ["-H", f"Authorization: Bearer {token}"] if token else []
            lab.call("client", ["curl", "-sS", *own, f"http://{at(port=8888)}/orders/7"])
    shown = {"credential": [credential("bearer-jwt", "orders", "header authorization")], "auth_schemes": ["bearer"]}
    good = in_clear(at(port=8888), "http/1.1", 2, calls=[call("", "GET /orders/*", 1, 200)], **shown)
    return Truth(
        [good, in_clear(at(port=8888), "http/1.1", calls=[call("", "GET /orders/*", 1, 401)])],
        present=["WL1001", "WL1003", "WL5002"], maybe=["WL4008", "WL5005"], absent=["WL4007"], secrets=tokens,
    )


@scenario("gozero-rest-tls", "go-zero rest with certificate and key, and WithTLSConfig for mutual TLS; without them it stays in clear", ["go-zero", "curl"])
def gozero_rest_tls(lab):
    lab.authority()
    lab.certificate("api", issuer="lab-root", dns="api.shop.test")
    lab.certificate("orders", issuer="lab-root", dns="orders.shop.test", usage="client")
    cert, key = pair(lab, "api")
    ca = lab.path("lab-root.pem")
    own = ["-cert", cert, "-cert-key", key]
    lab.serve("server", gozero(lab, "rest-serve", "-listen", at(port=8888), *own), 8888)
    lab.serve("server", gozero(lab, "rest-serve", "-listen", at(port=8889), *own, "-ca", ca, "-max", "1.2"), 8889)
    lab.serve("server", gozero(lab, "rest-serve", "-listen", at(port=8890), "-ca", ca), 8890)
    with lab.capture():
        for port, more in ((8888, []), (8889, ["--cert", pair(lab, "orders")[0], "--key", pair(lab, "orders")[1]])):
            lab.call("client", ["curl", "-sS", "--connect-to", f"api.shop.test:443:{at(port=port)}", "--cacert", ca, *more,
                                "https://api.shop.test/orders/7"])
        lab.call("client", ["curl", "-sS", f"http://{at(port=8890)}/orders/7"])
    return Truth(
        [
            over_tls(at(port=8888), "1.3", "not-requested"), over_tls(at(port=8889), "1.2", "presented"),
            in_clear(at(port=8890), "http/1.1", calls=[call("", "GET /orders/*", 1, 200)]),
        ],
        [chain(lab, "api", "server", at(port=8888), "1.3"), chain(lab, "api", "server", at(port=8889)),
         chain(lab, "orders", "client", ipv4("client")), *roots(lab, ipv4("client"))],
        present=["WL1001", "WL4001", "WL9001"], maybe=["WL2002", "WL3014", "WL4008"],
    )
