#!/usr/bin/env bash
# Wrong input and interrupted commands: a clear error or an honest row, and the lake as it was.
. "$(dirname "$0")/lib.sh"

cd "$work"

# refuses WHAT WORDS COMMAND...: fails with exit code 1 or 2, and the error holds each of the words; nothing panics.
refuses() {
    local what=$1 words=$2 code=0
    shift 2
    "$FLEETCAST" "$@" >out.txt 2>err.txt || code=$?
    if grep -q "panicked" err.txt || { [ $code != 1 ] && [ $code != 2 ]; }; then
        echo "FAILED: $what: exit code $code"
        cat err.txt
        failures=$((failures + 1))
        return
    fi
    for word in $words; do
        if ! grep -qi -- "$word" err.txt; then
            echo "FAILED: $what: the error does not say \`$word\`:"
            cat err.txt
            failures=$((failures + 1))
            return
        fi
    done
    echo "ok: $what: $(head -n 1 err.txt)"
}

# A small lake of hourly telemetry that every wrong input is offered to.
"$FLEETCAST" --quiet generate --lake lake --servers 6 --start 2024-01-01 --days 120 --step hour --seed 7
digests lake >before.txt

: >empty.csv
echo 'server_id,ts,cpu' >header.csv
{
    echo 'server_id,ts,cpu'
    for hour in $(seq -w 0 22); do echo "a,2024-01-01T$hour:00:00Z,12.5"; done
    echo 'a,2024-01-01T23:00:00Z,high'
} >text.csv
printf 'server_id,cpu\na,12.5\n' >no-time.csv
printf 'server_id,ts,cpu\na,2024-13-01T00:00:00Z,12.5\n' >no-date.csv
head -c 4096 /dev/urandom >noise.parquet
printf 'ts = "time"\nsevrer = "host"\n' >map.toml
mkdir -p folder && echo hello >folder/file.txt

refuses "an empty file" "empty.csv" ingest --lake lake csv empty.csv
refuses "a file that is not there" "absent.csv" ingest --lake lake csv absent.csv
refuses "a word where a number belongs" "text.csv high" ingest --lake lake csv text.csv
refuses "no column of times" "no-time.csv" ingest --lake lake csv no-time.csv
refuses "a month that does not exist" "no-date.csv 2024-13-01" ingest --lake lake csv no-date.csv
refuses "bytes that are not Parquet" "noise.parquet" ingest --lake lake parquet noise.parquet
refuses "an unknown time zone" "Mars" ingest --lake lake csv text.csv --timezone Mars/Olympus
refuses "an unknown key in a map" "sevrer" ingest --lake lake csv text.csv --map map.toml
refuses "a folder that is no lake" "folder" sql --lake folder "SELECT 1"
refuses "a lake that is not there" "nowhere" run --lake nowhere
refuses "a demo into somebody's folder" "folder" demo --out folder
refuses "SQL with a mistake" "no_such_table" sql --lake lake "SELECT * FROM no_such_table"
refuses "SQL that would change something" "" sql --lake lake "DROP TABLE daily"
refuses "an unknown model" "seasonal-naive" backtest --lake lake --models sesonal-naive
refuses "an unknown profile" "database" profile show databse
refuses "an unknown command" "" forcast
refuses "a negative horizon" "" forecast --lake lake --horizon -3
refuses "a horizon of nothing" "" forecast --lake lake --horizon 0
{
    echo 'unique_id,ds,y'
    for day in $(seq -w 1 31); do printf 'a,2024-01-%s,5\na,2024-03-%s,6\n' "$day" "$day"; done
} >short.csv
refuses "a season longer than the history" "seasonal-naive" backtest --series short.csv --season 80 --horizon 7 --windows 1
refuses "a backtest longer than the history" "100 steps ahead" backtest --series short.csv --horizon 100
{ cat short.csv && echo 'a,2024-01-01,7'; } >twice.csv
refuses "a time that stands twice" "2024-01-01" forecast --series twice.csv
digests lake >after.txt
expect "the lake is as it was" "" "$(diff before.txt after.txt || true)"
expect "the folder too" "hello" "$(cat folder/file.txt)"

# What a file may well hold: odd rows are counted, and odd servers keep their rows.
{
    echo 'server_id,ts,cpu'
    for day in $(seq -w 1 28); do
        for hour in 00 06 12 18; do
            printf 'steady,2024-01-%sT%s:00:00Z,40\nnothing,2024-01-%sT%s:00:00Z,\n' "$day" "$hour" "$day" "$hour"
            printf 'over,2024-01-%sT%s:00:00Z,%s\n' "$day" "$hour" "$((90 + 10#$day))"
        done
    done
    printf 'oneday,2024-01-28T00:00:00Z,10\noneday,2024-01-28T00:00:00Z,11\noneday,2024-01-27T23:00:00Z,NaN\n'
} >odd.csv
"$FLEETCAST" ingest --lake odd csv odd.csv >ingest.txt 2>&1 || { cat ingest.txt; exit 1; }
"$FLEETCAST" run --lake odd >run.txt 2>&1 || { cat run.txt; exit 1; }
"$FLEETCAST" report --lake odd --out odd.html >/dev/null
expect "every server has its recommendation" "$(query odd "SELECT count(*) FROM servers")" \
    "$(query odd "SELECT count(*) FROM recommendations")"
expect "what cannot be judged has a reason" 0 \
    "$(query odd "SELECT count(*) FROM risks WHERE state = 'unknown' AND (reason IS NULL OR reason = '')")"
expect "the server of one day is not judged" 0 \
    "$(query odd "SELECT count(*) FROM risks WHERE server_id = 'oneday' AND state = 'ok'")"
expect "the server at 40 stays at 40" 0 \
    "$(query odd "SELECT count(*) FROM forecasts WHERE server_id = 'steady' AND model = 'auto' AND abs(yhat - 40) > 1")"
holds "values over 100 are told" grep -qi "100" ingest.txt

# A run that is killed leaves the tables of before or those of after, and can be run again.
"$FLEETCAST" --quiet generate --lake whole --servers 40 --start 2023-01-01 --days 500 --step day --seed 11
cp -r whole killed
digests whole >run-before.txt
"$FLEETCAST" --quiet run --lake whole >/dev/null
digests whole >run-after.txt
for delay in 0.1 0.3 0.6 1.0 1.5 2.2; do
    "$FLEETCAST" --quiet run --lake killed >/dev/null 2>&1 &
    victim=$!
    sleep "$delay"
    kill -9 "$victim" 2>/dev/null || true
    wait "$victim" 2>/dev/null || true
    digests killed >run-now.txt
    holds "killed after $delay s: the tables of before or of after" \
        bash -c "cmp -s run-now.txt run-before.txt || cmp -s run-now.txt run-after.txt"
done
"$FLEETCAST" --quiet run --lake killed >/dev/null
digests killed >run-now.txt
expect "and it can be run again" "" "$(diff run-after.txt run-now.txt || true)"
finish
