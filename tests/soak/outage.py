#!/usr/bin/env python3
"""Lets the receivers of a `wirelint watch` be away for an hour, and says whether they got everything afterwards.

Two network namespaces with a wire between them, over which connections are made at a steady rate, while `wirelint watch`
reads one end and is to deliver every event to a webhook and to syslog over TCP. At first nobody listens there (connections
are refused), then somebody does who never answers, and at last both receivers do their work. What they got is compared with
the database: every session and every finding of it must have come to both, in the order of their numbers, with no number
left out.

Needs root, ip and Python 3. Writes what the receivers got, samples.csv and watch.log into the folder --out, and a summary to
standard output. Ends with 1 when anything is missing.
"""

import argparse
import csv
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time

import soak

HOOK, SYSLOG = 18080, 18601
PATIENCE = 180


class Receivers:
    """Both receivers, in the process that is started for them. Commands come in lines: hang, work."""

    def __init__(self, out):
        self.out, self.hung, self.mode = out, [], None

    def run(self):
        for line in sys.stdin:
            before, self.mode = self.mode, line.strip()
            if before is None:
                for port, serve in ((HOOK, self.hook), (SYSLOG, self.syslog)):
                    listener = socket.create_server(("127.0.0.1", port), backlog=128)
                    threading.Thread(target=self.accept, args=(listener, serve), daemon=True).start()
            hung, self.hung = self.hung, []
            for connection in hung:
                connection.close()
            print(self.mode, flush=True)

    def accept(self, listener, serve):
        while True:
            connection, _ = listener.accept()
            if self.mode == "hang":
                self.hung.append(connection)
            else:
                serve(connection)

    def note(self, name, events):
        with open(os.path.join(self.out, name), "a") as file:
            file.writelines(f"{number}\t{json.dumps(event)}\n" for number, event in events)

    def hook(self, connection):
        with connection, connection.makefile("rb") as stream:
            length = 0
            while (line := stream.readline().strip()):
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            body = json.loads(stream.read(length))
            self.note("webhook.tsv", enumerate(body["events"], body["first"]))
            connection.sendall(b"HTTP/1.1 204 Fine\r\nContent-Length: 0\r\n\r\n")

    def syslog(self, connection):
        with connection, connection.makefile("rb") as stream:
            rest, taken = stream.read(), []
            while rest:
                length, _, rest = rest.partition(b" ")
                message, rest = rest[:int(length)].decode(), rest[int(length):]
                number = int(re.search(r'sequenceId="(\d+)"', message).group(1))
                taken.append((number, json.loads(message[message.index("] {") + 2:])))
            self.note("syslog.tsv", taken)


class Traffic(threading.Thread):
    """Makes a connection every so often: one in ten to a port that nobody used before, which is a finding of its own."""

    def __init__(self, every, stop):
        super().__init__(daemon=True)
        self.every, self.stop, self.made, self.failed = every, stop, 0, 0
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.server = soak.within(soak.B, sys.executable, "-c", soak.SERVE, **pipes)
        self.client = soak.within(soak.A, sys.executable, "-c", soak.CALL, **pipes)

    def run(self):
        due, number = time.time(), 0
        while not self.stop.wait(max(0.0, due - time.time())):
            due += self.every
            port = soak.FIRST_PORT + (number // 10 if number % 10 == 0 else number % 10)
            number += 1
            soak.Markers.ask(self.server, port)
            self.failed += soak.Markers.ask(self.client, port).startswith("failed")
            self.made += 1
        for process in (self.server, self.client):
            process.kill()


def waiting(spool):
    """What waits for each receiver, what was given up, and the size of the file."""
    with sqlite3.connect(f"file:{spool}?mode=ro", uri=True, timeout=10) as connection:
        last = connection.execute("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'event'").fetchone()[0]
        rows = connection.execute("SELECT name, taken, dropped FROM receiver").fetchall()
    return {name: (last - taken, dropped) for name, taken, dropped in rows}, last


def got(out, name):
    """The numbers in the order in which they came, and the sessions and findings among the events."""
    numbers, sessions, findings = [], set(), set()
    path = os.path.join(out, name + ".tsv")
    for line in open(path) if os.path.exists(path) else ():
        number, _, event = line.partition("\t")
        event = json.loads(event)
        numbers.append(int(number))
        if event["event_type"] == "session":
            sessions.add(event["flow_id"])
        elif event["event_type"] == "finding":
            findings.add(event["finding"]["id"])
    return numbers, sessions, findings


def compare(args, db, spool):
    """What the receivers got, beside what the database has."""
    with sqlite3.connect(db) as connection:
        sessions = {row[0] for row in connection.execute("SELECT number FROM session")}
        findings = {"wlf1:" + row[0] for row in connection.execute("SELECT lower(hex(fingerprint)) FROM finding")}
    left, last = waiting(spool)
    good, lines = bool(sessions and findings), []
    lines.append(("database", f"{len(sessions):,} sessions, {len(findings):,} findings; {last:,} events were told"))
    for name in ("webhook", "syslog"):
        numbers, had_sessions, had_findings = got(args.out, name)
        first = list(dict.fromkeys(numbers))
        missing = len(set(range(1, last + 1)) - set(first))
        absent = len(sessions - had_sessions), len(findings - had_findings)
        ordered = first == sorted(first)
        good &= missing == 0 and absent == (0, 0) and ordered and left[name] == (0, 0)
        lines.append((name, f"{len(first):,} events, {len(numbers) - len(first)} of them twice, {missing} missing; "
                            f"sessions missing {absent[0]}, findings missing {absent[1]}; "
                            f"{'in' if ordered else 'NOT IN'} order; {left[name][0]} wait, {left[name][1]} were given up"))
    return good, lines


def sample(args, watch, spool, receivers):
    """Goes through the phases, with a sample every few seconds. Gives the samples."""
    phases = [(args.refused, "hang"), (args.refused + args.hanging, "work")]
    begun, samples, working = time.time(), [], None
    with open(os.path.join(args.out, "samples.csv"), "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["second", "packets", "lost", "sessions", "rss", "webhook_waits", "syslog_waits", "spool_bytes"])
        while working is None or time.time() - working < args.after:
            time.sleep(min(5.0, max(1.0, args.refused / 10)))
            now = time.time() - begun
            packets, lost, _, sessions = watch.counted()
            left, _ = waiting(spool)
            size = sum(os.path.getsize(spool + end) for end in ("", "-wal") if os.path.exists(spool + end))
            row = [round(now), packets, lost, sessions, watch.memory(), left["webhook"][0], left["syslog"][0], size]
            samples.append(row)
            writer.writerow(row)
            file.flush()
            if watch.process.poll() is not None:
                raise SystemExit("watch ended: see watch.log")
            if phases and now >= phases[0][0]:
                command = phases.pop(0)[1]
                soak.Markers.ask(receivers, command)
                working = time.time() if command == "work" else None
    return samples


def drain(spool):
    """Waits until nothing waits; how long that took."""
    begun = time.time()
    while any(left for left, _ in waiting(spool)[0].values()) and time.time() - begun < PATIENCE:
        time.sleep(0.5)
    return time.time() - begun


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default="target/release/wirelint")
    parser.add_argument("--refused", type=float, default=1800, help="seconds in which nobody listens")
    parser.add_argument("--hanging", type=float, default=1800, help="seconds in which somebody listens and never answers")
    parser.add_argument("--after", type=float, default=60, help="seconds of traffic when the receivers are back")
    parser.add_argument("--every", type=float, default=0.2, help="seconds between connections")
    parser.add_argument("--out", default="outage")
    parser.add_argument("--receive", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("watch_options", nargs="*", help="behind --: further options of watch")
    args = parser.parse_args()
    # What soak.Watch asks for.
    args.db_folder, args.buffer, args.workers, args.max_memory, args.keep_sessions = None, "16MiB", 1, "512MiB", "all"
    return args


def main():
    args = arguments()
    args.binary, args.out = os.path.abspath(args.binary), os.path.abspath(args.out)
    if args.receive:
        Receivers(args.out).run()
        return 0
    if os.path.exists(args.out):
        shutil.rmtree(args.out)
    os.makedirs(args.out, mode=0o700)
    # Beside a soak, if need be.
    soak.A, soak.B = "wl-outage-a", "wl-outage-b"
    args.watch_options += ["--deliver", "all", "--webhook", f"http://127.0.0.1:{HOOK}/in", "--syslog", f"tcp://127.0.0.1:{SYSLOG}"]
    stop = threading.Event()
    with soak.Wire():
        soak.ip("-n", soak.B, "link", "set", "lo", "up")
        watch = soak.Watch(args)
        spool = watch.db + ".spool"
        receivers = soak.within(soak.B, sys.executable, os.path.abspath(__file__), "--receive", "--out", args.out,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        traffic = Traffic(args.every, stop)
        traffic.start()
        try:
            samples = sample(args, watch, spool, receivers)
            stop.set()
            traffic.join(30)
            # The last connections are told of when they have ended.
            time.sleep(3)
            drained = drain(spool)
            code = watch.end()
            time.sleep(1)
        finally:
            stop.set()
            watch.process.send_signal(signal.SIGKILL)
            receivers.kill()
    good, lines = compare(args, watch.db, spool)
    rss = [row[4] / 2**20 for row in samples if row[4]]
    for name, text in [
        ("away", f"{args.refused:.0f} s refused, {args.hanging:.0f} s silent"),
        ("connections", f"{traffic.made:,}, {traffic.failed} of them failed"),
        ("read", f"{samples[-1][1]:,} packets, {samples[-1][2]} lost"),
        ("waited at most", f"{max(row[5] for row in samples):,} events, {max(row[7] for row in samples) / 2**20:.1f} MiB in the spool"),
        ("memory", f"{min(rss):.0f} to {max(rss):.0f} MiB; second half {soak.growth([[row[0]] + [0] * 5 + [row[4]] for row in samples]):+.1f} MiB an hour"),
        *lines,
        ("emptied", f"{drained:.1f} s after the last connection"),
        ("exit code", str(code)),
    ]:
        print(f"{name:<18}{text}")
    return 0 if good and code == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
