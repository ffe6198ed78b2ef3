"""Every way to authenticate and to be refused, once for every framework.

A stack is a way to start a server and a client. Its sample holds one call each way: under TLS 1.2 and 1.3, to a server that
asks for no certificate (one-way, and a client that does not trust it), to one that asks for one (given, declined), and to
one that requires one (given, missing, of an authority that it does not know). Frameworks that cannot do one of these say so
by what they leave out. How often a client connects when it is refused is its own business: that is counted on the wire.
"""

from dataclasses import dataclass, field, replace
from typing import Callable

from driver import frames
from driver.truth import Truth, certificate
from driver.wire import ipv4

from .secured import chain, over_tls, pair, roots
from .tls12 import address

NAME = "inventory.shop.test"


@dataclass
class End:
    """The settings of one end, in the words that programs take them in."""

    lab: object
    version: str
    own: str | None
    trusts: str
    auth: str = ""
    keylog: str = ""

    @property
    def ca(self):
        return self.lab.path(f"{self.trusts}.pem")

    @property
    def cert(self):
        return pair(self.lab, self.own)[0] if self.own else None

    @property
    def key(self):
        return pair(self.lab, self.own)[1] if self.own else None

    def settings(self):
        told = {"ca": self.ca, "cert": self.cert, "key": self.key, "auth": self.auth, "version": self.version,
                "name": None if self.auth else NAME, "keylog": self.keylog}
        return {key: value for key, value in told.items() if value}

    def words(self):
        """As programs in Python, JavaScript, Java and Rust take them."""
        return [f"{key}={value}" for key, value in self.settings().items()]

    def flags(self, key="-cert-key"):
        """As programs in Go take them."""
        named = {"key": key, "version": "-max"}
        return [word for setting, value in self.settings().items() for word in (named.get(setting, f"-{setting}"), value)]


@dataclass
class Stack:
    """`serve` starts the server of one port, or `start` starts all of them: it is given {(version, asked): port}.

    `asks` is what its servers can ask for; with `shared`, one port of each takes every version, and clients choose.
    `adds_root` are the ends that send their root along: client, server (where it asks), every server. `late` are ends that
    finish the handshake first and then refuse: client, or server that misses a certificate. `picky` clients show no
    certificate to servers that name other authorities. `trusting` clients never refuse a server. Clients that are not `bare` do TLS
    with a certificate of their own or not at all. Of a `half` each way is recorded under one version only: under the first or
    the second of HALVES; a family has both. The third is for those that have one-way and mutual in a sample of their own.
    """

    serve: Callable
    call: Callable
    start: Callable | None = None
    shared: bool = False
    port: int = 8441
    step: int = 1
    asks: tuple = ("none", "optional", "require")
    versions: tuple = ("1.2", "1.3")
    adds_root: tuple = ()
    late: tuple = ()
    picky: bool = False
    trusting: bool = False
    bare: bool = True
    facts: dict = field(default_factory=dict)
    alpn: str | None = None
    note: str | None = None
    key: str = "p256"
    half: int | None = None


@dataclass
class Way:
    """What the server asks for, what the client shows, whom the client trusts, and who refuses."""

    asked: str
    shown: str | None
    trusted: str = "lab-root"
    refused_by: str | None = None


WAYS = [
    Way("none", None), Way("none", None, "stranger", "client"), Way("optional", "orders"), Way("optional", None),
    Way("require", "orders"), Way("require", None, refused_by="server"), Way("require", "nobody", refused_by="server"),
]


# By number in WAYS: one-way, the client refuses, given, declined, mutual, the server misses a certificate, or does not know it.
HALVES = [{"1.2": {0, 3, 4, 6}, "1.3": {1, 2, 5}}, {"1.2": {1, 2, 5}, "1.3": {0, 3, 4, 6}}, {"1.2": {2, 6}, "1.3": {1, 3, 5}}]


def described(stack):
    there = {0, 2, 3, 4} if stack.half is None else set().union(*HALVES[stack.half].values())
    words = {"none": (0, "one-way"), "optional": (2, "given and declined where it is optional"), "require": (4, "mutual")}
    told = [word for asked, (number, word) in words.items() if asked in stack.asks and number in there]
    return f"over TLS {' and '.join(stack.versions)}: {', '.join([*told, ''])}{'and ' if told else ''}refused by either end"


def issued(lab, key="p256"):
    lab.authority()
    lab.authority("stranger", cn="an authority of nobody")
    lab.certificate("inventory", issuer="lab-root", dns=NAME, ip=ipv4("server"), key=key)
    lab.certificate("orders", issuer="lab-root", dns="orders.shop.test", usage="client", key=key)
    lab.certificate("nobody", issuer="stranger", dns="orders.shop.test", usage="client", key=key)


def done(way, stack):
    """What the client did to authenticate itself: not-requested, declined or presented."""
    if way.asked == "none":
        return "not-requested"
    return "declined" if way.shown is None or (way.shown == "nobody" and stack.picky) else "presented"


def late(way, stack):
    """Whether the handshake completes although one end does not like the other's certificate, or the want of it."""
    return way.refused_by in stack.late and (way.refused_by == "client" or way.shown is None)


def told(way, version, stack, port, count):
    auth = done(way, stack)
    facts = dict(stack.facts)
    if version == "1.2" and way.refused_by is None and stack.alpn:
        facts["alpn"] = stack.alpn
    refused = way.refused_by is not None and not (way.refused_by == "client" and stack.trusting)
    if not refused or late(way, stack):
        return over_tls(address(port=port), version, auth, count, **facts)
    if way.refused_by == "client" and way.asked != "none":
        auth = None
    if version == "1.2":
        return over_tls(address(port=port), version, auth, count, posture=None, evidence=None, established=False, **facts)
    auth = None if way.refused_by == "client" else auth
    return over_tls(address(port=port), version, auth, count, true_posture=None, true_established=False, **facts)


def count(lab, port):
    """How many connections there were to a port until now, by what tcpdump wrote."""
    seen = frames.connections(frames.read_pcap(lab.pcap))
    return sum(number for (_, _, to), number in seen.items() if to == port)


def record(lab, stack):
    """Starts a server for each version and each thing to ask for, and calls each way."""
    lab.keep_small(calls=1)
    issued(lab, stack.key)
    kinds = [(version, asked) for version in stack.versions for asked in stack.asks]
    ports = {kind: stack.port + stack.step * (number % (len(stack.asks) if stack.shared else len(kinds))) for number, kind in enumerate(kinds)}
    ports = {(version, asked): port for (version, asked), port in ports.items() if ways(stack, version, asked)}
    if stack.start:
        stack.start(lab, ports)
    else:
        highest = {port: kind for kind, port in ports.items()}
        for port, (version, asked) in highest.items():
            stack.serve(lab, port, End(lab, version, "inventory", "lab-root", asked))
    lab.settle(1)
    connections, calls, counted = [], [], {}
    with lab.capture() as seen:
        for (version, asked), port in ports.items():
            for way in ways(stack, version, asked):
                how = {None: 0, "client": 0 if stack.trusting else "failure", "server": "any"}[way.refused_by]
                stack.call(lab, port, End(lab, version, way.shown if stack.bare else way.shown or "orders", way.trusted), expect=how)
                seen.wait_until_written(0.2)
                until_now = count(lab, port)
                connections.append(told(way, version, stack, port, until_now - counted.get(port, 0)))
                calls.append((way, version, done(way, stack)))
                counted[port] = until_now
    return Truth(connections, certificates(lab, stack, ports, calls), **judged(stack, calls), note=stack.note)


def ways(stack, version, asked):
    """Clients refuse the server that asks for the least."""
    least = stack.asks[0]
    chosen = [one for number, one in enumerate(WAYS) if stack.half is None or number in HALVES[stack.half][version]]
    every = [replace(one, asked=least) if one.refused_by == "client" else one for one in chosen]
    return [one for one in every if one.asked == asked and (stack.bare or one.shown or asked == "none")]


def record_with_keys(lab, stack, inside, calls=None, by="server", embedded=True):
    """One-way and mutual, under each version, with the keys that one end wrote down: of Python's clients, or a server in Go."""
    lab.keep_small()
    issued(lab, stack.key)
    kinds = [(version, asked) for version in stack.versions for asked in stack.asks if asked != "optional"]
    ports = {kind: stack.port + number for number, kind in enumerate(kinds)}
    for (version, asked), port in ports.items():
        stack.serve(lab, port, End(lab, version, "inventory", "lab-root", asked, lab.path("keys") if by == "server" else ""))
    lab.settle(1)
    env = {"SSLKEYLOGFILE": lab.path("keys")} if by == "client" else {}
    connections, shown = [], [certificate(lab.path("orders.pem"), "client", ipv4("client"))]
    with lab.capture():
        for (version, asked), port in ports.items():
            auth = "not-requested" if asked == "none" else "presented"
            stack.call(lab, port, End(lab, version, None if asked == "none" else "orders", "lab-root"), env=env)
            told_inside = {"protocol": None, "inside": inside, **({"calls": calls} if calls else {}), **stack.facts}
            evidence = {"posture": "mtls" if auth == "presented" else "tls", "client_auth": auth, "true_posture": None, "true_client_auth": None}
            evidence["evidence"] = "decrypted" if version == "1.3" else "observed"
            connections.append(over_tls(address(port=port), version, auth, established=True, **evidence, **told_inside))
            shown.append(certificate(lab.path("inventory.pem"), "server", address(port=port)))
            lab.settle(0.3)
    shown += roots(lab, *(address(port=port) for (_, asked), port in ports.items() if asked in rooting(stack)))
    shown += roots(lab, *([ipv4("client")] if "client" in stack.adds_root else []))
    return Truth(connections, shown, present=["WL4001"], maybe=["WL2002", "WL2007", "WL3014", "WL4007", "WL4008", "WL4009"],
                 absent=["WL1001", "WL1002", "WL9001"], **{"embedded" if embedded else "keylog": lab.path("keys")})


def rooting(stack):
    """What servers ask for that send their root along."""
    asking = {"server": ("optional", "require"), "every server": ("none", "optional", "require")}
    return {asked for end in stack.adds_root for asked in asking.get(end, ())}


def certificates(lab, stack, ports, calls):
    by_port = {}
    for (version, _), port in ports.items():
        by_port[port] = min(version, by_port.get(port, version))
    shown = [chain(lab, "inventory", "server", address(port=port), version) for port, version in by_port.items()]
    for name in ("orders", "nobody"):
        under = {version for way, version, auth in calls if way.shown == name and auth == "presented"}
        shown += [chain(lab, name, "client", ipv4("client"), min(under))] if under else []
    shown += roots(lab, *(address(port=port) for (version, asked), port in ports.items() if version == "1.2" and asked in rooting(stack)))
    readable = any(version == "1.2" and way.shown == "orders" for way, version, _ in calls)
    shown += roots(lab, *([ipv4("client")] if "client" in stack.adds_root and readable else []))
    return shown


def judged(stack, calls):
    by_auth = {"not-requested": "WL4001", "declined": "WL4002"}
    present = {by_auth[auth] for way, version, auth in calls
               if auth in by_auth and (not way.refused_by or late(way, stack)) and (auth == "not-requested" or version == "1.2")}
    refused = any(version == "1.2" and way.refused_by == "client" for way, version, _ in calls)
    if refused and not (stack.trusting or "client" in stack.late):
        present.add("WL8001")
    if "1.3" in stack.versions:
        present.add("WL9001")
    maybe = {"WL2002", "WL2007", "WL3014", "WL8001", "WL8003", "WL4001", "WL4002"} - present
    # Where servers ask everybody, or nobody without a certificate comes through, nobody is let in without being asked.
    if all(way.asked != "none" for way, _, _ in calls):
        maybe.discard("WL4001")
    return {"present": present, "maybe": maybe, "absent": ["WL1001", "WL1002", "WL4003", "WL8002"]}
