#!/usr/bin/env python3
"""Makes large pcap files out of the recorded samples, for benchmarks.

    make_workload.py bulk FILE MEGABYTES       8 long TLS flows of 16 KiB records
    make_workload.py handshakes FILE COUNT     short TLS connections, all kinds
    make_workload.py estate FILE COUNT         the same, every client to every server: 19,200 edges, all of them mixed
    make_workload.py keyed FILE COUNT          TLS connections with their keys in FILE.keys
    make_workload.py grpc FILE COUNT           plaintext gRPC connections, whole, so that their header tables are right
    make_workload.py synflood FILE COUNT       distinct SYNs without an answer
    make_workload.py NAME FILE PACKETS         connections of the sample of that name

Same samples, same arguments: same file. Connections keep their recorded bytes and get addresses, ports and times of
their own; many are under way at once. Known limits: IP and TCP checksums are not recomputed, and the TLS randoms and
keys repeat between connections made from one recording.
"""

import os
import random
import struct
import sys

SAMPLES = os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "samples")
SEED = 20_26
ETHERNET_HEADER = 14
IP_ADDRESSES = ETHERNET_HEADER + 12
TCP = ETHERNET_HEADER + 20
RECORD_HEADER = 16

TIME = struct.Struct("<II")
ADDRESSES = struct.Struct("!II")
PORTS = struct.Struct("!HH")
NUMBERS = struct.Struct("!II")

# How often each sample is taken, in parts of the whole; the connections within it take turns.
HANDSHAKES = {
    "tls13-one-way": 16, "tls13-mutual": 26, "tls13-hello-retry": 4, "tls13-resumed": 8, "tls12-one-way": 12,
    "tls12-mutual": 18, "tls12-long-chain": 4, "tls12-client-declines": 3, "tls12-resumed-ticket": 4,
    "tls10-tls11": 1, "tls12-weak-suites": 1, "tls12-expired-self-signed": 1, "tls12-client-refused": 1,
    "tls-no-common-version": 1,
}
KEYED = {"tls13-keys-one-way": 4, "tls13-keys-mutual": 4, "tls12-keys-mutual": 4}
GRPC = {"grpc-long": 6, "grpc-plaintext": 3, "grpc-plaintext-token": 1}


def blocks_of(sample, wanted):
    """The pcapng blocks of one kind, of a sample as samples/lab writes them."""
    with open(os.path.join(SAMPLES, sample + ".pcapng"), "rb") as file:
        data = file.read()
    at = 0
    while at < len(data):
        kind, length = struct.unpack_from("<II", data, at)
        if kind == wanted:
            yield data[at : at + length]
        at += length


def frames_of(sample):
    """(microseconds, bytes) of each frame."""
    for block in blocks_of(sample, 6):
        high, low, captured = struct.unpack_from("<III", block, 12)
        yield (high << 32) + low, block[28 : 28 + captured]


def keys_of(sample):
    """The key log that a sample carries."""
    for block in blocks_of(sample, 10):
        (length,) = struct.unpack_from("<I", block, 12)
        yield block[16 : 16 + length]


def start():
    """Seconds: when the workloads begin. Soon after the recording, so that its certificates are as valid as they were."""
    return next(frames_of("tls12-one-way"))[0] // 1_000_000 + 600


def connections_of(sample):
    """The IPv4 connections of a sample: lists of (microseconds since its start, to the server, bytes)."""
    found = {}
    for micros, data in frames_of(sample):
        if data[12:14] != b"\x08\x00":
            continue
        source, destination = PORTS.unpack_from(data, TCP)
        to_server = destination < source
        client = data[IP_ADDRESSES : IP_ADDRESSES + 4] if to_server else data[IP_ADDRESSES + 4 : IP_ADDRESSES + 8]
        connection = found.setdefault((client, max(source, destination)), [])
        begin = connection[0][3] if connection else micros
        connection.append((micros - begin, to_server, data, micros))
    return [[(since, to_server, data) for since, to_server, data, _ in one] for one in found.values()]


def mixture(weights, rng):
    """As many connections as the weights add up to, shuffled."""
    chosen = []
    for sample, weight in weights.items():
        connections = connections_of(sample)
        chosen += [connections[number % len(connections)] for number in range(weight)]
    rng.shuffle(chosen)
    return chosen


class Wave:
    """Connections that are under way at the same time, as one piece of pcap file that is patched for each use."""

    def __init__(self, connections, gap, ends):
        """`gap`: microseconds between the beginnings of two connections. `ends` says between whom each is."""
        self.ends = ends
        packets = [
            (number * gap + since, number, to_server, data)
            for number, connection in enumerate(connections)
            for since, to_server, data in connection
        ]
        packets.sort(key=lambda packet: packet[0])
        self.size, self.blob, self.patches = len(connections), bytearray(), []
        self.lasts = packets[-1][0]
        for since, number, to_server, data in packets:
            source, destination = PORTS.unpack_from(data, TCP)
            port = destination if to_server else source
            self.patches.append((len(self.blob), since, number, to_server, port))
            self.blob += struct.pack("<IIII", 0, 0, len(data), len(data)) + data

    def write(self, file, micros, first):
        """Writes it beginning at `micros`, with connections numbered from `first`."""
        blob = self.blob
        for at, since, number, to_server, port in self.patches:
            client, client_port, server = self.ends(first + number)
            now = micros + since
            TIME.pack_into(blob, at, now // 1_000_000, now % 1_000_000)
            if to_server:
                ADDRESSES.pack_into(blob, at + RECORD_HEADER + IP_ADDRESSES, client, server)
                PORTS.pack_into(blob, at + RECORD_HEADER + TCP, client_port, port)
            else:
                ADDRESSES.pack_into(blob, at + RECORD_HEADER + IP_ADDRESSES, server, client)
                PORTS.pack_into(blob, at + RECORD_HEADER + TCP, port, client_port)
        file.write(blob)


def ends(number):
    """Client address and port and server address of connection `number`: 500 clients, 200 servers, no port twice."""
    client = 0x0A640000 + number % 500
    port = 32768 + number // 500 % 28000
    server = 0x0A4D0100 + number * 7 % 200
    return client, port, server


def everyone(number):
    """The same for each of 400 clients and each of 48 servers in turn, which in each round is another kind."""
    edges = 400 * 48
    turn = number // edges
    server, client = divmod((number + turn * 37) % edges, 400)
    return 0x0A640000 + client, 32768 + number // 400 % 28000, 0x0A4D0100 + server


def repeat(file, weights, count, gap, between=ends):
    """Waves one after the other until `count` connections are written."""
    rng = random.Random(SEED)
    wave = Wave(mixture(weights, rng), gap, between)
    micros, written = start() * 1_000_000, 0
    while written < count:
        wave.write(file, micros, written)
        written += wave.size
        micros += wave.lasts + gap


def handshakes(file, count):
    repeat(file, HANDSHAKES, count, 200)


def estate(file, count):
    repeat(file, HANDSHAKES, count, 200, everyone)


def keyed(file, count):
    repeat(file, KEYED, count, 200)
    with open(file.name + ".keys", "wb") as keys:
        for sample in KEYED:
            keys.writelines(keys_of(sample))


def grpc(file, count):
    repeat(file, GRPC, count, 3000)


def sample(file, name, packets):
    connections = connections_of(name)
    each = sum(map(len, connections)) / len(connections)
    repeat(file, {name: len(connections)}, round(packets / each), 1000)


class Flow:
    """A TLS connection that goes on: one 16 KiB record from the server at a time, acknowledged every other segment."""

    SEGMENT = 1448

    def __init__(self, number, opening, record):
        self.address, self.port, self.server = ends(number)
        self.server_port = min(PORTS.unpack_from(opening[0][2], TCP))
        self.opening = opening
        last = {to_server: data for _, to_server, data in opening}
        self.sent, self.answered = (self.next_number(last[way]) for way in (False, True))
        self.blob, self.patches = bytearray(), []
        for index, at in enumerate(range(0, len(record), self.SEGMENT)):
            piece = record[at : at + self.SEGMENT]
            self.append(last[False], piece, at, 0)
            if index % 2:
                self.append(last[True], b"", 0, at + len(piece))

    def append(self, like, payload, sequence, acknowledged):
        """Appends a segment with the headers of a recorded one. Numbers are from the record's first byte."""
        to_server = not payload
        header = bytearray(like[: TCP + (like[TCP + 12] >> 4) * 4])
        struct.pack_into("!H", header, ETHERNET_HEADER + 2, len(header) - ETHERNET_HEADER + len(payload))
        header[TCP + 13] = 0x10
        length = len(header) + len(payload)
        self.patches.append((len(self.blob), to_server, sequence, acknowledged))
        self.blob += struct.pack("<IIII", 0, 0, length, length) + self.addressed(header, to_server) + payload

    def addressed(self, frame, to_server):
        frame = bytearray(frame)
        ways = (self.address, self.server), (self.port, self.server_port)
        addresses, ports = ways if to_server else (pair[::-1] for pair in ways)
        ADDRESSES.pack_into(frame, IP_ADDRESSES, *addresses)
        PORTS.pack_into(frame, TCP, *ports)
        return frame

    @staticmethod
    def next_number(frame):
        """The sequence number after a recorded segment."""
        header = (frame[TCP + 12] >> 4) * 4
        payload = struct.unpack_from("!H", frame, ETHERNET_HEADER + 2)[0] - 20 - header
        return NUMBERS.unpack_from(frame, TCP + 4)[0] + payload

    def open(self, file, micros):
        for since, to_server, data in self.opening:
            now = micros + since
            head = struct.pack("<IIII", now // 1_000_000, now % 1_000_000, len(data), len(data))
            file.write(head + self.addressed(data, to_server))

    def write(self, file, micros, length):
        blob, sent, answered = self.blob, self.sent, self.answered
        seconds, micros = divmod(micros, 1_000_000)
        for at, to_server, sequence, acknowledged in self.patches:
            TIME.pack_into(blob, at, seconds, micros)
            if to_server:
                NUMBERS.pack_into(blob, at + RECORD_HEADER + TCP + 4, answered, (sent + acknowledged) & 0xFFFFFFFF)
            else:
                NUMBERS.pack_into(blob, at + RECORD_HEADER + TCP + 4, (sent + sequence) & 0xFFFFFFFF, answered)
        file.write(blob)
        self.sent = (sent + length) & 0xFFFFFFFF


def bulk(file, megabytes):
    payload = random.Random(SEED).randbytes(16384 + 17)
    record = b"\x17\x03\x03" + struct.pack("!H", len(payload)) + payload
    flows = []
    for number in range(8):
        whole = connections_of(("tls13-one-way", "tls12-mutual")[number % 2])[0]
        opening = [packet for packet in whole if not packet[2][TCP + 13] & 0x05]  # without FIN and RST
        flows.append(Flow(number, up_to_application_data(opening), record))
    micros = start() * 1_000_000
    for flow in flows:
        flow.open(file, micros)
        micros += 100_000
    while file.tell() < megabytes * 1_000_000:
        for flow in flows:
            flow.write(file, micros, len(record))
            micros += 130


def up_to_application_data(packets):
    """The connection up to the client's second application data, when the handshake is over on both sides."""
    seen = 0
    for index, (_, to_server, data) in enumerate(packets):
        start = TCP + (data[TCP + 12] >> 4) * 4
        seen += to_server and data[start : start + 1] == b"\x17"
        if seen == 2:
            return packets[: index + 1]
    return packets


def synflood(file, count):
    """SYNs at half a million a second, each from another address and port, to one server."""
    syn = next(data for _, data in frames_of("tls13-one-way"))
    each = RECORD_HEADER + len(syn)
    batch, begin = 5000, start()
    blob = bytearray(struct.pack("<IIII", 0, 0, len(syn), len(syn)) + syn) * batch
    source, pack_ports = struct.Struct("!I"), struct.Struct("!H")
    for first in range(0, count, batch):
        for index in range(batch):
            at, number = index * each, first + index
            scattered = number * 2_654_435_761 & 0xFFFFFFFF  # odd, hence a permutation of 32 bits: no address twice
            TIME.pack_into(blob, at, begin + number // 500_000, number % 500_000 * 2)
            source.pack_into(blob, at + RECORD_HEADER + IP_ADDRESSES, scattered)
            pack_ports.pack_into(blob, at + RECORD_HEADER + TCP, 1024 + scattered % 60_000)
        file.write(blob[: min(batch, count - first) * each])


KINDS = {"bulk": bulk, "handshakes": handshakes, "estate": estate, "keyed": keyed, "grpc": grpc, "synflood": synflood}


def main(words):
    known = len(words) == 3 and (words[0] in KINDS or os.path.exists(os.path.join(SAMPLES, words[0] + ".pcapng")))
    if not known:
        sys.exit(__doc__)
    kind, path, amount = words
    with open(path, "wb", buffering=1 << 22) as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        if kind in KINDS:
            KINDS[kind](file, int(amount))
        else:
            sample(file, kind, int(amount))


if __name__ == "__main__":
    main(sys.argv[1:])
