"""Links that lose, repeat and reorder: the hosts make up for it, and the truth is that of a good link."""

import subprocess

from driver.lab import SCENARIOS, scenario
from driver.truth import Truth, connection
from driver.wire import bad, ipv4

from .network import openvpn
from .secured import chain, over_tls, roots
from .stores import at


def over_a_bad_link(name, title, base, **how):
    good = SCENARIOS[base]

    def run(lab):
        with bad("client", **how):
            told = good.run(lab)
        told.coverage = {**told.coverage, "gap-sessions": 0, "one-sided": 0}
        told.note = f"What {base} does, over a link that is made bad by a program."
        return told

    scenario(name, f"{good.title}, over a link that {title}", good.programs)(run)


over_a_bad_link("grpc-link-loses", "loses one frame in eight, sent again by their hosts", "grpc-plaintext", seed=7, lost=0.12)
over_a_bad_link("tls12-link-reorders", "repeats and reorders frames", "tls12-long-chain", seed=8, twice=0.15, late=0.3)
over_a_bad_link("tls13-link-loses", "loses, repeats and reorders frames", "tls13-mutual", seed=9, lost=0.08, twice=0.08, late=0.2)
over_a_bad_link("redis-link-loses", "loses, repeats and reorders frames", "redis-auth", seed=10, lost=0.08, twice=0.08, late=0.2)


@scenario("openvpn-udp", "OpenVPN over UDP, over a link that loses, repeats and reorders frames: its handshake readable under TLS 1.2 and 1.3, behind an HMAC, and encrypted as a whole, with one key for all and one for each client", ["openvpn"])
def openvpn_udp(lab):
    lab.authority()
    lab.certificate("gate", issuer="lab-root", dns="gate.shop.test", key="rsa2048", usage="both")
    lab.certificate("orders", issuer="lab-root", cn="orders", dns="orders.shop.test", usage="both", key="rsa2048")
    shared, mine, own = (lab.path(name) for name in ("shared.key", "server-v2.key", "client-v2.key"))
    subprocess.run(["openvpn", "--genkey", "secret", shared], check=True)
    subprocess.run(["openvpn", "--genkey", "tls-crypt-v2-server", mine], check=True)
    subprocess.run(["openvpn", "--tls-crypt-v2", mine, "--genkey", "tls-crypt-v2-client", own], check=True)
    kinds = {
        1194: ("1.2", [], []), 1195: ("1.3", [], []),
        1196: ("1.2", ["--tls-auth", shared, "0"], ["--tls-auth", shared, "1"]),
        1197: ("1.2", ["--tls-crypt", shared], ["--tls-crypt", shared]),
        1198: ("1.3", ["--tls-crypt-v2", mine], ["--tls-crypt-v2", own]),
    }
    for port, (version, server, _) in kinds.items():
        lab.start("server", openvpn(lab, "server", port, "gate", version, *server, proto="udp"))
    lab.settle()
    with bad("client", seed=11, lost=0.08, twice=0.08, late=0.2), lab.capture(only="udp"):
        for port, (version, _, client) in kinds.items():
            lab.call("client", ["timeout", "12", *openvpn(lab, "client", port, "orders", version, *client, proto="udp")], expect="any")
    sealed = {"protocol": "openvpn", "true_posture": "mtls", "true_client_auth": "presented"}
    return Truth(
        [
            over_tls(at(1194), "1.2", "presented", protocol="openvpn"), over_tls(at(1195), "1.3", "presented", protocol="openvpn"),
            over_tls(at(1196), "1.2", "presented", protocol="openvpn"),
            connection(ipv4("client"), at(1197), 1, **sealed), connection(ipv4("client"), at(1198), 1, **sealed),
        ],
        [
            chain(lab, "gate", "server", at(1194)), chain(lab, "gate", "server", at(1195), "1.3"),
            chain(lab, "gate", "server", at(1196)), chain(lab, "orders", "client", ipv4("client")),
            *roots(lab, at(1194), at(1196), ipv4("client")),
        ],
        present=["WL9001"], maybe=["WL2002", "WL3014", "WL3015", "WL9004"], absent=["WL1001", "WL1002", "WL4001", "WL4002"],
    )
