#!/usr/bin/env python3
"""Do the tails of `auto` hold what they promise, by how far ahead? Needs numpy, pandas.

  python tails.py target/release/fleetcast [--seeds 9501,9502,9503] [--servers 100] [--windows 2] [--horizon 90] [--each]

Generated fleets are forecast at past cutoffs. For each part of the horizon the table says which share of the values came below
each quantile (at it counts as below for the upper ones only: what stops at a limit is not beyond it) and in the intervals, over
all series and over those that trend: whose last 90 days before the cutoff lie a tenth or more from the same days a year before.
Below each share stands what one would get by chance: its 95 % bootstrap interval over the servers, all seeds together. --each also
prints every seed alone, because the servers of a fleet have shocks in common, which no bootstrap within a fleet sees.
"""
import argparse
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

QUANTILES = ["q0.05", "q0.1", "q0.9", "q0.95", "q0.99", "q0.995"]
SHARES = ["under .05", "under .1", "under .9", "under .95", "under .99", "under .995", "90 % holds", "80 % holds"]
BUCKETS = [(1, 7), (8, 30), (31, 60), (61, 90)]
TREND, SEASON = 0.1, 365


def forecasts(program, seed, a):
    """Every judged day of one fleet, with its quantiles, and whether its series trended at the cutoff."""
    with tempfile.TemporaryDirectory(prefix="fleetcast-tails-") as folder:
        lake, out = str(Path(folder) / "lake"), str(Path(folder) / "auto.csv")
        run = lambda *command: subprocess.run([program, "--quiet", *command], check=True, capture_output=True, text=True).stdout
        run("generate", "--lake", lake, "--servers", str(a.servers), "--days", str(a.days), "--step", "day", "--seed", str(seed))
        run("backtest", "--lake", lake, "--models", "auto", "--horizon", str(a.horizon), "--windows", str(a.windows), "--out", out)
        said = pd.read_csv(out)
        query = ["sql", "SELECT * FROM daily", "--lake", lake, "--format", "csv", "--out", str(Path(folder) / "daily.csv")]
        run(*query)
        daily = pd.read_csv(Path(folder) / "daily.csv", parse_dates=["date"])
    said = said[(said["model"] == "auto") & said["y"].notna()].copy()
    said["cutoff"] = pd.to_datetime(said["cutoff"]).dt.normalize()
    said["server"] = f"{seed}/" + said["unique_id"].str.split("/").str[0]
    said["seed"] = seed
    return said.merge(trends(daily, said["cutoff"].unique()), on=["unique_id", "cutoff"], how="left")


def trends(daily, cutoffs):
    """Per series and cutoff whether it trended."""
    levels = daily.set_index(["server_id", "date"])[[c for c in daily if c.endswith("_p95")]]
    found = []
    for cutoff in cutoffs:
        day = levels.index.get_level_values("date")
        mean = lambda end: levels[(day <= end) & (day > end - pd.Timedelta(days=90))].groupby("server_id").mean()
        now, then = mean(cutoff), mean(cutoff - pd.Timedelta(days=SEASON))
        trend = ((now - then).abs() >= TREND * then.abs()).stack().rename("trends").reset_index()
        trend["unique_id"] = trend["server_id"] + "/" + trend["level_1"].str.removesuffix("_p95")
        found.append(trend.assign(cutoff=cutoff)[["unique_id", "cutoff", "trends"]])
    return pd.concat(found)


def held(days):
    """One column of zeros and ones for each of SHARES."""
    y = days["y"].to_numpy()
    at = {q: days[q].to_numpy() for q in QUANTILES}
    columns = [y < at["q0.05"], y < at["q0.1"]] + [y <= at[q] for q in QUANTILES[2:]]
    columns += [(y >= at["q0.05"]) & (y <= at["q0.95"]), (y >= at["q0.1"]) & (y <= at["q0.9"])]
    return np.column_stack(columns).astype(float)


def line(days, draws=1000):
    """Each share with its interval over the servers."""
    marks = pd.DataFrame(held(days)).groupby(days["server"].to_numpy())
    hits, counts = marks.sum().to_numpy(), marks.size().to_numpy()[:, None]
    pick = np.random.default_rng(1).integers(0, len(hits), (draws, len(hits)))
    shares = hits[pick].sum(1) / counts[pick].sum(1)
    low, high = np.quantile(shares, [0.025, 0.975], axis=0)
    return [f"{s:.3f} ({l:.3f}-{h:.3f})" for s, l, h in zip(hits.sum(0) / counts.sum(), low, high)]


def table(of, days, buckets):
    for name, chosen in (("all", days), ("trending", days[days["trends"].fillna(False).astype(bool)])):
        for first, last in [*buckets, (1, buckets[-1][1])]:
            part = chosen[chosen["step"].between(first, last)]
            n_series = part.groupby(["seed", "unique_id"]).ngroups
            print(f"| {of} | {name} | {first}-{last} | {n_series} | " + " | ".join(line(part)) + " |", flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("program", help="the built fleetcast")
    p.add_argument("--seeds", default="9501,9502,9503")
    p.add_argument("--servers", type=int, default=100)
    p.add_argument("--days", type=int, default=1095)
    p.add_argument("--windows", type=int, default=2)
    p.add_argument("--horizon", type=int, default=90)
    p.add_argument("--each", action="store_true", help="every seed alone as well")
    a = p.parse_args()
    parts = [forecasts(a.program, seed, a) for seed in a.seeds.split(",")]
    buckets = [(first, min(last, a.horizon)) for first, last in BUCKETS if first <= a.horizon]
    print("| seeds | series | days ahead | how many | " + " | ".join(SHARES) + " |\n" + "|---" * (4 + len(SHARES)) + "|")
    for seed, days in zip(a.seeds.split(","), parts):
        if a.each:
            table(seed, days, buckets)
    table("all", pd.concat(parts), buckets)


if __name__ == "__main__":
    main()
