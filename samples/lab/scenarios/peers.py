"""Calls by the protocols of one maker: Baidu's RPC, Cap'n Proto, NestJS, and MessagePack-RPC as Neovim speaks it."""

import os

from driver.lab import scenario
from driver.truth import call
from driver.wire import ipv4

from . import rpc
from .rpc import at
from .secured import in_clear


def readable(*connections, **more):
    """Nobody says who calls in any of these."""
    return rpc.readable(*connections, present=["WL1001", "WL4008"], maybe=[], **more)


@scenario("brpc", "Baidu's RPC in clear: calls by name, and one to a method that there is not", ["jprotobuf-rpc", "java"])
def brpc(lab):
    jars = os.path.join(lab.build, "java-brpc")
    java = ["java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-cp", f"{jars}/*:{jars}", "Brpc"]
    lab.serve("server", [*java, "serve", ipv4("server"), "8000"], 8000, patience=30)
    with lab.capture():
        lab.call("client", [*java, "call", ipv4("server"), "8000"])
    return readable(in_clear(at(8000), "brpc", calls=[call("Inventory", "Reserve", 2, None), call("Inventory", "Vanish", 1, None)]))


@scenario("capnproto", "Cap'n Proto RPC in clear: two calls, and one that fails", ["pycapnp"])
def capnproto(lab):
    peer = [lab.python, lab.program("capnp_peer.py")]
    lab.serve("server", [*peer, "serve", ipv4("server"), "6000"], 6000)
    with lab.capture():
        lab.call("client", [*peer, "call", ipv4("server"), "6000"])
    return readable(in_clear(at(6000), "capnproto", calls=[call("", "bootstrap", 1, None), call("@0xa3734b645865a22e", "@0", 3, None)]),
                    note="No names cross the wire: interface and method go by their numbers.")


@scenario("nestjs", "A microservice of NestJS over TCP, in clear: two calls, and one to a pattern that nobody handles", ["@nestjs/microservices", "node"])
def nestjs(lab):
    peer, env = ["node", lab.program("nest_peer.js")], {"LAB_NODE": os.path.join(lab.build, "node")}
    lab.serve("server", [*peer, "serve", ipv4("server"), "3000"], 3000, env=env, patience=20)
    with lab.capture():
        lab.call("client", [*peer, "call", ipv4("server"), "3000"], env=env)
    return readable(in_clear(at(3000), "nestjs", calls=[call("", "inventory.reserve", 2, None), call("", "vanish", 1, None)]))


@scenario("msgpack-rpc", "MessagePack-RPC in clear: Neovim, driven from another host", ["neovim", "pynvim"])
def msgpack_rpc(lab):
    lab.serve("server", ["nvim", "--headless", "--clean", "--listen", f"{ipv4('server')}:6666"], 6666, env={"HOME": lab.directory})
    with lab.capture():
        lab.call("client", [lab.python, lab.program("neovim_client.py"), ipv4("server"), "6666"])
    named = {"nvim_set_client_info": 1, "nvim_get_api_info": 1, "nvim_set_current_line": 1, "nvim_command": 2}
    return readable(in_clear(at(6666), "msgpack-rpc", calls=[call("", name, count, None) for name, count in named.items()]))
