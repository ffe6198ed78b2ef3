"""What the benchmarks share: a build, a workload, one measured run."""

import json
import os
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.dirname(HERE)
# Exit codes of `wirelint check` that are verdicts, not failures.
VERDICTS = (0, 1, 3, 4)


def build(folder):
    subprocess.run(["cargo", "build", "--release", "--locked"], cwd=ROOT, check=True)
    told = subprocess.run(
        ["cargo", "metadata", "--format-version=1", "--no-deps"], cwd=ROOT, check=True, capture_output=True
    )
    yardstick = os.path.join(folder, "iterate")
    subprocess.run(["cc", "-O2", "-o", yardstick, os.path.join(HERE, "iterate.c"), "-lpcap"], check=True)
    return os.path.join(json.loads(told.stdout)["target_directory"], "release", "wirelint"), yardstick


def make(kind, amount, folder):
    path = os.path.join(folder, f"{kind}-{amount}.pcap")
    if not os.path.exists(path):
        print(f"making {kind} ...", file=sys.stderr)
        subprocess.run([sys.executable, os.path.join(HERE, "make_workload.py"), kind, path, str(amount)], check=True)
    return path


def measure(argv, good):
    """CPU seconds, wall seconds and peak memory in MiB of one run, and what it printed."""
    with tempfile.TemporaryFile() as output:
        begun = time.monotonic()
        process = subprocess.Popen(argv, stdout=output, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        printed = output.read(200).decode(errors="replace")
    if process.returncode not in good:
        sys.exit(f"{' '.join(argv)}: exit {process.returncode}")
    return usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024, printed
