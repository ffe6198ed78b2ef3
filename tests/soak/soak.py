#!/usr/bin/env python3
"""Lets `wirelint watch` run on an interface at a rate, for a time, and says how it went.

Two network namespaces with a wire between them: `tcpreplay` sends a capture from one end, again and again, and the watch
reads the other. Once a second a marker is sent with it: a connection of its own to a port that nobody used before, so that
the time from its packet to its row in the database, and to the dashboard, can be measured. Faults can be made on the way.

Needs root, ip, tcpreplay and Python 3; tmux for --screen. Writes samples.csv, markers.csv, watch.log into the folder
--out, and a summary to standard output. Ends with 1 when something is wrong that must not be: a marker without a row, a
database that is not sound, a watch that died.
"""

import argparse
import csv
import os
import re
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import threading
import time

A, B = "wl-soak-a", "wl-soak-b"
NEAR, FAR = "soak0", "soak1"
SERVER, CLIENT = "10.99.0.2", "10.99.0.1"
FIRST_PORT = 20000
STATS = re.compile(r"stats: (\d+) packets, (\d+) lost, (\d+) connections, (\d+) sessions")

SERVE = f"""
import socket, sys, threading
def serve(s):
    c, _ = s.accept(); s.close()
    while c.recv(4096): c.sendall(b'HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok')
    c.close()
for line in sys.stdin:
    s = socket.create_server(('{SERVER}', int(line))); print('ready', flush=True)
    threading.Thread(target=serve, args=(s,), daemon=True).start()
"""
CALL = f"""
import socket, sys, time
for line in sys.stdin:
    try:
        c = socket.create_connection(('{SERVER}', int(line)), timeout=2)
        at = time.monotonic(); c.sendall(b'GET /soak HTTP/1.1\\r\\nHost: soak\\r\\n\\r\\n'); c.recv(4096); c.close()
        print(at, flush=True)
    except OSError as error:
        print('failed', error, flush=True)
"""
# A rule of the user's own, for reloads.
RULE = '''rule-version = 1
code = "SOAK101"
name = "soak"
title = "A rule for the soak"
severity = "medium"
confidence = "high"
on = "session"
tags = []
key = []

when = 'session.posture == "plaintext" && server.port == 80'
message = "{client.service} speaks to {server.service}:{server.port} in clear"

description = "What this means."
impact = "What somebody can do because of it."
fix = "What to do, in one line"
'''
HOOK = 18080
ANSWER = f"""
import socket, sys
hung, s = [], socket.create_server(('127.0.0.1', {HOOK}), backlog=128)
print('ready', flush=True)
while True:
    c, _ = s.accept()
    if sys.argv[1] == 'hangs': hung.append(c); continue
    f, length = c.makefile('rb'), 0
    while (line := f.readline().strip()):
        if line.lower().startswith(b'content-length:'): length = int(line.split(b':')[1])
    f.read(length)
    c.sendall(b'HTTP/1.1 204 Fine\\r\\nContent-Length: 0\\r\\n\\r\\n'); f.close(); c.close()
"""


def ip(*words, check=True):
    return subprocess.run(["ip", *words], check=check, capture_output=not check, text=True)


def within(space, *command, **options):
    return subprocess.Popen(["ip", "netns", "exec", space, *command], **options)


class Wire:
    """The namespaces and what is between them."""

    def __enter__(self):
        self.remove()
        ip("netns", "add", A)
        ip("netns", "add", B)
        ip("link", "add", NEAR, "netns", A, "type", "veth", "peer", "name", FAR, "netns", B)
        for space, device, address in ((A, NEAR, CLIENT), (B, FAR, SERVER)):
            ip("-n", space, "addr", "add", address + "/24", "dev", device)
            ip("-n", space, "link", "set", device, "mtu", "65535", "up")
            ip("-n", space, "link", "set", "lo", "up")
        return self

    def __exit__(self, *_):
        self.remove()

    @staticmethod
    def remove():
        for space in (A, B):
            ip("netns", "del", space, check=False)

    @staticmethod
    def sent():
        text = ip("-n", A, "-s", "-o", "link", "show", NEAR, check=False).stdout
        found = re.search(r"TX:.*?\\\s+(\d+)\s+(\d+)", text)
        return int(found.group(2)) if found else 0


class Watch:
    """The program under test, which may be begun anew."""

    def __init__(self, args):
        self.args, self.log = args, os.path.join(args.out, "watch.log")
        self.db = os.path.join(args.db_folder or args.out, "soak.db")
        self.before = (0, 0)
        self.killed = 0.0
        self.begin()

    def begin(self):
        command = [self.args.binary, "watch", "-i", FAR, "--db", self.db, "--format", "none",
                   "--stats-interval", "1s", "-B", self.args.buffer, "--workers", str(self.args.workers),
                   "--max-memory", self.args.max_memory, "--keep-sessions", self.args.keep_sessions]
        self.mark = os.path.getsize(self.log) if os.path.exists(self.log) else 0
        self.process = within(B, *command, *self.args.watch_options,
                              stderr=open(self.log, "ab"), stdout=subprocess.DEVNULL)
        self.ticks = 0
        until = time.monotonic() + 20
        while b"watching" not in self.said() and time.monotonic() < until:
            time.sleep(0.1)

    def said(self):
        with open(self.log, "rb") as log:
            log.seek(self.mark)
            return log.read()

    def counted(self):
        """What its last line of statistics says: packets, lost, connections, sessions."""
        with open(self.log, "rb") as log:
            log.seek(max(self.mark, os.path.getsize(self.log) - 8192))
            found = STATS.findall(log.read().decode(errors="replace"))
        now = tuple(int(number) for number in found[-1]) if found else (0, 0, 0, 0)
        return (now[0] + self.before[0], now[1] + self.before[1]) + now[2:]

    def memory(self):
        try:
            with open(f"/proc/{self.process.pid}/statm") as statm:
                return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except (OSError, IndexError, ValueError):
            return 0

    def used(self, passed):
        """Percent of one processor since the last call."""
        try:
            with open(f"/proc/{self.process.pid}/stat") as stat:
                fields = stat.read().rsplit(")", 1)[1].split()
        except (OSError, IndexError):
            return 0.0
        ticks = int(fields[11]) + int(fields[12])
        more, self.ticks = ticks - self.ticks, ticks
        return 100.0 * more / os.sysconf("SC_CLK_TCK") / passed if passed > 0 else 0.0

    def kill_and_begin(self):
        counted = self.counted()
        self.before = (counted[0], counted[1])
        self.process.kill()
        self.process.wait()
        sound = integrity(self.db)
        self.begin()
        self.killed = time.monotonic()
        return sound

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return None


def integrity(db):
    with sqlite3.connect(db) as connection:
        return connection.execute("PRAGMA integrity_check").fetchone()[0]


class Screen:
    """The dashboard over the database, on a terminal of tmux."""

    def __init__(self, args, db):
        self.socket = "wl-soak"
        self.tmux("kill-server")
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", "200", "-y", "60",
                  f"{args.binary} tui --db {db} --read-only")
        until = time.monotonic() + 30
        while "[1 Overview]" not in self.picture() and time.monotonic() < until:
            time.sleep(0.1)
        # Sessions, those of the markers alone, the newest first.
        self.tmux("send-keys", "-t", "0", "6", "/")
        self.tmux("send-keys", "-t", "0", "C-u")
        self.tmux("send-keys", "-t", "0", "-l", f"client_ip == \"{CLIENT}\"")
        self.tmux("send-keys", "-t", "0", "Enter")

    def tmux(self, *words):
        done = subprocess.run(["tmux", "-L", self.socket, *words], capture_output=True, text=True,
                              env={**os.environ, "LC_ALL": "C.UTF-8", "TERM": "screen-256color"})
        return done.stdout

    def picture(self):
        return self.tmux("capture-pane", "-t", "0", "-p")

    def end(self):
        self.tmux("kill-server")


class Markers(threading.Thread):
    """Sends a marker a second, and waits for each in the database and on the screen."""

    def __init__(self, args, watch, stop):
        super().__init__(daemon=True)
        self.args, self.watch, self.stop = args, watch, stop
        self.waiting, self.done, self.failed, self.lost = {}, [], 0, 0
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.server = within(B, sys.executable, "-c", SERVE, **pipes)
        self.client = within(A, sys.executable, "-c", CALL, **pipes)
        self.screen = Screen(args, watch.db) if args.screen else None

    @staticmethod
    def ask(process, port):
        process.stdin.write(f"{port}\n")
        process.stdin.flush()
        return process.stdout.readline().strip()

    def run(self):
        port, due = FIRST_PORT, time.monotonic()
        while not self.stop.is_set() or self.waiting:
            if time.monotonic() >= due and not self.stop.is_set():
                due = time.monotonic() + self.args.marker_seconds
                self.ask(self.server, port)
                at = self.ask(self.client, port)
                if at.startswith("failed"):
                    self.failed += 1
                else:
                    self.waiting[port] = [float(at), None, None if self.screen else 0.0]
                port = port + 1 if port < 60000 else FIRST_PORT
            self.look()
            if self.stop.is_set() and all(time.monotonic() - at > 30 for at, _, _ in self.waiting.values()):
                break
            time.sleep(0.02)
        if self.screen:
            self.screen.end()
        for process in (self.server, self.client):
            process.kill()

    def look(self):
        # What was not committed when the watch was killed, or was sent while there was none, is gone with it.
        gone = [port for port, known in self.waiting.items() if known[1] is None and known[0] < self.watch.killed]
        if self.watch.killed and time.monotonic() - self.watch.killed > 2:
            for port in gone:
                self.waiting.pop(port)
                self.lost += 1
        if any(row is None for _, row, _ in self.waiting.values()):
            for port in self.rows():
                known = self.waiting.get(port)
                if known and known[1] is None:
                    known[1] = time.monotonic() - known[0]
        if self.screen and self.waiting:
            numbers = set(re.findall(r"\d+", self.screen.picture()))
            for port, known in self.waiting.items():
                if known[2] is None and str(port) in numbers:
                    known[2] = time.monotonic() - known[0]
        over = [port for port, known in self.waiting.items() if None not in known[1:]]
        # What scrolled off the screen before it was seen is given up; its row counts all the same.
        over += [port for port, known in self.waiting.items()
                 if known[1] is not None and time.monotonic() - known[0] > 30 and port not in over]
        self.done += [(port, *self.waiting.pop(port)) for port in over]

    def rows(self):
        try:
            connection = sqlite3.connect(f"file:{self.watch.db}?mode=ro", uri=True, timeout=0.05)
            try:
                sql = "SELECT DISTINCT server_port FROM session WHERE client_ip = ? AND first_us >= ?"
                oldest = min(at for at, _, _ in self.waiting.values())
                return [row[0] for row in connection.execute(sql, (CLIENT, int((oldest - 60) * 1e6)))]
            finally:
                connection.close()
        except sqlite3.Error:
            return []


def receive(args):
    """Who is to have the events, where somebody is; none listens for `refuses`."""
    if args.receiver in ("answers", "hangs"):
        process = within(B, sys.executable, "-c", ANSWER, args.receiver, stdout=subprocess.PIPE, text=True)
        process.stdout.readline()
        return process
    return None


def delivered(db):
    """What the spool knows of the receiver."""
    with sqlite3.connect(f"file:{db}.spool?mode=ro", uri=True, timeout=10) as connection:
        last = connection.execute("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'event'").fetchone()[0]
        taken, dropped = connection.execute("SELECT taken, dropped FROM receiver").fetchone()
    return f"{last:,} events were told, {taken:,} taken, {dropped:,} given up"


def rules(args):
    return os.path.join(args.out, "soak-rules.toml")


def faults(args):
    """`lock@30,link@60` as a list of (second, name)."""
    found = [one.split("@") for one in args.faults.split(",") if one]
    return sorted((float(at), name) for name, at in found)


def make(name, args, watch):
    """Makes a fault and mends it; what there is to say of it."""
    if name == "link":
        ip("-n", B, "link", "set", FAR, "down")
        time.sleep(args.fault_seconds)
        ip("-n", B, "link", "set", FAR, "up")
        return "down and up"
    if name == "lock":
        connection = sqlite3.connect(watch.db, isolation_level=None, timeout=10)
        connection.execute("BEGIN EXCLUSIVE")
        time.sleep(args.fault_seconds)
        connection.execute("ROLLBACK")
        connection.close()
        return "locked and let go"
    if name == "full":
        filler = os.path.join(os.path.dirname(watch.db), "filler")
        try:
            with open(filler, "wb", buffering=0) as file:
                while True:
                    file.write(bytes(1 << 16))
        except OSError:
            pass  # it is full
        time.sleep(args.fault_seconds)
        if os.path.exists(filler):
            os.remove(filler)
        return "filled and emptied"
    if name == "clock":
        # Everything here goes by a clock that is never set.
        for seconds in (60, -120, 60):
            time.clock_settime(time.CLOCK_REALTIME, time.time() + seconds)
            time.sleep(args.fault_seconds / 2)
        return "a minute ahead, a minute behind, and right again"
    if name == "kill":
        return "integrity " + watch.kill_and_begin()
    if name == "reload":
        watch.process.send_signal(signal.SIGHUP)
        return "asked"
    if name == "broken":
        said = []
        for text in ("this is no rule\n", RULE):
            with open(rules(args), "w") as file:
                file.write(text)
            before = len(watch.said())
            watch.process.send_signal(signal.SIGHUP)
            time.sleep(args.fault_seconds / 2)
            found = re.findall(rb"(reloaded: \d+ rules are in force|not reloaded[^\n]*)", watch.said()[before:])
            said.append(found[-1].decode() if found else "nothing was said")
        return "; then ".join(said)
    if name == "receiver":
        args.receiving.kill()
        time.sleep(args.fault_seconds)
        args.receiving = receive(args)
        return "gone and back"
    raise SystemExit(f"no such fault: {name} (link, lock, full, kill, reload, broken, receiver, clock)")


def replay(args):
    if not args.capture:
        return None
    rate = ["--topspeed"] if args.mbps == 0 else ["--mbps", str(args.mbps)]
    preload = ["--preload-pcap"] if args.preload else []
    unique = ["--unique-ip"] if args.unique_ip else []
    return within(A, "tcpreplay", "-q", "-i", NEAR, "--loop", "0", *rate, *preload, *unique, args.capture,
                  stdout=open(os.path.join(args.out, "tcpreplay.log"), "wb"), stderr=subprocess.STDOUT)


def sample(args, watch, sender, told):
    """Samples once a second until the time is over; every sample, and what was said of faults."""
    samples, due = [], faults(args)
    begun = last = time.monotonic()
    watch.used(1.0)
    with open(os.path.join(args.out, "samples.csv"), "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["second", "sent", "packets", "lost", "connections", "sessions", "rss", "cpu_percent", "db_bytes"])
        while time.monotonic() - begun < args.seconds:
            time.sleep(max(0.0, last + 1 - time.monotonic()))
            now = time.monotonic()
            packets, lost, connections, sessions = watch.counted()
            files = [watch.db + end for end in ("", "-wal")]
            size = sum(os.path.getsize(name) for name in files if os.path.exists(name))
            row = [round(now - begun, 1), Wire.sent(), packets, lost, connections, sessions, watch.memory(),
                   round(watch.used(now - last), 1), size]
            last = now
            samples.append(row)
            writer.writerow(row)
            file.flush()
            while due and now - begun >= due[0][0]:
                at, name = due.pop(0)
                thread = threading.Thread(target=lambda name=name, at=at: told.append((at, name, make(name, args, watch))))
                thread.start()
            if sender and sender.poll() is not None:
                raise SystemExit("tcpreplay ended: see tcpreplay.log")
            if watch.process.poll() is not None and not any(name == "kill" for _, name in faults(args)):
                raise SystemExit("watch ended: see watch.log")
    return samples


def at(values, part):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * part))] if values else float("nan")


def latency(name, values):
    if not values:
        return [(name, "none measured")]
    parts = ", ".join(f"{label} {at(values, part) * 1000:.0f}" for label, part in
                      (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0)))
    return [(name, f"{parts} ms over {len(values)} markers")]


def growth(samples):
    """Memory's growth over the second half, in MiB an hour, by least squares."""
    half = [(row[0], row[6] / 2**20) for row in samples[len(samples) // 2:] if row[6]]
    if len(half) < 10:
        return float("nan")
    slope = statistics.linear_regression(*zip(*half)).slope
    return slope * 3600


def summary(args, samples, markers, told, code, sound):
    last, seconds = samples[-1], samples[-1][0]
    sent, packets, lost = last[1], last[2], last[3]
    rss = [row[6] / 2**20 for row in samples if row[6]]
    rates = [b[1] - a[1] for a, b in zip(samples, samples[1:])]
    lines = [
        ("time", f"{seconds:.0f} s of {os.path.basename(args.capture or 'nothing')}, "
                 f"{'top speed' if args.mbps == 0 else f'{args.mbps} Mbit/s'}, {args.workers} workers"),
        ("sent", f"{sent:,} packets, {sent / seconds:,.0f} a second (median {at(rates, 0.5):,.0f}, most {max(rates, default=0):,})"),
        ("read", f"{packets:,} packets, {packets / seconds:,.0f} a second"),
        ("lost", f"{lost:,}, {100 * lost / max(1, packets + lost):.3f} %"),
        ("sessions", f"{last[5]:,}; {max(row[4] for row in samples):,} connections at most"),
        ("memory", f"{min(rss):.0f} to {max(rss):.0f} MiB, {rss[-1]:.0f} at the end; second half {growth(samples):+.1f} MiB an hour"),
        ("processor", f"{statistics.mean(row[7] for row in samples):.0f} % of one, at most {max(row[7] for row in samples):.0f} %"),
        ("database", f"{last[8] / 2**20:.1f} MiB, integrity {sound}"),
    ]
    lines += latency("packet to row", [one[2] for one in markers.done if one[2] is not None])
    if args.screen:
        lines += latency("packet to screen", [one[3] for one in markers.done if one[3] is not None])
    without = len(markers.waiting)
    lines.append(("markers", f"{len(markers.done)} have rows, {without} have none, {markers.failed} were not answered, {markers.lost} went with a kill"))
    if args.receiver:
        lines.append((f"receiver {args.receiver}", delivered(markers.watch.db)))
    lines += [(f"fault {name}", f"at {at:.0f} s: {said}") for at, name, said in told]
    lines.append(("exit code", str(code)))
    for name, text in lines:
        print(f"{name:<18}{text}")
    return without == 0 and sound == "ok" and code == 0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default="target/release/wirelint")
    parser.add_argument("--capture", help="what tcpreplay sends; without, only the markers are sent")
    parser.add_argument("--seconds", type=float, default=1200)
    parser.add_argument("--mbps", type=float, default=0, help="rate; 0 for as fast as can be")
    parser.add_argument("--preload", action="store_true", help="have tcpreplay hold the capture in memory")
    parser.add_argument("--unique-ip", action="store_true", help="other addresses in every loop")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--buffer", default="64MiB")
    parser.add_argument("--max-memory", default="1GiB")
    parser.add_argument("--keep-sessions", default="samples")
    parser.add_argument("--marker-seconds", type=float, default=1.0)
    parser.add_argument("--screen", action="store_true", help="measure the dashboard, too")
    parser.add_argument("--faults", default="", help="NAME@SECOND,...: link, lock, full, kill, reload, broken, receiver, clock")
    parser.add_argument("--fault-seconds", type=float, default=10)
    parser.add_argument("--receiver", choices=["answers", "hangs", "refuses"], help="deliver every event to a webhook that does this")
    parser.add_argument("--db-folder", help="where the database is, for example a small tmpfs for the fault full")
    parser.add_argument("--out", default="soak")
    parser.add_argument("watch_options", nargs="*", help="behind --: further options of watch")
    return parser.parse_args()


def main():
    args = arguments()
    args.binary, args.out = os.path.abspath(args.binary), os.path.abspath(args.out)
    if os.path.exists(args.out):
        shutil.rmtree(args.out)
    os.makedirs(args.out, mode=0o700)
    faults(args)
    if args.receiver:
        args.watch_options += ["--deliver", "all", "--webhook", f"http://127.0.0.1:{HOOK}/in"]
    if any(name == "broken" for _, name in faults(args)):
        with open(rules(args), "w") as file:
            file.write(RULE)
        args.watch_options += ["--rules", rules(args)]
    told, stop = [], threading.Event()
    with Wire():
        args.receiving = receive(args)
        watch = Watch(args)
        markers = Markers(args, watch, stop)
        markers.start()
        sender = replay(args)
        try:
            samples = sample(args, watch, sender, told)
        finally:
            if sender:
                sender.kill()
        stop.set()
        markers.join(60)
        code = watch.end()
        if args.receiving:
            args.receiving.kill()
        sound = integrity(watch.db)
        with open(os.path.join(args.out, "markers.csv"), "w", newline="") as file:
            csv.writer(file).writerows([("port", "sent", "row_seconds", "screen_seconds"), *markers.done])
        good = summary(args, samples, markers, told, code, sound)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
