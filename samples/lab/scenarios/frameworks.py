"""The frameworks of the matrix: how each starts a server and a client with TLS."""

import os

from driver.lab import scenario
from driver.wire import ipv4

from .matrix import NAME, End, Stack, record
from .tls12 import address

SNI = {"sni": NAME}
TITLE = "over TLS 1.2 and 1.3: one-way, mutual, given and declined where it is optional, and refused by either end"


def matrix(name, title, programs, stack):
    scenario(f"{name}-tls-ways", f"{title} {TITLE}", programs)(lambda lab: record(lab, stack))


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


matrix("zrpc", "go-zero zrpc", ["go-zero", "grpc-go-in-go-zero"], named("gozero", "zrpc-serve", "zrpc-call", more=("-times", "1"), alpn="h2"))
matrix("gomicro4", "go-micro v4 by its HTTP transport", ["go-micro-4"], named("gomicro4", "serve", "call", more=("-times", "1")))
matrix("gomicro5", "go-micro v5 by its HTTP transport", ["go-micro-5"], named("gomicro5", "serve", "call", more=("-times", "1")))
matrix("gomicro5-grpc", "go-micro v5 by gRPC", ["go-micro-5-grpc"], named("gomicro5grpc", "serve", "call", alpn="h2"))
matrix("rpcx", "rpcx", ["rpcx"], named("rpcx", "serve", "call"))
matrix("kratos-grpc", "Kratos by gRPC", ["kratos"], named("kratos", "serve", "call", "-grpc", alpn="h2"))
matrix("kratos-http", "Kratos by HTTP", ["kratos"], named("kratos", "serve", "call", "-http"))
matrix("kitex", "Kitex by TTHeader", ["kitex"], go("kitex", "ttheader"))
matrix("trpc", "tRPC-Go", ["trpc-go"], go("trpc", picky=True))
matrix("connect", "Connect", ["connect"], go("rpc", "connect"))
matrix("twirp", "Twirp", ["twirp"], go("rpc", "twirp"))
matrix("net-rpc", "Go's net/rpc", ["go-of-rpc"], go("rpc", "gob"))


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


matrix("thrift", "Thrift", ["thrift", "python"], python("thrift_peer.py", "protocol=binary", "transport=framed", facts=SNI))
matrix("jsonrpc", "JSON-RPC by lines", ["python"], python("jsonrpc_peer.py", "how=tcp", facts=SNI))
