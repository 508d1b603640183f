#!/usr/bin/env python3
"""Seconds and memory of a whole fleet: 16,000 series through `run`, and their plan over 1,000 types of machine.

  python fleet.py --program target/release/fleetcast [--servers 4000] [--days 1000] [--threads 2]

A fleet of `--servers` with four metrics is generated, `run` backtests, forecasts and plans it 90 days ahead with
`auto`, and `plan` judges its forecasts once more with 1,000 joint futures of 180 days each and a price book of
1,000 types. Prints wall seconds, processor seconds and the peak of memory of each, and what the program's log
says of its stages. The machine should be idle.
"""
import argparse
import os
import subprocess
import tempfile
import time


def measure(command):
    """Wall seconds, processor seconds, peak memory in MiB, and the notes of one run."""
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    notes = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{notes}")
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, notes


def price_book(path, types):
    """Types of 1 to 192 processors with 1 to 16 GiB each, at about what clouds ask for them."""
    with open(path, "w") as book:
        book.write("instance_type,vcpu,memory_gib,usd_per_hour\n")
        for at in range(types):
            vcpu, gib = 1 + at * 191 // types, 1 + at % 16
            book.write(f"x{at}.large,{vcpu},{vcpu * gib},{0.02 * vcpu + 0.005 * vcpu * gib:.5f}\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--servers", type=int, default=4000)
    parser.add_argument("--days", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--types", type=int, default=1000)
    a = parser.parse_args()
    program = os.path.abspath(a.program)
    with tempfile.TemporaryDirectory(prefix="fleetcast-speed-") as folder:
        lake, book = os.path.join(folder, "lake"), os.path.join(folder, "prices.csv")
        price_book(book, a.types)
        threads = ["--threads", str(a.threads)]
        generate = ["generate", "--servers", str(a.servers), "--days", str(a.days), "--tables", "daily"]
        steps = [
            ("generate", [program, *threads, *generate, "--lake", lake]),
            ("run", [program, *threads, "run", "--lake", lake, "--horizon", "90"]),
            ("plan", [program, *threads, "plan", "--lake", lake, "--price-book", book]),
        ]
        rows = []
        for name, command in steps:
            wall, cpu, peak, notes = measure(command)
            print(notes, end="", flush=True)
            rows.append(f"| {name} | {wall:.0f} | {cpu:.0f} | {peak:.0f} |")
    print(f"\n{4 * a.servers:,} series of {a.days} days, {a.threads} threads\n")
    print("| | wall s | processor s | peak MiB |\n|---|--:|--:|--:|")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
