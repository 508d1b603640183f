#!/usr/bin/env bash
# On real series: seasonal naive scores what an independent seasonal naive scores, and `auto` beats it.
. "$(dirname "$0")/lib.sh"

cd "$work"
"$PYTHON" "$root/experiments/accuracy/make_sets.py" . linx m4_hourly

# compare SET FREQUENCY SEASON HORIZON WINDOWS [BEFORE]
compare() {
    local set=$1 frequency=$2 season=$3 horizon=$4 windows=$5 before=${6:-}
    local asked=(--frequency "$frequency" --season "$season" --horizon "$horizon" --windows "$windows")
    local start=$SECONDS
    echo "== $set"
    "$FLEETCAST" --quiet backtest --series "$set.csv" "${asked[@]}" --models auto,seasonal-naive --out "$set.forecast.csv"
    echo "backtest: $((SECONDS - start)) s"
    holds "$set: the timing file lies beside the forecasts" test -s "$set.forecast.csv.timing.csv"
    "$PYTHON" "$here/seasonal_naive.py" "$set.csv" "${asked[@]}" --out "$set.naive.csv"
    holds "$set: seasonal naive is the independent one, and auto beats it${before:+ before $before}" \
        "$PYTHON" "$here/parity.py" series --forecast "$set.forecast.csv" --naive "$set.naive.csv" --series "$set.csv" \
        --frequency "$frequency" --season "$season" --before "$before"
}

# The last window of LINX holds the lockdown of March 2020, which no history announced: it is printed, not judged.
compare linx D 7 90 4 2020-03-01
compare m4_hourly H 24 48 1
finish
