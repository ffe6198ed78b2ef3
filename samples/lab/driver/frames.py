"""Frames in capture files: reading, writing, and what a damaged recording does to them.

A frame is (microseconds, bytes, length on the wire). Files are Ethernet, pcap from tcpdump, pcapng as samples.
"""

import random
import struct

ETHERNET = 1


def read_pcap(path):
    with open(path, "rb") as file:
        data = file.read()
    if struct.unpack_from("<I", data)[0] != 0xA1B2C3D4:
        raise ValueError(f"{path}: not a little-endian microsecond pcap")
    frames, at = [], 24
    while at < len(data):
        seconds, micros, captured, original = struct.unpack_from("<IIII", data, at)
        frames.append((seconds * 1_000_000 + micros, data[at + 16 : at + 16 + captured], original))
        at += 16 + captured
    return frames


def write_pcap(path, frames, snaplen=262144):
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, snaplen, ETHERNET))
        for micros, data, original in frames:
            file.write(struct.pack("<IIII", micros // 1_000_000, micros % 1_000_000, len(data), original) + data)


def block(kind, body):
    body += bytes(-len(body) % 4)
    length = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + length + body + length


def option(code, value):
    return struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)


NSS_KEY_LOG = 0x544C534B


def write_pcapng(path, frames, snaplen=262144, secrets=b""):
    """One section, one interface, microseconds: the plainest pcapng there is. `secrets` is a key log to embed."""
    with open(path, "wb") as file:
        header = struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + option(4, b"wirelint lab") + option(0, b"")
        file.write(block(0x0A0D0D0A, header))
        interface = struct.pack("<HHI", ETHERNET, 0, snaplen) + option(2, b"br0") + option(0, b"")
        file.write(block(1, interface))
        if secrets:
            file.write(block(10, struct.pack("<II", NSS_KEY_LOG, len(secrets)) + secrets))
        for micros, data, original in frames:
            head = struct.pack("<IIIII", 0, micros >> 32, micros & 0xFFFFFFFF, len(data), original)
            file.write(block(6, head + data))


def read_pcapng(path):
    """Reads what write_pcapng wrote."""
    with open(path, "rb") as file:
        data = file.read()
    frames, at = [], 0
    while at < len(data):
        kind, length = struct.unpack_from("<II", data, at)
        if kind == 6:
            _, high, low, captured, original = struct.unpack_from("<IIIII", data, at + 8)
            frames.append(((high << 32) + low, data[at + 28 : at + 28 + captured], original))
        at += length
    return frames


class Segment:
    """Where the interesting parts of an Ethernet/IP/TCP frame are."""

    def __init__(self, data):
        if struct.unpack_from("!H", data, 12)[0] == 0x86DD:
            self.source, self.destination, tcp, end = data[22:38], data[38:54], 54, 54 + struct.unpack_from("!H", data, 18)[0]
        else:
            self.source, self.destination = data[26:30], data[30:34]
            tcp, end = 14 + (data[14] & 15) * 4, 14 + struct.unpack_from("!H", data, 16)[0]
        self.source_port, self.destination_port = struct.unpack_from("!HH", data, tcp)
        self.flags = data[tcp + 13]
        self.header_end = tcp + (data[tcp + 12] >> 4) * 4
        self.payload_length = end - self.header_end

    def ends(self):
        return (self.source, self.source_port), (self.destination, self.destination_port)


def is_tcp(data):
    """Whether an Ethernet frame carries IP and, directly inside, TCP."""
    kind = struct.unpack_from("!H", data, 12)[0]
    return (kind == 0x0800 and data[23] == 6) or (kind == 0x86DD and data[20] == 6)


def is_udp(data):
    """Whether an Ethernet frame carries IPv4 and UDP."""
    return struct.unpack_from("!H", data, 12)[0] == 0x0800 and data[23] == 17


def connections(frames):
    """How many connections there are to each server, as {(client address, server address, port): count}. Where all is UDP, how
    many conversations."""
    counts, seen = {}, set()
    udp = all(is_udp(data) for _, data, _ in frames)
    for _, data, _ in frames:
        if not udp and not is_tcp(data):
            continue
        segment = Segment(data)
        client, server = segment.ends()
        if (client, server) in seen or (server, client) in seen:
            continue
        if (udp or segment.flags & 0x12 != 0x02) and client[1] < server[1]:
            client, server = server, client
        seen.add((client, server))
        key = (client[0], server[0], server[1])
        counts[key] = counts.get(key, 0) + 1
    return counts


def join_after(frames, payloads):
    """A capture that was started after this many segments with data had gone by."""
    for index, (_, data, _) in enumerate(frames):
        if Segment(data).payload_length > 0:
            payloads -= 1
            if payloads < 0:
                return frames[index:]
    raise ValueError("fewer segments than that")


def one_direction(frames, server_port, to_server):
    """A mirror of one direction only."""
    return [frame for frame in frames if (Segment(frame[1]).destination_port == server_port) == to_server]


def cut_to(frames, snaplen):
    """A capture with a short snapshot length."""
    return [(at, data[:snaplen], original) for at, data, original in frames]


def mirrored_twice(frames):
    """A mirror that copies each frame where it comes in and where it goes out, 3 microseconds later."""
    return [copy for at, data, original in frames for copy in ((at, data, original), (at + 3, data, original))]


def shuffled(frames, seed, reach=3):
    """Data segments that arrive late by up to `reach` places; nothing is lost."""
    rng = random.Random(seed)
    keyed = []
    for index, frame in enumerate(frames):
        late = rng.randint(0, reach) if Segment(frame[1]).payload_length > 0 else 0
        keyed.append((index + late + (0.5 if late else 0), index, frame))
    times = [frame[0] for frame in frames]
    return [(times[i], frame[1], frame[2]) for i, (_, _, frame) in enumerate(sorted(keyed))]


def without_payload(frames, lost):
    """Loss in the capture: the segments with data whose numbers are in `lost` are not there."""
    kept, number = [], 0
    for frame in frames:
        if Segment(frame[1]).payload_length > 0:
            number += 1
            if number - 1 in lost:
                continue
        kept.append(frame)
    return kept


def sent_again(frames, chosen, later=5):
    """Segments with data that get lost behind the capture, and that their sender repeats `later` frames after."""
    made, waiting, number = [], [], 0
    for frame in frames:
        made.append(frame)
        waiting = [(left - 1, one) for left, one in waiting]
        made += [(frame[0] + 1, one[1], one[2]) for left, one in waiting if left <= 0]
        waiting = [(left, one) for left, one in waiting if left > 0]
        if Segment(frame[1]).payload_length > 0:
            if number in chosen:
                waiting.append((later, frame))
            number += 1
    return made
