#!/usr/bin/env python3
"""How far `auto` is from the best that could be known, on generated fleets. Needs numpy, pandas, pyarrow.

  python oracle_gap.py target/release/fleetcast [--seeds 8103,8104] [--servers 60] [--windows 2] [--horizon 90]

Each fleet is generated with the oracle's forecast at the cutoffs of the backtest: quantiles of every day from the true
parameters and the state on the day of the cutoff. Both are judged on the same days. Peaks are the highest tenth of the days
of a series in a window, picked by what happened: that a day is among them was not known, so that nobody's median reaches
them and nobody's 95 % quantile holds them in 95 % of the cases. Errors count in mean seasonal changes before the cutoff.
"""
import argparse
import io
import subprocess
import tempfile
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

QUANTILES = {"q05": 0.05, "q50": 0.5, "q95": 0.95}
KEY = ["unique_id", "cutoff", "ds"]


def both(program, seed, asked):
    """Every day of every series: what happened, what each said of it, and the scale of its series."""
    first, days = date(2022, 1, 1), 1095
    held_out = [asked.horizon * (1 + window) for window in range(asked.windows)]
    cutoffs = [str(first + timedelta(days=days - 1 - steps)) for steps in held_out]
    with tempfile.TemporaryDirectory(prefix="fleetcast-oracle-") as folder:
        lake, out = str(Path(folder) / "lake"), str(Path(folder) / "auto.csv")
        size = ["--servers", str(asked.servers), "--days", str(days), "--start", str(first), "--step", "day", "--seed", str(seed)]
        oracle = ["--oracle", ",".join(cutoffs), "--oracle-horizon", str(asked.horizon)]
        run = lambda *command: subprocess.run([program, "--quiet", *command], check=True, capture_output=True, text=True).stdout
        run("generate", "--lake", lake, *size, *oracle)
        windows = ["--horizon", str(asked.horizon), "--windows", str(asked.windows)]
        run("backtest", "--lake", lake, "--models", "auto", *windows, "--out", out)
        table = lambda query: pd.read_csv(io.StringIO(run("sql", query, "--lake", lake, "--format", "csv")))
        name = "concat(server_id, '/', metric) AS unique_id"
        known = table(f"SELECT {name}, cutoff, date AS ds, q05, q50, q95 FROM oracle")
        daily, said = table("SELECT * FROM daily"), pd.read_csv(out)
    daily = daily.rename(columns={"date": "ds"}).melt(["server_id", "ds"], [c for c in daily if c.endswith("_p95")], "metric", "y")
    daily["unique_id"] = daily["server_id"] + "/" + daily["metric"].str.removesuffix("_p95")
    daily = daily.sort_values(["unique_id", "ds"])
    said = said.query("model == 'auto'").rename(columns={"q0.05": "q05", "q0.5": "q50", "q0.95": "q95"})
    for frame in (known, said, daily):
        for column in set(frame) & {"cutoff", "ds"}:
            frame[column] = pd.to_datetime(frame[column]).dt.normalize()
    daily["change"] = daily["y"].sub(daily.groupby("unique_id")["y"].shift(7)).abs()
    daily["scale"] = daily.groupby("unique_id")["change"].transform(lambda change: change.expanding().mean())
    scales = daily.rename(columns={"ds": "cutoff"})[["unique_id", "cutoff", "scale"]]
    days = said[KEY + [*QUANTILES]].merge(known, on=KEY, suffixes=("", "_oracle"))
    days = days.merge(daily[["unique_id", "ds", "y"]].dropna(), on=["unique_id", "ds"]).merge(scales, on=["unique_id", "cutoff"])
    return days[days["scale"] > 1e-9]


def line(days, who, peaks):
    """Figures of one forecaster: over all days, then at peaks."""
    suffix = "" if who == "auto" else "_oracle"
    low, middle, high = (days[name + suffix] for name in QUANTILES)
    error = (days["y"] - middle) / days["scale"]
    held = days["y"].between(low, high)
    return [who, error.abs().mean(), held.mean(), (days["y"] <= high).mean(), error.abs()[peaks].mean(), -error[peaks].mean(),
            (days["y"] <= high)[peaks].mean()]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="the built fleetcast")
    parser.add_argument("--seeds", default="8103,8104", help="seeds of the fleets (default 8103,8104)")
    parser.add_argument("--servers", type=int, default=60)
    parser.add_argument("--windows", type=int, default=2)
    parser.add_argument("--horizon", type=int, default=90)
    asked = parser.parse_args()
    print("| seed | forecaster | MASE | 90 % holds | days under q95 | MASE at peaks | bias at peaks | peak days under q95 |")
    print("|---" * 8 + "|")
    for seed in asked.seeds.split(","):
        days = both(asked.program, int(seed), asked)
        top = days.groupby(["unique_id", "cutoff"])["y"].transform(lambda y: np.quantile(y, 0.9))
        for who in ("auto", "oracle"):
            name, *figures = line(days, who, days["y"] >= top)
            print(f"| {seed} | {name} | " + " | ".join(f"{figure:.3f}" for figure in figures) + " |", flush=True)


if __name__ == "__main__":
    main()
