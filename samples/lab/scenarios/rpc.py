"""Calls by other means than gRPC: Thrift, net/rpc, JSON-RPC, Connect, Twirp, rpcx, Kratos, Kitex, Dubbo."""

import os

from driver.lab import scenario
from driver.truth import Truth, call, credential
from driver.wire import ipv4

from .secured import chain, in_clear, over_tls, pair
from .tls12 import address

PORT = 9090


def at(port=PORT):
    return address(port=port)


def readable(*connections, **more):
    return Truth(connections, **{"present": ["WL1001"], "maybe": ["WL4008"], "absent": ["WL1003", "WL9004"], **more})


THRIFT = {
    9090: ("binary", "framed"), 9091: ("binary", "buffered"), 9092: ("compact", "framed"), 9093: ("compact", "buffered"),
    9094: ("json", "buffered"), 9095: ("binary", "framed", "inventory"),
}
THRIFT_CALLS = {"reserve": 2, "vanish": 1}


@scenario("thrift", "Thrift in clear: binary, compact and JSON, framed and not, and multiplexed", ["thrift"])
def thrift(lab):
    program = lab.program("thrift_peer.py")
    for port, kind in THRIFT.items():
        lab.serve("server", [lab.python, program, "serve", ipv4("server"), str(port), *thrift_words(*kind)], port)
    with lab.capture():
        for port, kind in THRIFT.items():
            lab.call("client", [lab.python, program, "call", ipv4("server"), str(port), *thrift_words(*kind)])
    services = {port: kind[2] if len(kind) > 2 else "" for port, kind in THRIFT.items()}
    return readable(*(
        in_clear(at(port), "thrift", calls=[call(service, name, count, None) for name, count in THRIFT_CALLS.items()])
        for port, service in services.items()
    ), note="Every method vanish is answered with an exception: there is no such method.")


def thrift_words(protocol, transport, service=None):
    return [f"protocol={protocol}", f"transport={transport}", *([f"service={service}"] if service else [])]


@scenario("thrift-http", "Thrift in the bodies of HTTP", ["thrift"])
def thrift_http(lab):
    program, words = lab.program("thrift_peer.py"), ["protocol=binary", "transport=http"]
    lab.serve("server", [lab.python, program, "serve", ipv4("server"), "9090", *words], 9090)
    with lab.capture():
        lab.call("client", [lab.python, program, "call", ipv4("server"), "9090", *words])
    return readable(in_clear(at(), "http/1.1", 3, calls=[call("", "POST /thrift", 1, 200)]))


@scenario("jsonrpc", "JSON-RPC 2.0 over HTTP, and by lines over TCP", ["python"])
def jsonrpc(lab):
    program = lab.program("jsonrpc_peer.py")
    for how, port in (("http", 8080), ("tcp", 8081)):
        lab.serve("server", ["/usr/bin/python3", program, "serve", ipv4("server"), str(port), f"how={how}"], port)
    with lab.capture():
        for how, port in (("http", 8080), ("tcp", 8081)):
            lab.call("client", ["/usr/bin/python3", program, "call", ipv4("server"), str(port), f"how={how}"])
    named = [call("inventory", "reserve", 2, None), call("inventory", "vanish", 1, None)]
    return readable(
        in_clear(at(8080), "http/1.1", calls=[call("", "POST /rpc", 3, 200)]), in_clear(at(8081), "json-rpc", calls=named),
    )


def go(lab, program, *words):
    return [os.path.join(lab.build, program), *words]


@scenario("net-rpc", "Go's net/rpc in clear: gob over TCP, gob over HTTP, and JSON", ["go-of-rpc"])
def net_rpc(lab):
    kinds = {1234: ("gob", "gob-rpc"), 1235: ("http", "gob-rpc"), 1236: ("json", "json-rpc")}
    for port, (how, _) in kinds.items():
        lab.serve("server", go(lab, "rpc", "serve", how, at(port)), port)
    with lab.capture():
        for port, (how, _) in kinds.items():
            lab.call("client", go(lab, "rpc", "call", how, at(port)))
    calls = [call("Inventory", "Reserve", 3, None)]
    opening = {1235: [call("", "CONNECT /_goRPC_", 1, 200)]}
    return readable(*(
        in_clear(at(port), name, calls=[*opening.get(port, []), *calls]) for port, (_, name) in kinds.items()
    ))


@scenario("connect", "Connect in clear: its own protocol by protobuf and by JSON, and gRPC-Web", ["connect"])
def connect(lab):
    lab.serve("server", go(lab, "rpc", "serve", "connect", at()), PORT)
    with lab.capture():
        lab.call("client", go(lab, "rpc", "call", "connect", at()))
    return readable(in_clear(at(), "http/1.1", 3, calls=[call("shop.v1.Inventory", "Reserve", 2, 200)]))


@scenario("twirp", "Twirp in clear, by protobuf and by JSON, and a call that fails", ["twirp"])
def twirp(lab):
    lab.serve("server", go(lab, "rpc", "serve", "twirp", at()), PORT)
    with lab.capture():
        lab.call("client", go(lab, "rpc", "call", "twirp", at()))
    name = "twitch.twirp.example.Haberdasher"
    return readable(in_clear(at(), "http/1.1", calls=[call(name, "MakeHat", 3, 400)]),
                    note="The service is that of Twirp's own example. The last of three calls, by one connection, asks for a hat of no size.")


@scenario("rpcx", "rpcx in clear, with a token, and with a wrong one", ["rpcx"])
def rpcx(lab):
    token, wrong = "lab-not-a-real-rpcx-token", "lab-not-a-real-wrong-token"
    lab.serve("server", go(lab, "rpcx", "serve", "-listen", at(8972)), 8972)
    lab.serve("server", go(lab, "rpcx", "serve", "-listen", at(8973), "-token", token), 8973)
    with lab.capture():
        lab.call("client", go(lab, "rpcx", "call", "-listen", at(8972)))
        lab.call("client", go(lab, "rpcx", "call", "-listen", at(8973), "-token", token))
        lab.call("client", go(lab, "rpcx", "call", "-listen", at(8973), "-token", wrong), expect="failure")
    shown = {"credential": [credential("token", "", "metadata __AUTH")]}
    reserve = call("Inventory", "Reserve", 2, None)
    return readable(
        in_clear(at(8972), "rpcx", calls=[reserve]), in_clear(at(8973), "rpcx", calls=[reserve], **shown),
        in_clear(at(8973), "rpcx", calls=[{**reserve, "count": 1}], **shown),
        present=["WL1001", "WL1003"], absent=["WL9004"], secrets=[token, wrong],
    )


@scenario("rpcx-tls", "rpcx over mutual TLS", ["rpcx"])
def rpcx_tls(lab):
    lab.authority()
    lab.certificate("inventory", issuer="lab-root", dns="inventory.shop.test")
    lab.certificate("orders", issuer="lab-root", dns="orders.shop.test", usage="client")
    own = {name: ["-ca", lab.path("lab-root.pem"), "-cert", pair(lab, name)[0], "-cert-key", pair(lab, name)[1]]
           for name in ("inventory", "orders")}
    lab.serve("server", go(lab, "rpcx", "serve", "-listen", at(8972), *own["inventory"]), 8972)
    with lab.capture():
        lab.call("client", go(lab, "rpcx", "call", "-listen", at(8972), *own["orders"], "-name", "inventory.shop.test"))
    return Truth(
        [over_tls(at(8972), "1.3", "presented")],
        [chain(lab, "inventory", "server", at(8972), "1.3"), chain(lab, "orders", "client", ipv4("client"), "1.3")],
        present=["WL9001"], absent=["WL1001", "WL4001", "WL4002"],
    )


@scenario("kratos", "Kratos in clear: gRPC with metadata that names the caller, and HTTP", ["kratos"])
def kratos(lab):
    where = ["-grpc", at(9000), "-http", at(8000)]
    lab.serve("server", go(lab, "kratos", "serve", *where), 9000)
    lab.wait("server", 8000)
    with lab.capture():
        lab.call("client", go(lab, "kratos", "call", *where))
    return readable(
        in_clear(at(9000), "grpc", calls=[
            call("shop.v1.Inventory", "Reserve", 2, 0), call("grpc.health.v1.Health", "Watch", 1, None),
        ]),
        in_clear(at(8000), "http/1.1", calls=[call("", "GET /orders/*", 1, 200)]), maybe=["WL4008", "WL4009"],
    )


@scenario("kitex", "Kitex in clear: Thrift by TTHeader, which names caller and callee, and framed", ["kitex"])
def kitex(lab):
    lab.serve("server", go(lab, "kitex", "serve", "any", at(8888)), 8888, patience=30)
    with lab.capture():
        for how in ("ttheader", "framed"):
            lab.call("client", go(lab, "kitex", "call", how, at(8888)))
    return readable(in_clear(at(8888), "ttheader"), in_clear(at(8888), "thrift"), maybe=["WL4008", "WL4009"])


@scenario("dubbo", "Dubbo in clear: its own protocol, with a token, and Triple", ["dubbo", "java"])
def dubbo(lab):
    token = "lab-not-a-real-dubbo-token"
    kinds = {20880: ("dubbo", None), 20881: ("dubbo", token), 50051: ("tri", None)}
    for port, (protocol, secret) in kinds.items():
        lab.serve("server", java(lab, "serve", protocol, port, secret), port, patience=60)
    lab.settle(2)
    with lab.capture():
        for port, (protocol, secret) in kinds.items():
            lab.call("client", java(lab, "call", protocol, port, secret))
    name = "Dubbo$Inventory"
    return readable(
        in_clear(at(20880), "dubbo", calls=[call(name, "reserve", 2, None)]),
        in_clear(at(20881), "dubbo", calls=[call(name, "reserve", 2, None)],
                 credential=[credential("token", "orders", "attachment token")]),
        in_clear(at(50051), "grpc", calls=[call(name, "reserve", 2, 0)]), present=["WL1001", "WL1003"], absent=["WL9004"], secrets=[token],
    )


@scenario("dubbo-go", "dubbo-go in clear, by the Dubbo protocol", ["dubbo-go"])
def dubbo_go(lab):
    lab.serve("server", go(lab, "dubbogo", "serve", ipv4("server"), "20000"), 20000, patience=30)
    lab.settle(1)
    with lab.capture():
        lab.call("client", go(lab, "dubbogo", "call", ipv4("server"), "20000"))
    return readable(in_clear(at(20000), "dubbo", calls=[call("shop.Inventory", "Reserve", 2, None)]), maybe=["WL4008", "WL4009"])


def java(lab, what, protocol, port, token):
    jars = os.path.join(lab.build, "java")
    return ["java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-cp", f"{jars}/*:{jars}", "Dubbo", what, protocol, ipv4("server"), str(port),
            *([token] if token else [])]


@scenario("trpc", "tRPC-Go in clear: frames that name caller and callee", ["trpc-go"])
def trpc(lab):
    lab.serve("server", go(lab, "trpc", "serve", at(8000)), 8000)
    with lab.capture():
        lab.call("client", go(lab, "trpc", "call", at(8000)))
    return readable(
        in_clear(at(8000), "trpc", calls=[call("trpc.shop.inventory.Inventory", "Reserve", 2, None)]), maybe=["WL4008", "WL4009"],
    )
