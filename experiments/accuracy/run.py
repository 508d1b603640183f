#!/usr/bin/env python3
"""Fleetcast beside public peers on the sets of make_sets.py. Needs numpy, pandas, pyarrow; for the peers also
../peers/requirements.txt.

  python run.py sets --fleetcast BINARY [--only SET,...] [--peers-python PYTHON] [--max-series 100] [--methods auto]

For each set it runs `fleetcast backtest --series` and, where --peers-python names an interpreter that has them, the peers on
the same file, and prints one table: every figure of `auto` on the points that all methods have, its ratio to seasonal naive and
to the best peer, with 95 % bootstrap intervals over the series. A set of more than --max-series series (the generated fleets) is
cut to a seeded sample for the peers, and the ratio to them is over that sample. Forecasts stay beside the sets and are used again.
"""
import argparse
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "peers"))
import score

PEERS = Path(__file__).resolve().parent.parent / "peers/peers.py"
PEER_METHODS = ["SeasonalNaive", "AutoETS", "AutoTheta", "DynamicOptimizedTheta", "MSTL", "Prophet", "LightGBM"]
BOUNDED = {"azure", "bitbrains"}


def ours(a, row):
    out = Path(a.sets) / f"{row.set}.fleetcast.csv"
    if not out.exists():
        command = [a.fleetcast, "--quiet", "--threads", "1", "backtest", "--series", f"{a.sets}/{row.set}.csv"]
        command += ["--frequency", row.frequency, "--season", str(row.season), "--horizon", str(row.horizon)]
        command += ["--windows", str(row.windows), "--models", f"{a.methods},seasonal-naive", "--out", str(out)]
        command += ["--bounds", "0,100"] if row.set in BOUNDED else []
        before = os.times()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        after = os.times()
        seconds = after.children_user + after.children_system - before.children_user - before.children_system
        print(f"{row.set}: {seconds:.1f} CPU s, {1000 * seconds / row.n_series:.1f} per 1000 series", file=sys.stderr)
        if row.frequency == "W":
            by_number(out)
    return out


def by_number(path):
    """Weeks that have numbers are weeks for us and days for the scorer and the peers: as many days after the first."""
    forecasts, first = pd.read_csv(path), pd.Timestamp("2020-01-01")
    for name in ("cutoff", "ds"):
        weeks = (pd.to_datetime(forecasts[name]) - first).dt.days // 7
        forecasts[name] = first + pd.to_timedelta(weeks, unit="D")
    forecasts.to_csv(path, index=False)


def theirs(a, row):
    out = Path(a.sets) / f"{row.set}.peers.parquet"
    if a.peers_python and not out.exists():
        command = [a.peers_python, str(PEERS), f"{a.sets}/{row.set}.csv", "--freq", row.frequency]
        command += ["--season", str(row.season), "--horizon", str(row.horizon), "--windows", str(row.windows)]
        command += ["--models", ",".join(PEER_METHODS), "--out", str(out)]
        command += ["--max-series", str(a.max_series)] if row.n_series > a.max_series else []
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return out if out.exists() else None


def per_series(forecasts, data, season):
    """Per method and series: MASE (mean over its windows), the two sums whose ratio is WQL, and what intervals hold."""
    f = forecasts[forecasts["y"].notna()]
    every = f.groupby(["unique_id", "cutoff", "ds"])["model"].transform("nunique") == f["model"].nunique()
    f = f[every].merge(score.scales(f[every], data, season), on=["unique_id", "cutoff"])
    y = f["y"].to_numpy(float)
    loss = [np.where(y >= f[c], q * (y - f[c]), (1 - q) * (f[c] - y)) for q, c in zip(score.Q, score.QC)]
    f = f.assign(ae=np.abs(y - f["yhat"]), loss=2 * np.mean(loss, axis=0), size=np.abs(y),
                 held90=(y >= f["q0.05"]) & (y <= f["q0.95"]), held80=(y >= f["q0.1"]) & (y <= f["q0.9"]))
    windows = f.groupby(["model", "unique_id", "cutoff"]).agg(ae=("ae", "mean"), s1=("s1", "first"))
    windows = windows[windows["s1"] > 1e-9]
    mase = (windows["ae"] / windows["s1"]).groupby(["model", "unique_id"]).mean().rename("mase")
    rest = f.groupby(["model", "unique_id"]).agg(loss=("loss", lambda loss: loss.sum(skipna=False)), size=("size", "sum"),
                                                held90=("held90", "mean"), held80=("held80", "mean"))
    return rest.join(mase)


def ratios(scores, method, base, n=1000):
    """Ratio of MASE and of WQL of two methods, each with its bootstrap interval over the series."""
    one, two = scores.loc[method], scores.loc[base].reindex(scores.loc[method].index)
    pick = np.random.default_rng(1).integers(0, len(one), (n, len(one)))
    mase = lambda s, at: np.nanmean(s["mase"].to_numpy()[at], axis=-1)
    wql = lambda s, at: s["loss"].to_numpy()[at].sum(-1) / s["size"].to_numpy()[at].sum(-1)
    whole = np.arange(len(one))
    for of in (mase, wql):
        yield of(one, whole) / of(two, whole), *np.quantile(of(one, pick) / of(two, pick), [0.025, 0.975])


def shown(ratio):
    return f"{ratio[0]:.3f} ({ratio[1]:.3f}-{ratio[2]:.3f})"


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("sets")
    p.add_argument("--fleetcast", required=True)
    p.add_argument("--only", default="")
    p.add_argument("--methods", default="auto")
    p.add_argument("--peers-python", default="")
    p.add_argument("--max-series", type=int, default=100)
    a = p.parse_args()
    sets = pd.read_csv(Path(a.sets) / "sets.csv")
    wanted = a.only.split(",") if a.only else list(sets["set"])
    lines, logs = [], []
    for row in sets[sets["set"].isin(wanted)].itertuples():
        own, data = score.load([str(ours(a, row))], f"{a.sets}/{row.set}.csv", row.frequency)
        whole = per_series(own, data, row.season)
        first = a.methods.split(",")[0]
        mase, wql = ratios(whole, first, "seasonal-naive")
        at = whole.loc[first]
        line = [row.set, str(row.n_series), f"{at['mase'].mean():.3f}", shown(mase), shown(wql),
                f"{at['held90'].mean():.3f}", f"{at['held80'].mean():.3f}"]
        peers = theirs(a, row)
        if peers:
            other, _ = score.load([str(peers)], f"{a.sets}/{row.set}.csv", row.frequency)
            both = per_series(pd.concat([own[own["model"] == first], other]), data, row.season)
            best = lambda of: min((m for m in both.index.levels[0] if m != first), key=of)
            by_mase = best(lambda m: both.loc[m]["mase"].mean())
            # Where a peer has no quantiles its loss is missing, and missing is not small.
            by_wql = best(lambda m: np.nan_to_num(both.loc[m]["loss"].sum(skipna=False), nan=np.inf))
            mase, wql = next(ratios(both, first, by_mase)), list(ratios(both, first, by_wql))[1]
            line += [by_mase, shown(mase), by_wql, shown(wql)]
            logs.append([np.log(mase[0]), np.log(wql[0])])
        lines.append(line)
    head = ["set", "series", "MASE", "to seasonal naive", "WQL, to seasonal naive", "90 % holds", "80 % holds"]
    head += ["best peer, MASE", "ratio", "best peer, WQL", "ratio"] if logs else []
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for line in lines:
        print("| " + " | ".join(line + [""] * (len(head) - len(line))) + " |")
    if logs:
        mase, wql = np.exp(np.mean(logs, axis=0))
        print(f"\ngeometric mean of the ratios to the best peer: MASE {mase:.3f}, WQL {wql:.3f}")


if __name__ == "__main__":
    main()
