#!/usr/bin/env python3
"""Reference numbers of `var` and `random-forest`: the series and rows are made as the tests make them, by whole numbers.

  python var_forest_reference.py        (statsmodels 0.15.0, scikit-learn 1.9.1, numpy)
"""
import numpy as np
from sklearn.ensemble import RandomForestRegressor
from statsmodels.tsa.api import VAR
from statsmodels.tsa.ar_model import AutoReg


def uniforms(state):
    """Numbers in [0, 1) of Knuth's 64-bit linear congruential generator, the upper 32 bits of each state."""
    while True:
        state = (6364136223846793005 * state + 1442695040888963407) % 2**64
        yield (state >> 32) / 2**32


def two_series(n):
    chance, y = uniforms(1), [[1.0, -1.0], [0.5, 0.5]]
    while len(y) < n:
        a, b = next(chance) - 0.5, next(chance) - 0.5
        (x1, z1), (x2, z2) = y[-1], y[-2]
        y.append([2.0 + 0.5 * x1 + 0.2 * z1 - 0.3 * x2 + a, -1.0 + 0.4 * x1 + 0.1 * z1 + 0.3 * z2 + a + 2.0 * b])
    return np.array(y)


def rows(n, state):
    """Friedman's first function of five of ten uniforms, and noise: the features as single-precision numbers."""
    chance = uniforms(state)
    x = np.array([[next(chance) for _ in range(11)] for _ in range(n)])
    y = 10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2 + 10 * x[:, 3] + 5 * x[:, 4] + 4 * (x[:, 10] - 0.5)
    return x[:, :10].astype(np.float32), y


y = two_series(300)
order = VAR(y).select_order(maxlags=8, trend="c")
print("select_order(maxlags=8)", order.selected_orders, [round(v, 7) for v in order.ics["bic"]], [round(v, 7) for v in order.ics["aic"]])
fit = VAR(y).fit(2, trend="c")
print("fit(2).params", np.round(fit.params, 8).tolist())
print("sigma_u", np.round(fit.sigma_u, 8).tolist())
centre, low, high = fit.forecast_interval(y[-2:], 5, alpha=0.2)
print("forecast_interval(5, alpha=0.2)", np.round(centre, 7).tolist(), np.round(high, 7).tolist())
ar = AutoReg(y[:, 0], 2, trend="c").fit()
print("AutoReg(2)", np.round(ar.params, 8).tolist(), np.round(ar.forecast(3), 7).tolist())
(x, target), (ahead, truth) = rows(2000, 2), rows(1000, 3)
errors = []
for seed in range(5):
    forest = RandomForestRegressor(n_estimators=100, min_samples_leaf=5, max_features=1 / 3, random_state=seed).fit(x, target)
    errors.append(np.sqrt(np.mean((forest.predict(ahead) - truth) ** 2)))
print("RandomForestRegressor(100, min_samples_leaf=5, max_features=1/3): root mean squared error", np.round(errors, 4).tolist(), "of", round(float(truth.std()), 4))
