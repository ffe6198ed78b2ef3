"""What captures do to conversations: samples made from recorded ones by cutting, losing, repeating and reordering.

A function takes the frames and the truth of its base and gives the frames and the truth that is left.
"""

from driver import frames
from driver.lab import derived
from driver.truth import Truth

SEED = 77


def left_of(tables, drop=(), certificates=None, maybe=(), present=(), **extra):
    """The base's truth without the facts in `drop`; `present` and `maybe` are added to its findings."""
    connections = [{key: value for key, value in one.items() if key not in drop} for one in tables["connection"]]
    kept = tables.get("certificate", []) if certificates is None else certificates
    findings = tables["findings"]
    return Truth(
        connections, kept, present=[*findings["present"], *present], maybe=[*findings["maybe"], *maybe], **extra
    )


def split_first(tables, first):
    """The base's connections when only the first one was damaged and keeps the facts `first`."""
    base = tables["connection"][0]
    ends = {key: base[key] for key in ("client", "server")}
    return [{**ends, "count": 1, **first}, {**base, "count": base["count"] - 1}]


@derived("grpc-midstream", "The capture began after the first gRPC connection did", "grpc-plaintext")
def grpc_midstream(recorded, tables):
    told = left_of(tables, present=["WL9002"], coverage={"midstream": 1})
    told.connections = split_first(tables, {"posture": "plaintext", "start-seen": False})
    return frames.join_after(recorded, 12), told


@derived("tls12-midstream", "The capture began after the first TLS handshake was over", "tls12-mutual")
def tls12_midstream(recorded, tables):
    told = left_of(tables, present=["WL9002"], coverage={"midstream": 1})
    hidden = {"posture": "tls-opaque", "client-auth": "hidden", "protocol": "tls", "start-seen": False,
              "true-posture": "mtls", "true-client-auth": "presented"}
    told.connections = split_first(tables, hidden)
    return frames.join_after(recorded, 4), told


UNSURE = ("posture", "evidence", "client-auth", "established", "cipher", "version", "group", "alpn", "resumed")


@derived("tls12-to-server-only", "A mirror of the client's direction only", "tls12-mutual")
def tls12_to_server_only(recorded, tables):
    certificates = [{**one, "visible": one["role"] == "client"} for one in tables["certificate"]]
    told = left_of(tables, UNSURE, certificates, present=["WL9003"], coverage={"one-sided": 2})
    return frames.one_direction(recorded, 8443, to_server=True), told


@derived("tls12-to-client-only", "A mirror of the server's direction only", "tls12-mutual")
def tls12_to_client_only(recorded, tables):
    certificates = [{**one, "visible": one["role"] == "server"} for one in tables["certificate"]]
    unsure = {"posture", "evidence", "client-auth", "established", "sni", "resumed"}
    told = left_of(tables, unsure, certificates, present=["WL9003"], coverage={"one-sided": 2})
    return frames.one_direction(recorded, 8443, to_server=False), told


@derived("tls12-snaplen-96", "A capture that kept 96 bytes of each frame", "tls12-mutual")
def tls12_snaplen_96(recorded, tables):
    cut = frames.cut_to(recorded, 96)
    certificates = [{**one, "visible": False} for one in tables["certificate"]]
    count = sum(len(data) < original for _, data, original in cut)
    told = left_of(
        tables, (*UNSURE, "sni"), certificates, present=["WL9003"], maybe=["WL9002"], coverage={"cut-frames": count}
    )
    return cut, told


@derived("tls12-truncated-file", "A pcap file that ends within its last frame", "tls12-mutual", extension="pcap")
def tls12_truncated_file(recorded, tables):
    return recorded, left_of(tables, coverage={"incomplete": ["truncated-capture"]}, cut_bytes=20)


@derived("tls12-mirrored-twice", "A mirror that copies every frame twice", "tls12-mutual")
def tls12_mirrored_twice(recorded, tables):
    return frames.mirrored_twice(recorded), left_of(tables, coverage={"one-sided": 0, "gap-sessions": 0})


@derived("tls12-reordered", "Segments out of order, none lost", "tls12-long-chain")
def tls12_reordered(recorded, tables):
    return frames.shuffled(recorded, SEED), left_of(tables, coverage={"gap-sessions": 0})


@derived("grpc-reordered", "gRPC segments out of order, none lost", "grpc-plaintext")
def grpc_reordered(recorded, tables):
    return frames.shuffled(recorded, SEED), left_of(tables, coverage={"gap-sessions": 0})


@derived("tls12-lost-certificate", "The capture lost a segment in the middle of the server's certificates", "tls12-long-chain")
def tls12_lost_certificate(recorded, tables):
    certificates = [{**one, "visible": one["role"] == "client"} for one in tables["certificate"]]
    told = left_of(
        tables, ("posture", "evidence", "group"), certificates, present=["WL9003"], coverage={"gap-sessions": 1}
    )
    return frames.without_payload(recorded, {2}), told


@derived("tls12-lost-request", "The capture lost the server's flight: whether it asked for a certificate cannot be read", "tls12-client-declines")
def tls12_lost_request(recorded, tables):
    told = left_of(tables, present=["WL9003"], coverage={"gap-sessions": 1})
    told.connections = split_first(tables, {"sni": tables["connection"][0]["sni"], "protocol": "tls"})
    return frames.without_payload(recorded, {1}), told


@derived("grpc-lossy", "gRPC of which the capture lost some segments: calls after a hole have no certain name", "grpc-plaintext")
def grpc_lossy(recorded, tables):
    told = left_of(tables, ("calls",), present=["WL9003"], maybe=["WL9002"])
    return frames.without_payload(recorded, {9, 30}), told


@derived("grpc-sent-again", "gRPC segments that were lost behind the capture and sent again", "grpc-plaintext")
def grpc_sent_again(recorded, tables):
    return frames.sent_again(recorded, {2, 5, 9, 14}), left_of(tables)


@derived("tls13-midstream", "The capture began after the first TLS 1.3 handshake was over", "tls13-mutual")
def tls13_midstream(recorded, tables):
    told = left_of(tables, present=["WL9002"], coverage={"midstream": 1})
    hidden = {"posture": "tls-opaque", "protocol": "tls", "start-seen": False, "true-posture": "mtls",
              "true-client-auth": "presented"}
    told.connections = split_first(tables, hidden)
    return frames.join_after(recorded, 6), told
