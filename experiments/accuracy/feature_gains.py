#!/usr/bin/env python3
"""What the boosted trees gain from quarter-end features and from the other metrics of a server, on generated fleets.

  python feature_gains.py target/release/fleetcast [--seeds 7001,7002] [--servers 200] [--windows 2] [--horizon 90]

Each fleet is generated and its past forecast by `boosted`, by the same without one kind of features, and by Prophet,
which knows neither. Gains are shares of the error of the method without the features: above 0 they help. Peaks are the
highest tenth of the actual days of a series in a window. Needs nothing but Python and the program.
"""
import argparse
import json
import subprocess
import tempfile
from pathlib import Path

WITHOUT = {
    "quarter ends": "boosted-without-quarter-ends",
    "other metrics": "boosted-without-other-metrics",
    "trees, not Prophet": "prophet",
}
SCORES = {"MAE": "mae", "MASE": "mase", "WQL": "wql", "MASE at peaks": "peak_mase"}


def scores(program, seed, asked):
    """Overall scores of each method on the fleet of one seed."""
    with tempfile.TemporaryDirectory(prefix="fleetcast-gains-") as folder:
        lake = str(Path(folder) / "lake")
        size = ["--servers", str(asked.servers), "--days", "1095", "--step", "day", "--seed", str(seed)]
        subprocess.run([program, "--quiet", "generate", "--lake", lake, *size], check=True, stdout=subprocess.DEVNULL)
        models = ",".join(["boosted", *WITHOUT.values()])
        windows = ["--horizon", str(asked.horizon), "--windows", str(asked.windows)]
        command = [program, "--json", "backtest", "--lake", lake, "--models", models, *windows]
        rows = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return {row["model"]: row for row in rows if row["slice"] == "all"}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="the built fleetcast")
    parser.add_argument("--seeds", default="7001,7002", help="seeds of the fleets (default 7001,7002)")
    parser.add_argument("--servers", type=int, default=200)
    parser.add_argument("--windows", type=int, default=2)
    parser.add_argument("--horizon", type=int, default=90)
    asked = parser.parse_args()
    print("| seed | what is added | " + " | ".join(f"{name}: with, without, gain" for name in SCORES) + " |")
    print("|---" * (2 + len(SCORES)) + "|")
    for seed in asked.seeds.split(","):
        found = scores(asked.program, int(seed), asked)
        for what, model in WITHOUT.items():
            cells = []
            for key in SCORES.values():
                told, blind = found["boosted"][key], found[model][key]
                cells.append(f"{told:.4f}, {blind:.4f}, {100 * (1 - told / blind):+.1f} %")
            print(f"| {seed} | {what} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
