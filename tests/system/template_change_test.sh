#!/bin/bash
# The template of collectors changes twice under traffic, by `tapmeter ctl reload`: libfixbuf over
# TCP and nfcapd by UDP have every packet that was sent, and say nothing. What tshark sees on
# loopback: over TCP, in one connection, each Template withdrawn behind its last record and those of
# other ids; by UDP other ids and no withdrawal; no gap in the sequence numbers. A template that
# cannot be is refused, and nothing changes.
# usage: tests/system/template_change_test.sh    (root)
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/collectors.sh
. "$(dirname "$0")/collectors.sh"

packets=60000
rate=6000
cases=(change_is_told change_refused change_loses_nothing change_tcp_libfixbuf change_udp_nfcapd
    change_nfcapd_sequence change_tcp_withdrawn change_tcp_one_session change_udp_no_withdrawal
    change_tshark)
begin "${cases[@]}"
need_afxdp "${cases[@]}"
for program in nfcapd tshark tcpdump; do
    need_program $program "${cases[@]}"
done
has_fixbuf "${cases[@]}" || finish
make_span 2
"$traffic" write "$work/sent.pcap" "$work/truth.jsonl" --packets $packets --flows 2000 \
    --seconds $((packets / rate))

# more TOML of both collectors ...
write_templates() {
    local collector
    {
        printf '[[capture]]\nname = "tap"\nsource = "xdp:tap0"\nqueues = 2\n'
        printf '[workers]\ncount = 2\n[memory]\nhugepages = "off"\n'
        printf '[flow]\nflows_max = 65536\nidle_timeout = "1s"\nactive_timeout = "1s"\n'
        printf '[control]\nsocket = "%s/control.sock"\n' "$work"
        for collector in tcp://127.0.0.1:4740 udp://127.0.0.1:4739; do
            printf '[[export.ipfix]]\nname = "%s"\n' "${collector%%:*}"
            printf 'collector = "%s"\n' "$collector"
            [[ $collector == udp:* ]] && printf 'quirks = "nfdump"\n'
            printf '%s\n' "$@"
        done
    } >"$work/tapmeter.toml"
}
reload() { "$tapmeter" ctl reload --socket "$work/control.sock"; }
# what nfdump asks of a flow, in another order than by default, and shorter
other='template = ["octetDeltaCount/4", "packetDeltaCount/4", "flowStartMilliseconds",
    "flowEndMilliseconds", "sourceAddress", "destinationAddress", "sourceTransportPort",
    "destinationTransportPort", "protocolIdentifier", "reverseOctetDeltaCount/4",
    "reversePacketDeltaCount/4"]'

start_inside "$monitor" "$work/tcpdump.log" tcpdump -n -U --immediate-mode -B 65536 -i lo \
    -w "$work/lo.pcap" 'tcp port 4740 or udp port 4739'
pid_of_tcpdump=$started
wait_for 10 grep -q 'listening on' "$work/tcpdump.log"
# No number of records: it reads until the session ends.
start_inside "$monitor" "$work/fixbuf.out" "$fixbuf" tcp 127.0.0.1 4740 0
pid_of_fixbuf=$started
sleep 0.5
write_templates
start_product_or_fail "${cases[@]}"

send "$work/sent.pcap" $rate >"$work/sender.log" &
sender_pid=$!
sleep 3
write_templates "$other"
reload >"$work/reload.log" 2>&1
sleep 3
write_templates 'template = ["default", "workerId"]'
if reload >"$work/refused.log" 2>&1; then
    failed change_refused 'an element of ours is exported without a number' "$work/refused.log"
else
    expect change_refused 'it is not said why' grep -q 'set enterprise_number' "$work/refused.log"
fi
write_templates 'direction = "uniflow"'
reload >>"$work/reload.log" 2>&1
has_ended "$sender_pid" && echo 'the sender was done before the reload' >>"$work/reload.log"
wait "$sender_pid"
settle
sleep 2.5 # flows that are idle leave
books -o json >"$work/books.json"
stop_product
wait_for 10 has_ended "$pid_of_fixbuf" || kill "$pid_of_fixbuf"
stop "$pid_of_tcpdump" 10 INT

printf 'output ipfix/%s: template changed: %s new Templates from id %s, %s\n' \
    tcp 16 1024 '8 are withdrawn' udp 16 1024 '8 are used no more' \
    tcp 8 1040 '16 are withdrawn' udp 8 1040 '16 are used no more' >"$work/wanted.log"
expect change_is_told 'the answers are others' diff "$work/wanted.log" "$work/reload.log"
stored=$("$flows" totals "nfdump:$work/stored" |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["packets"])')
expect change_loses_nothing 'packets were lost, or the books do not balance' \
    python3 "$books_of" "$work/books.json" --sent $packets --lossless --stored "$stored"
wanted=$(totals_of "$work/truth.jsonl")
sums=$(awk '{ print $2, $3 }' "$work/fixbuf.out")
if [[ $sums == "$wanted" ]]; then
    ok change_tcp_libfixbuf
else
    failed change_tcp_libfixbuf "libfixbuf has '$sums', sent were '$wanted'" "$work/fixbuf.out"
fi
expect change_udp_nfcapd "nfdump has $stored packets of $packets" test "$stored" -eq $packets
expect change_nfcapd_sequence 'nfcapd speaks of errors' \
    grep -q 'Sequence Errors: 0, Bad Packets: 0$' "$work/stored.log"

# What tshark says of Templates and of data under them, in order: "PORT define|withdraw|data ID".
ipfix() { tshark -r "$work/lo.pcap" -d tcp.port==4740,cflow "$@" 2>"$work/tshark.err"; }
# tcp or udp
events() {
    ipfix -Y "cflow && $1" -O cflow | awk '
        /^(Transmission Control|User Datagram) Protocol/ { split($0, of, /Src Port: /)
            port = of[2] + 0 }
        /^ +Set [0-9]+ \[id=[0-9]+\] \([0-9]+ flows\)/ { split($3, of, /[=\]]/)
            print port, "data", of[2] }
        /^ +Template \(Id = [0-9]+, Count = 0\)/ { print port, "withdraw", $4 + 0 }
        /^ +Template \(Id = [0-9]+, Count = [1-9]/ { print port, "define", $4 + 0 }'
}
events tcp >"$work/tcp.events"
events udp >"$work/udp.events"

# Each id is defined, used and then withdrawn, in this order and once; the last ones stay.
in_order() {
    awk '$2 == "define" { wrong += state[$3] != ""; state[$3] = "defined" }
        $2 == "withdraw" { wrong += state[$3] != "defined"; state[$3] = "withdrawn"; ++gone }
        $2 == "data" && ($3 < 300 || $3 > 309) { wrong += state[$3] != "defined"; used[$3] }
        END { for (id = 256; id < 264; ++id) wrong += state[id] != "withdrawn"
            for (id = 1024; id < 1040; ++id) wrong += state[id] != "withdrawn"
            for (id = 1040; id < 1048; ++id) wrong += state[id] != "defined"
            for (id in used) ++sets[id + 0 < 1024 ? 0 : id + 0 < 1040 ? 1 : 2]
            print wrong + 0, "out of order;", gone, "withdrawn; ids with data of each template:",
                sets[0], sets[1], sets[2]
            exit wrong || gone != 24 || !sets[0] || !sets[1] || !sets[2] }' "$work/tcp.events"
}
expect change_tcp_withdrawn 'not every id is defined, used, withdrawn, in this order' in_order
sed 's/^/    /' "$work/expect.log"
expect change_tcp_one_session 'there were other connections' \
    test "$(cut -d ' ' -f 1 "$work/tcp.events" | sort -u | wc -l)" -eq 1
new_ids_alone() {
    awk '{ ++seen[$2, $3 < 1024 ? 0 : $3 < 1040 ? 1 : 2] }
        $2 == "withdraw" { exit 1 }
        END { for (set = 0; set < 3; ++set)
                  if (!seen["data", set] || seen["define", set] < 16) exit 1 }' "$work/udp.events"
}
expect change_udp_no_withdrawal 'something is withdrawn by UDP, or ids are missing' new_ids_alone
# Of sequence numbers too; not of SYN and FIN.
complaints=$(ipfix -Y 'cflow && (_ws.malformed || _ws.expert)' | wc -l)
expect change_tshark "tshark complains $complaints times" test "$complaints" -eq 0
finish
