# Shared by the end-to-end scripts: needs FLEETCAST, the built program. Makes a folder of its own and leaves it.
# shellcheck shell=bash
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
[ -x "${FLEETCAST:-}" ] || { echo "error: FLEETCAST does not name the built program"; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

failures=0

# expect WHAT WANTED GOT
expect() {
    if [ "$2" = "$3" ]; then
        echo "ok: $1: $3"
    else
        echo "FAILED: $1: wanted $2, got $3"
        failures=$((failures + 1))
    fi
}

# holds WHAT COMMAND...: the command succeeds.
holds() {
    local what=$1
    shift
    if "$@"; then echo "ok: $what"; else echo "FAILED: $what"; failures=$((failures + 1)); fi
}

# query LAKE SQL: the rows as CSV without the header line.
query() {
    "$FLEETCAST" --quiet sql --lake "$1" --format csv "$2" | tail -n +2
}

# The key of each table, which is the order in which "the same bytes" are read. `runs` is left out: it holds times.
keys='
servers          server_id
metrics          metric
samples          server_id, ts
daily            server_id, date
truth            server_id, ts, metric
events           event_id
truth_crossings  server_id, metric, threshold
oracle           server_id, metric, cutoff, date
differences      server_id, ts, metric
forecasts        run_id, model, server_id, metric, cutoff, date
path_models      run_id, server_id, metric
backtests        run_id, model, unique_id, cutoff, ds
scores           run_id, model, slice, score
weights          run_id, unique_id, model
risks            run_id, server_id, metric, threshold, min_days
risk_weeks       run_id, server_id, threshold, week_start
pool_risks       run_id, pool, metric, threshold
groups           run_id, server_id
recommendations  run_id, server_id
'

# digests LAKE: one line per table, its name, rows and SHA-256 of all rows in the order of the key.
digests() {
    local table order rows sum
    for folder in "$1"/*/_delta_log; do
        table=$(basename "$(dirname "$folder")")
        [ "$table" != runs ] || continue
        order=$(awk -v table="$table" '$1 == table { $1 = ""; print }' <<<"$keys")
        [ -n "$order" ] || { echo "$table: its key is not known here"; return 1; }
        "$FLEETCAST" --quiet sql --lake "$1" --format csv "SELECT * FROM $table ORDER BY $order" >"$work/dump.csv"
        rows=$(($(wc -l <"$work/dump.csv") - 1))
        sum=$(sha256sum "$work/dump.csv" | cut -c 1-16)
        echo "$table $rows $sum"
    done
}

# finish: the script's end; fails when anything did.
finish() {
    [ "$failures" = 0 ] || { echo "$failures expectations failed"; exit 1; }
}
