#!/bin/bash
# What is found in packets beside the counts, in the records of real captures: TCP quality is
# tshark's for at least 99 % of the conversations, with every timeout as it is shipped; a capture
# that has every frame twice gives the records of the single one, and counts each copy; tunnels have
# the ids that tshark reads; the books balance meanwhile.
# usage: tests/system/analytics_test.sh   (no root; TAPMETER_PCAPS=DIR, default ../shared/pcaps/dev)
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

cases=(tcp_quality_is_tsharks copies_are_left_out tunnel_ids_are_tsharks reports_balance)
begin "${cases[@]}"
if [[ ! -d $captures/pcap ]]; then
    for name in "${cases[@]}"; do
        skip "$name" "no captures at $captures (TAPMETER_PCAPS)"
    done
    finish
fi

expect tcp_quality_is_tsharks "fewer than 99 % of the conversations fare as tshark says" \
    python3 "$top/tests/system/tcp_quality.py" "$tapmeter" "$captures" flow.key=5tuple

# The single capture, and each of its frames again 11 us later.
records_of() {
    "$tapmeter" read -q -o csv --utc "$@" | cut -d, -f4-19 | sort
}
records_of "$captures/pcap/zeek__vncmac.pcap" >"$work/single.csv"
records_of --dedup 2ms "$captures/derived/dup_zeek__vncmac.pcap" >"$work/doubled.csv"
"$tapmeter" read --dedup 2ms "$captures/derived/dup_zeek__vncmac.pcap" >"$work/doubled.txt" 2>&1
copies_are_left_out() {
    [[ -s $work/single.csv ]] && diff "$work/single.csv" "$work/doubled.csv" &&
        grep -Eq 'ignored +duplicate +58 ' "$work/doubled.txt" &&
        grep -q 'the books balance' "$work/doubled.txt"
}
expect copies_are_left_out "a doubled capture does not give the records of the single one" \
    copies_are_left_out

expect tunnel_ids_are_tsharks "outer addresses or ids of tunnels are not those of tshark" \
    python3 "$top/tests/system/tunnel_reports.py" "$tapmeter" "$captures"

unbalanced=''
for file in "$captures"/pcap/* "$captures"/derived/*; do
    timeout 60 "$tapmeter" read "$file" --set analytics.tcp=true --set analytics.behaviour=true \
        --set analytics.tunnels_max=64 --dedup 5ms >"$work/summary.txt" 2>&1
    status=$?
    [[ $status -le 2 ]] || unbalanced+=" ${file##*/}:$status"
    [[ $status -ne 0 ]] || grep -q 'the books balance' "$work/summary.txt" ||
        unbalanced+=" ${file##*/}"
done
expect reports_balance "these end badly or do not balance:$unbalanced" test -z "$unbalanced"
finish
