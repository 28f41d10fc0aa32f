#!/bin/bash
# What payloads tell, in the records of real captures and of made ones: response times of DNS and
# the jitter, loss and packets of RTP are tshark's; entropy is that of the octets that tshark shows,
# counted by hand; each for at least 99 % of the values (98 of DNS); and the books balance.
# usage: tests/system/payloads_test.sh   (no root; TAPMETER_PCAPS=DIR, default ../shared/pcaps/dev)
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

cases=(payloads_made_rtp payloads_rtp payloads_dns payloads_entropy payloads_balance)
begin "${cases[@]}"
need_program tshark "${cases[@]}"
compare=$top/tests/system/payloads.py

# One record a flow, however long it lasts.
read_payloads() {
    timeout 60 "$tapmeter" read "$1" -q -o json --set dpi.enabled=false --set flow.key=5tuple \
        --set flow.idle_timeout=1h --set flow.active_timeout=24h --set flow.tcp_end_timeout=60s \
        --set analytics.entropy=true --set analytics.rtp=true --set analytics.dns=true \
        >"$work/records.jsonl" 2>"$work/read.err"
}
# what, more arguments ...: adds to $compared and $differing
compared=0 differing=0
add() {
    local sums
    sums=$(python3 "$compare" "$@" 2>>"$work/differences")
    compared=$((compared + ${sums%% *})) differing=$((differing + ${sums##* }))
}
# case, share that must be equal, percent
judge() {
    echo "    $1: $compared values compared, $differing differ"
    head -n 30 "$work/differences" | grep -v '^$'
    expect "$1" "$differing of $compared values differ" \
        test "$compared" -gt 0 -a $((differing * 100)) -le $((compared * (100 - $2)))
    compared=0 differing=0
    : >"$work/differences"
}

python3 "$compare" make "$work/made.pcap"
read_payloads "$work/made.pcap"
add rtp "$work/records.jsonl" "$work/made.pcap" 40000,40002,40004,40006
judge payloads_made_rtp 100

if [[ ! -d $captures/pcap ]]; then
    for name in "${cases[@]:1}"; do
        skip "$name" "no captures at $captures (TAPMETER_PCAPS)"
    done
    finish
fi
for name in ndpi__sip.pcap ipfixprobe__sip.pcap ipfixprobe__rtsp.pcap nfstream__zoom.pcap; do
    read_payloads "$captures/pcap/$name"
    add rtp "$work/records.jsonl" "$captures/pcap/$name" -
done
judge payloads_rtp 99
# tshark looks at each of them several times: some for each question, the same ones every time.
every() {
    local step=$1 number=0 file
    shift
    for file in "$@"; do
        ((number++ % step)) || echo "$file"
    done
}
for what in dns entropy; do
    if [[ $what == dns ]]; then
        mapfile -t files < <(every 6 "$captures"/pcap/*
            ls "$captures"/pcap/*[dD][nN][sS]*)
    else
        mapfile -t files < <(every 12 "$captures"/pcap/*)
    fi
    for file in "${files[@]}"; do
        [[ $(stat -c %s "$file") -lt 1000000 ]] || continue
        tshark -r "$file" >/dev/null 2>&1 || continue
        read_payloads "$file" || continue
        add "$what" "$work/records.jsonl" "$file"
    done
    # Of a query that is sent again tshark takes the last one, we take the first.
    judge "payloads_$what" "$([[ $what == dns ]] && echo 98 || echo 99)"
done

unbalanced=''
mapfile -t files < <(every 4 "$captures"/pcap/* "$captures"/derived/*)
for file in "${files[@]}"; do
    timeout 60 "$tapmeter" read "$file" --top 0 --set analytics.entropy=true \
        --set analytics.rtp=true --set analytics.dns=true --set analytics.entropy_max=64 \
        --set analytics.rtp_max=64 --set analytics.dns_max=64 >"$work/summary.txt" 2>&1
    status=$?
    [[ $status -le 2 ]] || unbalanced+=" ${file##*/}:$status"
    [[ $status -ne 0 ]] || grep -q 'the books balance' "$work/summary.txt" ||
        unbalanced+=" ${file##*/}"
done
expect payloads_balance "these end badly or do not balance:$unbalanced" test -z "$unbalanced"
finish
