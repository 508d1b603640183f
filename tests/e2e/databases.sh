#!/usr/bin/env bash
# Other people's databases give back what `generate` wrote: Prometheus, InfluxDB, DuckDB and PostgreSQL; the same bytes on one thread.
. "$(dirname "$0")/lib.sh"

cd "$work"
# PostgreSQL's own user has to look into it.
chmod 755 "$work"
fleet=(--servers 8 --start 2024-01-01 --days 70 --step hour --seed 5)
make() {
    local folder=$1
    shift
    "$FLEETCAST" --quiet generate --out "$folder" "${fleet[@]}" "$@" >/dev/null
}

# same_on_one_thread FORMAT [PARTITION]: a fleet of several parts, so that threads race.
same_on_one_thread() {
    local asked=(--out race --servers 30 --days 31 --step 5min --seed 5 --tables samples,daily,events --format "$1" --partition "${2:-none}")
    "$FLEETCAST" --quiet generate "${asked[@]}" --threads 4 >/dev/null
    mv race race-4
    "$FLEETCAST" --quiet generate "${asked[@]}" --threads 1 >/dev/null
    holds "$1${2:+ by $2}: one thread writes the same bytes as four" diff -r race race-4
    rm -r race race-4
}

for format in csv parquet ipc influx openmetrics; do
    make "$format" --format "$format"
    same_on_one_thread "$format"
done
for format in csv parquet ipc; do
    make "hive-$format" --format "$format" --partition month
    same_on_one_thread "$format" month
done

"$FLEETCAST" --quiet generate --out small --servers 2 --days 9 --step hour --tables truth --format openmetrics >/dev/null

for database in parsers duckdb prometheus influx postgres tour; do
    echo "== $database"
    start=$SECONDS
    "$PYTHON" "$here/databases.py" "$database" "$work" || failures=$((failures + 1))
    echo "$database: $((SECONDS - start)) s"
done
finish
