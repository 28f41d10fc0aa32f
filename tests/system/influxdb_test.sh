#!/bin/bash
# Counters pushed to a real InfluxDB (version 1, of Debian): it has every series of /metrics, by
# HTTP and by UDP, none went back, and the last push tells what the books say at the end. A file
# holds lines that it takes. A database that is not there is said in the log and counted.
# usage: tests/system/influxdb_test.sh    (no root)
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/collectors.sh
. "$(dirname "$0")/collectors.sh"

cases=(by_http by_udp by_file wrong_database)
begin "${cases[@]}"
need_program influxd "${cases[@]}"
need_program curl "${cases[@]}"

port=$(free_port)
udp_port=$(free_port)
cat >"$work/influxdb.conf" <<END
reporting-enabled = false
bind-address = "127.0.0.1:$(free_port)"
[meta]
  dir = "$work/influxdb/meta"
[data]
  dir = "$work/influxdb/data"
  wal-dir = "$work/influxdb/wal"
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:$port"
[[udp]]
  enabled = true
  bind-address = "127.0.0.1:$udp_port"
  database = "by_udp"
  batch-timeout = "100ms"
END
url=http://127.0.0.1:$port
start_here "$work/influxd.log" influxd run -config "$work/influxdb.conf"
influxd=$started
answers() { curl -sf "$url/ping"; }
wait_for 30 answers
for database in by_http by_udp by_file; do
    curl -sf -XPOST "$url/query" --data-urlencode "q=CREATE DATABASE $database" >/dev/null
done

# name, where to: what it meters meanwhile is generated; $work/NAME.metrics while it ran
run_with() {
    local http
    http=$(free_port)
    cat >"$work/tapmeter.toml" <<END
[instance]
name = "probe-1"
[[capture]]
source = "gen:"
[[export.json]]
path = "/dev/null"
[http]
listen = "127.0.0.1:$http"
[control]
socket = "off"
[influxdb]
url = "$2"
database = "$1"
interval = "1s"
END
    start_here "$work/$1.log" "$tapmeter" run -c "$work/tapmeter.toml"
    program=$started
    has_pushed() {
        curl -sf "http://127.0.0.1:$http/metrics" -o "$work/$1.metrics" &&
            grep -q 'pushes_total{result="'"$2"'"} [1-9]' "$work/$1.metrics"
    }
    wait_for 30 has_pushed "$1" "${3:-ok}"
    stop "$program" 10
    offered=$(sed -n 's/^  OFFERED  *\([0-9,]*\) .*/\1/p' "$work/$1.log" | tr -d , | head -n 1)
}
has_series() { python3 "$top/tests/system/influx_series.py" "$url" "$1" "$work/$1.metrics" "$2"; }

run_with by_http "$url"
expect by_http 'InfluxDB has other series than /metrics' has_series by_http "$offered"
cat "$work/expect.log"

run_with by_udp "udp://127.0.0.1:$udp_port"
sleep 0.5
expect by_udp 'InfluxDB has other series than /metrics' has_series by_udp "$offered"

run_with by_file "file://$work/counters.lp"
takes_file() {
    curl -sf -XPOST "$url/write?db=by_file&precision=ns" --data-binary "@$work/counters.lp" &&
        has_series by_file "$1"
}
expect by_file 'InfluxDB does not take the lines of the file' takes_file "$offered"

run_with nowhere "$url" error
says_so() {
    grep -q 'counters were not pushed: .*status 404.*database not found' "$work/nowhere.log" &&
        grep -q '^the books balance' "$work/nowhere.log"
}
expect wrong_database 'the log does not say that the database is not there' says_so
stop "$influxd" 10
finish
