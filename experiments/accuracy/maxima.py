#!/usr/bin/env python3
"""Does the highest day of the next 90 lie in its interval as often as promised?

  python maxima.py target/release/fleetcast [--seeds 9301,9302] [--servers 100]

A generated fleet is planned at a cutoff with two hundred thresholds: P(crossed within 90 days) by threshold is the distribution
of the highest day of the joint futures. The same seed with 90 more days tells what came, because a longer run begins with the shorter one.
Prints how often the 50, 80 and 90 % intervals held it, and how often it was in the outer 5 % on either side, by metric.
"""
import argparse
import csv
import io
import subprocess
import tempfile

HORIZON = 90
# From half a per cent of capacity to all of it, each 2.7 % above the one before.
THRESHOLDS = [round(100 * 200 ** (k / 199 - 1), 4) for k in range(200)]


def asked(program, *arguments):
    return subprocess.run([program, "--quiet", *arguments], check=True, capture_output=True, text=True).stdout


def rows(program, lake, query):
    return list(csv.DictReader(io.StringIO(asked(program, "sql", "--lake", lake, "--format", "csv", query))))


def placed(program, seed, servers, days):
    """(metric, P(highest day is lower than the one that came)) of every series judged."""
    with tempfile.TemporaryDirectory(prefix="fleetcast-maxima-") as folder:
        then, later = f"{folder}/then", f"{folder}/later"
        for lake, n_days in ((then, days), (later, days + HORIZON)):
            asked(program, "generate", "--lake", lake, "--servers", str(servers), "--days", str(n_days), "--seed", str(seed),
                  "--tables", "daily")
        asked(program, "run", "--lake", then, "--horizon", str(HORIZON), "--threshold", ",".join(map(str, THRESHOLDS)))
        judged = rows(program, then, "SELECT server_id, metric, threshold, p_90 FROM risks WHERE min_days = 1 AND p_90 IS NOT NULL")
        # Thresholds are per cent of capacity, and so are these.
        metrics = [row["metric"] for row in rows(program, then, "SELECT metric FROM metrics WHERE unit = '%'")]
        cutoff = rows(program, then, "SELECT max(date) AS day FROM daily")[0]["day"]
        came = {}
        for metric in metrics:
            query = f"SELECT server_id, max({metric}_p95) AS highest, count({metric}_p95) AS days FROM daily WHERE date > '{cutoff}' GROUP BY 1"
            for row in rows(program, later, query):
                if int(row["days"]) >= 60:
                    came[row["server_id"], metric] = float(row["highest"])
    curves = {}
    for row in judged:
        curves.setdefault((row["server_id"], row["metric"]), []).append((float(row["threshold"]), 1 - float(row["p_90"])))
    for key, curve in sorted(curves.items()):
        if key in came:
            yield key[1], below(sorted(curve), came[key])


def below(curve, highest):
    """P(highest day < `highest`), between two thresholds in proportion; what stops at the top counts half."""
    if highest >= curve[-1][0]:
        return (1 + curve[-1][1]) / 2
    for (low, under), (high, over) in zip(curve, curve[1:]):
        if low <= highest < high:
            return under + (highest - low) / (high - low) * (over - under)
    return curve[0][1] / 2


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--seeds", default="9301,9302")
    parser.add_argument("--servers", type=int, default=100)
    parser.add_argument("--days", type=int, default=1005)
    a = parser.parse_args()
    print("| seed | metric | series | 50 % holds | 80 % holds | 90 % holds | in the lower 5 % | in the upper 5 % |\n|---|---|--:|--:|--:|--:|--:|--:|")
    for seed in a.seeds.split(","):
        found = list(placed(a.program, seed, a.servers, a.days))
        for metric in ["all", *sorted({metric for metric, _ in found})]:
            p = [p for of, p in found if metric in ("all", of)]
            share = lambda holds: f"{sum(map(holds, p)) / len(p):.3f}"
            inside = [share(lambda p, width=width: abs(p - 0.5) <= width / 2) for width in (0.5, 0.8, 0.9)]
            print(f"| {seed} | {metric} | {len(p)} | {' | '.join(inside)} | {share(lambda p: p < 0.05)} | {share(lambda p: p > 0.95)} |", flush=True)


if __name__ == "__main__":
    main()
