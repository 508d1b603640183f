#!/usr/bin/env bash
# Real telemetry of four kinds, from ingest to report, with sensible answers for what it cannot show.
. "$(dirname "$0")/lib.sh"

cd "$work"

# take SET FILE [INGEST OPTIONS]: ingest, run, report; the output stays in SET.txt
take() {
    local set=$1 file=$2 start=$SECONDS
    shift 2
    echo "== $set"
    {
        "$FLEETCAST" ingest --lake "$set" parquet "$file" "$@"
        "$FLEETCAST" run --lake "$set"
        "$FLEETCAST" report --lake "$set" --out "$set.html"
    } >"$set.txt" 2>&1 || { cat "$set.txt"; echo "FAILED: $set"; exit 1; }
    cat "$set.txt"
    echo "$set: $((SECONDS - start)) s"
    holds "$set: the report is written" test -s "$set.html"
    holds "$set: there are forecasts" test "$(query "$set" "SELECT count(*) FROM forecasts")" -gt 0
    expect "$set: every planned server keeps its row" "$(query "$set" "SELECT count(DISTINCT server_id) FROM servers")" \
        "$(query "$set" "SELECT count(DISTINCT server_id) FROM recommendations")"
    expect "$set: no forecast is missing or infinite" 0 \
        "$(query "$set" "SELECT count(*) FROM forecasts WHERE yhat IS NULL OR isnan(yhat) OR abs(yhat) > 1e300")"
    expect "$set: no probability without a limit" 0 \
        "$(query "$set" "SELECT count(*) FROM risks WHERE state = 'unknown' AND p_30 IS NOT NULL AND reason LIKE '%no capacity%'")"
}

# short SET: what 28 to 30 days can and cannot say.
short() {
    holds "$1: a horizon it can defend was chosen" test "$(query "$1" "SELECT max(step) FROM backtests")" -le 14
    holds "$1: no forecast looks further ahead than the history looks back" test "$(query "$1" "SELECT max(step) FROM forecasts")" -le 31
    holds "$1: and it was said" grep -qi "horizon" "$1.txt"
    expect "$1: nobody claims to know the year's end" 0 \
        "$(query "$1" "SELECT count(*) FROM risks WHERE class IN ('year-end', 'quarter-end')")"
    holds "$1: some class is unknown" test "$(query "$1" "SELECT count(*) FROM risks WHERE class = 'unknown'")" -gt 0
    expect "$1: percentages stay in [0, 100]" 0 \
        "$(query "$1" "SELECT count(*) FROM forecasts WHERE metric LIKE 'cpu%' AND (q05 < 0 OR q95 > 100)")"
}

take azure "$FLEETCAST_EVAL_DATA/azure_vm_v1/cpu_5min.parquet"
short azure
expect "azure: average CPU is the metric cpu" 1 "$(query azure "SELECT count(*) FROM metrics WHERE metric = 'cpu'")"

take bitbrains "$FLEETCAST_EVAL_DATA/bitbrains_small/cpu_5min.parquet"
short bitbrains
holds "bitbrains: its full machines are found" \
    test "$(query bitbrains "SELECT count(DISTINCT server_id) FROM risks WHERE state = 'saturated' OR p_30 > 0.5")" -gt 0

take nab "$FLEETCAST_EVAL_DATA/nab/nab_real.parquet"

take linx "$FLEETCAST_EVAL_DATA/linx_ixp/linx_5min.parquet"
expect "linx: without a capacity every risk is unknown" 0 "$(query linx "SELECT count(*) FROM risks WHERE state <> 'unknown'")"
holds "linx: and the reason is said" \
    test "$(query linx "SELECT count(*) FROM risks WHERE reason LIKE '%no capacity%'")" -gt 0

# The same file again changes nothing, and says so in the rows it counts.
before=$(query azure "SELECT count(*), sum(cpu) FROM samples")
"$FLEETCAST" --quiet ingest --lake azure parquet "$FLEETCAST_EVAL_DATA/azure_vm_v1/cpu_5min.parquet" >/dev/null
expect "azure: the same file twice changes nothing" "$before" "$(query azure "SELECT count(*), sum(cpu) FROM samples")"
finish
