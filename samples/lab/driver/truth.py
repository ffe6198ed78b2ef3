"""The truth about a sample, as TOML. README.md documents the keys."""

import json
import os
import re
import subprocess

RULES = [
    "WL1001", "WL1002", "WL1004", "WL2001", "WL2002", "WL2003", "WL2004", "WL2005", "WL2006", "WL2007", "WL2008", "WL3001",
    "WL3003", "WL3004", "WL3005", "WL3006", "WL3009", "WL3010", "WL3011", "WL3012", "WL3013", "WL3014", "WL4001",
    "WL4002", "WL8001", "WL8004", "WL9001", "WL9002", "WL9003", "WL9004",
]


# Every rule that there is or will be: a truth may expect one that is yet to be written.
CATALOGUE = {
    f"WL{family}{number:03}"
    for family, count in {1: 10, 2: 12, 3: 19, 4: 11, 5: 11, 6: 10, 7: 7, 8: 7, 9: 5}.items()
    for number in range(1, count + 1)
}


class Truth:
    """What must be seen in one sample.

    `present` rules must report, `maybe` rules may; every other rule of RULES, and those in `absent`, must stay silent.
    `trust`, `crl` and `keylog` are files that go beside the sample and that wirelint is to be given; `embedded` is a
    key log that goes into it. `secrets` are secrets that cross and that no output may show.
    """

    def __init__(self, connections, certificates=(), present=(), maybe=(), **extra):
        self.connections, self.certificates = list(connections), list(certificates)
        self.present, self.maybe = sorted(present), sorted(maybe)
        self.coverage, self.note = extra.get("coverage", {}), extra.get("note")
        self.never_shown, self.cut_bytes = extra.get("never_shown", []), extra.get("cut_bytes", 0)
        self.secrets, self.quiet = sorted(extra.get("secrets", [])), sorted(extra.get("absent", []))
        self.files = {key: extra[key] for key in ("trust", "crl", "keylog") if key in extra}
        self.embedded = read(extra["embedded"]) if "embedded" in extra else b""
        self.options = {}
        for code in [*self.present, *self.maybe, *self.quiet]:
            if code not in CATALOGUE:
                raise ValueError(f"unknown rule {code}")

    def absent(self):
        silent = {*RULES, *self.quiet}
        return sorted(code for code in silent if code not in self.present and code not in self.maybe)

    def keep_files(self, folder, name):
        """Puts what wirelint is to be given beside the sample. Only certificates, revocations and session keys are."""
        for option, path in self.files.items():
            kept = f"{name}.{FILES[option]}"
            text = read(path)
            if b"PRIVATE KEY" in text:
                raise ValueError(f"{path} has a private key")
            with open(os.path.join(folder, kept), "wb") as file:
                file.write(text)
            self.options[option] = [kept]


FILES = {"trust": "pem", "crl": "crl", "keylog": "keys"}


def read(path):
    with open(path, "rb") as file:
        return file.read()


def connection(client, server, count=1, **facts):
    """One kind of connection. `facts` are keys of the schema with underscores for hyphens."""
    return {"client": f"{client}:*", "server": server, "count": count, **facts}


def credential(kind, principal, where):
    """A secret that crosses readable: what it is, whose it is, and where in the protocol it is."""
    return {"kind": kind, "principal": principal, "where": where}


def call(service, method, count, status):
    return {"service": service, "method": method, "count": count, "status": status}


def certificate(path, role, holder, position=0, visible=True, validity="valid"):
    """What the `position`-th certificate of a PEM file says, read by OpenSSL."""
    with open(path, encoding="ascii") as file:
        pems = re.findall(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", file.read(), re.S)

    def ask(*words):
        done = subprocess.run(
            ["openssl", "x509", "-noout", *words], input=pems[position], check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    text = ask("-text")
    names = re.findall(r"(DNS|IP Address|URI):([^,\s]+)", ask("-ext", "subjectAltName")) if "Alternative" in text else []
    kinds = {"DNS": "dns", "IP Address": "ip", "URI": "uri"}
    bits = re.search(r"Public-Key: .(\d+) bit", text)[1]
    kind = "RSA" if "rsaEncryption" in text else "EC"
    return {
        "role": role, "holder": holder, "position": position, "visible": visible,
        "sha256": ask("-fingerprint", "-sha256").split("=")[1].replace(":", "").lower(),
        "subject": ask("-subject", "-nameopt", "oneline,-space_eq").removeprefix("subject="),
        "issuer": ask("-issuer", "-nameopt", "oneline,-space_eq").removeprefix("issuer="),
        "names": [f"{kinds[name_kind]}:{name}" for name_kind, name in names],
        "key": f"{kind} {bits}",
        "signature": re.search(r"Signature Algorithm: (\S+)", text)[1],
        "self_signed": ask("-subject").split("=", 1)[1] == ask("-issuer").split("=", 1)[1],
        "validity": validity,
    }


def write(path, header, truth):
    lines = ["# Written by samples/lab/record. The keys are documented in samples/lab/README.md.", ""]
    if truth.secrets:
        lines += [*table({"secrets": truth.secrets}), ""]
    lines += ["[sample]"]
    lines += table(header)
    if truth.note:
        lines += table({"note": truth.note})
    if truth.options:
        lines += ["", "[options]", *table(truth.options)]
    for facts in truth.connections:
        lines += ["", "[[connection]]", *table(facts)]
    for facts in truth.certificates:
        lines += ["", "[[certificate]]", *table(facts)]
    if truth.coverage:
        lines += ["", "[coverage]", *table(truth.coverage)]
    if truth.never_shown:
        lines += ["", "[output]", *table({"never_shown": truth.never_shown})]
    findings = {"present": truth.present, "maybe": truth.maybe, "absent": truth.absent()}
    lines += ["", "[findings]", *table(findings), ""]
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines))


def table(values):
    return [f"{key.replace('_', '-')} = {literal(value)}" for key, value in values.items()]


def literal(value):
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, dict):
        told = (f"{key} = {literal(inner)}" for key, inner in value.items() if inner is not None)
        return "{ " + ", ".join(told) + " }"
    if isinstance(value, (list, tuple)):
        inner = [literal(item) for item in value]
        flat = "[" + ", ".join(inner) + "]"
        if len(flat) < 90:
            return flat
        if all(isinstance(item, str) and len(item) < 12 for item in value):
            inner = [", ".join(inner[at : at + 10]) for at in range(0, len(inner), 10)]
        return "[\n" + "".join(f"    {item},\n" for item in inner) + "]"
    return json.dumps(value, ensure_ascii=True)
