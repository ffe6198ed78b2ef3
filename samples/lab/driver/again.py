"""Whether a second recording has the same truth as the one that is kept.

What no two recordings share is left out: the day, numbers of frames, and the fingerprints of certificates, which are made anew
each time. So are tokens, of which their claims are compared, and their times as seconds after they were issued. Like connections
that follow each other are compared as one: where the lab knows how many there are, recording checks it, and elsewhere (how often
a client that is refused tries again, in how many streams two members of an etcd talk) it is chance. Connections to different
servers have no order among them; those of one client to one server do.
"""

import base64
import json
import re
import tomllib

UNLIKE = ("recorded-at", "packets")
FRAMES = re.compile(r"^(?:packets|cut-frames) = [0-9]+$", re.M)
FINGERPRINT = re.compile(r'^sha256 = "[0-9a-f]{64}"$', re.M)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def compared(kept, fresh):
    """What differs between the truth files of two recordings, in words; nothing where they say the same."""
    was, now = (alike(tomllib.loads(read(path))) for path in (kept, fresh))
    said = []
    for key in sorted({*was, *now}):
        if was.get(key) != now.get(key):
            said += differences(key, was.get(key), now.get(key))
    return said


def alike(told):
    told["sample"] = {key: value for key, value in told["sample"].items() if key not in UNLIKE}
    told["certificate"] = sorted(
        (sorted((key, str(value)) for key, value in one.items() if key != "sha256") for one in told.get("certificate", [])))
    told["secrets"] = sorted(claims(secret) for secret in told.get("secrets", []))
    told.get("coverage", {}).pop("cut-frames", None)
    ends = {}
    for one in told.get("connection", []):
        ends.setdefault(f"{one['client']} to {one['server']}", []).extend([{key: value for key, value in one.items() if key != "count"}] * one["count"])
    told["connection"] = {names: tries(those) for names, those in ends.items()}
    return told


def tries(connections):
    """Connections without those that are like the one before."""
    return [one for number, one in enumerate(connections) if not number or one != connections[number - 1]]


def claims(secret):
    """What a token says, with its times told from when it was issued; every other secret as it is."""
    parts = secret.split(".")
    if not secret.startswith("eyJ") or len(parts) != 3:
        return secret
    told = [json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in parts[:2]]
    issued = told[1].get("iat", told[1].get("exp", 0))
    times = {name: value - issued for name, value in told[1].items() if name in ("iat", "nbf", "exp")}
    return json.dumps([told[0], {**told[1], **times}, "signed" if parts[2] else "unsigned"], sort_keys=True)


def differences(key, was, now):
    if isinstance(was, dict) and isinstance(now, dict):
        return [f"{key}, {name}: {short(was.get(name))} was kept, now {short(now.get(name))}"
                for name in sorted({*was, *now}) if was.get(name) != now.get(name)]
    if isinstance(was, list) and isinstance(now, list):
        return [f"{key}: {short([one for one in was if one not in now])} was kept, now {short([one for one in now if one not in was])}"]
    return [f"{key}: {short(was)} was kept, now {short(now)}"]


def short(value):
    text = f"{len(value)} of them: {value}" if isinstance(value, list) and len(value) > 1 else str(value)
    return text if len(text) < 300 else f"{text[:300]}..."


def kept_truth_of(kept, fresh):
    """The truth that is kept, with the fingerprints and numbers of the fresh recording. None if there are more or fewer of them."""
    text, now = read(kept), read(fresh)
    for pattern in (FINGERPRINT, FRAMES):
        found = iter(pattern.findall(now))
        if len(pattern.findall(text)) != len(pattern.findall(now)):
            return None
        text = pattern.sub(lambda _, found=found: next(found), text)
    return text
