#!/bin/bash
# NetFlow version 9 and 5 as other people's collectors read them: nfcapd has the same flows as from
# our IPFIX, of real captures whose clocks are years apart; no sequence error, no complaint of
# tshark; nfacctd (pmacct) has the same sums.
# usage: tests/system/netflow_test.sh    (no root; TAPMETER_PCAPS=FOLDER)
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/collectors.sh
. "$(dirname "$0")/collectors.sh"

cases=(v9_nfcapd v5_nfcapd v9_sequence v5_sequence v9_real_captures v5_real_captures v9_nfacctd
    v9_tshark v5_tshark v9_options)
begin "${cases[@]}"
need_program nfcapd "${cases[@]}"
"$traffic" write "$work/sent.pcap" "$work/truth.jsonl" --packets 20000 --flows 600

start_collector() {
    port=$(free_port)
    start_nfcapd_here "$port"
}
# scheme, capture, more TOML ...
export_to() {
    local scheme=$1 capture=$2
    shift 2
    printf '[[export.ipfix]]\ncollector = "%s://127.0.0.1:%s"\n' "$scheme" "$port" \
        >"$work/export.toml"
    printf '%s\n' "$@" >>"$work/export.toml"
    timeout 60 "$tapmeter" read "$capture" -q -c "$work/export.toml" >"$work/export.log" 2>&1
}
# What nfcapd stored, a line a record; times are those of the packets. NetFlow has no form for times
# after 2106 and for records of 47 days, which captures with broken clocks have.
stored() {
    sleep 0.3
    stop "$started" 10
    nfdump -q -N -R "$work/stored" \
        -o 'fmt:%tsr %ter %sa %da %sp %dp %pr %flg %tos %in %pkt %byt' "$@" 2>/dev/null |
        awk '$1 < 4294967295 && $2 - $1 < 4060800' | sort >"$work/stored.txt"
}

# The same with one line a flow, however many records it was cut into: where a capture's clock runs
# backwards, that is not the same in every run.
stored_flows() {
    stored "$@"
    python3 - "$work/stored.txt" >"$work/flows.txt" <<'END'
import sys
flows = {}
for line in open(sys.argv[1]):
    first, last, *key, flags, tos, interface, packets, octets = line.split()
    flow = flows.setdefault((*key, interface), [first, last, 0, 0])
    flow[0] = min(flow[0], first, key=float)
    flow[1] = max(flow[1], last, key=float)
    flow[2] += int(packets)
    flow[3] += int(octets)
for key in sorted(flows):
    print(*key, *flows[key])
END
    [[ -s $work/flows.txt ]] && mv "$work/flows.txt" "$work/stored.txt"
}

# name, scheme, nfdump filter
by_nfcapd() {
    start_collector
    export_to udp "$work/sent.pcap" 'direction = "uniflow"' 'options = false'
    stored "$3"
    mv "$work/stored.txt" "$work/ipfix.txt"
    start_collector
    export_to "$2" "$work/sent.pcap"
    stored "$3"
    if [[ -s $work/ipfix.txt ]] && cmp -s "$work/ipfix.txt" "$work/stored.txt"; then
        ok "$1_nfcapd"
    else
        diff "$work/ipfix.txt" "$work/stored.txt" >"$work/diff.txt"
        failed "$1_nfcapd" "nfcapd has other flows than from IPFIX" "$work/diff.txt" \
            "$work/nfcapd.log"
    fi
    expect "$1_sequence" 'nfcapd counted sequence errors or bad packets' \
        grep -q 'Sequence Errors: 0, Bad Packets: 0' "$work/nfcapd.log"
}
by_nfcapd v9 netflow9 any
by_nfcapd v5 netflow5 ipv4

# All captures into one collector: their clocks lie up to twenty years apart.
of_all_captures() {
    local scheme=$1 file
    shift
    start_collector
    for file in "$captures"/pcap/*; do
        export_to "$scheme" "$file" "$@"
    done
}
if [[ -d $captures/pcap ]]; then
    of_all_captures udp 'direction = "uniflow"' 'options = false'
    stored_flows any
    mv "$work/stored.txt" "$work/ipfix.txt"
    of_all_captures netflow9
    stored_flows any
    expect v9_real_captures 'nfcapd has other flows of the captures than from IPFIX' \
        diff "$work/ipfix.txt" "$work/stored.txt"
    of_all_captures udp 'direction = "uniflow"' 'options = false'
    stored_flows ipv4
    mv "$work/stored.txt" "$work/ipfix.txt"
    of_all_captures netflow5
    stored_flows any
    expect v5_real_captures 'nfcapd has other IPv4 flows of the captures than from IPFIX' \
        diff "$work/ipfix.txt" "$work/stored.txt"
else
    skip v9_real_captures "no captures at $captures (TAPMETER_PCAPS)"
    skip v5_real_captures "no captures at $captures (TAPMETER_PCAPS)"
fi

wanted=$(totals_of "$work/truth.jsonl")
if command -v nfacctd >/dev/null; then
    port=$(free_port)
    start_nfacctd "$port" 127.0.0.1
    export_to netflow9 "$work/sent.pcap"
    stop_nfacctd
    sums=$(sums_of_nfacctd)
    expect v9_nfacctd "nfacctd has '$sums', sent were '$wanted'" test "$sums" = "$wanted"
else
    skip v9_nfacctd 'pmacct is not installed (scripts/setup test)'
fi

# name, scheme, wanted packets and octets: the datagrams as a capture of loopback for tshark
by_tshark() {
    local sums complaints
    port=$(free_port)
    python3 "$top/tests/system/keep_datagrams.py" "$port" "$work/$1.pcap" >"$work/keep.log" 2>&1 &
    started=$!
    wait_for 5 is_listening "$port"
    export_to "$2" "$work/sent.pcap"
    sleep 0.5
    stop "$started" 10
    complaints=$(tshark -r "$work/$1.pcap" -d udp.port==2055,cflow \
        -Y '_ws.malformed || _ws.expert' 2>&1 | grep -vc 'Running as user')
    sums=$(tshark -r "$work/$1.pcap" -d udp.port==2055,cflow -T fields -e cflow.packets \
        -e cflow.octets 2>/dev/null | python3 -c '
import sys
sums = [0, 0]
for line in sys.stdin:
    for place, column in enumerate(line.rstrip("\n").split("\t")[:2]):
        sums[place] += sum(int(word) for word in column.split(",") if word)
print(*sums)')
    expect "$1_tshark" "tshark complains $complaints times and has '$sums', not '$3'" \
        test "$complaints $sums" = "0 $3"
}
if command -v tshark >/dev/null; then
    by_tshark v9 netflow9 "$wanted"
    options_of_v9() {
        tshark -r "$work/v9.pcap" -d udp.port==2055,cflow -T fields -e cflow.if_name \
            -e cflow.if_descr -e cflow.sampling_interval -e cflow.sampling_algorithm \
            -e cflow.inputint 2>/dev/null | grep 'observation point of tapmeter'
    }
    expect v9_options "tshark has '$(options_of_v9)' of the options" \
        test "$(options_of_v9 | head -n 1 | cut -f 1-5)" = \
        "$(printf 'sent.pcap\tobservation point of tapmeter\t1\t2\t1')"
    of_ipv4=$("$tapmeter" read "$work/sent.pcap" -q -o json | python3 -c '
import json, sys
packets = octets = 0
for line in sys.stdin:
    flow = json.loads(line)
    if ":" not in flow["src_ip"]:
        packets += flow["flow"]["pkts_toserver"] + flow["flow"]["pkts_toclient"]
        octets += flow["flow"]["bytes_toserver"] + flow["flow"]["bytes_toclient"]
print(packets, octets)')
    by_tshark v5 netflow5 "$of_ipv4"
else
    skip v9_tshark 'tshark is not installed (scripts/setup test)'
    skip v5_tshark 'tshark is not installed (scripts/setup test)'
    skip v9_options 'tshark is not installed (scripts/setup test)'
fi
finish
