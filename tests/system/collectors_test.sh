#!/bin/bash
# Three independent decoders read one export session without a complaint, and their sums are the
# truth: nfcapd while it arrives, tshark and libfixbuf's ipfixDump from what tcpdump kept.
# usage: tests/system/collectors_test.sh    (root)
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

cases=(nfcapd_stores_all nfcapd_sequence tshark_understands_all tshark_sums ipfixdump_reads_all)
begin "${cases[@]}"
need_afxdp "${cases[@]}"  # for the namespace that keeps this traffic off the machine's loopback
need_program nfcapd "${cases[@]}"
need_program tcpdump "${cases[@]}"
add_namespace monitor
"$traffic" write "$work/sent.pcap" "$work/truth.jsonl" --packets 60000 --flows 1500

start_nfcapd "$monitor" "$work/stored" 4739
pid_of_collector=$started
start_inside "$monitor" "$work/tcpdump.log" tcpdump -i lo --immediate-mode -B 16384 -U -Z root \
    -w "$work/session.pcap" 'udp dst port 4739'
pid_of_tcpdump=$started
wait_for 10 grep -q 'listening on' "$work/tcpdump.log"
cat >"$work/tapmeter.toml" <<'END'
[[export.ipfix]]
collector = "udp://127.0.0.1:4739"
quirks = "nfdump"
END
inside "$monitor" "$tapmeter" read "$work/sent.pcap" -c "$work/tapmeter.toml" \
    >"$work/read.log" 2>&1 || failed read "status $?" "$work/read.log"
# The kernel hands tcpdump every packet before the sender's call returns; -U writes it at once.
sleep 0.5
stop "$pid_of_tcpdump" 10
stop "$pid_of_collector" 10

expect nfcapd_stores_all 'nfcapd stored other flows than the file holds' \
    "$flows" compare "truth:$work/truth.jsonl" "nfdump:$work/stored"
expect nfcapd_sequence 'nfcapd counted sequence errors or bad packets' \
    grep -q 'Sequence Errors: 0, Bad Packets: 0' "$work/stored.log"

# Sums over all data records; a reverse element comes under the name of the forward one.
sum_of_tshark() {
    tshark -r "$work/session.pcap" -d udp.port==4739,cflow -T fields \
        -e cflow.packets -e cflow.octets -e _ws.malformed -e _ws.expert.message 2>/dev/null |
        python3 -c '
import sys
packets = octets = 0
complaints = []
for line in sys.stdin:
    columns = line.rstrip("\n").split("\t")
    packets += sum(int(word) for word in columns[0].split(",") if word)
    octets += sum(int(word) for word in columns[1].split(",") if word)
    complaints += [word for word in columns[2:] if word]
print(packets, octets, len(complaints), *complaints[:3])'
}
if command -v tshark >/dev/null; then
    read -r packets octets complaints words <<<"$(sum_of_tshark)"
    wanted=$("$flows" totals "truth:$work/truth.jsonl" | python3 -c '
import json, sys
sums = json.load(sys.stdin)
print(sums["packets"], sums["octets"])')
    expect tshark_understands_all "$complaints complaints: $words" test "$complaints" -eq 0
    expect tshark_sums "tshark reads $packets packets, $octets octets; sent were $wanted" \
        test "$packets $octets" = "$wanted"
else
    skip tshark_understands_all 'tshark is not installed (scripts/setup test)'
    skip tshark_sums 'tshark is not installed (scripts/setup test)'
fi

# An IPFIX file (RFC 5655) is the messages one after the other: the payloads of our datagrams.
payloads() {
    python3 - "$work/session.pcap" "$work/session.ipfix" <<'END'
import struct, sys
octets = open(sys.argv[1], "rb").read()
place = 24
with open(sys.argv[2], "wb") as out:
    while place < len(octets):
        captured = struct.unpack_from("<I", octets, place + 8)[0]
        frame = octets[place + 16:place + 16 + captured]
        out.write(frame[14 + (frame[14] & 15) * 4 + 8:])
        place += 16 + captured
END
}
ipfixdump_complains() {
    payloads
    ipfixDump --in="$work/session.ipfix" --out="$work/ipfixdump.txt" 2>"$work/ipfixdump.log"
    [[ $? -ne 0 || -s $work/ipfixdump.log ]] && return 0
    # 1,500 flows, each at least one data record
    [[ $(grep -ciE '^ *-+ *data record' "$work/ipfixdump.txt") -lt 1500 ]]
}
if command -v ipfixDump >/dev/null; then
    if ipfixdump_complains; then
        failed ipfixdump_reads_all 'libfixbuf does not read every record' \
            "$work/ipfixdump.log" "$work/ipfixdump.txt"
    else
        ok ipfixdump_reads_all
    fi
else
    skip ipfixdump_reads_all 'ipfixDump is not installed (scripts/setup test)'
fi
finish
