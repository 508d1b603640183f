#!/usr/bin/env python3
"""Compares the program's forecasts and scores with an independent scorer, ../../experiments/peers/score.py.

  parity.py lake      --backtests F --own F --daily F --season 7          the table `scores` against the scorer, on the table `backtests`
  parity.py coverage  --backtests F --daily F --season 7 --from .86 --to .94     the 90 % intervals of `auto` hold
  parity.py series    --forecast F --naive F --series F --frequency D --season 7 [--before DATE]
                      seasonal naive scores what an independent one does, and `auto` beats it on MASE and WQL
"""
import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "experiments/peers"))
import score as scorer

SAME = 1e-9
SHOWN = ["model", "n_series", "MASE", "WQL", "sCRPS", "cov90", "cov80", "under95", "peakMASE", "peak_bias"]
# The program's words for the scorer's.
NAMES = {
    "MAE": "mae", "RMSE": "rmse", "sMAPE": "smape", "MASE": "mase", "RMSSE": "rmsse", "ND": "nd", "WQL": "wql",
    "sCRPS": "scaled_crps", "cov90": "coverage_90", "cov80": "coverage_80", "under95": "under_95",
    "width90_rel": "width_90_relative", "peakMAE": "peak_mae", "peakMASE": "peak_mase", "peak_bias": "peak_bias",
    "peak_q95_cov": "peak_under_95", "pin95": "pinball_95", "n_series": "n_series", "n_pts": "n_points",
}


def show(table):
    print(table[SHOWN].to_string(index=False, float_format="{:.4f}".format), flush=True)


def long(daily):
    """The daily table as FORMAT.md's series file: one series per server and metric."""
    d = pd.read_csv(daily, parse_dates=["date"])
    metrics = [name.removesuffix("_p95") for name in d if name.endswith("_p95")]
    parts = [pd.DataFrame({"unique_id": d["server_id"] + "/" + m, "ds": d["date"], "y": d[f"{m}_p95"]}) for m in metrics]
    # A day without samples keeps its row, so that a season ago stays a season ago.
    return pd.concat(parts).reset_index(drop=True)


def forecasts(path, series):
    """A forecast file joined with the actuals of `series`."""
    fc = pd.read_csv(path)
    for name in ("cutoff", "ds"):
        fc[name] = pd.to_datetime(fc[name], utc=True).dt.tz_localize(None)
    fc["unique_id"] = fc["unique_id"].astype(str)
    return fc.drop(columns="y", errors="ignore").merge(series, on=["unique_id", "ds"], how="left")


def differences(ours, theirs, label):
    """Names of the scores that differ by more than rounding."""
    found = []
    for name, value in theirs.items():
        if not np.isclose(ours[name], value, rtol=SAME, atol=1e-12, equal_nan=True):
            found.append(f"{label} {name}: {ours[name]!r}, the scorer says {value!r}")
    return found


def lake(asked):
    series = long(asked.daily)
    expected = scorer.score(forecasts(asked.backtests, series), series, asked.season, base="seasonal-naive").set_index("model")
    show(expected.reset_index())
    own = pd.read_csv(asked.own)
    own = own[own["slice"] == "all"].pivot(index="model", columns="score", values="value")
    wrong = [f"the table has no scores of {model}" for model in expected.index.difference(own.index)]
    theirs = expected[list(NAMES)].rename(columns=NAMES).astype(float)
    for model in expected.index.intersection(own.index):
        wrong += differences(own.loc[model], theirs.loc[model], model)
    print(f"{len(NAMES)} scores of {len(expected)} models compared")
    return wrong


def coverage(asked):
    series = long(asked.daily)
    table = scorer.score(forecasts(asked.backtests, series), series, asked.season, base="seasonal-naive").set_index("model")
    held = table.loc["auto", "cov90"]
    print(f"90 % intervals of auto hold {100 * held:.1f} %, 80 % ones {100 * table.loc['auto', 'cov80']:.1f} %")
    return [] if asked.low <= held <= asked.high else [f"not between {asked.low} and {asked.high}"]


def series(asked):
    data = pd.read_csv(asked.series)
    data["unique_id"] = data["unique_id"].astype(str)
    if pd.api.types.is_integer_dtype(data["ds"]):
        unit = "h" if asked.frequency == "H" else "D"
        data["ds"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(data["ds"].to_numpy(), unit=unit)
    data["ds"] = pd.to_datetime(data["ds"])
    fc = pd.concat([forecasts(path, data) for path in (asked.forecast, asked.naive)], ignore_index=True)
    whole = scorer.score(fc, data, asked.season)
    show(whole)
    by_model = whole.set_index("model")[list(NAMES)].astype(float)
    wrong = differences(by_model.loc["seasonal-naive"], by_model.loc["SeasonalNaive"], "seasonal-naive")
    judged = fc
    if asked.before:
        ends = fc.groupby("cutoff")["ds"].transform("max")
        judged = fc[ends < pd.Timestamp(asked.before)]
        print(f"before {asked.before}: {judged['cutoff'].nunique()} of {fc['cutoff'].nunique()} windows")
        show(scorer.score(judged, data, asked.season))
    table = scorer.score(judged, data, asked.season).set_index("model")
    for name in ("MASE", "WQL"):
        if not table.loc["auto", name] < table.loc["seasonal-naive", name]:
            wrong.append(f"auto does not beat seasonal naive on {name}")
    return wrong


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("what", choices=("lake", "coverage", "series"))
    for name in ("backtests", "own", "daily", "forecast", "naive", "series", "before"):
        arguments.add_argument(f"--{name}")
    arguments.add_argument("--frequency", default="D")
    arguments.add_argument("--season", type=int, default=7)
    arguments.add_argument("--from", dest="low", type=float)
    arguments.add_argument("--to", dest="high", type=float)
    asked = arguments.parse_args()
    wrong = {"lake": lake, "coverage": coverage, "series": series}[asked.what](asked)
    for line in wrong:
        print(f"FAILED: {line}")
    sys.exit(len(wrong) > 0)


if __name__ == "__main__":
    main()
