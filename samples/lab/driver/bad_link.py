"""A link that loses, repeats and delays frames, as `tc netem` does where a kernel has it.

Forwards frames between two devices. Arguments: both devices, the seed, and the shares of frames of TCP and UDP that are lost, sent
twice, and sent after the next ones.
"""

import random
import select
import socket
import sys
import time

ANY_PROTOCOL = 3
LONGEST_DELAY = 0.03


def opened(device):
    link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.ntohs(ANY_PROTOCOL))
    link.bind((device, 0))
    return link


def is_tcp_or_udp(frame):
    return len(frame) > 34 and frame[12:14] == b"\x08\x00" and frame[23] in (6, 17)


def main(first, second, seed, lost, twice, late):
    rng = random.Random(seed)
    links = [opened(first), opened(second)]
    other = dict(zip(links, reversed(links)))
    held = []
    while True:
        ready, _, _ = select.select(links, [], [], 0.005)
        for link in ready:
            frame, (_, _, kind, _, _) = link.recvfrom(65535)
            if kind == socket.PACKET_OUTGOING:
                continue
            chance = rng.random() if is_tcp_or_udp(frame) else 1.0
            if chance < lost:
                continue
            if chance < lost + late:
                held.append((time.monotonic() + LONGEST_DELAY, rng.randint(1, 2), other[link], frame))
                continue
            for _ in range(2 if chance < lost + late + twice else 1):
                other[link].send(frame)
            held = [(until, left - 1, where, one) for until, left, where, one in held]
        now = time.monotonic()
        for until, left, where, one in [*held]:
            if left < 0 or until < now:
                where.send(one)
                held.remove((until, left, where, one))


main(sys.argv[1], sys.argv[2], int(sys.argv[3]), *(float(share) for share in sys.argv[4:7]))
