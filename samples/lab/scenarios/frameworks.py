"""The frameworks of the matrix: how each starts a server and a client with TLS."""

import os

from driver.lab import scenario
from driver.truth import Truth, call
from driver.wire import ipv4

from .grpc import lab_node, words_of
from .matrix import NAME, End, Stack, described, issued, record, record_with_keys
from .secured import chain, over_tls
from .tls12 import address

SNI = {"sni": NAME}


def matrix(name, title, programs, stack):
    scenario(f"{name}-tls-ways", f"{title} {described(stack)}", programs)(lambda lab: record(lab, stack))


def go(program, *words, grpc=False, **more):
    """A program in Go that takes `serve` or `call`, its own words, an address, and the flags of an end."""

    def command(lab, what, port, end):
        return [os.path.join(lab.build, program), what, *words, address(port=port), *end.flags()]

    return Stack(
        lambda lab, port, end: lab.serve("server", command(lab, "serve", port, end), port, patience=30),
        lambda lab, port, end, **how: lab.call("client", command(lab, "call", port, end), **how),
        facts=SNI, alpn="h2" if grpc else None, **more,
    )


def named(program, serve, call, flag="-listen", more=(), **settings):
    """The same for those whose commands have other names, and whose address is a flag."""

    def command(lab, what, port, end, extra=()):
        return [os.path.join(lab.build, program), what, flag, address(port=port), *extra, *end.flags()]

    return Stack(
        lambda lab, port, end: lab.serve("server", command(lab, serve, port, end), port, patience=30),
        lambda lab, port, end, **how: lab.call("client", command(lab, call, port, end, more), **how),
        **{"facts": SNI, **settings},
    )


def with_keys(name, title, programs, stack, inside, calls=None, **how):
    scenario(f"{name}-tls-keys", f"{title} over TLS 1.2 and 1.3 with its keys: one-way and mutual", programs)(
        lambda lab: record_with_keys(lab, stack, inside, calls, **how))


matrix("zrpc", "go-zero zrpc", ["go-zero", "grpc-go-in-go-zero"], named("gozero", "zrpc-serve", "zrpc-call", more=("-times", "1"), alpn="h2"))
matrix("gomicro4", "go-micro v4 by its HTTP transport", ["go-micro-4"], named("gomicro4", "serve", "call", more=("-times", "1")))
matrix("gomicro5", "go-micro v5 by its HTTP transport", ["go-micro-5"], named("gomicro5", "serve", "call", more=("-times", "1")))
matrix("gomicro5-grpc", "go-micro v5 by gRPC", ["go-micro-5-grpc"], named("gomicro5grpc", "serve", "call", alpn="h2"))
matrix("rpcx", "rpcx", ["rpcx"], named("rpcx", "serve", "call"))
matrix("kratos-grpc", "Kratos by gRPC", ["kratos"], named("kratos", "serve", "call", "-grpc", alpn="h2", half=1))
matrix("kratos-http", "Kratos by HTTP", ["kratos"], named("kratos", "serve", "call", "-http", half=0))
matrix("kitex", "Kitex by TTHeader", ["kitex"], go("kitex", "ttheader"))
matrix("trpc", "tRPC-Go", ["trpc-go"], go("trpc", picky=True, half=1))
matrix("connect", "Connect", ["connect"], go("rpc", "connect", half=1))
matrix("twirp", "Twirp", ["twirp"], go("rpc", "twirp", half=0))
matrix("net-rpc", "Go's net/rpc", ["go-of-rpc"], go("rpc", "gob", half=1))


def rest():
    """go-zero's rest, asked by curl."""

    def serve(lab, port, end):
        lab.serve("server", [os.path.join(lab.build, "gozero"), "rest-serve", "-listen", address(port=port), *end.flags()], port)

    def call(lab, port, end, **how):
        own = ["--cert", end.cert, "--key", end.key] if end.own else []
        lab.call("client", ["curl", "-sS", "--connect-to", f"{NAME}:443:{address(port=port)}", "--cacert", end.ca, *own,
                            f"https://{NAME}/orders/7"], **how)

    return Stack(serve, call, facts=SNI, alpn="h2", adds_root=("client",))


matrix("gozero-rest", "go-zero rest", ["go-zero", "curl"], rest())


def python(program, *words, **settings):
    """A program in Python that takes `serve` or `call`, address, port, and words."""

    def command(lab, what, port, end):
        return [lab.python, lab.program(program), what, ipv4("server"), str(port), *words, *end.words()]

    return Stack(
        lambda lab, port, end: lab.serve("server", command(lab, "serve", port, end), port),
        lambda lab, port, end, **how: lab.call("client", command(lab, "call", port, end), **how),
        **{"adds_root": ("server", "client"), **settings},
    )


matrix("thrift", "Thrift", ["thrift", "python"], python("thrift_peer.py", "protocol=binary", "transport=framed", facts=SNI, half=2))
matrix("jsonrpc", "JSON-RPC by lines", ["python"], python("jsonrpc_peer.py", "how=tcp", facts=SNI, half=1))
matrix("capnproto", "Cap'n Proto", ["pycapnp"], python("capnp_peer.py", facts=SNI, half=0))


def peer_flags(end):
    """The flags of the lab's own gRPC peer."""
    flags = end.flags(key="-key")
    return ["verify-if-given" if word == "optional" else word for word in flags] + (["-insist"] if end.own and not end.auth else [])


def grpc_serve(name):
    def serve(lab, port, end):
        words = ["-listen", address(port=port), *peer_flags(end)]
        argv = [lab.peer, "serve-grpc", *words] if name == "go" else words_of(lab, name, "serve", port, end.words())
        lab.serve("server", argv, port, env=env(lab, end), patience=30)

    return serve


def grpc_call(name):
    def call(lab, port, end, **how):
        argv = [lab.peer, "call-grpc", "-brief", *peer_flags(end), address(port=port)]
        lab.call("client", argv if name == "go" else words_of(lab, name, "call", port, end.words()), env=env(lab, end), **how)

    return call


def env(lab, end):
    """Node.js takes its highest version from its environment."""
    return {**lab_node(lab), "NODE_OPTIONS": f"--tls-max-v{end.version}"}


GRPC = {"facts": SNI, "alpn": "h2"}
BOTH_ENDS = ("none", "require")
matrix("grpc-go", "gRPC in Go", ["grpc-go"], Stack(grpc_serve("go"), grpc_call("go"), **GRPC))
for language, program, as_client, as_server in (
    ("python", "grpcio", {}, {"asks": BOTH_ENDS, "half": 0}),
    ("node", "@grpc/grpc-js", {"late": ("client",), "adds_root": ("client",), "half": 1}, {"asks": BOTH_ENDS, "adds_root": ("every server",), "half": 0}),
    ("java", "grpc-java", {"picky": True}, {"half": 0}),
    ("rust", "tonic", {}, {"half": 1}),
):
    both = ["grpc-go", program]
    matrix(f"grpc-{language}-client", f"gRPC in {language.capitalize()} to Go", both, Stack(grpc_serve("go"), grpc_call(language), **GRPC, **as_client))
    matrix(f"grpc-{language}-server", f"gRPC in Go to {language.capitalize()}", both, Stack(grpc_serve(language), grpc_call("go"), **GRPC, **as_server))


def nest():
    def run(how, host, what):
        def start(lab, port, end, **more):
            argv = ["node", lab.program("nest_peer.js"), what, ipv4("server"), str(port), *end.words()]
            getattr(lab, how)(host, argv, *([port] if how == "serve" else []), env=env(lab, end), **more)

        return start

    return Stack(run("serve", "server", "serve"), run("call", "client", "call"), late=("client",), adds_root=("client", "every server"),
                 facts=SNI, half=0)


matrix("nestjs", "NestJS over TCP", ["@nestjs/microservices", "node"], nest())


def dubbo():
    """Java's own properties say which version is too much."""

    def command(lab, what, port, end):
        limit = lab.path(f"java-{end.version}.security")
        with open(limit, "w", encoding="ascii") as file:
            file.write(f"jdk.tls.disabledAlgorithms=SSLv3, TLSv1, TLSv1.1{', TLSv1.3' if end.version == '1.2' else ''}\n")
        jars = os.path.join(lab.build, "java")
        return ["java", f"-Djava.security.properties={limit}", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-cp", f"{jars}/*:{jars}", "Dubbo",
                what, "dubbo", ipv4("server"), str(port), *end.words()]

    return Stack(
        lambda lab, port, end: lab.serve("server", command(lab, "serve", port, end), port, patience=60),
        lambda lab, port, end, **how: lab.call("client", command(lab, "call", port, end), **how),
        asks=BOTH_ENDS, picky=True, bare=False,
        note="Without a certificate of its own, a client of Dubbo speaks in clear, whatever ssl-enabled says.",
    )


matrix("dubbo", "Dubbo", ["dubbo", "java"], dubbo())


@scenario("dubbo-go-tls", "dubbo-go over TLS 1.3 by its own settings: both ends show certificates, and neither verifies the other's", ["dubbo-go"])
def dubbo_go_tls(lab):
    issued(lab)

    def peer(what, end):
        return [os.path.join(lab.build, "dubbogo"), what, ipv4("server"), "20000", *end.flags()]

    lab.serve("server", peer("serve", End(lab, "1.3", "inventory", "lab-root", "require")), 20000, patience=30)
    lab.settle(1)
    with lab.capture():
        for trusted in ("lab-root", "stranger"):
            lab.call("client", peer("call", End(lab, "1.3", "orders", trusted)))
    return Truth(
        [over_tls(address(port=20000), "1.3", "presented", 2)],
        [chain(lab, "inventory", "server", address(port=20000), "1.3"), chain(lab, "orders", "client", ipv4("client"), "1.3")],
        present=["WL9001"], absent=["WL1001", "WL4001", "WL4002"],
        note="The second client trusts another authority than the server's, and goes on.",
    )


RESERVE = call("Inventory", "Reserve", 2, None)
with_keys("zrpc", "go-zero zrpc", ["go-zero", "grpc-go-in-go-zero"], named("gozero", "zrpc-serve", "zrpc-call", alpn="h2"), "grpc",
          [call("shop.Inventory", "Reserve", 2, 0)])
with_keys("gomicro5", "go-micro v5 by its HTTP transport", ["go-micro-5"], named("gomicro5", "serve", "call"), "http/1.1",
          [call("shop.inventory", "Inventory.Reserve", 2, 200)])
with_keys("kitex", "Kitex by TTHeader", ["kitex"], go("kitex", "ttheader"), "ttheader")
with_keys("rpcx", "rpcx", ["rpcx"], named("rpcx", "serve", "call"), "rpcx", [RESERVE])
with_keys("thrift", "Thrift", ["thrift", "python"], python("thrift_peer.py", "protocol=binary", "transport=framed", facts=SNI), "thrift",
          [call("", "reserve", 2, None), call("", "vanish", 1, None)], by="client", embedded=False)
