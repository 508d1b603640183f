#!/usr/bin/env python3
"""Speed of `fleetcast generate` beside a vectorised numpy generator of the plain model, in one run.

  python run.py --program target/release/fleetcast [--rounds 7] [--servers 4000] [--days 1095] [--only delta]

Every round runs each case once, ours and the yardstick's in turn, on one core; medians over the rounds
are printed as a Markdown table. A row is one server at one time with four metrics in 64-bit floats.

The yardstick (`numpy_generator.py`) is timed inside its process, without its imports, and for all
servers at once. Ours is the whole program from start to exit. Seconds are those of the processor, so
that other work on the machine blurs them less; `--wall` takes the clock's instead.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
YARDSTICK = """
import sys, time
sys.path.insert(0, sys.argv[1])
import numpy_generator as g
import pyarrow, pyarrow.parquet
clock = time.perf_counter if sys.argv[6] == "wall" else time.process_time
start = clock()
made = g.generate(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
middle = clock()
if sys.argv[5]:
    g.to_parquet(sys.argv[5], *made)
end = clock()
print(middle - start, end - start, len(made[1]) * len(made[0]))
"""

# name, step, ours, what the yardstick does (None for nothing to compare with), least ratio wanted
CASES = [
    ("walkthrough, day, none", "day", ["--scenario", "walkthrough", "--format", "none"], "generate", 4.0),
    ("walkthrough, hour, none", "hour", ["--scenario", "walkthrough", "--format", "none"], "generate", 2.0),
    ("enterprise, day, none", "day", ["--format", "none"], "generate", 1.0),
    ("enterprise, hour, none", "hour", ["--format", "none"], "generate", 1.0),
    ("walkthrough, day, parquet, samples", "day", ["--scenario", "walkthrough", "--tables", "samples", "--out", "OUT"], "parquet", 2.0),
    ("walkthrough, hour, parquet, samples", "hour", ["--scenario", "walkthrough", "--tables", "samples", "--out", "OUT"], "parquet", 2.0),
    ("enterprise, day, parquet, samples", "day", ["--tables", "samples", "--out", "OUT"], "parquet", 2.0),
    ("enterprise, hour, parquet, samples", "hour", ["--tables", "samples", "--out", "OUT"], "parquet", 2.0),
    ("enterprise, day, delta, samples", "day", ["--tables", "samples", "--lake", "OUT"], "parquet", 2.0),
    ("enterprise, hour, delta, samples", "hour", ["--tables", "samples", "--lake", "OUT"], "parquet", 2.0),
    ("enterprise, day, delta, all tables", "day", ["--lake", "OUT"], "parquet", None),
    ("enterprise, hour, delta, all tables", "hour", ["--lake", "OUT"], "parquet", None),
]


def ours(program, arguments, servers, days, step, threads, cores, wall):
    """Seconds, rows, peak memory in MiB and bytes written of one run of the program."""
    folder = tempfile.mkdtemp(prefix="fleetcast-speed-")
    out = os.path.join(folder, "out")
    arguments = [out if argument == "OUT" else argument for argument in arguments]
    command = [program, "--json", "--quiet", "--threads", str(threads), "generate", *arguments]
    command += ["--servers", str(servers), "--days", str(days), "--step", step]
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.PIPE, preexec_fn=lambda: os.sched_setaffinity(0, cores))
    text = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    if child.returncode != 0:
        sys.exit(f"{' '.join(command)} failed")
    size = sum(os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(folder) for name in names)
    shutil.rmtree(folder)
    rows = json.loads(text)["rows"]
    return seconds if wall else usage.ru_utime + usage.ru_stime, rows, usage.ru_maxrss / 1024, size


def yardstick(what, servers, days, step, cores, wall):
    """Seconds, rows and bytes written of one run of the yardstick."""
    folder = tempfile.mkdtemp(prefix="fleetcast-speed-")
    file = os.path.join(folder, "numpy.parquet") if what == "parquet" else ""
    frequency = "daily" if step == "day" else "hourly"
    command = [sys.executable, "-c", YARDSTICK, HERE, str(servers), str(days), frequency, file, "wall" if wall else "cpu"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, preexec_fn=lambda: os.sched_setaffinity(0, cores),
                          env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"})
    generated, all_, rows = done.stdout.split()
    size = os.path.getsize(file) if file else 0
    shutil.rmtree(folder)
    return float(all_ if file else generated), int(rows), size


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--servers", type=int, default=4000)
    parser.add_argument("--days", type=int, default=1095)
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--wall", action="store_true")
    parser.add_argument("--threads", action="store_true", help="one core beside two instead, by the clock")
    a = parser.parse_args()
    cases = [case for case in CASES if a.only in case[0]]
    size = lambda step: (a.servers, a.days) if step == "day" else (max(a.servers // 10, 1), max(a.days // 3, 1))
    first, second = {case[0]: [] for case in cases}, {case[0]: [] for case in cases}
    for _ in range(a.rounds):
        for name, step, arguments, what, _ in cases:
            servers, days = size(step)
            if a.threads:
                first[name].append(ours(a.program, arguments, servers, days, step, 2, {0, 1}, True))
                second[name].append(ours(a.program, arguments, servers, days, step, 1, {a.core}, True))
            else:
                first[name].append(ours(a.program, arguments, servers, days, step, 1, {a.core}, a.wall))
                second[name].append(yardstick(what, servers, days, step, {a.core}, a.wall))
    print("| case | rows | two cores | one core | ratio |" if a.threads else
          "| case | rows | ours, M rows/s | numpy, M rows/s | ratio | wanted | our bytes/row | numpy's | our peak MiB |")
    print("|---|--:|--:|--:|--:|" if a.threads else "|---|--:|--:|--:|--:|--:|--:|--:|--:|")
    for name, _, _, _, wanted in cases:
        rate = lambda runs: statistics.median(run[1] / run[0] for run in runs) / 1e6
        one, other = rate(first[name]), rate(second[name])
        rows = first[name][0][1]
        if a.threads:
            print(f"| {name} | {rows:,} | {one:.2f} | {other:.2f} | {one / other:.2f} |")
            continue
        ratio = statistics.median(x[1] / x[0] / (y[1] / y[0]) for x, y in zip(first[name], second[name]))
        size_of = lambda run: f"{run[-1] / run[1]:.0f}" if run[-1] else ""
        print(f"| {name} | {rows:,} | {one:.2f} | {other:.2f} | {ratio:.2f} | {'' if wanted is None else f'{wanted:.0f}'} | "
              f"{size_of(first[name][0])} | {size_of(second[name][0])} | {max(run[2] for run in first[name]):.0f} |")


if __name__ == "__main__":
    main()
