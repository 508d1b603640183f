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
SIZES = ["regret_usd_per_month", "saving_usd_per_month", "bad_day_rate", "worst_run_days", "sound_savings", "realised_savings", "promise_error",
         "promise_error_by_chance"]

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


def asked(decided):
    """What is asked for, by seed: lines of a table."""
    found = [{(row["method"], row["slice"], row["score"]): row for row in one["scores"]} for one in decided.values()]

    def line(what, bar, tell):
        cells = [tell(scores) for scores in found]
        if any(cells):
            print(f"| {what} | {bar} | " + " | ".join(cells) + " |")

    def own(slice_, score, spread=True):
        def tell(scores):
            row = scores.get(("fleetcast", slice_, score))
            if row is None or row["value"] is None:
                return ""
            interval = f" ({row['low']:.3g} to {row['high']:.3g})" if spread and row["low"] is not None else ""
            return f"{row['value']:.3g}{interval}"
        return tell

    def beside(slice_, score, oracle):
        counted = "n_" + score
        def tell(scores):
            cells = [scores.get((method, slice_, score)) for method in ["fleetcast"] + oracle]
            n = scores.get(("fleetcast", slice_, counted))
            said = [f"{row['value']:.3g}" for row in cells if row and row["value"] is not None]
            rows = f" ({n['value']:.0f} rows)" if n and n["value"] is not None else ""
            return said[0] + rows + "".join(f"; oracle {one}" for one in said[1:]) if said else ""
        return tell

    def value(threshold):
        def tell(scores):
            slice_ = f"crosses {threshold} %"
            base = scores[("fleetcast", slice_, "base_rate")]["value"]
            cells = []
            for (method, where, score), row in scores.items():
                if (method, where) == ("fleetcast", slice_) and score.startswith("value_") and row["value"] is not None:
                    ratio = float(score.removeprefix("value_"))
                    inside = base / 2 <= ratio <= min(0.5, 2 * base)
                    held = row["low"] > 0 if inside else row["low"] >= -0.02
                    cells.append(f"{ratio:g}{'*' if inside else ''}: {row['value']:.2f} (from {row['low']:.2f}{'' if held else ', no'})")
            return f"s {base:.3f}; " + ", ".join(cells)
        return tell

    print("\n| what is asked for | bar | " + " | ".join(f"seed {seed}" for seed in decided) + " |\n|---|---|" + "---|" * len(decided))
    for threshold in (80, 90):
        crosses, dates = f"crosses {threshold} %", f"date of crossing {threshold} %"
        line(f"average precision at {threshold} %, share of the oracle's", ">= .95", own(crosses, "average_precision_of_oracle"))
        line("Brier skill, share of the oracle's", ">= .85", own(crosses, "brier_skill_of_oracle"))
        line("expected calibration error", "< .03", own(crosses, "calibration_error", False))
        line("came by the 10 % date", ".07 to .13", beside(dates, "by_q10", ["oracle"]))
        line("came by the 90 % date", ".87 to .93", beside(dates, "by_q90", ["oracle"]))
        line("value, by cost over loss (* within s/2 and 2 s)", "lower bound > 0 at *, >= -.02 else", value(threshold))
    for price in (10, 50, 200):
        sizes = f"sizes at {price} USD a bad day"
        line(f"promised P(a bad day) at {price} USD, ECE", "< .03", own(sizes, "promise_error"))
        line("the same if every promise were exactly right", "", own(sizes, "promise_error_by_chance", False))
        line("savings realised, of those claimed", ".9 to 1.1", own(sizes, "realised_savings"))
    for share in ("0.5", "1", "2"):
        line(f"cost over foresight's at {share} % bad days", "least of all", own(f"sizes tuned to {share} % bad days", "cost_of_oracle"))
    line("totals of pools in their 80 % interval", ".77 to .83", own("total of pools", "cover_80"))
    line("in their 90 % interval", ".87 to .93", own("total of pools", "cover_90", False))
    for threshold in (80, 90):
        line(f"kinds of risk at {threshold} %, macro-F1", ">= .85", own(f"class at {threshold} %", "macro_f1", False))


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
    all_decided = {}
    for seed in args.seeds:
        decided = all_decided[seed] = decide(args, seed)
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
    asked(all_decided)


if __name__ == "__main__":
    main()
