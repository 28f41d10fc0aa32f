#!/bin/bash
# IPFIX over SCTP (RFC 7011 section 10.2) to a collector with a stack of its own, from loopback:
# inside of UDP by IPv4 and IPv6, and as such. What arrived is read by libfixbuf, what passed by
# tshark; sums are those of the truth that the generator wrote beside the packets.
# usage: tests/system/sctp_test.sh
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/collectors.sh
. "$(dirname "$0")/collectors.sh"

cases=(sctp_udp4 sctp_udp6 sctp_native sctp_tshark sctp_nobody_there sctp_broken_off)
begin "${cases[@]}"
collector=$top/build/tests/src/exporting/sctp_collector
for program in "$collector" "$fixbuf"; do
    if [[ ! -x $program ]]; then
        for case in "${cases[@]}"; do
            skip "$case" "libusrsctp-dev or libfixbuf-dev was not there when this was built"
        done
        finish
    fi
done
"$traffic" write "$work/sent.pcap" "$work/truth.jsonl" --packets 20000 --flows 600
wanted=$(totals_of "$work/truth.jsonl")
port=4739
inside=$(python3 -c '
import socket
probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
probe.bind(("127.0.0.1", 0))
print(probe.getsockname()[1])')

# address, UDP port or 0, file, messages behind which it breaks off: sets $started
listen_at() {
    start_here "$work/collector.log" "$collector" "$1" "$port" "$2" "$3" "${4:-0}"
    wait_for 5 grep -q listening "$work/collector.log"
}
# host, UDP port or 0, more TOML ...
export_to() {
    local host=$1 udp=$2
    shift 2
    {
        printf '[[export.ipfix]]\nreconnect = "1s"\ncollector = "sctp://%s:%s"\n' "$host" "$port"
        [[ $udp -eq 0 ]] || printf 'udp_encapsulation = %s\n' "$udp"
        printf '%s\n' "$@"
    } >"$work/export.toml"
    "$tapmeter" read "$work/sent.pcap" -c "$work/export.toml" --strict >"$work/export.log" 2>&1
}

# name, address, host of the URL, UDP port or 0
by_sctp() {
    local name=$1 sums
    listen_at "$2" "$4" "$work/$name.ipfix"
    export_to "$3" "$4" || true
    wait_for 10 has_ended "$started" || kill "$started"
    sums=$(sums_of_fixbuf "$work/$name.ipfix")
    if [[ $sums == "$wanted" ]] && grep -q 'the books balance' "$work/export.log"; then
        ok "$name"
    else
        failed "$name" "libfixbuf has '$sums', sent were '$wanted'" "$work/collector.log" \
            "$work/export.log"
    fi
}

if command -v tcpdump >/dev/null; then
    # Room for all at once: each packet of loopback takes a place of the largest one's size.
    start_here "$work/tcpdump.log" tcpdump -n -U --immediate-mode -B 16384 -i lo \
        -w "$work/wire.pcap" "udp port $inside"
    listener=$started
    wait_for 5 grep -q 'listening on' "$work/tcpdump.log"
fi
by_sctp sctp_udp4 127.0.0.1 127.0.0.1 "$inside"
if command -v tcpdump >/dev/null && command -v tshark >/dev/null; then
    sleep 0.5
    stop "$listener" 5 INT
    # Chunks by their numbers: one that was sent twice is one.
    fields=$(tshark -r "$work/wire.pcap" -d "udp.port==$inside,sctp" \
        -o 'sctp.checksum:CRC 32c' -T fields -e sctp.data_tsn_raw -e cflow.version \
        -e sctp.checksum.status -e _ws.malformed 2>/dev/null |
        awk -F'\t' '{n = split($1, tsn, ","); for (i = 1; i <= n; ++i) seen[tsn[i]] = 1
                bad += n > 0 && $2 !~ /^10/; bad += $3 ~ /[^1,]/; bad += $4 != ""}
            END {for (one in seen) ++messages; print messages + 0, bad + 0}')
    messages=$(awk '/messages/ {print $1}' "$work/collector.log")
    expect sctp_tshark "tshark has messages and complaints '$fields', arrived have $messages" \
        test "$fields" = "$messages 0"
else
    [[ -z ${listener:-} ]] || stop "$listener" 5 INT
    skip sctp_tshark 'tcpdump or tshark is not installed (scripts/setup test)'
fi
by_sctp sctp_udp6 ::1 '[::1]' "$inside"
if [[ $EUID -eq 0 ]]; then
    by_sctp sctp_native 127.0.0.1 127.0.0.1 0
else
    skip sctp_native 'needs root: SCTP as such goes through raw sockets'
fi

# Nobody there: the program ends, says so, and names every record.
export_to 127.0.0.1 "$inside" && status=0 || status=$?
lost=$(grep -A20 '^output' "$work/export.log" | grep -c -w 'send_error')
expect sctp_nobody_there "status $status, $(tail -n 3 "$work/export.log")" \
    test "$status" -ne 2 -a "$lost" -ge 1

# Broken off in the middle: what the collector had not confirmed comes again.
listen_at 127.0.0.1 "$inside" "$work/twice.ipfix" 20
export_to 127.0.0.1 "$inside" && status=0 || status=$?
wait_for 10 has_ended "$started" || kill "$started"
flows_of() { "$tapmeter" read "$1" -q -o json 2>/dev/null; }
all=$(flows_of "$work/sent.pcap" | wc -l)
came=$(flows_of "$work/twice.ipfix" | python3 -c '
import json, sys
print(len({json.loads(line)["flow_id"] for line in sys.stdin}))')
if [[ $status -eq 0 && $came -eq $all ]] &&
    grep -q 'broken off behind 20' "$work/collector.log"; then
    ok sctp_broken_off
else
    failed sctp_broken_off "status $status; of $all records came $came" "$work/export.log" \
        "$work/collector.log"
fi
finish
