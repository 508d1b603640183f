#!/usr/bin/env python3
"""Speed, memory and size of every output format, printed as a Markdown table.

  python formats.py --program target/release/fleetcast [--servers 20000] [--days 365] [--tables servers,samples,events]

Each case is one run of the whole program; its files are deleted before the next. A row is one server at one time with four metrics.
Seconds are those of all processors together, so that other work on the machine blurs them less; those of the clock stand beside.
"""
import argparse
import json
import os
import shutil
import subprocess
import tempfile
import time

CASES = [
    ("none", ["--format", "none"]),
    ("parquet", ["--format", "parquet"]),
    ("parquet by month", ["--format", "parquet", "--partition", "month"]),
    ("ipc", ["--format", "ipc"]),
    ("csv", ["--format", "csv"]),
    ("csv by month", ["--format", "csv", "--partition", "month"]),
    ("influx", ["--format", "influx"]),
    ("openmetrics", ["--format", "openmetrics"]),
]


def size(folder):
    return sum(os.path.getsize(os.path.join(root, name)) for root, _, names in os.walk(folder) for name in names)


def measure(program, fleet, case):
    folder = tempfile.mkdtemp(prefix="fleetcast-formats-", dir=os.environ.get("TMPDIR"))
    out = os.path.join(folder, "out")
    place = [] if "none" in case else ["--out", out]
    try:
        start = time.perf_counter()
        with subprocess.Popen([program, "--json", "generate", *fleet, *case, *place], stdout=subprocess.PIPE) as process:
            told = json.load(process.stdout)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - start
        if process.returncode != 0:
            raise SystemExit(f"error: {case} ended with {process.returncode}")
        return told["rows"], wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, size(out) if place else 0
    finally:
        shutil.rmtree(folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--servers", default="20000")
    parser.add_argument("--days", default="365")
    parser.add_argument("--tables", default="servers,samples,events")
    asked = parser.parse_args()
    fleet = ["--servers", asked.servers, "--days", asked.days]
    print("| format | M rows per processor second | s of the clock | peak memory, MiB | files, MB | bytes per row |")
    print("|---|---|---|---|---|---|", flush=True)
    for name, case in CASES:
        tables = [] if name == "none" else ["--tables", asked.tables]
        rows, wall, cpu, memory, written = measure(asked.program, [*fleet, *tables], case)
        print(f"| {name} | {rows / cpu / 1e6:.2f} | {wall:.1f} | {memory:.0f} | {written / 1e6:.0f} | {written / rows:.0f} |", flush=True)


if __name__ == "__main__":
    main()
