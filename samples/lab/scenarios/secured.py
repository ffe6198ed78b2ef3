"""What is true of a connection over TLS, for scenarios that are about something else than TLS."""

from driver.truth import certificate, connection
from driver.wire import ipv4


def over_tls(server, version, auth, count=1, client=None, **facts):
    """`version` is 1.2 or 1.3; `auth` is what the client did: not-requested, declined or presented.

    Under TLS 1.3 nothing is asserted that only inference could tell.
    """
    posture = "mtls" if auth == "presented" else "tls"
    told = {"protocol": "tls", "version": f"TLSv{version}"}
    if version == "1.2":
        told.update(posture=posture, evidence="observed", client_auth=auth, established=True)
    else:
        told.update(true_posture=posture, true_client_auth=auth)
    told.update(facts)
    known = {key: value for key, value in told.items() if value is not None}
    return connection(client or ipv4("client"), server, count, **known)


def in_clear(server, protocol, count=1, client=None, **facts):
    """A connection of which everything can be read."""
    told = {"posture": "plaintext", "evidence": "observed", "protocol": protocol, **facts}
    known = {key: value for key, value in told.items() if value is not None}
    return connection(client or ipv4("client"), server, count, **known)


def chain(lab, name, role, holder, version="1.2"):
    return certificate(lab.path(f"{name}.pem"), role, holder, visible=version == "1.2")


def roots(lab, *holders):
    """OpenSSL adds the authority that an end trusts behind its own certificate. A holder without a port is a client."""
    kinds = [("server" if ":" in holder else "client", holder) for holder in holders]
    return [{**certificate(lab.path("lab-root.pem"), role, holder), "position": 1} for role, holder in kinds]


def pair(lab, name):
    """Certificate and key of one end, for command lines."""
    return lab.path(f"{name}.pem"), lab.path(f"{name}.key")
