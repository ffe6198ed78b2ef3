"""Every way to authenticate and to be refused, once for every framework.

A stack is a way to start a server and a client. Its sample holds one call each way: under TLS 1.2 and 1.3, to a server that
asks for no certificate (one-way, and a client that does not trust it), to one that asks for one (given, declined), and to
one that requires one (given, missing, of an authority that it does not know). Frameworks that cannot do one of these say so
by what they leave out. How often a client connects when it is refused is its own business: that is counted on the wire.
"""

from dataclasses import dataclass, field
from typing import Callable

from driver import frames
from driver.truth import Truth
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
                "name": None if self.auth else NAME}
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
    """`asks` is what its servers can ask for. `adds_root` are the ends (server, client) that send their root along.

    `late` are ends that finish the handshake first and look at the other's certificate then. `picky` clients show no
    certificate to servers that name other authorities. `trusting` clients never refuse a server.
    """

    serve: Callable
    call: Callable
    port: int = 8441
    asks: tuple = ("none", "optional", "require")
    versions: tuple = ("1.2", "1.3")
    adds_root: tuple = ()
    late: tuple = ()
    picky: bool = False
    trusting: bool = False
    facts: dict = field(default_factory=dict)
    alpn: str | None = None
    note: str | None = None
    key: str = "p256"


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


def told(way, version, stack, port, count):
    auth = done(way, stack)
    facts = dict(stack.facts)
    if version == "1.2" and way.refused_by is None and stack.alpn:
        facts["alpn"] = stack.alpn
    refused = way.refused_by is not None and not (way.refused_by == "client" and stack.trusting)
    if not refused or way.refused_by in stack.late:
        return over_tls(address(port=port), version, auth, count, **facts)
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
    issued(lab, stack.key)
    ports = {}
    for version in stack.versions:
        for asked in stack.asks:
            ports[version, asked] = port = stack.port + len(ports)
            stack.serve(lab, port, End(lab, version, "inventory", "lab-root", asked))
    lab.settle(1)
    connections, calls = [], []
    with lab.capture() as seen:
        for (version, asked), port in ports.items():
            before = 0
            for way in (one for one in WAYS if one.asked == asked):
                how = {None: 0, "client": 0 if stack.trusting else "failure", "server": "any"}[way.refused_by]
                stack.call(lab, port, End(lab, version, way.shown, way.trusted), expect=how)
                lab.settle(0.2)
                seen.wait_until_written()
                now = count(lab, port)
                connections.append(told(way, version, stack, port, now - before))
                calls.append((way, version, done(way, stack)))
                before = now
    return Truth(connections, certificates(lab, stack, ports, calls), **judged(stack, calls), note=stack.note)


def certificates(lab, stack, ports, calls):
    shown = [chain(lab, "inventory", "server", address(port=port), version) for (version, _), port in ports.items()]
    readable = "1.2" if "1.2" in stack.versions else "1.3"
    if any(way.shown == "orders" for way, _, _ in calls):
        shown.append(chain(lab, "orders", "client", ipv4("client"), readable))
    if any(way.shown == "nobody" and auth == "presented" for way, _, auth in calls):
        shown.append(chain(lab, "nobody", "client", ipv4("client"), readable))
    if "1.2" in stack.versions:
        rooted = [address(port=port) for (version, asked), port in ports.items() if version == "1.2" and asked != "none"]
        shown += roots(lab, *(rooted if "server" in stack.adds_root else []))
        shown += roots(lab, *([ipv4("client")] if "client" in stack.adds_root and len(stack.asks) > 1 else []))
    return shown


def judged(stack, calls):
    by_auth = {"not-requested": "WL4001", "declined": "WL4002"}
    present = {by_auth[auth] for way, _, auth in calls if auth in by_auth and (not way.refused_by or way.refused_by in stack.late)}
    if "1.2" in stack.versions and not (stack.trusting or "client" in stack.late):
        present.add("WL8001")
    if "1.3" in stack.versions:
        present.add("WL9001")
    maybe = {"WL2002", "WL2007", "WL3014", "WL8001", "WL8003", "WL4002"} - present
    return {"present": present, "maybe": maybe, "absent": ["WL1001", "WL1002", "WL4003", "WL8002"]}
