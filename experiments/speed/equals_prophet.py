#!/usr/bin/env python3
"""`prophet` beside Prophet: the same curve, and how long both take. Needs prophet, numpy, pandas.

  cargo build --release -p fleetcast-models --example prophet_parts
  python equals_prophet.py SETS --example target/release/examples/prophet_parts [--csv table.csv]

SETS is the folder that ../accuracy/make_sets.py filled. Each of ten series is fitted by Prophet() and predicted over its past and
a year (hours: a fortnight) ahead, one thread, and so it is by the example. Seconds are CPU seconds of fit and predict with an 80 %
interval, the fastest of three (the example: of five). `itself` is Prophet once more on the same values times 1.000001: how well it agrees
with itself. Errors are root mean squares in per cent of the range of the series.
"""
import argparse
import logging
import os
import subprocess
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd

logging.getLogger("cmdstanpy").disabled = True
from prophet import Prophet

SERIES = [
    ("business", "wp_R_log", "D"),
    ("electricity", "vic_elec_demand", "D"),
    ("electricity", "gef_zone01", "D"),
    ("linx", None, "D"),
    ("business", "bicimad_users", "D"),
    ("business", "uk_daily_flights", "D"),
    ("business", "madrid_road", "D"),
    ("business", "wiki_Cryptocurrency", "D"),
    ("nn5", None, "D"),
    ("azure", None, "H"),
]
AHEAD = {"D": 365, "H": 336}
PARTS = ("yhat", "trend", "weekly", "yearly", "daily")


def cpu_seconds():
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def prophet(frame, frequency):
    model = Prophet()
    model.fit(frame.copy())
    return model.predict(model.make_future_dataframe(AHEAD[frequency], freq=frequency.lower() if frequency == "H" else frequency))


def errors(got, expected, n, unit):
    miss = 100 * (np.asarray(got) - np.asarray(expected)) / unit
    return np.sqrt(np.mean(miss[:n] ** 2)), np.sqrt(np.mean(miss[n:] ** 2))


def ours(example, frame, frequency, folder):
    file, out = folder / "series.csv", folder / "parts.csv"
    frame.to_csv(file, index=False)
    told = subprocess.run([example, str(file), frequency, str(AHEAD[frequency]), str(out)], check=True, capture_output=True, text=True)
    seconds = float(told.stdout.splitlines()[0].rsplit(",", 1)[1])
    return pd.read_csv(out).pivot(index="step", columns="part", values="value"), seconds


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("sets", type=Path)
    arguments.add_argument("--example", required=True)
    arguments.add_argument("--csv")
    asked = arguments.parse_args()
    rows = []
    for name, unique_id, frequency in SERIES:
        d = pd.read_csv(asked.sets / f"{name}.csv")
        unique_id = unique_id or d["unique_id"].iloc[0]
        d = d[d["unique_id"] == unique_id]
        frame = pd.DataFrame({"ds": pd.to_datetime(d["ds"]), "y": d["y"]})
        unit, n, seconds = np.ptp(d["y"]), len(d), []
        for _ in range(3):
            start = cpu_seconds()
            theirs = prophet(frame, frequency)
            seconds.append(cpu_seconds() - start)
        again = prophet(frame.assign(y=frame["y"] * 1.000001), frequency)
        with tempfile.TemporaryDirectory() as folder:
            mine, own_seconds = ours(asked.example, d[["unique_id", "ds", "y"]], frequency, Path(folder))
        row = {"series": unique_id, "n": n}
        for part in PARTS:
            if part in theirs:
                row[f"{part}_past"], row[f"{part}_ahead"] = errors(mine[part], theirs[part], n, unit)
        row["itself_past"], row["itself_ahead"] = errors(again["yhat"], theirs["yhat"], n, unit)
        row |= {"prophet_ms": 1000 * min(seconds), "ours_ms": 1000 * own_seconds, "times": min(seconds) / own_seconds}
        rows.append(row)
        print(f"{unique_id}: " + ", ".join(f"{k} {v:.3g}" for k, v in row.items() if k != "series"), flush=True)
    table = pd.DataFrame(rows)
    total = table["prophet_ms"].sum() / table["ours_ms"].sum()
    print(table.round(3).to_string(index=False), f"\nall: {total:.0f} times as fast", sep="\n")
    if asked.csv:
        table.round(4).to_csv(asked.csv, index=False)


if __name__ == "__main__":
    main()
