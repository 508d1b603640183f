#!/usr/bin/env python3
"""Seasonal naive as statsforecast makes it, in numpy: the independent side of the score comparison. Writes FORMAT.md's forecast file.

  python seasonal_naive.py SERIES.csv --frequency D --season 7 --horizon 90 --windows 4 --out FORECAST.csv

The point forecast repeats the last season. Intervals are normal around it: sigma is the root mean square of y[t] - y[t-m] over the
training rows, and grows with the square root of the seasons ahead, sqrt(1 + (step-1) // m), Hyndman & Athanasopoulos, "Forecasting:
principles and practice", 3rd ed., 5.5. statsforecast 2.1.1's SeasonalNaive through ../../experiments/peers/peers.py gives the same file
to 1e-9 relative (checked on LINX daily P95 and M4 Hourly).
"""
import argparse
from statistics import NormalDist

import numpy as np
import pandas as pd

QUANTILES = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)


def stamps(ds, frequency):
    """Integer steps are days or hours after 2020-01-01, as FORMAT.md reads them."""
    if not pd.api.types.is_integer_dtype(ds):
        return pd.to_datetime(ds)
    return pd.Timestamp("2020-01-01") + pd.to_timedelta(ds.to_numpy(), unit="h" if frequency == "H" else "D")


def forecast(training, season, horizon):
    last = training[-season:]
    steps = np.arange(horizon)
    point = last[steps % season]
    errors = training[season:] - training[:-season]
    sigma = np.sqrt(np.mean(errors**2)) * np.sqrt(1 + steps // season)
    return point, {q: point + NormalDist().inv_cdf(q) * sigma for q in QUANTILES}


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("series")
    arguments.add_argument("--frequency", default="D")
    for name in ("season", "horizon", "windows"):
        arguments.add_argument(f"--{name}", type=int, required=True)
    arguments.add_argument("--out", required=True)
    asked = arguments.parse_args()
    data = pd.read_csv(asked.series)
    data["ds"] = stamps(data["ds"], asked.frequency)
    parts = []
    for unique_id, series in data.sort_values("ds").groupby("unique_id"):
        y, ds = series["y"].to_numpy(float), series["ds"].to_numpy()
        for window in range(asked.windows):
            cut = len(y) - asked.horizon * (asked.windows - window)
            point, quantiles = forecast(y[:cut], asked.season, asked.horizon)
            part = {"model": "SeasonalNaive", "unique_id": unique_id, "cutoff": ds[cut - 1], "ds": ds[cut:cut + asked.horizon],
                    "yhat": point, "window": window, "step": np.arange(1, asked.horizon + 1)}
            part.update({f"q{q:g}": values for q, values in quantiles.items()})
            parts.append(pd.DataFrame(part))
    pd.concat(parts).to_csv(asked.out, index=False)


if __name__ == "__main__":
    main()
