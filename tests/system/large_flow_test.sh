#!/bin/bash
# A flow of 5 GiB and 1 octet keeps its count on every way out: IPFIX by UDP, TCP and file,
# NetFlow 9, NetFlow 5 in as many records as its 32 bits need, JSON in both forms, syslog, Kafka.
# (ClickHouse: clickhouse_test.sh.)
# usage: tests/system/large_flow_test.sh    (no root)
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/collectors.sh
. "$(dirname "$0")/collectors.sh"

nfcapd_cases=(ipfix_udp netflow9 netflow5)
cases=("${nfcapd_cases[@]}" ipfix_tcp ipfix_file json_eve json_flat syslog kafka)
begin "${cases[@]}"
octets=5368709121
"$top/tests/system/large_flow.py" "$work/large.pcap"

# more TOML ...
export_to() {
    printf '%s\n' "$@" >"$work/export.toml"
    timeout 60 "$tapmeter" read "$work/large.pcap" -q --strict -c "$work/export.toml" \
        >"$work/export.log" 2>&1
}
# case, what was read ...
expect_octets() {
    local name=$1
    shift
    expect "$name" "5 GiB + 1 octet became '$*'" test "$*" = "$octets"
}
# a program of Python's for each line, read as JSON: its sum
sum_of_lines() {
    python3 -c "
import json, sys
print(sum($1 for line in map(json.loads, sys.stdin)))"
}

# case, scheme, records that are wanted, more TOML ...
by_nfcapd() {
    local name=$1 scheme=$2 records=$3 port
    shift 3
    port=$(free_port)
    start_nfcapd_here "$port"
    export_to '[[export.ipfix]]' "collector = \"$scheme://127.0.0.1:$port\"" "$@"
    sleep 0.5
    stop "$started" 10
    expect_octets "$name" "$(nfdump -q -N -R "$work/stored" -o 'fmt:%byt' 2>/dev/null |
        awk -v records="$records" '{ sum += $1 }
            END { printf "%.0f%s", sum, NR == records ? "" : " in " NR " records" }')"
}
if command -v nfcapd >/dev/null; then
    by_nfcapd ipfix_udp udp 1 'quirks = "nfdump"'
    by_nfcapd netflow9 netflow9 1
    by_nfcapd netflow5 netflow5 2
else
    for name in "${nfcapd_cases[@]}"; do
        skip "$name" 'nfdump is not installed (scripts/setup test)'
    done
fi

if has_fixbuf ipfix_tcp; then
    port=$(free_port)
    start_here "$work/fixbuf.out" "$fixbuf" tcp 127.0.0.1 "$port" 1
    wait_for 10 is_listening "$port"
    export_to '[[export.ipfix]]' "collector = \"tcp://127.0.0.1:$port\""
    wait_for 10 has_ended "$started" || kill "$started"
    expect_octets ipfix_tcp "$(awk '{ print $3 }' "$work/fixbuf.out")"
fi

export_to '[[export.ipfix]]' "collector = \"file://$work/files\""
expect_octets ipfix_file "$("$tapmeter" read -q -o json "$work"/files/*.ipfix* |
    sum_of_lines 'line["flow"]["bytes_toserver"]')"

# case, TOML of the output, what to add up
by_json() {
    export_to '[[export.json]]' "path = \"$work/$1.json\"" "$2"
    expect_octets "$1" "$(sed 's/^[^{]*//' "$work/$1.json" | sum_of_lines "$3")"
}
by_json json_eve 'format = "eve"' 'line["flow"]["bytes_toserver"]'
by_json json_flat 'format = "flat"' 'line["octetDeltaCount"]'
by_json syslog 'framing = "syslog"' 'line["flow"]["bytes_toserver"]'

broker=${TAPMETER_KAFKA_BROKER:-$top/build/tests/src/exporting/kafka_broker}
if command -v kcat >/dev/null && [[ -x $broker ]]; then
    mkfifo "$work/commands"
    "$broker" large 1 <"$work/commands" >"$work/broker" 2>"$work/broker.errors" &
    cluster=$!
    exec 5>"$work/commands"
    wait_for 10 test -s "$work/broker"
    brokers=$(head -n 1 "$work/broker")
    export_to '[[export.kafka]]' 'name = "bus"' "brokers = \"$brokers\"" 'topic = "large"'
    expect_octets kafka "$(kcat -q -b "$brokers" -C -t large -o beginning -e 2>"$work/kcat.log" |
        sum_of_lines 'line["flow"]["bytes_toserver"]')"
    exec 5>&-
    wait "$cluster"
else
    skip kafka 'kcat or librdkafka is not installed (scripts/setup test)'
fi
finish
