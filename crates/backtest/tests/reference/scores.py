#!/usr/bin/env python3
"""Expected scores of tests/scores.rs, by the scorer of the exchange format. Needs numpy and pandas.

  python crates/backtest/tests/reference/scores.py

Writes series.csv, forecasts.csv and expected.csv beside this file. numpy 2.4.6, pandas 2.3.3.
"""
import sys
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[3] / "experiments" / "peers"))
import score

HORIZON, WINDOWS, SEASON, LENGTH = 10, 2, 7, 60
QUANTILES = score.Q


def main():
    rng = np.random.default_rng(20260101)
    days = pd.date_range("2024-01-01", periods=LENGTH, freq="D")
    series, forecasts = [], []
    for number, (level, spread) in enumerate([(100.0, 9.0), (0.5, 0.2), (40.0, 15.0), (3.0, 0.0)]):
        unique_id = f"s{number}"
        y = level + spread * rng.standard_normal(LENGTH) + spread * np.sin(np.arange(LENGTH) * 2 * np.pi / SEASON)
        y = np.round(y, 4)
        if number == 2:
            y[[20, 44, 57]] = np.nan
        if number == 3:
            y[:] = 3.0
        series.append(pd.DataFrame({"unique_id": unique_id, "ds": days, "y": y}))
        for window in range(WINDOWS):
            first = LENGTH - HORIZON - (WINDOWS - 1 - window) * HORIZON
            for model, off in [("seasonal-naive", 1.0), ("other", 0.6)]:
                # One model is silent once: the scorer drops that window for both.
                if model == "other" and number == 1 and window == 0:
                    continue
                point = np.round(level + off * spread * rng.standard_normal(HORIZON), 4)
                rows = pd.DataFrame({"model": model, "unique_id": unique_id, "cutoff": days[first - 1], "ds": days[first : first + HORIZON], "yhat": point})
                z = np.array([-1.645, -1.282, -0.674, 0.0, 0.674, 1.282, 1.645])
                for q, column in enumerate(score.QC):
                    rows[column] = np.round(point + 0.9 * spread * z[q], 4)
                forecasts.append(rows)
    data, made = pd.concat(series), pd.concat(forecasts)
    data.to_csv(HERE / "series.csv", index=False)
    made.to_csv(HERE / "forecasts.csv", index=False)
    joined = made.merge(data, on=["unique_id", "ds"], how="left")
    parts = [("all", made["unique_id"] != ""), ("s0 and s2", made["unique_id"].isin(["s0", "s2"]))]
    step = ((made["ds"] - made["cutoff"]).dt.days).to_numpy()
    parts.append(("steps=4-10", step >= 4))
    expected = []
    for name, kept in parts:
        table = score.score(joined[np.asarray(kept)], data, SEASON, base="seasonal-naive")
        table.insert(0, "slice", name)
        expected.append(table)
    pd.concat(expected).to_csv(HERE / "expected.csv", index=False, float_format="%.17g")


if __name__ == "__main__":
    main()
