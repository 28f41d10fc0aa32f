#!/bin/bash
# Packets out of the history, as tshark reads them: an alert's file holds all packets of its flow,
# in order, with their octets and times, those before the alert included; what has left a
# small history is missing at the front and nowhere else; a host asked for over the control socket
# has what was sent before and after, in one file in the order of time, whatever worker it met;
# limits of files are kept, and the books balance.
# usage: tests/system/recall_test.sh    (the live cases want root and AF_XDP)
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

quiet_cases=(recall_alert_has_its_flow recall_several_workers recall_before_is_bounded
    recall_keeps_few_files)
live_cases=(recall_host_by_command recall_flow_by_command recall_filter_by_command
    recall_is_told)
begin "${quiet_cases[@]}" "${live_cases[@]}"
need_program tshark "${quiet_cases[@]}" "${live_cases[@]}"

# Every packet: time, lengths; its octets.
as_lines() {
    tshark -r "$1" -Y "${2:-frame}" -T fields -e frame.time_epoch -e frame.len -e frame.cap_len \
        2>/dev/null
}
# Frames alone: what tshark puts together of several depends on what else is in the file.
as_octets() {
    tshark -r "$1" -Y "${2:-frame}" -w - -F pcap 2>/dev/null |
        tshark -r - --disable-protocol ip --disable-protocol ipv6 -x 2>/dev/null | grep -v '^$'
}
# recall file: tshark's filter for its flow; errors of ICMP quote a segment and are none
flow_filter() {
    tshark -r "$1" -c 1 -T fields -E separator=' ' -e ip.src -e ip.dst -e ipv6.src -e ipv6.dst \
        -e tcp.srcport -e tcp.dstport -e udp.srcport -e udp.dstport 2>/dev/null |
        awk 'function both(a, b, x, y) { return a " == " x " && " b " == " y }
        { n = split($0, f, " "); ip = index(f[1], ":") ? "ipv6" : "ip"
          printf "((%s.src == %s && %s.dst == %s && %s.srcport == %s && %s.dstport == %s) || " \
                 "(%s.src == %s && %s.dst == %s && %s.srcport == %s && %s.dstport == %s)) && " \
                 "!icmp && !icmpv6\n",
                 ip, f[1], ip, f[2], p, f[3], p, f[4], ip, f[2], ip, f[1], p, f[4], p, f[3] }' \
            p="$2"
}
# source file, protocol, folder: each recall equals its flow in the source
compare_recalls() {
    local source=$1 protocol=$2 file filter
    compared=0 wrong=''
    for file in "$3"/recall-*.pcapng; do
        [[ -e $file ]] || continue
        filter=$(flow_filter "$file" "$protocol")
        cmp -s <(as_lines "$source" "$filter") <(as_lines "$file") || wrong+=" [${file##*/}: lines]"
        cmp -s <(as_octets "$source" "$filter") <(as_octets "$file") ||
            wrong+=" [${file##*/}: octets]"
        compared=$((compared + 1))
    done
}
# file, folder, more options ...: reads it with a rule and a history
read_with_history() {
    local file=$1 folder=$2
    shift 2
    "$tapmeter" read "$file" --top 0 --set history.enabled=true \
        --set "history.folder=\"$folder\"" --set history.after=1h \
        --set "signatures.rule_files=[\"$work/one.rules\"]" "$@" >"$work/out.txt" 2>"$work/err.txt"
}

if [[ -d $captures/pcap ]]; then
    cat >"$work/one.rules" <<'EOF'
alert tcp any any -> any 25 (msg:"mail"; content:"DATA"; flow:to_server; sid:1; rev:1;)
alert tcp any any -> any any (msg:"web"; content:"HTTP/1."; flow:to_client; sid:2; rev:1;)
EOF
    wrong_all='' compared_all=0
    for name in zeek__smtp.pcap arkime__http-301-get.pcap sv__testmyids.pcap zeek__methods.pcap; do
        file=$captures/pcap/$name
        rm -rf "$work/recalls"
        read_with_history "$file" "$work/recalls"
        grep -q 'the books balance' "$work/out.txt" || wrong_all+=" [$name: books]"
        compare_recalls "$file" tcp "$work/recalls"
        wrong_all+=$wrong compared_all=$((compared_all + compared))
    done
    echo "$compared_all recalls compared"
    expect recall_alert_has_its_flow "of $compared_all recalls these differ:$wrong_all" \
        test -z "$wrong_all" -a "$compared_all" -gt 0
else
    skip recall_alert_has_its_flow "no captures at $captures (TAPMETER_PCAPS)"
fi

# A flow that is 20 s old when its last packet raises an alert; 4,000 packets of others between.
python3 - "$work/made.pcap" <<'EOF'
import socket, struct, sys

def frame(source, source_port, payload):
    udp = struct.pack("!HHHH", source_port, 9, 8 + len(payload), 0) + payload
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0,
                     socket.inet_aton(source), socket.inet_aton("192.0.2.1"))
    return bytes(12) + b"\x08\x00" + ip + udp

frames = [frame("192.0.2.7", 7777, b"before %d" % i) for i in range(10)]
for i in range(4000):
    frames.append(frame("192.0.2.%d" % (8 + i % 200), 1000 + i, bytes(1000)))
    if i % 500 == 499:
        frames.append(frame("192.0.2.7", 7777, b"between %d" % i))
frames.append(frame("192.0.2.7", 7777, b"the alarm"))
frames += [frame("192.0.2.7", 7777, b"after %d" % i) for i in range(5)]
with open(sys.argv[1], "wb") as file:
    file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
    for number, octets in enumerate(frames):
        file.write(struct.pack("<IIII", 1700000000 + number // 200, number % 200 * 5000,
                               len(octets), len(octets)))
        file.write(octets)
EOF
echo 'alert udp any any -> any any (msg:"alarm"; content:"the alarm"; sid:3; rev:1;)' \
    >"$work/one.rules"
wrong=''
for workers in 1 4; do
    rm -rf "$work/recalls"
    read_with_history "$work/made.pcap" "$work/recalls" --workers "$workers"
    grep -q 'the books balance' "$work/out.txt" || wrong+=" [$workers workers: books]"
    file=$(echo "$work"/recalls/recall-*.pcapng)
    cmp -s <(as_octets "$work/made.pcap" 'udp.srcport == 7777') <(as_octets "$file") ||
        wrong+=" [$workers workers: $(as_lines "$file" | wc -l) packets]"
    capinfos "$file" 2>/dev/null | grep -q 'alert 1:3:1, flow UDP 192.0.2.1:9 - 192.0.2.7:7777' ||
        wrong+=" [$workers workers: no comment]"
done
expect recall_several_workers "$wrong" test -z "$wrong"

rm -rf "$work/recalls"
read_with_history "$work/made.pcap" "$work/recalls" --set history.octets=1MiB
file=$(echo "$work"/recalls/recall-*.pcapng)
count=$(as_lines "$file" | wc -l)
lines=$(as_octets "$file" | wc -l)
cmp -s <(as_octets "$work/made.pcap" 'udp.srcport == 7777' | tail -n "$lines") \
    <(as_octets "$file")
expect recall_before_is_bounded "$count packets, or not the newest" \
    test $? -eq 0 -a "$count" -gt 7 -a "$count" -lt 10

cat >"$work/one.rules" <<'EOF'
alert udp any any -> any any (msg:"noise"; content:"|00 00 00 00|"; sid:4; rev:1;)
EOF
rm -rf "$work/recalls"
read_with_history "$work/made.pcap" "$work/recalls" --set history.files=3 --set history.after=0s \
    --set history.octets=1MiB
expect recall_keeps_few_files "$(ls "$work/recalls"; cat "$work/out.txt")" \
    eval "[[ \$(ls $work/recalls | wc -l) -eq 3 ]] && grep -q 'the books balance' $work/out.txt"

need_afxdp "${live_cases[@]}"
need_program nfcapd "${live_cases[@]}"
make_span 4
write_config xdp:tap0 4 '[history]' 'enabled = true' 'octets = "16MiB"' 'after = "2s"' \
    "folder = \"$work/live\""
"$traffic" write "$work/sent.pcap" "$work/sent.truth" --packets 20000 --flows 200 >/dev/null
host=$(tshark -r "$work/sent.pcap" -c 1 -Y ip -T fields -e ip.dst 2>/dev/null)
if ! start_product || has_ended "$pid_of_tapmeter"; then
    failed recall_host_by_command 'the program does not start' "$work/tapmeter.log"
    finish
fi
recall() { "$tapmeter" ctl recall "$@" --socket "$work/control.sock"; }
closed() { [[ $(recall show -o json | python3 -c 'import json, sys
print(json.load(sys.stdin)["recalls"]["closed"])') -ge $1 ]]; }
send "$work/sent.pcap" 20000 >/dev/null
settle
recall host "$host" >"$work/asked.txt"
send "$work/sent.pcap" 20000 >/dev/null
settle
wait_for 20 closed 1
file=$(echo "$work"/live/recall-*-host.pcapng)
# Sent twice: each packet of the host, sorted, once before and once behind the command.
twice() { for _ in 1 2; do as_octets "$work/sent.pcap" "$1"; done; }
in_order() { as_lines "$1" | sort -c -s -n -k 1,1; }
expect recall_host_by_command "$(cat "$work/asked.txt") $(as_lines "$file" | wc -l) packets" \
    eval "cmp <(twice 'ip.addr == $host' | sort) <(as_octets $file | sort) && in_order $file"

read -r source source_port destination destination_port < <(tshark -r "$work/sent.pcap" -Y \
    'tcp && ip' -c 1 -T fields -E separator=' ' -e ip.src -e tcp.srcport -e ip.dst -e tcp.dstport \
    2>/dev/null)
if [[ -z ${destination_port:-} ]]; then
    read -r source source_port destination destination_port < <(tshark -r "$work/sent.pcap" -Y \
        'tcp && ip' -T fields -E separator=' ' -e ip.src -e tcp.srcport -e ip.dst -e tcp.dstport \
        2>/dev/null | head -n 1)
fi
recall flow tcp "$source" "$source_port" "$destination" "$destination_port" >"$work/asked.txt"
wait_for 20 closed 2
file=$(echo "$work"/live/recall-*-flow.pcapng)
filter="ip.addr == $source && ip.addr == $destination && tcp.port == $source_port && \
tcp.port == $destination_port"
expect recall_flow_by_command "$(cat "$work/asked.txt") $(as_lines "$file" | wc -l) packets" \
    cmp <(twice "$filter") <(as_octets "$file")

# tcpdump's words and tshark's for the same packets.
recall filter "tcp and not host $host" >"$work/asked.txt"
wait_for 20 closed 3
file=$(echo "$work"/live/recall-*-filter.pcapng)
filter="tcp && !(ip.addr == $host)"
recall filter 'prot tcp' >"$work/refused.txt" 2>&1
expect recall_filter_by_command "$(cat "$work/asked.txt" "$work/refused.txt") $(as_lines "$file" |
    wc -l) packets" eval "cmp <(twice '$filter' | sort) <(as_octets $file | sort) &&
        in_order $file && grep -q 'the filter \"prot tcp\" must be' $work/refused.txt"
recall show >"$work/shown.txt"
stop_product
expect recall_is_told "status $ended: $(cat "$work/shown.txt")" \
    eval "[[ $ended -eq 0 ]] && grep -q 'recalls in files *3' $work/shown.txt"
finish
