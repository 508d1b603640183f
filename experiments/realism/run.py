#!/usr/bin/env python3
"""Score generated telemetry against real telemetry. Needs numpy, pandas, pyarrow.

  FLEETCAST_EVAL_DATA=DATA python run.py OUT --fleetcast BINARY [--sets azure_v1,bitbrains] [--seed 9101]

For each real set it scores four fleets of as many servers (64 at least), as long and as fine as the set:

  enterprise   the built-in scenario
  fitted       the profile and scenario that `profile fit` learns from the set (sets of three days or more)
  walks        independent random walks clamped to 0..100, one normal step of standard deviation 1 a tick
  textbook     independent normal noise about a profile's daily shape, clipped at 0 and 100

`enterprise` was tuned on the sets marked `tuned`, with other seeds; the others
were held out. Writes OUT/SET.parquet, OUT/SET-FLEET.json and prints the tables of README.md.
"""
import argparse
import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd

SETS = {
    "azure_160": ("azure_vm_160/cpu_avg_5min.parquet", 28, "tuned"),
    "bitbrains": ("bitbrains_small/cpu_5min.parquet", 30, "tuned"),
    "azure_v1": ("azure_vm_v1/cpu_5min.parquet", 28, "held out"),
    "planetlab": ("planetlab_2011/cpu_5min.parquet", 1, "held out"),
    "google_vms": ("google_vms_2011/cpu_mem_5min.parquet", 1, "held out"),
}
NAMES = {"cpu_utilization": "cpu", "cpu_utilization_avg": "cpu", "mem_utilization": "memory"}
# The walk-through's profiles: share, cpu and memory base, their noise in %, window.
PROFILES = [
    (0.35, (35, 55), (12, 8), (8, 20)),
    (0.40, (32, 60), (10, 7), (9, 18)),
    (0.15, (28, 75), (7, 5), (7, 19)),
    (0.10, (18, 40), (22, 15), (22, 6)),
]


def real(data, name):
    """The set as a long file with the generator's names of metrics."""
    frame = pd.read_parquet(data / SETS[name][0])
    frame = frame[frame["metric"].isin(NAMES)].assign(metric=lambda f: f["metric"].map(NAMES))
    if name == "planetlab":
        # One of its ten separate days.
        frame = frame[frame["timestamp"].dt.date == pd.Timestamp("2011-03-03").date()]
    return frame[["server_id", "timestamp", "metric", "unit", "value"]]


def long(values, metric, step=300):
    servers, n = values.shape
    times = pd.Timestamp("2023-06-01", tz="UTC") + pd.to_timedelta(np.arange(n) * step, unit="s")
    return pd.DataFrame({
        "server_id": np.repeat([f"s-{s:04}" for s in range(servers)], n),
        "timestamp": np.tile(times, servers),
        "metric": metric,
        "unit": "percent",
        "value": values.ravel(),
    })


def walks(servers, days, metrics, rng):
    def one():
        walk = np.empty((servers, 288 * days))
        state = rng.uniform(0, 100, servers)
        for at in range(walk.shape[1]):
            state = np.clip(state + rng.normal(0, 1, servers), 0, 100)
            walk[:, at] = state
        return walk

    return pd.concat([long(one(), metric) for metric in metrics])


def textbook(servers, days, metrics, rng):
    hours = np.arange(288 * days) * 5 / 60 % 24
    kind = rng.choice(4, servers, p=[p[0] for p in PROFILES])
    frames = []
    for column, metric in enumerate(metrics):
        values = np.empty((servers, len(hours)))
        for s, k in enumerate(kind):
            _, base, std, (start, end) = PROFILES[k]
            inside = (hours >= start) & (hours < end) if start < end else (hours >= start) | (hours < end)
            centre = (start + ((end - start) % 24) / 2) % 24
            shape = (1 + 0.2 * np.cos(2 * np.pi * (hours - centre) / 24)) * np.where(inside, 1.15, 1.0)
            values[s] = np.clip(base[column] * shape * (1 + std[column] / 100 * rng.normal(size=len(hours))), 0, 100)
        frames.append(long(values, metric))
    return pd.concat(frames)


def run(binary, *arguments):
    return subprocess.run([binary, "--quiet", *map(str, arguments)], check=True, capture_output=True, text=True).stdout


def fleets(binary, out, name, servers, days, metrics, seed):
    """Each fleet's file, by its name; what could not be made, with the reason."""
    rng = np.random.default_rng(seed)
    files, reasons = {}, {}

    def generated(fleet, *more):
        folder = out / f"{name}-{fleet}"
        run(binary, "generate", "--out", folder, "--servers", servers, "--days", max(days, 2), "--step", "5min",
            "--start", "2023-06-01", "--seed", seed, *more)
        files[fleet] = folder / "samples.parquet"

    generated("enterprise")
    profile, scenario = out / f"{name}.profile.toml", out / f"{name}.scenario.toml"
    try:
        run(binary, "profile", "fit", "--input", out / f"{name}.parquet", "--name", "fitted", "--out", profile,
            "--scenario-out", scenario)
        generated("fitted", "--profile", profile, "--scenario", scenario)
    except subprocess.CalledProcessError as error:
        reasons["fitted"] = error.stderr.strip().splitlines()[0]
    for fleet, make in (("walks", walks), ("textbook", textbook)):
        files[fleet] = out / f"{name}-{fleet}.parquet"
        make(servers, days, metrics, rng).to_parquet(files[fleet], index=False)
    return files, reasons


def table(cards):
    """Scores by fleet: the value over the null's 95 % quantile, so that 1 and below is as real."""
    names = list(cards)
    rows = [f"| score | metric | null 95 % | {' | '.join(names)} |", "|---|---|---|" + "---|" * len(names)]
    first = cards[names[0]]["scores"]
    for line in first:
        cells = []
        for fleet in names:
            same = [l for l in cards[fleet]["scores"] if (l["score"], l["metric"]) == (line["score"], line["metric"])]
            found = same[0] if same else {"not_shown": ""}
            mark = {"as real": "", "near": " ·", "tells it apart": " x"}
            cells.append("-" if "not_shown" in found else f"{found['value']:.3f}{mark[found['verdict']]}")
        null = f"{line['null_q95']:.3f}" if "null_q95" in line else line.get("not_shown", "-")
        rows.append(f"| {line['score']} | {line['metric']} | {null} | {' | '.join(cells)} |")
    counts = []
    for fleet in names:
        shown = [l for l in cards[fleet]["scores"] if "value" in l]
        counts.append(f"{sum(l['verdict'] == 'as real' for l in shown)} of {len(shown)}")
    rows.append(f"| as real | | | {' | '.join(counts)} |")
    accuracy = []
    for fleet in names:
        note = [n for n in cards[fleet]["notes"] if n.startswith("classifier: accuracy")]
        accuracy.append(note[0].split()[2] if note else "-")
    rows.append(f"| classifier's accuracy | | | {' | '.join(accuracy)} |")
    return "\n".join(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--fleetcast", required=True)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--seed", type=int, default=9101)
    arguments = parser.parse_args()
    if "FLEETCAST_EVAL_DATA" not in os.environ:
        raise SystemExit("skipped: FLEETCAST_EVAL_DATA is not set")
    data, out = Path(os.environ["FLEETCAST_EVAL_DATA"]), arguments.out
    out.mkdir(parents=True, exist_ok=True)
    for name in arguments.sets.split(","):
        _, days, use = SETS[name]
        frame = real(data, name)
        frame.to_parquet(out / f"{name}.parquet", index=False)
        servers, metrics = max(64, frame["server_id"].nunique()), sorted(frame["metric"].unique())
        files, reasons = fleets(arguments.fleetcast, out, name, servers, days, metrics, arguments.seed)
        cards = {}
        for fleet, file in files.items():
            text = run(arguments.fleetcast, "--json", "realism", "--real", out / f"{name}.parquet", "--synthetic", file)
            (out / f"{name}-{fleet}.json").write_text(text)
            cards[fleet] = json.loads(text)
        print(f"\n### {name} ({use}; {frame['server_id'].nunique()} servers, {days} days)\n\n{table(cards)}")
        for fleet, reason in reasons.items():
            print(f"\n{fleet}: {reason}")


if __name__ == "__main__":
    main()
