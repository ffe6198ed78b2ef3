"""Whether a second recording has the same truth as the one that is kept.

What no two recordings share is left out: the day, the number of frames, and the fingerprints of certificates, which are made
anew each time. Connections to different servers have no order among them; those of one client to one server do.
"""

import re
import tomllib

UNLIKE = ("recorded-at", "packets")
# Certificates are printed in the order in which their tables are read.
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
    ends = {}
    for one in told.get("connection", []):
        ends.setdefault(f"{one['client']} to {one['server']}", []).extend([{key: value for key, value in one.items() if key != "count"}] * one["count"])
    told["connection"] = ends
    return told


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
    """The truth that is kept, with the fingerprints of the fresh recording. None if the certificates are others."""
    text, fingerprints = read(kept), iter(FINGERPRINT.findall(read(fresh)))
    if len(FINGERPRINT.findall(text)) != len(FINGERPRINT.findall(read(fresh))):
        return None
    return FINGERPRINT.sub(lambda _: next(fingerprints), text)
