#!/usr/bin/env python3
"""Make the series files of the accuracy tables from a folder of public and real telemetry. Needs numpy, pandas, pyarrow.

  FLEETCAST_EVAL_DATA=DATA python make_sets.py OUT [SET ...] [--fleetcast BINARY]

Writes OUT/SET.csv (unique_id, ds, y: a regular grid without gaps, see ../peers/FORMAT.md) and OUT/sets.csv, one row per set with
the frequency, season, horizon and windows to ask for. Hourly sets are the hourly P95 of 5-minute values. A gap is interpolated in
time; a series with more than 5 % of its grid missing, or that never changes, is left out and named. The fleet sets come from
the generator and are made only when its binary is given.
"""
import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

MAX_GAPS = 0.05
# Seeds of the generated fleets. Nobody tunes on them.
FLEET_SEEDS = {"fleet-1": 9001, "fleet-2": 9002, "fleet-3": 9003}
FLEET_METRICS = ("cpu", "memory", "disk_io", "network")


def read(path):
    return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)


def long(unique_id, ds, y):
    return pd.DataFrame({"unique_id": np.asarray(unique_id, dtype=str), "ds": ds, "y": np.asarray(y, dtype=float)})


def on_grid(frame, frequency):
    """Each series on its full grid, gaps interpolated; what is left out is said."""
    kept = []
    for unique_id, series in frame.groupby("unique_id", sort=True):
        y = series.groupby("ds")["y"].last().sort_index()
        grid = pd.date_range(y.index[0], y.index[-1], freq=frequency)
        y = y.reindex(grid)
        missing = y.isna().mean()
        if missing > MAX_GAPS:
            print(f"  left out {unique_id}: {100 * missing:.1f} % of the grid is missing")
        elif y.nunique() <= 1:
            print(f"  left out {unique_id}: constant")
        else:
            kept.append(long([unique_id] * len(grid), grid, y.interpolate("time").to_numpy()))
    return pd.concat(kept, ignore_index=True)


def linx(data):
    d = read(data / "linx_ixp/linx_daily.csv.gz")
    d = d[(d["date"] >= "2015-06-15") & (d["coverage"] > 0.5) & d["p95"].notna()]
    return on_grid(long(d["series_id"], pd.to_datetime(d["date"]), d["p95"]), "D")


def electricity(data):
    d = read(data / "electricity/demand_daily_p95.csv.gz")
    d = d[d["p95"].notna()]
    return on_grid(long(d["series_id"], pd.to_datetime(d["date"]), d["p95"]), "D")


def hourly_p95(path):
    d = read(path)
    d["hour"] = d["timestamp"].dt.tz_localize(None).dt.floor("h")
    # P95 of an hour by linear interpolation, as the product's daily P95.
    p95 = d.groupby(["series_id", "hour"])["value"].quantile(0.95).reset_index()
    return on_grid(long(p95["series_id"], p95["hour"], p95["value"]), "h")


def business(data):
    d = read(data / "business_series/series.csv.gz")
    d = d[(d["freq"] == "D") & d["value"].notna()]
    d = d[d.groupby("series_id")["value"].transform("size") >= 500]
    ds = pd.to_datetime(d["timestamp"]).dt.tz_localize(None)
    return on_grid(long(d["series_id"], ds, d["value"]), "D")


def nn5(data):
    d = read(data / "nn5/nn5_daily.parquet")
    d = d[d["value"].notna()]
    return on_grid(long(d["series_id"], d["timestamp"].dt.tz_localize(None), d["value"]), "D")


def m4(data, name):
    """Train and test joined. The publisher's time stamps are pseudo, so `ds` is the integer step: no calendar."""
    d = pd.concat([read(data / f"m4/{name}_{part}.parquet") for part in ("train", "test")])
    d = d.sort_values(["series_id", "t"])
    steps = d.groupby("series_id")["t"]
    if not (steps.transform("max") - steps.transform("min") + 1 == steps.transform("size")).all():
        sys.exit(f"error: m4 {name}: the steps of a series have gaps")
    return long(d["series_id"], d["t"].to_numpy(), d["value"])


def fleet(binary, seed):
    with tempfile.TemporaryDirectory() as folder:
        lake, out = f"{folder}/lake", f"{folder}/daily.csv"
        subprocess.run([binary, "--quiet", "generate", "--lake", lake, "--servers", "200", "--start", "2022-01-01",
                        "--days", "1095", "--step", "day", "--seed", str(seed), "--scenario", "enterprise"], check=True)
        columns = ", ".join(f"{metric}_p95" for metric in FLEET_METRICS)
        with open(out, "w") as file:
            subprocess.run([binary, "sql", "--lake", lake, "--format", "csv",
                            f"SELECT server_id, date, {columns} FROM daily ORDER BY server_id, date"], check=True, stdout=file)
        d = pd.read_csv(out)
    parts = [long(d["server_id"] + "/" + metric, pd.to_datetime(d["date"]), d[f"{metric}_p95"]) for metric in FLEET_METRICS]
    frame = pd.concat(parts, ignore_index=True)
    return on_grid(frame[frame["y"].notna()], "D")


# set: maker, then what to ask a forecaster for: frequency, season, horizon, windows.
SETS = {
    "linx": (linx, "D", 7, 90, 4),
    "electricity": (electricity, "D", 7, 90, 2),
    "azure": (lambda data: hourly_p95(data / "azure_vm_160/cpu_avg_5min.parquet"), "H", 24, 48, 2),
    "bitbrains": (lambda data: hourly_p95(data / "bitbrains_small/cpu_5min.parquet"), "H", 24, 48, 2),
    "business": (business, "D", 7, 90, 2),
    "nn5": (nn5, "D", 7, 56, 1),
    "m4_hourly": (lambda data: m4(data, "hourly"), "H", 24, 48, 1),
    "m4_weekly": (lambda data: m4(data, "weekly"), "W", 1, 13, 1),
}


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("out", type=Path)
    arguments.add_argument("sets", nargs="*", metavar="SET", help=f"default: all of {', '.join([*SETS, *FLEET_SEEDS])}")
    arguments.add_argument("--fleetcast", metavar="BINARY", help="the built program, for the fleet sets")
    asked = arguments.parse_args()
    data = Path(os.environ.get("FLEETCAST_EVAL_DATA", ""))
    names = asked.sets or [*SETS, *(FLEET_SEEDS if asked.fleetcast else ())]
    unknown = [name for name in names if name not in SETS and name not in FLEET_SEEDS]
    if unknown:
        sys.exit(f"error: unknown set {unknown[0]}; known: {', '.join([*SETS, *FLEET_SEEDS])}")
    if any(name in SETS for name in names) and not (data.is_dir() and str(data) != "."):
        sys.exit("error: FLEETCAST_EVAL_DATA does not name the folder of the data")
    asked.out.mkdir(parents=True, exist_ok=True)
    rows = []
    for name in names:
        if name in SETS:
            make, frequency, season, horizon, windows = SETS[name]
            frame = make(data)
        elif asked.fleetcast:
            frequency, season, horizon, windows = "D", 7, 90, 2
            frame = fleet(asked.fleetcast, FLEET_SEEDS[name])
        else:
            sys.exit(f"error: {name} is generated: name the program with --fleetcast")
        frame.to_csv(asked.out / f"{name}.csv", index=False)
        rows.append((name, frequency, season, horizon, windows, frame["unique_id"].nunique(), len(frame)))
        print(f"{name}: {rows[-1][5]} series, {rows[-1][6]} rows")
    columns = ["set", "frequency", "season", "horizon", "windows", "n_series", "n_rows"]
    table, made = asked.out / "sets.csv", pd.DataFrame(rows, columns=columns)
    if table.exists():
        earlier = pd.read_csv(table)
        made = pd.concat([earlier[~earlier["set"].isin(made["set"])], made])
    made.to_csv(table, index=False)


if __name__ == "__main__":
    main()
