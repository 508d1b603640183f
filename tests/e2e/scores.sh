#!/usr/bin/env bash
# What the demo says about its own accuracy is what the independent scorer says of the same forecasts, and its intervals hold.
. "$(dirname "$0")/lib.sh"

cd "$work"
"$FLEETCAST" --quiet demo --out demo >/dev/null
"$FLEETCAST" --quiet sql --lake demo/lake --format csv "SELECT * FROM backtests" >backtests.csv
"$FLEETCAST" --quiet sql --lake demo/lake --format csv "SELECT * FROM scores" >own.csv
"$FLEETCAST" --quiet sql --lake demo/lake --format csv "SELECT * FROM daily" >daily.csv
"$PYTHON" "$here/parity.py" lake --backtests backtests.csv --own own.csv --daily daily.csv --season 7
"$PYTHON" "$here/parity.py" coverage --backtests backtests.csv --daily daily.csv --season 7 --from 0.86 --to 0.94
