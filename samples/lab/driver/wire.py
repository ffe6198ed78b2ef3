"""Hosts that are network namespaces, joined by a bridge, and a capture on that bridge.

Hosts have fixed names, addresses and hardware addresses, so that every recording of a scenario looks alike. Where there can
be no namespaces, hosts are addresses of the loopback device; the kernel gives all clients there the same one.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time

HOSTS = {"client": 2, "server": 3, "backend": 4, "caller": 5}
# Whoever records twice at once on one machine needs two prefixes.
PREFIX = os.environ.get("WIRELINT_LAB_PREFIX", "wl-")
WIRE = PREFIX + "wire"
# What a capture can be told to keep, as people do for whom space is short: no bare acknowledgements. IPv4 only.
WITHOUT_BARE_ACKS = ("tcp and (tcp[tcpflags] & (tcp-syn|tcp-fin|tcp-rst) != 0 or "
                     "ip[2:2] - ((ip[0] & 0xf) << 2) - ((tcp[12] & 0xf0) >> 2) != 0)")
# Whether hosts are addresses of the loopback device. Scenarios ask for addresses when they are imported: decide before.
LOOPBACK = False


def namespaces():
    """Whether this machine lets us make network namespaces, found out by making one."""
    probe = PREFIX + "probe"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, check=False).returncode == 0
    if made:
        ip("netns", "del", probe)
    return made


def ipv4(host):
    if LOOPBACK:
        return "127.0.0.1" if host == "client" else f"127.0.0.{HOSTS[host]}"
    return f"10.77.0.{HOSTS[host]}"


def ipv6(host):
    return "::1" if LOOPBACK else f"fd77::{HOSTS[host]}"


def require_root():
    if os.geteuid() != 0:
        sys.exit("record: needs root to make network namespaces and to capture; try sudo")


def ip(*words):
    subprocess.run(["ip", *words], check=True)


def up():
    """Lays the wire. Checksums and segmentation are left to the hosts' own stacks: what is captured is what a real
    link would have carried."""
    if LOOPBACK:
        return
    down()
    ip("netns", "add", WIRE)
    ip("-n", WIRE, "link", "add", "br0", "type", "bridge")
    ip("-n", WIRE, "link", "set", "br0", "up")
    for host, number in HOSTS.items():
        namespace, port = PREFIX + host, f"p-{host}"
        ip("netns", "add", namespace)
        ip("-n", WIRE, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", namespace)
        ip("-n", WIRE, "link", "set", port, "master", "br0", "up")
        ip("-n", namespace, "link", "set", "eth0", "address", f"02:00:00:77:00:{number:02x}")
        ip("-n", namespace, "addr", "add", f"{ipv4(host)}/24", "dev", "eth0")
        ip("-n", namespace, "addr", "add", f"{ipv6(host)}/64", "dev", "eth0", "nodad")
        ip("-n", namespace, "link", "set", "lo", "up")
        ip("-n", namespace, "link", "set", "eth0", "up")
        # Servers listen below the ephemeral ports, so that a port alone tells the driver who is who.
        ports = "net.ipv4.ip_local_port_range=51000 60999"
        subprocess.run(inside(host, ["sysctl", "-qw", ports]), check=True)
        subprocess.run(
            ["ip", "netns", "exec", namespace, "ethtool", "-K", "eth0", "tx", "off", "rx", "off", "tso", "off",
             "gso", "off", "gro", "off"],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
    time.sleep(1.0)  # the bridge's ports go to forwarding


def down():
    if LOOPBACK:
        return
    for namespace in [WIRE, *(PREFIX + host for host in HOSTS)]:
        if os.path.exists(f"/run/netns/{namespace}"):
            ip("netns", "del", namespace)


@contextlib.contextmanager
def far(host, hops=63):
    """Packets of a host begin with another time to live, for a while: they arrive as they would over a router more."""
    def begin(value):
        subprocess.run(inside(host, ["sysctl", "-qw", f"net.ipv4.ip_default_ttl={value}"]), check=True)

    begin(hops)
    try:
        yield
    finally:
        begin(64)


def timestamps(on):
    """Whether segments have timestamps; on Windows they have none."""
    if not LOOPBACK:
        for host in HOSTS:
            subprocess.run(inside(host, ["sysctl", "-qw", f"net.ipv4.tcp_timestamps={int(on)}"]), check=True)


@contextlib.contextmanager
def narrow(*hosts, mtu=576):
    """Links that carry less, for a while. IPv6 needs 1280 bytes and goes away until they are wide again."""
    of_its_own()
    for host in hosts:
        ip("-n", PREFIX + host, "link", "set", "eth0", "mtu", str(mtu))
    try:
        yield
    finally:
        for host in hosts:
            ip("-n", PREFIX + host, "link", "set", "eth0", "mtu", "1500")
            ip("-n", PREFIX + host, "addr", "replace", f"{ipv6(host)}/64", "dev", "eth0", "nodad")


@contextlib.contextmanager
def bad(host, seed, lost=0.0, twice=0.0, late=0.0):
    """A host's link that loses, repeats and delays frames for a while, on the way to the bridge and from it. It is done
    by a program, because not every kernel has a queueing discipline for it."""
    of_its_own()
    port = f"p-{host}"
    ip("-n", WIRE, "link", "set", port, "nomaster", "promisc", "on")
    ip("-n", WIRE, "link", "add", "bad0", "type", "veth", "peer", "name", "bad1")
    ip("-n", WIRE, "link", "set", "bad0", "promisc", "on", "up")
    ip("-n", WIRE, "link", "set", "bad1", "master", "br0", "up")
    program = os.path.join(os.path.dirname(__file__), "bad_link.py")
    link = subprocess.Popen(["ip", "netns", "exec", WIRE, sys.executable, program, port, "bad0",
                             *(str(word) for word in (seed, lost, twice, late))])
    time.sleep(1.0)  # the bridge's port goes to forwarding
    try:
        yield
    finally:
        link.terminate()
        link.wait()
        ip("-n", WIRE, "link", "del", "bad0")
        ip("-n", WIRE, "link", "set", port, "promisc", "off", "master", "br0")


def of_its_own():
    if LOOPBACK:
        raise RuntimeError("this needs a link of its own")


def inside(host, argv):
    if LOOPBACK:
        return list(argv)
    return ["ip", "netns", "exec", PREFIX + host, *argv]


def listening(host, port):
    """Whether something listens, asked of the kernel so that the question does not cross the wire."""
    shown = subprocess.run(
        inside(host, ["ss", "-Hltn", f"sport = :{port}"]), check=True, capture_output=True, text=True
    )
    if LOOPBACK:
        taken = {f"{address}:{port}" for address in (ipv4(host), "127.0.0.1", "0.0.0.0", "*", "[::]", f"[::ffff:{ipv4(host)}]")}
        return any(line.split()[3] in taken for line in shown.stdout.splitlines())
    return bool(shown.stdout.strip())


class Capture:
    """tcpdump on the bridge, from entering to leaving."""

    def __init__(self, path, snaplen=262144, only="tcp"):
        self.path, self.snaplen, self.only = path, snaplen, only

    def __enter__(self):
        device, only, where = "br0", self.only, ["ip", "netns", "exec", WIRE]
        if LOOPBACK:
            device, where = "lo", []
            only = f"({only}) and ({' or '.join(f'host {ipv4(host)}' for host in HOSTS if host != 'client')})"
        self.tcpdump = subprocess.Popen(
            [*where, "tcpdump", "-i", device, "-s", str(self.snaplen), "-U", "--immediate-mode", "-B", "16384",
             "-Z", "root", "-w", self.path, only],
            stderr=subprocess.PIPE, text=True,
        )
        for line in self.tcpdump.stderr:
            if "listening on" in line:
                return self
        raise RuntimeError("tcpdump did not start")

    def __exit__(self, kind, *_):
        self.wait_until_written()
        self.tcpdump.send_signal(signal.SIGINT)
        _, said = self.tcpdump.communicate()
        dropped = re.search(r"(\d+) packets? dropped by kernel", said)
        if kind is None and dropped and dropped[1] != "0":
            raise RuntimeError(f"the capture lost {dropped[1]} frames; record it again")

    def wait_until_written(self, pause=0.4):
        """Lets the last acknowledgements come, and tcpdump catch up: what it has not read when it ends is lost."""
        size = -1
        for _ in range(40):
            time.sleep(pause)
            before, size = size, os.path.getsize(self.path)
            if size == before:
                return
