#!/usr/bin/env python3
"""Does the highest day of the next 30, and of the next 90, lie in its interval as often as promised? Needs numpy.

  python maxima.py target/release/fleetcast [--seeds 9301,9302] [--servers 100]

A generated fleet is planned at a cutoff with two hundred thresholds: P(crossed within so many days) by threshold is the distribution
of the highest day of the joint futures. The same seed with 90 more days tells what came, because a longer run begins with the shorter one.
Prints how often the 50, 80 and 90 % intervals held it, and how often it was in the outer 5 % on either side: of each fleet, and of all
together by metric with 95 % bootstrap intervals over the servers. Servers of a fleet have shocks in common, so that a fleet alone
says less than its number of series.
"""
import argparse
import csv
import io
import subprocess
import tempfile

import numpy as np

HORIZON = 90
DAYS = (30, 90)
# From half a per cent of capacity to all of it, each 2.7 % above the one before.
THRESHOLDS = [round(100 * 200 ** (k / 199 - 1), 4) for k in range(200)]


def asked(program, *arguments):
    return subprocess.run([program, "--quiet", *arguments], check=True, capture_output=True, text=True).stdout


def rows(program, lake, query):
    return list(csv.DictReader(io.StringIO(asked(program, "sql", "--lake", lake, "--format", "csv", query))))


def placed(program, seed, servers, days):
    """(days ahead, metric, server, P(highest day is lower than the one that came)) of every series judged."""
    with tempfile.TemporaryDirectory(prefix="fleetcast-maxima-") as folder:
        then, later = f"{folder}/then", f"{folder}/later"
        for lake, n_days in ((then, days), (later, days + HORIZON)):
            asked(program, "generate", "--lake", lake, "--servers", str(servers), "--days", str(n_days), "--seed", str(seed),
                  "--tables", "daily")
        asked(program, "run", "--lake", then, "--horizon", str(HORIZON), "--threshold", ",".join(map(str, THRESHOLDS)))
        judged = rows(program, then, "SELECT server_id, metric, threshold, p_30, p_90 FROM risks WHERE min_days = 1 AND p_90 IS NOT NULL")
        # Thresholds are per cent of capacity, and so are these.
        metrics = [row["metric"] for row in rows(program, then, "SELECT metric FROM metrics WHERE unit = '%'")]
        cutoff = rows(program, then, "SELECT max(date) AS day FROM daily")[0]["day"]
        came = {}
        for metric, ahead in ((metric, ahead) for metric in metrics for ahead in DAYS):
            highest = f"SELECT server_id, max({metric}_p95) AS highest, count({metric}_p95) AS days FROM daily"
            until = f"date '{cutoff}' + interval '{ahead} days'"
            for row in rows(program, later, f"{highest} WHERE date > '{cutoff}' AND date <= {until} GROUP BY 1"):
                if int(row["days"]) >= 2 / 3 * ahead:
                    came[ahead, row["server_id"], metric] = float(row["highest"])
    curves = {}
    for row in judged:
        for ahead in DAYS:
            curve = curves.setdefault((ahead, row["server_id"], row["metric"]), [])
            curve.append((float(row["threshold"]), 1 - float(row[f"p_{ahead}"])))
    for key, curve in sorted(curves.items()):
        if key in came:
            ahead, server, metric = key
            yield ahead, metric, f"{seed}/{server}", below(sorted(curve), came[key])


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
    fleets = {seed: list(placed(a.program, seed, a.servers, a.days)) for seed in a.seeds.split(",")}
    pooled = [row for fleet in fleets.values() for row in fleet]
    print("| days ahead | seed | metric | series | 50 % holds | 80 % holds | 90 % holds | in the lower 5 % | in the upper 5 % |\n|---|---|---|--:|--:|--:|--:|--:|--:|")
    for ahead in DAYS:
        lines = [(seed, "all", fleet) for seed, fleet in fleets.items()]
        lines += [("together", metric, pooled) for metric in ("all", *sorted({row[1] for row in pooled}))]
        for seed, metric, found in lines:
            chosen = [row for row in found if row[0] == ahead and metric in ("all", row[1])]
            print(f"| {ahead} | {seed} | {metric} | {len(chosen)} | {' | '.join(shares(chosen, seed == 'together'))} |", flush=True)


def shares(found, with_intervals):
    """How often each interval held and each end was met, where wanted with the interval over the servers."""
    p = np.array([row[3] for row in found])
    marks = np.column_stack([*(np.abs(p - 0.5) <= width / 2 for width in (0.5, 0.8, 0.9)), p < 0.05, p > 0.95]).astype(float)
    means = marks.mean(axis=0)
    if not with_intervals:
        return [f"{share:.3f}" for share in means]
    _, place = np.unique([row[2] for row in found], return_inverse=True)
    hits, counts = np.zeros((place.max() + 1, marks.shape[1])), np.bincount(place)
    np.add.at(hits, place, marks)
    pick = np.random.default_rng(1).integers(0, len(counts), (1000, len(counts)))
    low, high = np.quantile(hits[pick].sum(1) / counts[pick].sum(1)[:, None], [0.025, 0.975], axis=0)
    return [f"{share:.3f} ({l:.3f}-{h:.3f})" for share, l, h in zip(means, low, high)]


if __name__ == "__main__":
    main()
