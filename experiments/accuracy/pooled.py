#!/usr/bin/env python3
"""What servers with little history gain from the effects of the calendar that similar servers share.

  cargo build --release -p fleetcast-models --example young_servers
  python pooled.py target/release/fleetcast target/release/examples/young_servers [--seeds 9401,9402] [--servers 90] [--keep 120]

Two fleets of each seed: `enterprise`, and the plain layers with a higher peak at the year's end, where every server is its
profile and no noise remembers. At seven origins every third server keeps its last 120 days, the others three years; 90 days are
forecast, or 60 where no quarter's end is to come. Prints the mean MASE of the young servers by method, what `pooled` gains on
`calendar-ridge`, what that would gain itself from the servers' own whole past, and the same two for the servers that have one.
Needs nothing but Python and the two programs.
"""
import argparse
import csv
import io
import subprocess
import tempfile
from collections import defaultdict
from pathlib import Path

PLAIN = Path(__file__).resolve().parents[2] / "crates" / "sim" / "scenarios" / "walkthrough.toml"
METHODS = ["calendar-ridge", "pooled", "boosted", "seasonal-naive"]


def told(program, judge, scenario, seed, asked):
    """Rows of one fleet: origin, what is to come, method, and the three means."""
    with tempfile.TemporaryDirectory(prefix="fleetcast-pooled-") as folder:
        lake, daily, servers = (str(Path(folder) / name) for name in ("lake", "daily.csv", "servers.csv"))
        if scenario == "plain":
            text = PLAIN.read_text().replace('name = "walkthrough"', 'name = "plain"')
            scenario = str(Path(folder) / "plain.toml")
            Path(scenario).write_text(text.replace("year_end_excess_factor = 1.0", "year_end_excess_factor = 1.25"))
        run = lambda *command: subprocess.run([program, "--quiet", *command], check=True, capture_output=True, text=True).stdout
        size = ["--servers", str(asked.servers), "--days", "1186", "--start", "2022-01-01", "--step", "day", "--seed", str(seed)]
        run("generate", "--lake", lake, *size, "--scenario", scenario)
        for out, query in ((daily, "SELECT * FROM daily ORDER BY server_id, date"),
                           (servers, "SELECT server_id, archetype, service FROM servers ORDER BY server_id")):
            Path(out).write_text(run("sql", query, "--lake", lake, "--format", "csv"))
        command = [judge, daily, servers, ",".join(METHODS), str(asked.keep)]
        return list(csv.DictReader(io.StringIO(subprocess.run(command, check=True, capture_output=True, text=True).stdout)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="the built fleetcast")
    parser.add_argument("judge", help="the built example young_servers")
    parser.add_argument("--seeds", default="9401,9402", help="seeds of the fleets (default 9401,9402)")
    parser.add_argument("--servers", type=int, default=90)
    parser.add_argument("--keep", type=int, default=120, help="days that a young server keeps")
    asked = parser.parse_args()
    columns = ["fleet", "seed", "to come", *METHODS, "pooled gains", "a whole past would", "servers with a past: ridge, pooled, gain"]
    print("| " + " | ".join(columns) + " |\n" + "|---" * len(columns) + "|")
    for scenario in ("enterprise", "plain"):
        for seed in asked.seeds.split(","):
            found = defaultdict(lambda: defaultdict(list))
            for row in told(asked.program, asked.judge, scenario, int(seed), asked):
                for who in ("young", "as_if_old", "old"):
                    found[row["to_come"]][row["method"], who].append(float(row[who]))
            for to_come, cells in found.items():
                mean = lambda method, who: sum(cells[method, who]) / len(cells[method, who])
                gain = lambda new, old: f"{100 * (1 - new / old):+.1f} %"
                ridge, pooled = (mean(method, "young") for method in ("calendar-ridge", "pooled"))
                line = [scenario, seed, to_come, *(f"{mean(method, 'young'):.3f}" for method in METHODS)]
                line += [gain(pooled, ridge), gain(mean("calendar-ridge", "as_if_old"), ridge)]
                alone, shared = (mean(method, "old") for method in ("calendar-ridge", "pooled"))
                print("| " + " | ".join([*line, f"{alone:.3f}, {shared:.3f}, {gain(shared, alone)}"]) + " |", flush=True)


if __name__ == "__main__":
    main()
