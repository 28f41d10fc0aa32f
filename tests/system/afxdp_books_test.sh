#!/bin/bash
# Every packet that crossed a cable is stored by the collector or lost under a name, to the packet:
# AF_XDP on four queues, then DPDK's drivers, with the program running and with it held up.
# usage: tests/system/afxdp_books_test.sh    (root)
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

packets=200000
rate=40000
cases=(afxdp_books afxdp_flows afxdp_held_up afxdp_prefilter
    dpdk_af_packet_books dpdk_af_packet_flows dpdk_af_xdp_books dpdk_af_xdp_flows
    dpdk_af_xdp_held_up)
begin "${cases[@]}"
need_afxdp "${cases[@]}"
need_program nfcapd "${cases[@]}"
make_span
"$traffic" write "$work/sent.pcap" "$work/truth.jsonl" --packets $packets --flows 2000

stored_packets() {
    "$flows" totals "nfdump:$work/stored" |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["packets"])'
}

# case, options of books.py ...: the books that were taken before the end, against what was stored
# after it
judge_books() {
    local stored
    stored=$(stored_packets) || stored=-1
    if python3 "$books_of" "$work/books.json" --sent $packets --stored "$stored" "${@:2}" \
        >"$work/judge.log"; then
        ok "$1"
        sed 's/^/    /' "$work/judge.log"
    else
        failed "$1" 'the books do not name every packet' "$work/judge.log" \
            "$work/tapmeter.log" "$work/stored.log"
    fi
}

# case, --lossless or --lossy, more options of books.py ...: one run on what write_config wrote
run_case() {
    local name=$1 kind=$2
    if ! start_product || has_ended "$pid_of_tapmeter"; then
        failed "$name" 'the program does not start' "$work/tapmeter.log"
        stop_product
        return 1
    fi
    [[ $kind == --lossy ]] && kill -STOP "$(data_path "$pid_of_tapmeter")"
    send "$work/sent.pcap" $rate >"$work/sender.log"
    [[ $kind == --lossy ]] && kill -CONT "$(data_path "$pid_of_tapmeter")"
    settle
    books -o json >"$work/books.json"
    stop_product
    if [[ $ended -ne 0 ]]; then
        failed "$name" "the program ended with status $ended" "$work/tapmeter.log"
        return 1
    fi
    judge_books "$name" "${@:2}"
}

# case: the flows themselves, not only their sums
judge_flows() {
    expect "$1" 'the stored flows are not those sent' \
        "$flows" compare "truth:$work/truth.jsonl" "nfdump:$work/stored"
}

write_config xdp:tap0 4
run_case afxdp_books --lossless
judge_flows afxdp_flows

renew_span
run_case afxdp_held_up --lossy

# The generator's hosts of one side are 10.2.0.0/16 and 2001:db8:2::/48: half of them left out.
renew_span
write_config xdp:tap0 4
sed -i '/^queues/a [capture.prefilter]\nexclude = ["10.2.0.0/25", "2001:db8:2::/48"]' \
    "$work/tapmeter.toml"
left_out=$(python3 - "$work/truth.jsonl" <<'END'
import ipaddress, json, sys
excluded = [ipaddress.ip_network("10.2.0.0/25"), ipaddress.ip_network("2001:db8:2::/48")]
print(sum(flow["packets"] for flow in map(json.loads, open(sys.argv[1], encoding="utf-8"))
          if any(ipaddress.ip_address(flow[end]) in prefix
                 for end in ("src", "dst") for prefix in excluded)))
END
)
run_case afxdp_prefilter --lossless --ignored "$left_out"

renew_span 1
write_config 'dpdk:net_af_packet0,iface=tap0,blocksz=65536,framesz=2048,framecnt=8192' 1
run_case dpdk_af_packet_books --lossless
judge_flows dpdk_af_packet_flows

renew_span 1
write_config 'dpdk:net_af_xdp0,iface=tap0' 1
run_case dpdk_af_xdp_books --lossless
judge_flows dpdk_af_xdp_flows
renew_span 1
run_case dpdk_af_xdp_held_up --lossy
finish
