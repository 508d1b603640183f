"""Decides again on real machines' past: a week ahead after 15 to 23 days of history, and prints the scores as Markdown.

    FLEETCAST_EVAL_DATA=DATA python3 experiments/decisions/real.py --fleetcast target/release/fleetcast

Processors of the machines of `bitbrains_small` are known, so that their sizes are judged too, with prices that
go by the processor; of the others only warnings are. One server has one row at each of nine origins a day apart.
"""

import argparse
import csv
import json
import os
import pathlib
import subprocess
import tempfile

SETS = {"bitbrains_small": "cpu_5min.parquet", "azure_vm_v1": "cpu_5min.parquet", "azure_vm_160": "cpu_avg_5min.parquet"}
USD_PER_PROCESSOR_HOUR = 0.048


def machines(data, folder):
    """What is known of the machines, and a price for each number of processors; memory is alike and not measured."""
    servers, book = pathlib.Path(folder, "servers.csv"), pathlib.Path(folder, "prices.csv")
    with open(data / "bitbrains_small" / "vm_meta.csv") as known:
        rows = [f"bb_{row['vm_id']},v{row['cpu_count']},{row['cpu_count']},1" for row in csv.DictReader(known)]
    servers.write_text("\n".join(["server_id,instance_type,vcpu,memory_gib", *rows]) + "\n")
    types = [f"v{vcpu},{vcpu},1,{USD_PER_PROCESSOR_HOUR * vcpu:.3f}" for vcpu in (1, 2, 4, 8, 16, 32, 64)]
    book.write_text("\n".join(["instance_type,vcpu,memory_gib,usd_per_hour", *types]) + "\n")
    return servers, book


def decide(program, data, name, folder):
    lake, extra = pathlib.Path(folder, name), []
    if name == "bitbrains_small":
        servers, book = machines(data, folder)
        extra = ["--price-book", book]
    known = ["--servers", servers] if extra else []
    subprocess.run([program, "--quiet", "ingest", "--lake", lake, *known, "parquet", data / name / SETS[name]],
                   check=True, stdout=subprocess.DEVNULL)
    answer = subprocess.run(
        [program, "--quiet", "--json", "backtest", "--lake", lake, "--decisions", "--horizon", "7", "--windows", "9",
         "--step", "1", *extra], check=True, capture_output=True, text=True)
    return json.loads(answer.stdout)["scores"]


def cell(scores, method, slice_, score, with_interval=False):
    for row in scores:
        if (row["method"], row["slice"], row["score"]) == (method, slice_, score):
            interval = f" ({row['low']:.3g} to {row['high']:.3g})" if with_interval and row["low"] is not None else ""
            return f"{row['value']:.3g}" + interval
    return ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fleetcast", default="target/release/fleetcast")
    args = parser.parse_args()
    data = pathlib.Path(os.environ["FLEETCAST_EVAL_DATA"])
    program = os.path.abspath(args.fleetcast)
    with tempfile.TemporaryDirectory(prefix="fleetcast-real-") as folder:
        decided = {name: decide(program, data, name, folder) for name in SETS}
    columns = [(name, slice_) for name in SETS for slice_ in ("crosses 80 %", "crosses 90 %")]
    methods = list(dict.fromkeys(row["method"] for row in decided["azure_vm_v1"] if row["slice"] == "crosses 80 %"))
    print("| Brier score | " + " | ".join(f"{name}, {slice_}" for name, slice_ in columns) + " |")
    print("|---|" + "---|" * len(columns))
    ours = lambda score: [cell(decided[name], "fleetcast", slice_, score) for name, slice_ in columns]
    print("| rows | " + " | ".join(ours("n_rows")) + " |\n| crossed | " + " | ".join(ours("base_rate")) + " |")
    for method in methods:
        cells = [cell(decided[name], method, slice_, "brier", True) for name, slice_ in columns]
        print(f"| {method} | " + " | ".join(cells) + " |")
    scores = decided["bitbrains_small"]
    slices = list(dict.fromkeys(row["slice"] for row in scores if row["slice"].startswith("sizes at")))
    print("\n| bitbrains_small, regret in USD per server and month | " + " | ".join(slices) + " |")
    print("|---|" + "---|" * len(slices))
    for method in dict.fromkeys(row["method"] for row in scores if row["slice"] == slices[0]):
        cells = [cell(scores, method, slice_, "regret_usd_per_month", True) for slice_ in slices]
        print(f"| {method} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
