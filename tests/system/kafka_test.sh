#!/bin/bash
# Flow records in Kafka, brokers in another process: kcat reads every record once, as JSON with the
# sums that were sent and as IPFIX Messages that tshark reads one by one; brokers that fail, that
# are away, and away for longer than the queue holds, with a spool and without; a program that ends
# meanwhile.
# usage: tests/system/kafka_test.sh    (no root; SPOOL_AWAY=SECONDS, default 4)
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

cases=(json ipfix failing away too_long_away spooled next_run)
away=${SPOOL_AWAY:-4}
begin "${cases[@]}"
need_program kcat "${cases[@]}"
broker=${TAPMETER_KAFKA_BROKER:-$top/build/tests/src/exporting/kafka_broker}
if [[ ! -x $broker ]]; then
    for name in "${cases[@]}"; do
        skip "$name" "no program at $broker: it is built where librdkafka is"
    done
    finish
fi
"$traffic" write "$work/sent.pcap" "$work/truth.jsonl" --packets 60000 --flows 6000

# name: a cluster with a topic of that name; $brokers is where. Commands go to descriptor 5.
start_cluster() {
    rm -f "$work/commands"
    mkfifo "$work/commands"
    "$broker" "$1" 4 <"$work/commands" >"$work/$1.broker" 2>"$work/$1.errors" &
    cluster=$!
    exec 5>"$work/commands"
    wait_for 10 test -s "$work/$1.broker"
    brokers=$(head -n 1 "$work/$1.broker")
}
stop_cluster() {
    exec 5>&-
    wait "$cluster"
}
tell() {
    printf '%s\n' "$1" >&5
    wait_for 5 grep -q "^$1$" "$work/$2.broker"
}
# topic, more words: its messages
consume() { kcat -q -b "$brokers" -C -t "$1" -o beginning -e "${@:2}" 2>"$work/kcat.log"; }
# topic, more TOML ...
export_to() {
    local topic=$1
    shift
    printf '[[export.kafka]]\nname = "bus"\nbrokers = "%s"\ntopic = "%s"\n' "$brokers" "$topic" \
        >"$work/$topic.toml"
    printf '%s\n' "$@" >>"$work/$topic.toml"
    timeout 120 "$tapmeter" read "$work/sent.pcap" -q -c "$work/$topic.toml" \
        --json "$work/$topic.jsonl" >"$work/$topic.books" 2>"$work/$topic.log"
}
sent=$("$flows" totals "truth:$work/truth.jsonl" | python3 -c '
import json, sys
sums = json.load(sys.stdin)
print(sums["packets"], sums["octets"])')

start_cluster json
export_to json
consume json >"$work/json.consumed"
sums=$(python3 -c '
import json, sys
packets = octets = 0
for line in open(sys.argv[1]):
    flow = json.loads(line)["flow"]
    packets += flow["pkts_toserver"] + flow["pkts_toclient"]
    octets += flow["bytes_toserver"] + flow["bytes_toclient"]
print(packets, octets)' "$work/json.consumed")
if [[ $sums == "$sent" ]] &&
    cmp -s <(sort "$work/json.consumed") <(sort "$work/json.jsonl"); then
    ok json
else
    failed json "consumed '$sums', sent '$sent', or other lines than the file's" "$work/json.log"
fi
stop_cluster

start_cluster ipfix
export_to ipfix 'format = "ipfix"'
# As a capture of one datagram a message: tshark forgets nothing, so each is turned over to it with
# the Templates that stand in it alone, in the order in which partitions gave them.
consume ipfix -f '%S\n%s' >"$work/ipfix.consumed"
python3 - "$work/ipfix.consumed" "$work/ipfix.pcap" <<'END'
import struct, sys
octets, packets = open(sys.argv[1], "rb").read(), []
while octets:
    length, octets = octets.split(b"\n", 1)
    packets.append(octets[:int(length)])
    octets = octets[int(length):]
with open(sys.argv[2], "wb") as file:
    file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101))
    for message in packets:
        udp = struct.pack("!HHHH", 4739, 4739, 8 + len(message), 0) + message
        ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, bytes(4),
                         bytes(4)) + udp
        file.write(struct.pack("<IIII", 1, 0, len(ip), len(ip)) + ip)
print(len(packets))
END
if command -v tshark >/dev/null; then
    sums=$(tshark -r "$work/ipfix.pcap" -d udp.port==4739,cflow -T fields -e cflow.packets \
        -e cflow.octets 2>/dev/null | python3 -c '
import sys
sums = [0, 0]
for line in sys.stdin:
    for place, column in enumerate(line.rstrip("\n").split("\t")[:2]):
        sums[place] += sum(int(word) for word in column.split(",") if word)
print(*sums)')
    expect ipfix "tshark has '$sums', sent were '$sent'" test "$sums" = "$sent"
else
    skip ipfix 'tshark is not installed (scripts/setup test)'
fi
stop_cluster

# case, topic, some or none: the file's lines are those of the topic and what was dropped. Where the
# connection broke before the answer a message may come twice: the mock cluster does not look at an
# idempotent producer's numbers, as brokers do.
accounted() {
    local taken consumed lost
    consume "$2" | sort >"$work/$2.messages"
    uniq "$work/$2.messages" >"$work/$2.consumed"
    consumed=$(wc -l <"$work/$2.consumed")
    taken=$(wc -l <"$work/$2.jsonl")
    lost=$(sed -n 's/^ *dropped *[a-z_]* *\([0-9,]*\).*/\1/p' "$work/$2.log" | tr -d , |
        awk '{ sum += $1 } END { print sum + 0 }')
    if [[ $((consumed + lost)) -eq $taken && $consumed -gt 0 ]] &&
        [[ $3 == some && $lost -gt 0 || $3 == none && $lost -eq 0 ]] &&
        [[ -z $(comm -23 "$work/$2.consumed" <(sort "$work/$2.jsonl")) ]] &&
        grep -q '^the books balance' "$work/$2.log"; then
        ok "$1"
        echo "    messages that came twice: $(uniq -d "$work/$2.messages" | wc -l)"
    else
        failed "$1" "$taken taken, $consumed consumed, $lost dropped" "$work/$2.log"
    fi
}
# topic, more TOML ...
start_tapmeter() {
    local topic=$1
    shift
    {
        printf '[[capture]]\nsource = "gen:"\n[http]\nlisten = "off"\n'
        printf '[flow]\nidle_timeout = "1s"\nactive_timeout = "1s"\n'
        printf '[control]\nsocket = "%s/control.sock"\n' "$work"
        printf '[[export.json]]\npath = "%s"\n' "$work/$topic.jsonl"
        printf '[[export.kafka]]\nname = "bus"\nbrokers = "%s"\ntopic = "%s"\n' "$brokers" "$topic"
        printf 'properties = ["reconnect.backoff.max.ms=500"]\n'
        printf '%s\n' "$@"
    } >"$work/$topic.toml"
    start_here "$work/$topic.log" "$tapmeter" run -c "$work/$topic.toml"
    program=$started
    wait_for 10 grep -q ' metering$' "$work/$topic.log"
}
go_on() {
    local before
    before=$(of_output kafka/bus sent.records)
    wait_for 20 at_least kafka/bus sent.records $((before + 500))
}

start_cluster failing
start_tapmeter failing
for _ in 1 2 3; do
    go_on
    tell fail failing
done
go_on
stop "$program" 20
accounted failing failing none
stop_cluster

start_cluster away
start_tapmeter away
go_on
tell down away
wait_for 20 at_least kafka/bus queued.records 1000
tell up away
go_on
stop "$program" 20
accounted away away none
stop_cluster

start_cluster long
start_tapmeter long 'queue = 4'
go_on
tell down long
wait_for 30 at_least kafka/bus dropped.queue_full.records 200
tell up long
go_on
stop "$program" 20
accounted too_long_away long some
stop_cluster

# topic: a program with a spool, whose brokers are away for longer than the queue holds
start_spooling() {
    start_tapmeter "$1" 'queue = 128' "spool = \"$work/spool.$1\""
    go_on
    tell down "$1"
    sleep "$away"
    wait_for 30 at_least kafka/bus spooled.records 1500
}
start_cluster spooled
start_spooling spooled
tell up spooled
before=$(of_output kafka/bus sent.records)
wait_for 30 at_least kafka/bus sent.records $((before + 2500))
stop "$program" 20
accounted spooled spooled none
stop_cluster

start_cluster left
start_spooling left
stop "$program" 20
left=$(sed -n 's/^ *spooled *\([0-9,]*\).*/\1/p' "$work/left.log" | tr -d ,)
tell up left
start_here "$work/left.log" "$tapmeter" run -c "$work/left.toml"
program=$started
wait_for 30 at_least kafka/bus sent.records $((left + 500))
recovered=$(of_output kafka/bus recovered.records)
stop "$program" 20
# What the brokers had and could not say when the first one ended comes again: each at least once.
consume left | sort >"$work/left.consumed"
twice=$(uniq -d "$work/left.consumed" | wc -l)
echo "messages that came twice: $twice"
if [[ $recovered -eq $left && $left -gt 0 && $twice -lt $left ]] &&
    cmp -s <(sort -u "$work/left.consumed") <(sort "$work/left.jsonl") &&
    grep -q '^the books balance' "$work/left.log"; then
    ok next_run
else
    failed next_run "$left left, $recovered recovered, $(wc -l <"$work/left.jsonl") taken,
        $(sort -u "$work/left.consumed" | wc -l) consumed, $twice of them twice" "$work/left.log"
fi
stop_cluster
finish
