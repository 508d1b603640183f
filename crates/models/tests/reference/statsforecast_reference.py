"""Makes the reference numbers of tests/reference.rs.

    python statsforecast_reference.py > reference.csv      # statsforecast 2.1.1, numpy 2.4.6

One line per model and series: model, series, season, then its numbers. The series are formulas, so that the
Rust test makes the same ones: a linear congruential generator stands in for noise.
"""
import math
from statsforecast.models import MSTL, AutoARIMA, AutoETS, DynamicOptimizedTheta, SeasonalNaive
import numpy as np


def noise(n, seed):
    """n numbers in [-1, 1)."""
    state, out = seed, []
    for _ in range(n):
        state = (state * 1103515245 + 12345) % 2**31
        out.append(state / 2**30 - 1)
    return out


def series():
    e = noise(400, 7)
    yield "growing", 7, [50 + 0.05 * t + 8 * math.sin(2 * math.pi * t / 7) + 3 * e[t] for t in range(200)]
    e = noise(400, 11)
    yield "idle", 7, [2 + 0.5 * e[t] for t in range(150)]
    e = noise(400, 13)
    yield "hourly", 24, [30 * (1 + 0.4 * math.cos(2 * math.pi * t / 24)) * (1 + 0.1 * e[t]) for t in range(240)]
    e, level, walk = noise(400, 17), 100.0, []
    for t in range(120):
        level += 2 * e[t]
        walk.append(level)
    yield "walk", 7, walk
    e = noise(400, 19)
    yield "around zero", 7, [5 * math.sin(2 * math.pi * t / 7) + e[t] for t in range(100)]
    e = noise(400, 23)
    yield "large", 7, [1e6 * (10 + 0.02 * t + e[t] + (3 if t % 7 < 5 else 0)) for t in range(180)]


for name, season, y in series():
    y = np.array(y)
    naive = SeasonalNaive(season_length=season).forecast(y=y, h=2 * season, level=[80, 90])
    for key in ("mean", "lo-90", "lo-80", "hi-80", "hi-90"):
        print(f"seasonal-naive,{name},{season},{key}," + ",".join(f"{v:.10g}" for v in naive[key]))
    # The search stops at an absolute tolerance, so that its answer depends on the unit of the series; where
    # that shows (5e-4 on "large"), the unit is a hundredth of the mean size, as in the Rust method.
    unit = np.abs(y).mean() / 100 if name == "large" else 1.0
    theta = DynamicOptimizedTheta(season_length=season).forecast(y=y / unit, h=2 * season)
    print(f"theta,{name},{season},mean," + ",".join(f"{v * unit:.10g}" for v in theta["mean"]))
    ets = AutoETS(season_length=season).fit(y=y)
    print(f"ets,{name},{season},mean," + ",".join(f"{v:.10g}" for v in ets.predict(h=2 * season)["mean"]))
    error, trend, seasonal, damped = ets.model_["components"]
    print(f"form,{name},{season},{error}{trend}{'d' if damped == 'D' else ''}{seasonal},{ets.model_['aicc']:.10g}")
    seasons = [season, 42] if season == 7 else [season]
    mstl = MSTL(season_length=seasons, trend_forecaster=AutoETS(model="ZZN")).forecast(y=y, h=2 * season)
    print(f"mstl,{name},{season},mean," + ",".join(f"{v:.10g}" for v in mstl["mean"]))
    # "large" is left out: there the search of statsforecast drops orders whose likelihood its filter cannot tell any more.
    if name != "large":
        arima = AutoARIMA(season_length=season).fit(y=y)
        print(f"arima,{name},{season},mean," + ",".join(f"{v:.10g}" for v in arima.predict(h=2 * season)["mean"]))
        p, q, sp, sq, _, d, sd = arima.model_["arma"]
        print(f"orders,{name},{season},{p} {d} {q},{sp} {sd} {sq},{arima.model_['aicc']:.10g}")
