"""Generates fleets with their oracles, decides again at past origins, and prints the scores as Markdown.

    python3 experiments/decisions/run.py FOLDER --fleetcast target/release/fleetcast --seeds 9201 9202
    python3 experiments/decisions/run.py FOLDER --fleetcast target/release/fleetcast --windows 12 --step 30
    python3 experiments/decisions/run.py FOLDER --fleetcast target/release/fleetcast --windows 3 --step 30 --months 15

A fleet that is already in FOLDER is not generated again.
"""

import argparse
import datetime
import json
import pathlib
import subprocess

START = datetime.date(2022, 1, 1)
WARNINGS = ["average_precision", "precision", "recall", "brier_skill", "calibration_error", "value_0.05", "value_0.2"]
SIZES = ["regret_usd_per_month", "saving_usd_per_month", "bad_day_rate", "worst_run_days", "sound_savings", "promise_error"]

HELD = ["held_14", "held_30", "held_60", "median_lead_days", "flip_share", "flip_share_of_warned"]
POOLS = ["cover_80", "cover_90", "under_q10", "under_q50", "under_q90", "peak_under_q50", "peak_under_q90", "quantile_loss",
         "two_over_brier"]
TUNED = ["cost_of_oracle", "bad_day_rate", "cost_of_oracle_behind"]


def origins(args):
    last = START + datetime.timedelta(args.days - 1)
    held_out = (args.horizon + number * args.step for number in range(args.windows))
    return [(last - datetime.timedelta(days)).isoformat() for days in held_out]


def decide(args, seed):
    lake = pathlib.Path(args.folder, f"{args.sampled}-{args.servers}x{args.days}-{args.windows}x{args.step}-{seed}")
    if not lake.exists():
        subprocess.run(
            [args.fleetcast, "--quiet", "generate", "--lake", lake, "--servers", str(args.servers), "--days", str(args.days),
             "--step", args.sampled, "--seed", str(seed), "--oracle", ",".join(origins(args)), "--oracle-horizon", str(args.oracle_days),
             "--tables", "servers,metrics,samples,daily,oracle"],
            check=True, stdout=subprocess.DEVNULL)
    answer = subprocess.run(
        [args.fleetcast, "--quiet", "--json", "backtest", "--lake", lake, "--decisions", "--horizon", str(args.horizon),
         "--windows", str(args.windows), "--step", str(args.step)],
        check=True, capture_output=True, text=True)
    return json.loads(answer.stdout)


def table(scores, slice_, names):
    methods = list(dict.fromkeys(row["method"] for row in scores if row["slice"] == slice_))
    found = {(row["method"], row["score"]): row for row in scores if row["slice"] == slice_}

    def cell(method, name):
        row = found.get((method, name))
        if row is None:
            return ""
        interval = "" if row["low"] is None else f" ({row['low']:.3g} to {row['high']:.3g})"
        return f"{row['value']:.3g}" + (interval if name == names[0] else "")

    print(f"\n| {slice_} | " + " | ".join(names) + " |\n|" + "---|" * (len(names) + 1))
    for method in methods:
        print(f"| {method} | " + " | ".join(cell(method, name) for name in names) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--fleetcast", default="target/release/fleetcast")
    parser.add_argument("--seeds", type=int, nargs="+", default=[9201])
    parser.add_argument("--servers", type=int, default=300)
    parser.add_argument("--days", type=int, default=1277)
    parser.add_argument("--sampled", default="15min")
    parser.add_argument("--horizon", type=int, default=90)
    parser.add_argument("--windows", type=int, default=6, help="past origins")
    parser.add_argument("--step", type=int, default=60, help="days between two origins")
    parser.add_argument("--months", type=int, help="months of history before the first origin, in place of --days")
    parser.add_argument("--oracle-days", type=int, default=366, help="days ahead of the oracle; kinds of risk need 366")
    args = parser.parse_args()
    if args.months is not None:
        args.days = round(args.months * 365.25 / 12) + args.horizon + (args.windows - 1) * args.step
    pathlib.Path(args.folder).mkdir(parents=True, exist_ok=True)
    for seed in args.seeds:
        decided = decide(args, seed)
        print(f"\n## Seed {seed}: {args.servers} servers, {args.days} days at {args.sampled}, origins {', '.join(decided['origins'])}")
        for slice_ in dict.fromkeys(row["slice"] for row in decided["scores"]):
            kind = slice_.split()[0]
            sizes = TUNED if slice_.startswith("sizes tuned") else SIZES
            chosen = {"crosses": WARNINGS, "warnings": HELD, "total": POOLS, "sizes": sizes}
            names = chosen.get(kind) or list(
                dict.fromkeys(row["score"] for row in decided["scores"] if row["slice"] == slice_))
            table(decided["scores"], slice_, names)
        shares = [row for row in decided["scores"] if row["score"].endswith("_of_oracle") and row["method"] == "fleetcast"]
        print("\n| share of the oracle's | value | 95 % interval |\n|---|---|---|")
        for row in shares:
            low, high = (f"{row[end]:.3f}" if row[end] is not None else "" for end in ("low", "high"))
            print(f"| {row['slice']}: {row['score'].removesuffix('_of_oracle')} | {row['value']:.3f} | {low} to {high} |")


if __name__ == "__main__":
    main()
