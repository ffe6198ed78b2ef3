"""gRPC between the implementations of five languages, and what its metadata gives away."""

import os

from driver import jwt
from driver.lab import scenario
from driver.truth import Truth, call, credential
from driver.wire import ipv4

from .secured import chain, in_clear, over_tls, pair
from .tls12 import API, address

PORT = 50051
LISTEN = address(port=PORT)
RESERVE = call("shop.v1.Inventory", "Reserve", 1, 0)
BOTH = [RESERVE, call("shop.v1.Payments", "Charge", 1, 0)]
BEARER = credential("bearer-jwt", "orders", "metadata authorization")


def go_server(lab, *flags):
    lab.serve("server", [lab.peer, "serve-grpc", "-listen", LISTEN, *flags], PORT)


def python(lab, what, *words, host="client", **how):
    return lab.call(host, [lab.python, lab.program("grpc_python.py"), what, LISTEN, *words], **how)


def call_with(lab, token, host="client", **how):
    python(lab, "call", f"token={token}", host=host, **how)


def signing_key(lab):
    return lab.certificate("signer", key="rsa2048") + ".key"


def told(*, calls=None, host="client", **facts):
    facts = {"credential": [BEARER], "auth_schemes": ["bearer"], **facts}
    return in_clear(LISTEN, "grpc", client=ipv4(host), calls=calls or BOTH, **facts)


IN_CLEAR = ["WL1001", "WL1003"]
TOKENS = ["WL5001", "WL5002", "WL5003", "WL5004", "WL5005", "WL5006"]


def judged(connections, *present, secrets, maybe=(), note=None):
    """A truth about tokens: those of their rules that are not meant stay silent."""
    absent = [rule for rule in TOKENS if rule not in present and rule not in maybe]
    return Truth(connections, present=[*IN_CLEAR, *present], maybe=["WL4008", *maybe], absent=absent, secrets=secrets, note=note)


PROGRAMS = ["grpcio", "grpc-go"]
# What a call in clear with a good token gives no reason for.
NOTHING_ELSE = [
    "WL1005", "WL1006", "WL1007", "WL1008", "WL1009", "WL1010", "WL4007", "WL4008", "WL4009", "WL4010", "WL5007", "WL5008",
    "WL5009", "WL5010", "WL5011", "WL6008", "WL7001", "WL7002", "WL7003", "WL7004", "WL7005", "WL7006", "WL7007", "WL9005",
]


@scenario("grpc-jwt-good", "gRPC in clear with a token that has all it should have, for a quarter of an hour", PROGRAMS)
def grpc_jwt_good(lab):
    token = jwt.token(signing_key(lab), **jwt.usual())
    go_server(lab)
    with lab.capture():
        call_with(lab, token)
    truth = judged([told()], secrets=[token])
    truth.maybe, truth.quiet = [], sorted({*truth.quiet, *NOTHING_ELSE})
    return truth


@scenario("grpc-jwt-alg-none", "gRPC with a token that nobody signed: one server takes it, another refuses it", PROGRAMS)
def grpc_jwt_alg_none(lab):
    token = jwt.token(signed=False, **jwt.usual())
    go_server(lab)
    lab.serve("backend", [lab.peer, "serve-grpc", "-listen", address("backend", PORT), "-refuse", token], PORT)
    with lab.capture():
        call_with(lab, token)
        lab.call("client", [lab.python, lab.program("grpc_python.py"), "call", address("backend", PORT), f"token={token}"],
                 expect="failure")
    refused = in_clear(address("backend", PORT), "grpc", calls=[{**RESERVE, "status": 16}], credential=[BEARER],
                       auth_schemes=["bearer"])
    return judged([told(), refused], "WL5001", secrets=[token], maybe=["WL4007"])


@scenario("grpc-jwt-no-expiry", "gRPC with a token that never expires", PROGRAMS)
def grpc_jwt_no_expiry(lab):
    token = jwt.token(signing_key(lab), **jwt.usual(exp=None))
    go_server(lab)
    with lab.capture():
        call_with(lab, token)
    return judged([told()], "WL5002", secrets=[token])


@scenario("grpc-jwt-long-lived", "gRPC with a token that is good for a year", PROGRAMS)
def grpc_jwt_long_lived(lab):
    token = jwt.token(signing_key(lab), **jwt.usual(exp=365 * 86400))
    go_server(lab)
    with lab.capture():
        call_with(lab, token)
    return judged([told()], "WL5003", secrets=[token])


@scenario("grpc-jwt-expired", "gRPC with a token that expired an hour ago, and a server that takes it all the same", PROGRAMS)
def grpc_jwt_expired(lab):
    token = jwt.token(signing_key(lab), **jwt.usual(iat=None, exp=-3600))
    go_server(lab)
    with lab.capture():
        call_with(lab, token)
    return judged([told()], "WL5004", secrets=[token], maybe=["WL4007", "WL5005"])


@scenario("grpc-jwt-expired-refused", "gRPC with a token that expired an hour ago, and a server that refuses it", PROGRAMS)
def grpc_jwt_expired_refused(lab):
    token = jwt.token(signing_key(lab), **jwt.usual(iat=None, exp=-3600))
    go_server(lab, "-refuse", token)
    with lab.capture():
        call_with(lab, token, expect="failure")
    return judged([told(calls=[{**RESERVE, "status": 16}])], secrets=[token], maybe=["WL5005"])


@scenario("grpc-jwt-weak-claims", "gRPC with a token without issuer and audience, signed by a shared secret, its key id a path", PROGRAMS)
def grpc_jwt_weak_claims(lab):
    token = jwt.token(header={"kid": "../../keys/orders.pem"}, **jwt.usual(iss=None, aud=None, jti=None))
    go_server(lab)
    with lab.capture():
        call_with(lab, token)
    return judged([told()], "WL5005", secrets=[token])


@scenario("grpc-jwt-shared", "gRPC with one token that two hosts use", PROGRAMS)
def grpc_jwt_shared(lab):
    token = jwt.token(signing_key(lab), **jwt.usual())
    go_server(lab)
    with lab.capture():
        for host in ("client", "caller"):
            call_with(lab, token, host=host)
    return judged([told(), told(host="caller")], "WL5006", secrets=[token])


@scenario("grpc-not-enforced", "gRPC methods that answer with a token and without one", PROGRAMS)
def grpc_not_enforced(lab):
    token = jwt.token(signing_key(lab), **jwt.usual())
    go_server(lab)
    with lab.capture():
        call_with(lab, token)
        python(lab, "call", host="caller")
    return judged(
        [told(), in_clear(LISTEN, "grpc", client=ipv4("caller"), calls=BOTH)], "WL4007", secrets=[token],
    )


@scenario("grpc-enforced", "A gRPC method that refuses who has no token, beside one that is open to all", PROGRAMS)
def grpc_enforced(lab):
    token = jwt.token(signing_key(lab), **jwt.usual())
    go_server(lab, "-demand", "authorization")
    with lab.capture():
        call_with(lab, token)
        python(lab, "call", host="caller", expect="failure")
    refused = [RESERVE, call("shop.v1.Payments", "Charge", 1, 16)]
    return judged(
        [told(), in_clear(LISTEN, "grpc", client=ipv4("caller"), calls=refused)], secrets=[token], maybe=["WL4007"],
    )


@scenario("grpc-api-key", "gRPC in clear with an API key in its metadata", ["@grpc/grpc-js", "node", "grpc-go"])
def grpc_api_key(lab):
    key = "lab-not-a-real-api-key"
    go_server(lab, "-demand", "x-api-key")
    with lab.capture():
        node(lab, "call", f"x-api-key={key}")
    return Truth(
        [in_clear(LISTEN, "grpc", calls=BOTH, credential=[credential("api-key", "", "metadata x-api-key")])],
        present=IN_CLEAR, maybe=["WL4008", "WL5008"], secrets=[key],
    )


def node(lab, what, *words, **how):
    return lab.call("client", ["node", lab.program("grpc_node.js"), what, LISTEN, *words], env=lab_node(lab), **how)


def lab_node(lab):
    return {"LAB_NODE": os.path.join(lab.build, "node")}


@scenario("grpc-reflection", "gRPC in clear: a client asks for the services there are, and for their health", PROGRAMS)
def grpc_reflection(lab):
    go_server(lab, "-reflection", "-health")
    with lab.capture():
        python(lab, "reflect")
        python(lab, "health")
    return Truth(
        [
            in_clear(LISTEN, "grpc", calls=[call("grpc.reflection.v1alpha.ServerReflection", "ServerReflectionInfo", 1, None)]),
            in_clear(LISTEN, "grpc", calls=[call("grpc.health.v1.Health", "Check", 2, 0)]),
        ],
        present=["WL1001", "WL6008"], maybe=["WL4008"],
    )


# Name, host port of its server, command line of either end.
STACKS = {
    "go": 50051, "python": 50052, "node": 50053, "java": 50054, "rust": 50055,
}


def words_of(lab, name, what, port, words):
    """The command of one implementation. `words` are key=value, as all but Go's take them."""
    target = address(port=port)
    if name == "python":
        return [lab.python, lab.program("grpc_python.py"), what, target, *words]
    if name == "node":
        return ["node", lab.program("grpc_node.js"), what, target, *words]
    if name == "java":
        return ["java", "-XX:TieredStopAtLevel=1", "-cp", os.path.join(lab.build, "java", "*") + ":" +
                os.path.join(lab.build, "java"), "Grpc", what, ipv4("server"), str(port), *words]
    if name == "rust":
        return [os.path.join(lab.build, "tonic"), what, target, *words]
    flags = [word for pair_ in words for word in (f"-{pair_.split('=')[0]}", pair_.split("=", 1)[1])]
    if what == "serve":
        return [lab.peer, "serve-grpc", "-listen", target, *flags, *(["-auth", "require"] if "-ca" in flags else [])]
    return [lab.peer, "call-grpc", *flags, *([] if words else ["-plaintext"]), "-brief", target]


def serve_with(lab, name, port, *words):
    lab.serve("server", words_of(lab, name, "serve", port, words), port, env=lab_node(lab), patience=20)


def call_by(lab, name, port, *words, **how):
    lab.call("client", words_of(lab, name, "call", port, words), env=lab_node(lab), **how)


ALL = ["grpc-go", "grpcio", "@grpc/grpc-js", "grpc-java", "tonic"]


@scenario("grpc-stacks", "gRPC in clear between five implementations: each as client of Go, each as server for Go", ALL)
def grpc_stacks(lab):
    for name, port in STACKS.items():
        serve_with(lab, name, port)
    with lab.capture():
        for name, port in STACKS.items():
            call_by(lab, "go", port)
            if name != "go":
                call_by(lab, name, STACKS["go"])
    return Truth(
        [in_clear(address(port=port), "grpc", 5 if name == "go" else 1, calls=BOTH) for name, port in STACKS.items()],
        present=["WL1001"], maybe=["WL4008"],
    )


@scenario("grpc-stacks-mutual", "gRPC over mutual TLS between five implementations, each as server and each as client", ALL)
def grpc_stacks_mutual(lab):
    lab.authority()
    lab.certificate("api", issuer="lab-root", dns=API, ip=ipv4("server"))
    lab.certificate("orders", issuer="lab-root", dns="orders.shop.test", usage="client")
    ca = f"ca={lab.path('lab-root.pem')}"
    own = [f"{word}={path}" for word, path in zip(("cert", "key"), pair(lab, "api"))]
    client = [f"{word}={path}" for word, path in zip(("cert", "key"), pair(lab, "orders"))]
    for name, port in STACKS.items():
        serve_with(lab, name, port, ca, *own)
    with lab.capture():
        for name, port in STACKS.items():
            call_by(lab, "go", port, ca, f"name={API}", *client)
            if name != "go":
                call_by(lab, name, STACKS["go"], ca, f"name={API}", *client)
    return Truth(
        [over_tls(address(port=port), "1.3", "presented", 5 if name == "go" else 1) for name, port in STACKS.items()],
        [chain(lab, "api", "server", address(port=port), "1.3") for port in STACKS.values()]
        + [chain(lab, "orders", "client", ipv4("client"), "1.3")],
        present=["WL9001"], maybe=["WL2002"], absent=["WL1001", "WL4001", "WL4002"],
    )
