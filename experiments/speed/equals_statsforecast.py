#!/usr/bin/env python3
"""`theta`, `ets`, `mstl` and `arima` beside statsforecast: the same model, the same forecasts, and how long both take. Needs statsforecast, numpy, pandas.

  cargo build --release -p fleetcast-models --example one_method
  python equals_statsforecast.py ets SETS --example target/release/examples/one_method [--share .25 --csv table.csv]

SETS is the folder that ../accuracy/make_sets.py filled (with the fleet-1 set). Up to 200 series, spread over the sets as SPREAD says, without their
last horizon; --share takes that part of them. Seconds are CPU seconds of fit and forecast with an 80 % interval, one thread.
Forecasts are compared by their largest difference over the largest forecast, interval widths by their median ratio.
"""
import argparse
import os
import subprocess
import tempfile
import time
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np
import pandas as pd
from statsforecast.models import MSTL, AutoARIMA, AutoETS, DynamicOptimizedTheta

SPREAD = {"business": 25, "nn5": 20, "azure": 32, "bitbrains": 12, "m4_hourly": 36, "m4_weekly": 30, "electricity": 4, "linx": 1, "fleet-1": 40}


def pick(sets, share):
    """Series and what to ask of each, spread evenly over each set's names."""
    asked = pd.read_csv(sets / "sets.csv").set_index("set")
    frames, meta = [], []
    for name, n in SPREAD.items():
        if name not in asked.index:
            continue
        d = pd.read_csv(sets / f"{name}.csv")
        ids, n = sorted(d["unique_id"].unique()), max(1, round(share * n))
        horizon, season = int(asked.loc[name, "horizon"]), int(asked.loc[name, "season"])
        for unique_id in [ids[i * len(ids) // n] for i in range(n)]:
            key = f"{name}:{unique_id}".replace(",", ";")
            frames.append(d[d["unique_id"] == unique_id].iloc[:-horizon].assign(unique_id=key)[["unique_id", "ds", "y"]])
            meta.append((key, season, horizon))
    return pd.concat(frames), pd.DataFrame(meta, columns=["unique_id", "season", "h"])


def theirs(method, y, season, horizon):
    """Model, AICc, forecasts, lower ends and seconds; `None` where the method is not for such series."""
    if method == "mstl" and season == 1:
        return None
    # The search of theta ends at an absolute tolerance: both get the unit that ours works in.
    unit = np.abs(y).mean() / 100 if method == "theta" else 1.0
    if method == "ets":
        model = AutoETS(season_length=season)
    elif method == "arima":
        model = AutoARIMA(season_length=season)
    elif method == "theta":
        model = DynamicOptimizedTheta(season_length=season)
    else:
        model = MSTL(season_length=[24, 168] if season == 24 else [season], trend_forecaster=AutoETS(model="ZZN"))
    start = time.process_time()
    forecast = model.fit(y / unit).predict(h=horizon, level=[80])
    seconds = time.process_time() - start
    mean, low = forecast["mean"] * unit, forecast["lo-80"] * unit
    if method == "theta":
        return "DOTM", np.nan, mean, low, seconds
    if method == "arima":
        return orders(model.model_), model.model_["aicc"], mean, low, seconds
    fitted = model.model_ if method == "ets" else model.trend_forecaster.model_
    error, trend, seasonal, damped = fitted["components"]
    return f"{error}{trend}{'d' if damped == 'D' else ''}{seasonal}", fitted["aicc"], mean, low, seconds


def orders(fit):
    """The chosen orders as `arima` writes them, without commas."""
    p, q, sp, sq, m, d, sd = fit["arma"]
    season = f"({sp} {sd} {sq})[{m}]" if sp + sd + sq > 0 else ""
    constant = " with drift" if {"drift", "ex_1"} & set(fit["coef"]) else " with mean" if "intercept" in fit["coef"] else ""
    return f"ARIMA({p} {d} {q}){season}{constant}"


def numbers(cell):
    return np.array([float(v) for v in cell.split()])


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("method", choices=["theta", "ets", "mstl", "arima"])
    arguments.add_argument("sets", type=Path)
    arguments.add_argument("--example", required=True)
    arguments.add_argument("--share", type=float, default=1.0)
    arguments.add_argument("--csv")
    asked = arguments.parse_args()
    series, meta = pick(asked.sets, asked.share)
    with tempfile.TemporaryDirectory() as folder:
        files = [f"{folder}/{name}.csv" for name in ("series", "meta", "out")]
        series.to_csv(files[0], index=False)
        meta.to_csv(files[1], index=False)
        subprocess.run([asked.example, asked.method, *files], check=True)
        ours = pd.read_csv(files[2], dtype={"model": str}).set_index("unique_id")
    values = {key: group["y"].to_numpy(float) for key, group in series.groupby("unique_id")}
    theirs(asked.method if asked.method in ("theta", "arima") else "ets", values[meta["unique_id"][0]][:60], 1, 2)  # compiles what is compiled at first use
    rows = []
    for key, season, horizon in meta.itertuples(index=False):
        answer = theirs(asked.method, values[key], season, horizon)
        if answer is None or key not in ours.index:
            continue
        model, criterion, mean, low, seconds = answer
        own = ours.loc[key]
        point = numbers(own["mean"])
        row = {"series": key, "n": len(values[key]), "theirs": model, "ours": own["model"]}
        row |= {"aicc_theirs": criterion, "aicc_ours": own["aicc"], "error": np.abs(point - mean).max() / np.abs(mean).max()}
        row["width"] = np.median((point - numbers(own["low"])) / np.maximum(mean - low, 1e-300))
        row |= {"theirs_ms": 1000 * seconds, "ours_ms": 1000 * own["seconds"]}
        rows.append(row)
        print(f"{key}: {model} {row['ours']} {row['error']:.1e}", flush=True)
    table = pd.DataFrame(rows)
    same = (table["theirs"] == table["ours"]) | (asked.method in ("theta", "mstl"))
    print(table.round(4).to_string(index=False))
    print(f"{len(table)} series, the same model {same.mean():.3f}, else a better AICc {(table[~same]['aicc_ours'] < table[~same]['aicc_theirs']).sum()}")
    for limit in (1e-4, 1e-3):
        print(f"within {limit}: {(table[same]['error'] < limit).mean():.3f}")
    times = table["theirs_ms"] / table["ours_ms"]
    total = table["theirs_ms"].sum() / table["ours_ms"].sum()
    print(f"seconds: {table['theirs_ms'].sum() / 1000:.1f} and {table['ours_ms'].sum() / 1000:.2f}, {total:.1f} times as fast, half of the series {times.median():.1f} times or more")
    table = table.assign(set=table["series"].str.split(":").str[0], times=times, same=same)
    print(table.groupby("set").agg(series=("n", "size"), same=("same", "mean"), error=("error", "max"), theirs_ms=("theirs_ms", "median"), ours_ms=("ours_ms", "median"), times=("times", "median")).round(6).to_string())
    if asked.csv:
        table.to_csv(asked.csv, index=False)


if __name__ == "__main__":
    main()
