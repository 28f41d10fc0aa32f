#!/bin/bash
# sFlow of our own making as other people read it. tshark: nothing is malformed, every sample that
# the books call sent is there, with the octets of a packet that was captured, its length, its tag,
# the rate and numbers without a gap; 1 in 1 of a recording is the recording. tshark and sfcapd:
# what 1 in 16 packets stand for is the traffic, within the bound that sFlow gives. Live: the
# counters of the interface are those of the books.
# usage: tests/system/sflow_test.sh    (no root)
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/collectors.sh
. "$(dirname "$0")/collectors.sh"

cases=(every_packet nothing_malformed numbers_without_a_gap tags sums_within_the_bound
    rate_and_books sfcapd_sums sfcapd_sequence live_counters live_books)
begin "${cases[@]}"
need_program tshark "${cases[@]}"
samples=$top/tests/system/sflow_samples.py

# name: datagrams are kept in $work/NAME.sflow
start_keeper() {
    port=$(free_port)
    start_here "$work/keep.log" python3 "$top/tests/system/keep_datagrams.py" "$port" \
        "$work/$1.sflow"
    keeper=$started
    wait_for 10 is_listening "$port"
}
stop_keeper() {
    sleep 0.5
    stop "$keeper" 5
}
# rate, capture
export_packets() {
    printf '[[export.ipfix]]\nname = "packets"\ncollector = "sflow://127.0.0.1:%s"\n' "$port" \
        >"$work/export.toml"
    printf 'packet_sampling = %s\n' "$1" >>"$work/export.toml"
    timeout 60 "$tapmeter" read "$2" -c "$work/export.toml" >"$work/export.log" 2>&1
}
dissect() { tshark -r "$work/$1.sflow" -d udp.port==2055,sflow "${@:2}" 2>>"$work/tshark.log"; }
headers_of() {
    dissect "$1" -T fields -e sflow_245.header.frame_length -e sflow_245.header.payload_stripped \
        -e sflow_245.header.sampled_header_length -e sflow_245.header
}
# name, field: its values in all datagrams, one a line
values() { dissect "$1" -T fields -e "$2" | tr ',' '\n' | grep .; }
# A cut header makes tshark complain of the packet in it, never of sFlow around it.
complaints() { dissect "$1" -V | grep -c '^ \{0,12\}\[.*\(Malformed\|Expert\)'; }
sent_by_books() { sed -n 's/^  samples  *sent  *\([0-9,]*\).*/\1/p' "$1" | tr -d , | tail -n 1; }

"$traffic" write "$work/few.pcap" "$work/few.jsonl" --packets 1000 --flows 60
start_keeper few
export_packets 1 "$work/few.pcap"
stop_keeper
every_packet() { headers_of few | python3 "$samples" same "$work/few.pcap"; }
expect every_packet 'samples of 1 in 1 packets are not those packets' every_packet
expect nothing_malformed 'tshark found no sFlow, or complains of it' \
    test "$(values few sflow_245.version | sort -u) $(complaints few)" = '5 0'
numbers() {
    dissect few -V | python3 -c '
import re, sys
text = sys.stdin.read()
datagrams = re.findall(r"^    Sequence number: (\d+)", text, re.M)
samples = re.findall(r"^    Flow sample, seq (?:.*\n){4}        Sequence number: (\d+)", text, re.M)
print(len(datagrams), "datagrams", len(samples), "samples")
sys.exit(list(map(int, datagrams)) != list(range(1, len(datagrams) + 1)) or
         list(map(int, samples)) != list(range(1, 1001)))'
}
expect numbers_without_a_gap 'sequence numbers do not count from 1 on' numbers

python3 "$samples" tag "$work/few.pcap" "$work/tagged.pcap"
start_keeper tagged
export_packets 1 "$work/tagged.pcap"
stop_keeper
tags() {
    test "$(values tagged sflow_245.vlan.in | wc -l)" -eq 1000 &&
        diff <(values tagged sflow_245.vlan.in) <(values tagged vlan.id) &&
        diff <(values tagged sflow_245.pri.in) <(values tagged vlan.priority)
}
expect tags 'extended switch records tell other tags than the headers have' tags

"$traffic" write "$work/many.pcap" "$work/many.jsonl" --packets 20000 --flows 600
start_keeper many
export_packets 16 "$work/many.pcap"
stop_keeper
many_sums() { headers_of many | python3 "$samples" sums "$work/many.pcap" 16; }
expect sums_within_the_bound 'what the samples stand for is not the traffic' many_sums
cat "$work/expect.log"
rates=$(dissect many -V | grep -o 'Sampling rate: .*' | sort | uniq -c | tr -s ' ')
expect rate_and_books "the books say '$(sent_by_books "$work/export.log")', tshark '$rates'" \
    test "$rates" = " $(sent_by_books "$work/export.log") Sampling rate: 1 out of 16 packets"

if command -v sfcapd >/dev/null; then
    port=$(free_port)
    mkdir -m 777 "$work/stored"
    start_here "$work/sfcapd.log" sfcapd -w "$work/stored" -p "$port" -b 127.0.0.1 -t 86400 \
        -B 8000000
    wait_for 10 is_listening "$port"
    export_packets 16 "$work/many.pcap"
    sleep 0.5
    stop "$started" 10
    sfcapd_sums() {
        local sums
        sums=$(nfdump -q -N -R "$work/stored" -o 'fmt:%pkt %byt' |
            awk '{ p += $1; o += $2; n++ } END { printf "%d %d %d", p, o - 4 * p, n }')
        # shellcheck disable=SC2086  # three numbers
        python3 "$samples" within 16 $sums "$work/many.pcap"
    }
    expect sfcapd_sums 'what sfcapd extrapolates is not the traffic' sfcapd_sums
    cat "$work/expect.log"
    expect sfcapd_sequence 'sfcapd counted sequence errors or bad packets' \
        grep -q 'Sequence Errors: 0, Bad Packets: 0' "$work/sfcapd.log"
else
    skip sfcapd_sums 'nfdump-sflow is not installed (scripts/setup test)'
    skip sfcapd_sequence 'nfdump-sflow is not installed (scripts/setup test)'
fi

start_keeper live
cat >"$work/tapmeter.toml" <<END
[[capture]]
source = "gen:"
[[export.ipfix]]
name = "packets"
collector = "sflow://127.0.0.1:$port"
packet_sampling = 64
counter_interval = "1s"
[http]
listen = "off"
[control]
socket = "$work/control.sock"
END
start_here "$work/tapmeter.log" "$tapmeter" run -c "$work/tapmeter.toml"
program=$started
enough() {
    books -o json 2>/dev/null | python3 -c '
import json, sys
sys.exit(json.load(sys.stdin)["outputs"][0]["samples"]["sent"] < 100)'
}
wait_for 60 enough
sleep 2.5
stop "$program" 10
stop_keeper
offered=$(sed -n 's/^  OFFERED  *\([0-9,]*\) .*/\1/p' "$work/tapmeter.log" | tr -d , | head -n 1)
told=$(values live sflow_245.ifinpkt | tail -n 1)
live_counters() {
    test "$(values live sflow_245.ifinpkt | wc -l)" -ge 2 -a "${told:-0}" -gt 0 -a \
        "${told:-0}" -le "${offered:-0}" -a \
        "$(values live sflow_245.ifoutpkt | sort -u)" = 4294967295
}
expect live_counters "counters of the interface are wrong: '$told' of '$offered' packets" \
    live_counters
expect live_books 'the books do not balance' grep -q '^the books balance' "$work/tapmeter.log"
finish
