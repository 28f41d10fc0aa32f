#!/bin/bash
# Flow records in ClickHouse, a real server: the sums that were sent and that nfcapd has, a row that
# is the JSON line of the same flow column by column, a flow beyond 4 GiB, roll-ups that add up; a
# server that is killed, whose answers are lost, that is away for longer than the queue holds, with
# a spool and without; a program that is killed or ends meanwhile; TLS.
# usage: tests/system/clickhouse_test.sh    (no root; SPOOL_AWAY=SECONDS, default 4)
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/collectors.sh
. "$(dirname "$0")/collectors.sh"

cases=(ddl sums columns rollups large_flow no_table wrong_type refused_user killed answers_lost
    too_long_away spooled program_killed next_run tls tls_unknown)
begin "${cases[@]}"
away=${SPOOL_AWAY:-4}
need_program clickhouse-server "${cases[@]}"
need_program curl "${cases[@]}"
door_program=$top/tests/system/clickhouse_door.py
"$traffic" write "$work/sent.pcap" "$work/truth.jsonl" --packets 60000 --flows 6000

port=$(free_port) native=$(free_port)
mkdir -p "$work/server/log" "$work/server/tmp" "$work/server/formats"
cat >"$work/server/config.xml" <<END
<?xml version="1.0"?>
<yandex>
 <logger><level>warning</level><log>$work/server/log/server.log</log>
  <errorlog>$work/server/log/errors.log</errorlog><size>10M</size><count>1</count></logger>
 <listen_host>127.0.0.1</listen_host><http_port>$port</http_port><tcp_port>$native</tcp_port>
 <path>$work/server/data/</path><tmp_path>$work/server/tmp/</tmp_path>
 <format_schema_path>$work/server/formats/</format_schema_path>
 <users_config>$work/server/users.xml</users_config>
 <default_profile>default</default_profile><default_database>default</default_database>
 <mark_cache_size>268435456</mark_cache_size><max_concurrent_queries>20</max_concurrent_queries>
 <timezone>UTC</timezone>
 <remote_servers><tapmeter><shard><replica><host>127.0.0.1</host><port>$native</port></replica>
 </shard></tapmeter></remote_servers>
</yandex>
END
cat >"$work/server/users.xml" <<END
<?xml version="1.0"?>
<yandex><profiles><default><max_memory_usage>1000000000</max_memory_usage></default></profiles>
<users>
 <default><password></password><networks><ip>127.0.0.1</ip></networks><profile>default</profile>
  <quota>default</quota></default>
 <writer><password>a secret</password><networks><ip>127.0.0.1</ip></networks>
  <profile>default</profile><quota>default</quota></writer>
</users><quotas><default></default></quotas></yandex>
END
# The server will not run as root on another's files.
as_nobody=()
if [[ $EUID -eq 0 ]]; then
    as_nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    chown -R 65534:65534 "$work/server"
fi
# A query of $2, or of standard input.
ask() { curl -sS --fail-with-body "http://127.0.0.1:$port/" --data-binary "${1:-@-}"; }
start_server() {
    start_here "$work/server.out" "${as_nobody[@]}" clickhouse-server \
        --config-file="$work/server/config.xml"
    server=$started
    wait_for 30 ask 'SELECT 1'
}
kill_server() {
    kill -KILL "$server"
    wait "$server" 2>/dev/null
}
if ! start_server; then
    for name in "${cases[@]}"; do
        failed "$name" 'clickhouse-server did not start' "$work/server.out" \
            "$work/server/log/errors.log"
    done
    finish
fi

# table
make_tables() {
    "$tapmeter" ddl --server 18.16 --table "$1" >"$work/$1.sql" || return 1
    # One statement a request: that is what HTTP takes.
    python3 - "$work/$1.sql" "$port" <<'END'
import sys, urllib.request
text = "\n".join(line.split("--")[0] for line in open(sys.argv[1]))
for statement in filter(str.strip, text.split(";\n")):
    urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[2]}/", statement.encode()).read()
END
}
# table, more TOML ...: the configuration of `read`
write_block() {
    local table=$1
    shift
    {
        printf '[[export.clickhouse]]\nname = "db"\nurl = "http://127.0.0.1:%s"\n' "$port"
        printf 'table = "%s"\ninterval = "100ms"\nreconnect = "1s"\n' "$table"
        printf '%s\n' "$@"
    } >"$work/$table.toml"
}
# table, capture: `read` into it; its books in $work/TABLE.log
read_into() {
    timeout 120 "$tapmeter" read "$2" -q -c "$work/$1.toml" -o json --flows \
        --json "$work/$1.jsonl" >"$work/$1.books" 2>"$work/$1.log"
}
# table: records, packets, octets
sums_of() {
    ask "SELECT count(), sum(pkts_fwd + pkts_rev), sum(bytes_fwd + bytes_rev) FROM $1 \
        FORMAT TabSeparatedRaw" 2>&1
}
# file of JSON lines: the same
sums_of_lines() {
    python3 -c '
import json, sys
records = packets = octets = 0
for line in open(sys.argv[1]):
    flow = json.loads(line)["flow"]
    records += 1
    packets += flow["pkts_toserver"] + flow["pkts_toclient"]
    octets += flow["bytes_toserver"] + flow["bytes_toclient"]
print(records, packets, octets, sep="\t")' "$1"
}

expect ddl 'the server refuses the statements for 18.16' make_tables flows
write_block flows
read_into flows "$work/sent.pcap"
sent=$("$flows" totals "truth:$work/truth.jsonl" | python3 -c '
import json, sys
sums = json.load(sys.stdin)
print(sums["packets"], sums["octets"], sep="\t")')
stored=$(sums_of flows)
if [[ ${stored#*$'\t'} == "$sent" && $stored == "$(sums_of_lines "$work/flows.jsonl")" ]]; then
    ok sums
else
    failed sums "stored '$stored', sent '$sent'" "$work/flows.log"
fi

# Each row against the line of the same record, which other code wrote.
ask 'SELECT *, IPv6NumToString(src_ip) AS src, IPv6NumToString(dst_ip) AS dst FROM flows
    ORDER BY flow_id, flow_start FORMAT JSONEachRow' >"$work/rows.jsonl"
cat >"$work/columns.py" <<'END'
import ipaddress, json, sys
# Addresses as they stand are no text.
rows = [json.loads(line) for line in open(sys.argv[1], errors="replace")]
lines = sorted((json.loads(line) for line in open(sys.argv[2])),
               key=lambda e: (e["flow_id"], e["tapmeter"]["start_ns"]))
assert len(rows) == len(lines) and rows, (len(rows), len(lines))
numbers = {"ICMP": 1, "TCP": 6, "UDP": 17, "IPv6-ICMP": 58}
reasons = ["", "idle", "active", "end_of_flow", "forced", "lack_of_resources"]
def address(text):
    one = ipaddress.IPv6Address(text)
    return str(one.ipv4_mapped or one)
for row, line in zip(rows, lines):
    flow, own, tcp = line["flow"], line["tapmeter"], line.get("tcp", {})
    wanted = {
        "flow_start": own["start_ns"], "flow_end": own["end_ns"], "flow_id": line["flow_id"],
        "bytes_fwd": flow["bytes_toserver"], "bytes_rev": flow["bytes_toclient"],
        "pkts_fwd": flow["pkts_toserver"], "pkts_rev": flow["pkts_toclient"],
        "l2_bytes_fwd": own["l2_bytes_toserver"], "l2_bytes_rev": own["l2_bytes_toclient"],
        "src_port": line.get("src_port", 0), "dst_port": line.get("dest_port", 0),
        "icmp_type": line.get("icmp_type", 0), "icmp_code": line.get("icmp_code", 0),
        "proto": numbers[line["proto"]], "ip_version": line["ip_v"],
        "tcp_flags_fwd": int(tcp.get("tcp_flags_ts", "0"), 16),
        "tcp_flags_rev": int(tcp.get("tcp_flags_tc", "0"), 16),
        "odid": own["observation_domain_id"], "worker": own["worker"],
        "interface": line["in_iface"], "interface_id": 1, "sampling": 1,
        "end_reason": reasons.index(own["end_reason"]),
        "app": line.get("ndpi", {}).get("proto", ""),
    }
    for column, value in wanted.items():
        got = row[column]
        assert (got if isinstance(value, str) else int(got)) == value, (column, got, value, line)
    assert address(row["src"]) == line["src_ip"] and address(row["dst"]) == line["dest_ip"], row
END
expect columns 'rows differ from the JSON lines of the same records' \
    python3 "$work/columns.py" "$work/rows.jsonl" "$work/flows.jsonl"

rolled=$(ask 'SELECT sum(records), sum(pkts_fwd + pkts_rev), sum(bytes_fwd + bytes_rev)
    FROM flows_services_1m FORMAT TabSeparatedRaw')
paired=$(ask 'SELECT sum(records), sum(pkts_fwd + pkts_rev), sum(bytes_fwd + bytes_rev)
    FROM flows_pairs_1h FORMAT TabSeparatedRaw')
spread=$(sums_of flows_all)
expect rollups "have '$rolled', '$paired', distributed '$spread', not '$stored'" \
    test "$rolled$paired$spread" = "$stored$stored$stored"

"$top/tests/system/large_flow.py" "$work/large.pcap"
make_tables large
write_block large
read_into large "$work/large.pcap"
expect large_flow "5 GiB + 1 octet became '$(sums_of large)'" \
    test "$(ask 'SELECT sum(bytes_fwd), max(bytes_fwd) FROM large FORMAT TabSeparatedRaw')" = \
    5368709121$'\t'5368709121

# A program that runs for a while: records come all the time, and the file has each of them.
# table, port, more TOML ...
start_tapmeter() {
    local table=$1 to=$2
    shift 2
    {
        printf '[[capture]]\nsource = "gen:"\n[http]\nlisten = "off"\n'
        printf '[flow]\nidle_timeout = "1s"\nactive_timeout = "1s"\n'
        printf '[control]\nsocket = "%s/control.sock"\n' "$work"
        printf '[[export.json]]\npath = "%s"\n' "$work/$table.jsonl"
        printf '[[export.clickhouse]]\nname = "db"\nurl = "%s"\ntable = "%s"\n' "$to" "$table"
        printf 'interval = "100ms"\nreconnect = "1s"\n'
        printf '%s\n' "$@"
    } >"$work/$table.toml"
    start_here "$work/$table.log" "$tapmeter" run -c "$work/$table.toml"
    program=$started
    wait_for 10 grep -q ' metering$' "$work/$table.log"
}
# table: what its output dropped, by the program's last words
dropped_by() {
    sed -n 's/^ *dropped *[a-z_]* *\([0-9,]*\).*/\1/p' "$work/$1.log" | tr -d , |
        awk '{ sum += $1 } END { print sum + 0 }'
}
# table: rows, each once
different_rows() {
    ask "SELECT count() FROM (SELECT DISTINCT flow_id, flow_start, flow_end FROM $1)"
}
# case, table, lost: the file's lines are the rows and what was dropped; none is there twice
accounted() {
    local taken rows different lost
    taken=$(wc -l <"$work/$2.jsonl")
    rows=$(ask "SELECT count() FROM $2")
    different=$(different_rows "$2")
    lost=$(dropped_by "$2")
    if [[ $((rows + lost)) -eq $taken && $rows -eq $different && $rows -gt 0 ]] &&
        [[ $3 == some && $lost -gt 0 || $3 == none && $lost -eq 0 ]] &&
        grep -q '^the books balance' "$work/$2.log"; then
        ok "$1"
    else
        failed "$1" "$taken taken, $rows rows, $different different ones, $lost dropped" \
            "$work/$2.log"
    fi
}

# What cannot be written is named, and counted when the program ends.
# case, words of the log, table, more TOML ...
not_written() {
    local name=$1 words=$2 table=$3
    shift 3
    start_tapmeter "$table" "http://127.0.0.1:$port" "$@"
    wait_for 15 grep -q "$words" "$work/$table.log"
    wait_for 15 at_least clickhouse/db taken.records 100
    stop "$program" 20
    if grep -q "$words" "$work/$table.log" &&
        [[ $(dropped_by "$table") -eq $(wc -l <"$work/$table.jsonl") ]] &&
        grep -q '^the books balance' "$work/$table.log"; then
        ok "$name"
    else
        failed "$name" "no '$words', or not each record counted" "$work/$table.log"
    fi
}
not_written no_table 'there is no table' nowhere
ask "$("$tapmeter" ddl flows --server 18.16 --table wrong |
    sed 's/--.*//; s/src_port UInt16/src_port String/; s/;//')"
not_written wrong_type 'src_port is String and not UInt16' wrong
make_tables refused
printf 'not it\n' >"$work/password"
not_written refused_user 'status [45][0-9][0-9]: Code: 19[0-9]' refused 'user = "writer"' \
    "password_file = \"$work/password\""

make_tables killed
start_tapmeter killed "http://127.0.0.1:$port"
for round in 1 2 3; do
    wait_for 20 at_least clickhouse/db sent.records $((round * 500))
    kill_server
    wait_for 10 at_least clickhouse/db queued.records 300
    start_server
done
before=$(of_output clickhouse/db sent.records)
wait_for 20 at_least clickhouse/db sent.records $((before + 500))
stop "$program" 20
accounted killed killed none

door=$(free_port)
start_here "$work/door.log" "$door_program" "$door" "$port" --cut 3
make_tables lost
start_tapmeter lost "http://127.0.0.1:$door"
wait_for 20 at_least clickhouse/db sent.records 2000
wait_for 20 test "$(grep -c cut "$work/door.log")" -eq 3
stop "$program" 20
if [[ $(grep -c cut "$work/door.log") -eq 3 ]]; then
    accounted answers_lost lost none
else
    failed answers_lost 'the door cut nothing off' "$work/door.log" "$work/lost.log"
fi

make_tables away
start_tapmeter away "http://127.0.0.1:$port" 'queue = 2'
wait_for 20 at_least clickhouse/db sent.records 500
kill_server
wait_for 20 at_least clickhouse/db dropped.queue_full.records 500
start_server
before=$(of_output clickhouse/db sent.records)
wait_for 20 at_least clickhouse/db sent.records $((before + 500))
stop "$program" 20
accounted too_long_away away some

sends_more() {
    local before
    before=$(of_output clickhouse/db sent.records)
    wait_for 30 at_least clickhouse/db sent.records $((before + $1))
}
# table: a program with a spool, whose server is away for longer than the queue holds
start_spooling() {
    make_tables "$1"
    start_tapmeter "$1" "http://127.0.0.1:$port" 'queue = 32' "spool = \"$work/spool.$1\""
    wait_for 20 at_least clickhouse/db sent.records 500
    kill_server
    sleep "$away"
    wait_for 30 at_least clickhouse/db spooled.records 1500
}
start_spooling spooled
start_server
sends_more 2500
stop "$program" 20
accounted spooled spooled none

# The data path alone is killed; another one finds what it left.
start_spooling crashed
before=$(of_output clickhouse/db spooled.records)
kill -KILL "$(data_path "$program")"
wait_for 20 at_least clickhouse/db recovered.records "$before"
recovered=$(of_output clickhouse/db recovered.records)
start_server
wait_for 30 at_least clickhouse/db sent.records $((recovered + 500))
stop "$program" 20
rows=$(ask 'SELECT count() FROM crashed')
if [[ $recovered -ge $before && $before -gt 0 && $rows -ge $((recovered + 1000)) &&
    $rows -eq $(different_rows crashed) && $(dropped_by crashed) -eq 0 ]]; then
    ok program_killed
else
    failed program_killed "$before spooled, $recovered recovered, $rows rows,
        $(different_rows crashed) different ones" "$work/crashed.log"
fi

start_spooling left
stop "$program" 20
left=$(sed -n 's/^ *spooled *\([0-9,]*\).*/\1/p' "$work/left.log" | tr -d ,)
lost=$(dropped_by left)
start_server
start_here "$work/left.log" "$tapmeter" run -c "$work/left.toml"
program=$started
wait_for 30 at_least clickhouse/db sent.records $((left + 500))
recovered=$(of_output clickhouse/db recovered.records)
stop "$program" 20
if [[ $recovered -eq $left && $left -gt 0 && $lost -eq 0 ]]; then
    accounted next_run left none
else
    failed next_run "$left left, $recovered recovered, $lost dropped" "$work/left.log"
fi

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
    -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 -keyout "$work/key.pem" \
    -out "$work/certificate.pem" >/dev/null 2>&1
door=$(free_port)
start_here "$work/tls.log" "$door_program" "$door" "$port" --tls "$work/certificate.pem" \
    "$work/key.pem"
printf 'a secret\n' >"$work/right"
make_tables secret
start_tapmeter secret "https://127.0.0.1:$door" "tls_ca = \"$work/certificate.pem\"" \
    'user = "writer"' "password_file = \"$work/right\""
wait_for 20 at_least clickhouse/db sent.records 500
stop "$program" 20
accounted tls secret none
make_tables unknown
start_tapmeter unknown "https://127.0.0.1:$door"
wait_for 10 grep -qi 'certificate' "$work/unknown.log"
stop "$program" 20
expect tls_unknown 'rows went to a server that nobody vouches for, or nothing was said' \
    test "$(grep -ci certificate "$work/unknown.log" | sed 's/[1-9].*/said/') $(
        ask 'SELECT count() FROM unknown')" = 'said 0'
finish
