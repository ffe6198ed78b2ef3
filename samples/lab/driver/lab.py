"""What a scenario is given: hosts to run programs on, certificates, and a capture."""

import os
import subprocess
import time

from . import wire

SCENARIOS = {}
# What Debian tells every program on OpenSSL, and no session tickets.
WITHOUT_TICKETS = """openssl_conf = told
[told]
ssl_conf = programs
[programs]
system_default = everybody
[everybody]
MinProtocol = TLSv1.2
CipherString = DEFAULT@SECLEVEL=2
Options = -SessionTicket
"""


class Scenario:
    def __init__(self, name, title, programs, run, base, extension):
        self.name, self.title, self.programs, self.run = name, title, programs, run
        self.base, self.extension = base, extension


def scenario(name, title, programs):
    """Registers a recording: a function from a Lab to a Truth that does its talking within `lab.capture()`."""

    def register(run):
        SCENARIOS[name] = Scenario(name, title, programs, run, None, "pcapng")
        return run

    return register


def derived(name, title, base, extension="pcapng"):
    """Registers a sample made from another: a function from (frames, truth tables) to (frames, Truth)."""

    def register(run):
        SCENARIOS[name] = Scenario(name, title, [], run, base, extension)
        return run

    return register


class Lab:
    """One scenario's surroundings. Everything started here is stopped by `close`."""

    def __init__(self, directory, build):
        self.directory, self.build = directory, build
        self.pcap = os.path.join(directory, "capture.pcap")
        self.running = []
        self.left_out, self.small, self.env = "", False, {}
        # What OpenSSL's server has to give; its own page about the session is larger than most sessions.
        with open(self.path("orders.txt"), "w", encoding="ascii") as file:
            file.write("one chair is left\n")

    def path(self, name):
        return os.path.join(self.directory, name)

    def keep_small(self, calls=None):
        """For samples of many connections. What they are not about is kept small: captures leave bare acknowledgements out, TCP
        has no timestamps, no server gives tickets (clients' certificates are in them), programs in Go offer no post-quantum key
        shares (`tls13-hybrid-group` is about them), and those of the lab make so many calls."""
        self.small = True
        with open(self.path("openssl.cnf"), "w", encoding="ascii") as file:
            file.write(WITHOUT_TICKETS)
        self.env = {"GODEBUG": "tlsmlkem=0", "OPENSSL_CONF": self.path("openssl.cnf"),
                    "JAVA_TOOL_OPTIONS": "-Djdk.tls.server.enableSessionTicketExtension=false"}
        if calls:
            self.env["LAB_CALLS"] = str(calls)
        wire.timestamps(False)

    def capture(self, bare_acks=True, **options):
        """A capture of everything, or of what is not a bare acknowledgement."""
        if self.small or not bare_acks:
            self.left_out, options = ", without bare acknowledgements", {"only": wire.WITHOUT_BARE_ACKS, **options}
        return wire.Capture(self.pcap, **options)

    def program(self, name):
        return os.path.join(os.path.dirname(os.path.dirname(__file__)), "programs", name)

    @property
    def python(self):
        return os.path.join(self.build, "venv", "bin", "python")

    @property
    def peer(self):
        return os.path.join(self.build, "peer")

    def certificate(self, name, **flags):
        """Makes NAME.pem and NAME.key; flags are those of `peer cert`. Gives the path prefix."""
        flags = {"out": self.path(name), "cn": name, **flags}
        if "issuer" in flags:
            flags["issuer"] = self.path(flags["issuer"])
        words = [f"-{key}={value}" for key, value in flags.items() if value is not True]
        words += [f"-{key}" for key, value in flags.items() if value is True]
        subprocess.run([self.peer, "cert", *words], check=True)
        return self.path(name)

    def authority(self, name="lab-root", **flags):
        return self.certificate(name, usage="ca", o="wirelint lab", **{"from": "-48h", "to": "8760h", **flags})

    def argv(self, host, words, absolute=False):
        """The command on that host. File names become relative, for programs that tell their command line to peers."""
        if absolute:
            return wire.inside(host, words)
        return wire.inside(host, [word.replace(self.directory + os.sep, "") for word in words])

    def serve(self, host, argv, port, env=None, stdin=None, patience=10, absolute=False):
        """Starts a server and waits until it listens, `patience` seconds at most."""
        process, log = self.start(host, argv, env, stdin, absolute)
        for _ in range(patience * 20):
            if wire.listening(host, port):
                return process
            if process.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError(f"{argv[0]} does not listen on {port}: {open(log.name, encoding='utf-8').read()}")

    def start(self, host, argv, env=None, stdin=None, absolute=False):
        """Starts a program that goes on, and waits for nothing. Gives it and its log."""
        log = open(self.path(f"program-{len(self.running)}.log"), "ab")
        process = subprocess.Popen(
            self.argv(host, argv, absolute), stdin=stdin or subprocess.DEVNULL, stdout=log, stderr=log,
            env={**os.environ, **self.env, **(env or {})}, cwd=self.directory,
        )
        self.running.append(process)
        return process, log

    def call(self, host, argv, expect=0, input=b"", env=None, absolute=False):
        """Runs a client to its end. `expect` is its exit code; "failure" for any but 0, "any" for any."""
        done = subprocess.run(
            self.argv(host, argv, absolute), input=input, capture_output=True, timeout=60, check=False,
            env={**os.environ, **self.env, **(env or {})}, cwd=self.directory,
        )
        right = done.returncode != 0 if expect == "failure" else expect == "any" or done.returncode == expect
        if not right:
            raise RuntimeError(f"{' '.join(argv)}: exit {done.returncode}\n{done.stdout.decode()}\n{done.stderr.decode()}")
        return done.stdout + done.stderr

    def wait(self, host, port, patience=10):
        """Waits until something listens, for servers with several ports."""
        for _ in range(patience * 20):
            if wire.listening(host, port):
                return
            time.sleep(0.05)
        raise RuntimeError(f"nothing listens on {port}")

    def settle(self, seconds=1):
        """Lets servers that listen before they are ready become ready, or agents say what they say by themselves."""
        time.sleep(seconds)

    def stop(self, process):
        """Stops a server before the end, and waits for its port to be free."""
        process.terminate()
        process.wait(20)
        self.running.remove(process)

    def revocations(self, issuer, *revoked, **flags):
        """Makes ISSUER.crl, in which certificates of that issuer are revoked."""
        names = ",".join(self.path(name) for name in revoked)
        words = [f"-{key}={value}" for key, value in flags.items()]
        subprocess.run(
            [self.peer, "crl", f"-issuer={self.path(issuer)}", f"-revoked={names}", f"-out={self.path(issuer)}.crl", *words],
            check=True,
        )
        return self.path(f"{issuer}.crl")

    def bundle(self, name, *authorities):
        """Makes NAME.pem with the certificates of authorities, each without its own chain."""
        with open(self.path(f"{name}.pem"), "w", encoding="ascii") as file:
            for authority in authorities:
                file.write(leaf(self.path(f"{authority}.pem")))
        return self.path(f"{name}.pem")

    def close(self):
        for process in reversed(self.running):
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self.small:
            wire.timestamps(True)


def leaf(path):
    """The first certificate of a PEM file."""
    with open(path, encoding="ascii") as file:
        end = "-----END CERTIFICATE-----\n"
        return file.read().split(end)[0] + end
