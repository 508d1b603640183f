#!/usr/bin/env bash
# The demo, the same command again, and on one thread elsewhere: every table but `runs` and the report have the same bytes.
. "$(dirname "$0")/lib.sh"

cd "$work"
demo() {
    local start=$SECONDS
    "$FLEETCAST" "$@" >summary.txt 2>progress.txt || { cat summary.txt progress.txt; exit 1; }
    echo "$*: $((SECONDS - start)) s"
}

demo demo
cat summary.txt
digests fleetcast-demo/lake >first.txt
report=$(sha256sum <fleetcast-demo/report.html)
cat first.txt

expect "rows and servers of daily" "219000,200" \
    "$(query fleetcast-demo/lake "SELECT count(*), count(DISTINCT server_id) FROM daily")"
expect "no key of risks is null" 0 \
    "$(query fleetcast-demo/lake "SELECT count(*) FROM risks WHERE server_id IS NULL OR metric IS NULL OR threshold IS NULL")"
expect "probabilities lie in [0, 1] and never fall with the horizon" 0 \
    "$(query fleetcast-demo/lake "SELECT count(*) FROM risks WHERE p_30 < 0 OR p_180 > 1 OR p_30 > p_60 OR p_60 > p_90 OR p_90 > p_180")"
expect "quantiles never cross" 0 \
    "$(query fleetcast-demo/lake "SELECT count(*) FROM forecasts WHERE q05 > q10 OR q10 > q25 OR q25 > q50 OR q50 > q75 OR q75 > q90 OR q90 > q95")"
expect "every server has its recommendation and its group" "200,200" \
    "$(query fleetcast-demo/lake "SELECT count(r.server_id), count(g.server_id) FROM recommendations r FULL JOIN groups g ON r.server_id = g.server_id")"
holds "the summary fits on a screen" test "$(wc -l <summary.txt)" -le 40
holds "the report loads nothing" bash -c "! grep -Eq '(src|href)=\"?(https?:)?//' fleetcast-demo/report.html"

demo demo
digests fleetcast-demo/lake >again.txt
expect "the same command gives the same tables" "" "$(diff first.txt again.txt || true)"
expect "and the same report" "$report" "$(sha256sum <fleetcast-demo/report.html)"

# The report names the folder of its lake, so the folder keeps its name.
mv fleetcast-demo all-threads
demo demo --threads 1
digests fleetcast-demo/lake >one-thread.txt
expect "one thread gives the same tables" "" "$(diff first.txt one-thread.txt || true)"
expect "and the same report" "$report" "$(sha256sum <fleetcast-demo/report.html)"

demo generate --lake first-servers --servers 50 --days 1095 --start 2022-01-01 --step day --seed 42
ids=$(query first-servers "SELECT server_id FROM servers" | sed "s/.*/'&'/" | paste -sd ,)
query first-servers "SELECT * FROM daily ORDER BY server_id, date" >small.csv
query fleetcast-demo/lake "SELECT * FROM daily WHERE server_id IN ($ids) ORDER BY server_id, date" >large.csv
holds "the first 50 servers of 200 are the fleet of 50" cmp small.csv large.csv
finish
