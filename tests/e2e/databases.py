"""Checks that other people's databases give back what `fleetcast generate` wrote, to the last digit.

  databases.py DATABASE FOLDER      DATABASE: parsers, duckdb, prometheus, influx, postgres
  databases.py tour FOLDER          runs docs/tour.md with the databases that it fills

FOLDER holds one fleet in every format: parquet/ (the reference), csv/, hive-csv/, hive-parquet/, ipc/, influx/ and openmetrics/.
The servers run in FOLDER/servers, on ports of 127.0.0.1 that are free, as the user who calls, and are stopped at the end.
"""
import contextlib
import csv
import json
import math
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pyarrow.dataset
import pyarrow.parquet

METRICS = {"cpu": "cpu_percent", "memory": "memory_percent", "network": "network_percent", "disk_io": "disk_io_megabytes_per_second"}
failures = 0


def expect(what, wanted, got):
    global failures
    if wanted == got:
        print(f"ok: {what}: {str(got)[:100]}", flush=True)
    else:
        failures += 1
        print(f"FAILED: {what}: wanted {str(wanted)[:300]}, got {str(got)[:300]}", flush=True)


def table(folder, name):
    return pyarrow.parquet.read_table(folder / "parquet" / f"{name}.parquet").to_pylist()


def milliseconds(instant):
    # Whole numbers all the way: seconds as a float would lose digits.
    since = instant.replace(tzinfo=None) - instant.__class__(1970, 1, 1)
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000


def samples(folder):
    """{(server, milliseconds, metric): value} of the reference; a missed sample has no entry."""
    return {
        (row["server_id"], milliseconds(row["ts"]), metric): row[metric]
        for row in table(folder, "samples")
        for metric in METRICS
        if row[metric] is not None
    }


def same(what, wanted, got):
    """Two dictionaries are equal, floats to the last digit."""
    expect(f"{what}: number of values", len(wanted), len(got))
    wrong = [(key, value, got.get(key)) for key, value in wanted.items() if got.get(key) != value]
    expect(f"{what}: values that differ", [], wrong[:3])


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def ask(url, data=None):
    with urllib.request.urlopen(url, data=data, timeout=60) as answer:
        return answer.read()


@contextlib.contextmanager
def server(command, url, log):
    """A server that runs until the block ends."""
    with open(log, "wb") as out, subprocess.Popen(command, stdout=out, stderr=out) as process:
        try:
            for _ in range(300):
                try:
                    ask(url)
                    break
                except (urllib.error.URLError, ConnectionError):
                    if process.poll() is not None:
                        sys.exit(f"error: {command[0]} ended: {Path(log).read_text()[-2000:]}")
                    time.sleep(0.1)
            else:
                sys.exit(f"error: {command[0]} does not answer: {Path(log).read_text()[-2000:]}")
            yield
        finally:
            process.terminate()
            process.wait(timeout=30)


def parsers(folder):
    """The reference parser of OpenMetrics is stricter than Prometheus: order, units, names."""
    from prometheus_client.openmetrics.parser import text_string_to_metric_families
    # In pure Python it takes a second for 10,000 lines, so the longest table is that of a smaller fleet.
    paths = [path for path in sorted((folder / "openmetrics").glob("*.om")) if path.name not in ("truth.om", "samples.om")]
    for path in [*paths, folder / "small" / "truth.om"]:
        families = [(f.name, f.type, f.unit, len(f.samples)) for f in text_string_to_metric_families(path.read_text())]
        expect(f"{path.name} is OpenMetrics", True, bool(families))
    got = {}
    for family in text_string_to_metric_families((folder / "openmetrics" / "samples.om").read_text()):
        metric = next(m for m, name in METRICS.items() if family.name == f"fleetcast_{name}")
        for sample in family.samples:
            stamp = sample.timestamp
            ms = stamp.sec * 1000 + stamp.nsec // 1_000_000 if hasattr(stamp, "sec") else round(stamp * 1000)
            got[sample.labels["server_id"], ms, metric] = sample.value
    same("the OpenMetrics parser", samples(folder), got)
    with open(folder / "csv" / "samples.csv", newline="") as lines:
        rows = list(csv.DictReader(lines))
    from datetime import datetime
    instant = lambda text: milliseconds(datetime.fromisoformat(text.replace("Z", "+00:00")))
    got = {(r["server_id"], instant(r["ts"]), m): float(r[m]) for r in rows for m in METRICS if r[m] != ""}
    same("Python's CSV reader", samples(folder), got)


def duckdb(folder):
    import duckdb as engine
    base = engine.connect()
    base.execute("SET TimeZone = 'UTC'")
    columns = "server_id, epoch_ms(ts), cpu, memory, disk_io, network"
    reference = base.execute(f"SELECT {columns} FROM '{folder}/parquet/samples.parquet' ORDER BY server_id, ts").fetchall()
    same("DuckDB, Parquet", samples(folder),
         {(row[0], row[1], metric): row[at] for row in reference for at, metric in enumerate(("cpu", "memory", "disk_io", "network"), 2)
          if row[at] is not None})
    sources = {
        "hive CSV": f"read_csv('{folder}/hive-csv/samples/*/*/*.csv', hive_partitioning = true)",
        "hive Parquet": f"read_parquet('{folder}/hive-parquet/samples/*/*/*.parquet', hive_partitioning = true)",
        "CSV": f"'{folder}/csv/samples.csv'",
    }
    for name, source in sources.items():
        expect(f"DuckDB, {name}", True, reference == base.execute(f"SELECT {columns} FROM {source} ORDER BY server_id, ts").fetchall())
    arrow = pyarrow.dataset.dataset(folder / "ipc" / "samples.arrow", format="ipc")
    base.register("arrow", arrow)
    expect("DuckDB, Arrow", True, reference == base.execute(f"SELECT {columns} FROM arrow ORDER BY server_id, ts").fetchall())
    spread = pyarrow.dataset.dataset(folder / "hive-ipc" / "samples", format="ipc", partitioning="hive")
    base.register("spread", spread)
    expect("DuckDB, hive Arrow", True, reference == base.execute(f"SELECT {columns} FROM spread ORDER BY server_id, ts").fetchall())
    for name in ("hive CSV", "hive Parquet"):
        plan = base.execute(f"EXPLAIN ANALYZE SELECT avg(cpu) FROM {sources[name]} WHERE year = 2024 AND month = 2").fetchall()
        read = re.search(r"(?:Scanning Files|Total Files Read)[^0-9]*([0-9]+)(?:/([0-9]+))?", plan[0][1])
        expect(f"DuckDB reads one month of three, {name}", "1", read and read[1])
        outside = f"SELECT count(*) FROM {sources[name]} WHERE month != date_part('month', ts) OR year != date_part('year', ts)"
        expect(f"every row lies in its month, {name}", 0, base.execute(outside).fetchone()[0])
    daily = f"SELECT count(*) FROM read_parquet('{folder}/hive-parquet/daily/*/*/*.parquet', hive_partitioning = true) WHERE month != date_part('month', date)"
    expect("days lie in their own month", 0, base.execute(daily).fetchone()[0])


def prometheus(folder):
    data, work = folder / "servers" / "prometheus", folder / "servers"
    for name in ("samples", "events", "servers"):
        command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "--quiet", "--max-block-duration=1536h",
                   str(folder / "openmetrics" / f"{name}.om"), str(data)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        expect(f"promtool takes {name}.om", (0, ""), (done.returncode, done.stderr))
    # The dump wants the folder of a log that backfilling does not need.
    (data / "wal").mkdir()
    dump = subprocess.run(["promtool", "tsdb", "dump", str(data)], capture_output=True, text=True, check=True).stdout
    got, events = {}, 0
    names = {f"fleetcast_{name}": metric for metric, name in METRICS.items()}
    for line in dump.splitlines():
        labels, value, stamp = re.fullmatch(r"\{(.*)\} (\S+) (-?\d+)", line).groups()
        name = re.search(r'__name__="([^"]*)"', labels)[1]
        if name in names:
            got[re.search(r'server_id="([^"]*)"', labels)[1], int(stamp), names[name]] = float(value)
        events += name == "fleetcast_event_active" and value == "1"
    wanted = samples(folder)
    same("Prometheus", wanted, got)
    expect("Prometheus has every event", len(table(folder, "events")), events)
    port = free_port()
    (work / "prometheus.yml").write_text("global: {}\n")
    last = max(ms for _, ms, _ in wanted) // 1000
    command = ["prometheus", f"--config.file={work}/prometheus.yml", f"--storage.tsdb.path={data}", "--storage.tsdb.retention.time=100y",
               f"--web.listen-address=127.0.0.1:{port}"]
    with server(command, f"http://127.0.0.1:{port}/-/ready", work / "prometheus.log"):
        def value(query):
            words = urllib.parse.urlencode({"query": query, "time": last})
            result = json.loads(ask(f"http://127.0.0.1:{port}/api/v1/query?{words}"))["data"]["result"]
            return float(result[0]["value"][1]) if result else None
        n = sum(metric == "cpu" for _, _, metric in wanted)
        expect("PromQL counts", float(n), value("sum(count_over_time(fleetcast_cpu_percent[100d]))"))
        total = math.fsum(v for (_, _, metric), v in wanted.items() if metric == "cpu")
        got = value("sum(sum_over_time(fleetcast_cpu_percent[100d]))")
        expect("PromQL sums, to 12 digits", f"{total:.11e}", f"{got:.11e}")


@contextlib.contextmanager
def influx_server(work):
    """An empty InfluxDB; gives its address."""
    work.mkdir(parents=True)
    http, rpc = free_port(), free_port()
    (work / "influxdb.conf").write_text(f"""
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
  dir = "{work}/meta"
[data]
  dir = "{work}/data"
  wal-dir = "{work}/wal"
  query-log-enabled = false
[http]
  bind-address = "127.0.0.1:{http}"
  log-enabled = false
  max-body-size = 0
  max-row-limit = 0
""")
    url = f"http://127.0.0.1:{http}"
    with server(["influxd", "-config", f"{work}/influxdb.conf"], f"{url}/ping", work / "influxd.log"):
        yield url


def influx(folder):
    with influx_server(folder / "servers" / "influx") as url:
        ask(f"{url}/query", urllib.parse.urlencode({"q": "CREATE DATABASE fleet"}).encode())
        for path in sorted((folder / "influx").glob("*.lp")):
            # The server answers 400 and names the line when it does not like one.
            expect(f"InfluxDB takes {path.name}", b"", ask(f"{url}/write?db=fleet", path.read_bytes()))

        def rows(query):
            words = urllib.parse.urlencode({"db": "fleet", "epoch": "ms", "q": query})
            result = json.loads(ask(f"{url}/query?{words}"))["results"][0]
            series = result.get("series", [])
            return [dict(zip(s["columns"], row), **s.get("tags", {})) for s in series for row in s["values"]]

        wanted = samples(folder)
        got = {}
        for row in rows("SELECT cpu, memory, disk_io, network FROM samples GROUP BY server_id"):
            got.update({(row["server_id"], row["time"], m): float(row[m]) for m in METRICS if row[m] is not None})
        same("InfluxDB", wanted, got)
        [totals] = rows("SELECT count(cpu), sum(cpu) FROM samples")
        cpu = [v for (_, _, metric), v in wanted.items() if metric == "cpu"]
        expect("InfluxQL counts and sums, to 12 digits", (len(cpu), f"{math.fsum(cpu):.11e}"), (totals["count"], f"{totals['sum']:.11e}"))
        [events] = rows("SELECT count(size) FROM events")
        expect("InfluxDB has every event", len(table(folder, "events")), events["count"])
        [truth] = rows("SELECT count(demand) FROM truth")
        expect("InfluxDB has the truth", pyarrow.parquet.read_metadata(folder / "parquet" / "truth.parquet").num_rows, truth["count"])
        regions = {row["region"] for row in rows("SELECT mean(cpu) FROM samples GROUP BY region")}
        expect("samples can be grouped by what is known of their server", {s["region"] for s in table(folder, "servers")}, regions)


SCHEMA = """
CREATE TABLE servers (server_id text PRIMARY KEY, name text, archetype text, service text, pool text, region text, business_unit text,
  criticality text, instance_type text, vcpu float8, memory_gib float8, disk_mb_per_s float8, network_mbit_per_s float8, timezone text,
  valid_from date);
CREATE TABLE samples (server_id text, ts timestamptz, cpu float8, memory float8, disk_io float8, network float8);
"""
LABELLED = """
FROM samples x JOIN servers s USING (server_id)
JOIN events e ON (e.scope_id IN (s.server_id, s.pool, s.service, s.region) OR e.scope = 'fleet')
  AND x.ts >= e.start AND (e."end" IS NULL OR x.ts < e."end")
"""


@contextlib.contextmanager
def postgres_server(work):
    """An empty PostgreSQL; gives the environment in which `psql` finds it."""
    programs, port = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1], free_port()
    work.mkdir(parents=True)
    # PostgreSQL refuses to run as root.
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if user:
        shutil.chown(work, "postgres")

    def run(*words):
        done = subprocess.run([*user, *words], stdout=open(f"{work}.log", "a"), stderr=subprocess.STDOUT, check=False, cwd="/")
        if done.returncode != 0:
            sys.exit(f"error: {' '.join(words)[:300]}: {Path(f'{work}.log').read_text()[-2000:]}")
    run(str(programs / "initdb"), "-D", f"{work}/data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
    run(str(programs / "pg_ctl"), "-D", f"{work}/data", "-w", "-l", f"{work}/log", "-o",
        f"-p {port} -k {work} -c listen_addresses='' -c fsync=off", "start")
    try:
        yield {"PGHOST": str(work), "PGPORT": str(port), "PGUSER": "postgres", "PGDATABASE": "postgres"}
    finally:
        run(str(programs / "pg_ctl"), "-D", f"{work}/data", "-m", "immediate", "stop")


def postgres(folder):
    with postgres_server(folder / "servers" / "postgres") as environment:
        def sql(text):
            done = subprocess.run(["psql", "-v", "ON_ERROR_STOP=1", "-qtA", "-F", ","], input=text, capture_output=True, text=True,
                                  env={**os.environ, **environment}, check=False)
            if done.returncode != 0:
                sys.exit(f"error: psql: {text[:300]}: {done.stderr[-1000:]}")
            return done.stdout
        with open(folder / "csv" / "events.csv") as lines:
            kinds = {"start": "timestamptz", "peak": "timestamptz", "end": "timestamptz", "size": "float8"}
            columns = [f'"{name}" {kinds.get(name, "text")}' for name in lines.readline().strip().split(",")]
        sql(SCHEMA + f"CREATE TABLE events ({', '.join(columns)});")
        for name in ("servers", "samples", "events"):
            text = (folder / "csv" / f"{name}.csv").read_text()
            columns = ", ".join(f'"{column}"' for column in text.split("\n", 1)[0].split(","))
            sql(f"COPY {name} ({columns}) FROM STDIN WITH (FORMAT csv, HEADER);\n{text}\\.\n")
        got = {}
        order = list(METRICS)
        for line in sql(f"SELECT server_id, (extract(epoch FROM ts) * 1000)::bigint, {', '.join(order)} FROM samples;").splitlines():
            server_id, ms, *values = line.split(",")
            got.update({(server_id, int(ms), m): float(v) for m, v in zip(order, values) if v != ""})
        wanted = samples(folder)
        same("PostgreSQL", wanted, got)
        labelled = {tuple(line.split(",")) for line in sql(
            f"SELECT x.server_id, (extract(epoch FROM x.ts) * 1000)::bigint, e.event_id {LABELLED};").splitlines()}
        servers = {row["server_id"]: row for row in table(folder, "servers")}
        events = table(folder, "events")
        expected = set()
        for server_id, ms in {(s, ms) for s, ms, _ in wanted}:
            row = servers[server_id]
            places = {server_id, row["pool"], row["service"], row["region"]}
            for e in events:
                ended = e["end"] is not None and ms >= milliseconds(e["end"])
                if (e["scope"] == "fleet" or e["scope_id"] in places) and ms >= milliseconds(e["start"]) and not ended:
                    expected.add((server_id, str(ms), e["event_id"]))
        expect("PostgreSQL joins samples with the events over them", expected, labelled)
        expect("and there are some", True, len(labelled) > 0)


def tour(folder):
    """The reader's own snippets, in the databases they name."""
    root = Path(__file__).resolve().parents[2]
    work = folder / "servers"
    with postgres_server(work / "tour-postgres") as environment, influx_server(work / "tour-influx") as url:
        programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment |= {"INFLUX": url, "FLEETCAST_DATABASES": "duckdb,postgres,prometheus,influx", "PATH": programs}
        command = [sys.executable, str(root / "tests" / "snippets" / "run.py"), str(root / "docs" / "tour.md")]
        done = subprocess.run(command, env={**os.environ, **environment}, check=False)
        expect("every snippet of the tour runs", 0, done.returncode)


def main():
    name, folder = sys.argv[1], Path(sys.argv[2]).resolve()
    {"parsers": parsers, "duckdb": duckdb, "prometheus": prometheus, "influx": influx, "postgres": postgres,
     "tour": tour}[name](folder)
    if failures:
        sys.exit(f"{failures} expectations failed")


if __name__ == "__main__":
    main()
