"""Makes the reference numbers of tests/prophet.rs.

    python prophet_reference.py > prophet.csv      # prophet 1.5.0 (cmdstan 2.37.0), numpy 2.4.6, pandas 2.3.3

One line per case and part: case, part, then its values at every 29th step of the history and the year (or, for hours, the
fortnight) after it. `Prophet(...)` and `fit(...)` are called as `CASES` says. The series are formulas, so that the Rust test
makes the same ones: a linear congruential generator stands in for noise.
"""
import logging
import math

import numpy as np
import pandas as pd

logging.getLogger("cmdstanpy").disabled = True
from prophet import Prophet


def noise(n, seed):
    """n numbers in [-1, 1)."""
    state, out = seed, []
    for _ in range(n):
        state = (state * 1103515245 + 12345) % 2**31
        out.append(state / 2**30 - 1)
    return out


def wave(t, period):
    return math.sin(2 * math.pi * t / period)


def daily(n, seed):
    """Growth that changes twice, a week, a year and noise."""
    e = noise(n, seed)
    trend = [50 + 0.05 * t - 0.08 * max(0, t - 300) + 0.06 * max(0, t - 620) for t in range(n)]
    return [trend[t] + (4 if t % 7 < 5 else -3) + 6 * wave(t, 365.25) + 3 * e[t] for t in range(n)]


def hourly(n, seed):
    e = noise(n, seed)
    return [20 + 0.01 * t + 8 * wave(t, 24) + (3 if t // 24 % 7 < 5 else 0) + 2 * e[t] for t in range(n)]


def saturating(n, seed):
    e = noise(n, seed)
    return [90 / (1 + math.exp(-(t - 300) / 120)) + 2 * wave(t, 7) + 2 * e[t] for t in range(n)]


def closing(n, seed):
    """Days of the quarter's end, and a regressor that is known."""
    e, load = noise(n, seed), noise(n + 365, seed + 1)
    first = pd.Timestamp("2022-01-01")
    left = [(first + pd.Timedelta(days=t) + pd.offsets.QuarterEnd(0) - first).days - t for t in range(n)]
    return [30 + 0.01 * t + max(0, 9 - left[t]) + 5 * load[t] + e[t] for t in range(n)]


def multiplied(n, seed):
    e = noise(n, seed)
    return [(20 + 0.05 * t) * (1 + (0.2 if t % 7 < 5 else -0.3)) + e[t] for t in range(n)]


N = 1000
CASES = {
    # name: (series, frequency, steps ahead, arguments of Prophet)
    "daily": (daily(N, 7), "D", 365, {}),
    "gaps": ([v if t % 11 and not 400 <= t < 440 else math.nan for t, v in enumerate(daily(N, 11))], "D", 365, {}),
    "short": (daily(80, 13), "D", 60, {}),
    "hourly": (hourly(720, 17), "h", 336, {}),
    "flat": (daily(500, 19), "D", 100, {"growth": "flat"}),
    "logistic": (saturating(700, 23), "D", 365, {"growth": "logistic"}),
    "multiplied": (multiplied(600, 29), "D", 200, {"seasonality_mode": "multiplicative"}),
    "events": (closing(900, 31), "D", 365, {}),
}

for name, (y, frequency, ahead, arguments) in CASES.items():
    grid = pd.date_range("2022-01-01", periods=len(y) + ahead, freq=frequency)
    frame = pd.DataFrame({"ds": grid[: len(y)], "y": y})
    future = pd.DataFrame({"ds": grid})
    if name == "logistic":
        frame["cap"] = future["cap"] = 100.0
    if name == "events":
        # A holiday with a window, a regressor that is standardised, and the two ramps of `prophet-qe`.
        days = [grid[t] for t in range(40, len(grid), 100)]
        arguments = {"holidays": pd.DataFrame({"holiday": "audit", "ds": days, "lower_window": -1, "upper_window": 2})}
        left = np.array([(d + pd.offsets.QuarterEnd(0) - d).days for d in grid])
        for f in (frame, future):
            f["load"] = noise(len(y) + 365, 32)[: len(f)]
            f["quarter-end-4"] = np.maximum(0, (4 - left[: len(f)]) / 4)
            f["quarter-end-9"] = np.maximum(0, (9 - left[: len(f)]) / 9)
    np.random.seed(7)
    model = Prophet(uncertainty_samples=20000, **arguments)
    if name == "events":
        for regressor in ("quarter-end-4", "quarter-end-9", "load"):
            model.add_regressor(regressor)
    model.fit(frame)
    got = model.predict(future)
    parts = ["yhat", "trend", "weekly", "yearly", "daily", "audit", "load", "quarter-end-4", "yhat_lower", "yhat_upper"]
    for part in parts:
        if part in got:
            # The intervals of the past say nothing that the noise does not.
            values = got[part].to_numpy()[len(y) :: 29] if part in ("yhat_lower", "yhat_upper") else got[part].to_numpy()[::29]
            print(f"{name},{part}," + ",".join(f"{v:.10g}" for v in values))
