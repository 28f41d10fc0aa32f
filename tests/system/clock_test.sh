#!/bin/bash
# The system's clock is set an hour forward between flows, and then two hours back: every flow and
# every packet that is written has the time of day at which it was metered, no duration feels it, no
# timeout ends flows for it, it is told in the log, and no packet is lost. What is preloaded moves
# the wall clock of the program alone and leaves its monotonic clock, as who sets a clock does.
# usage: tests/system/clock_test.sh    (root)
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

packets=4000 # a phase, as the next
flows=200
cases=(clock_is_told clock_loses_nothing clock_flow_times clock_durations clock_ends_no_flow
    clock_written_packets)
begin "${cases[@]}"
need_afxdp "${cases[@]}"
for program in nfcapd tshark; do
    need_program $program "${cases[@]}"
done
shift=${TAPMETER_SHIFTED_CLOCK:-$top/build/tests/system/shifted_clock.so}
if [[ ! -f $shift ]]; then
    for name in "${cases[@]}"; do
        skip "$name" "$shift is missing (ninja -C build)"
    done
    finish
fi
make_span 1
"$traffic" write "$work/sent.pcap" "$work/truth.jsonl" --packets $packets --flows $flows --seconds 1

cat >"$work/tapmeter.toml" <<TOML
[[capture]]
name = "tap"
source = "xdp:tap0"
[workers]
count = 1
[memory]
hugepages = "off"
[flow]
flows_max = 65536
idle_timeout = "2s"
active_timeout = "60s"
[write]
file = "$work/written.pcapng"
[control]
socket = "$work/control.sock"
[[export.ipfix]]
collector = "udp://127.0.0.1:4739"
quirks = "nfdump"
[[export.json]]
path = "$work/flows.jsonl"
TOML

# What the program takes for the time of day, in seconds beside the true one.
set_clock() {
    python3 -c 'import struct, sys; sys.stdout.buffer.write(struct.pack("=q", int(sys.argv[1])))' \
        "$1" | dd of="$work/offset" conv=notrunc status=none
}
set_clock 0
program=$tapmeter
tapmeter=$work/shifted
printf '#!/bin/bash\nSHIFTED_CLOCK=%s LD_PRELOAD=%s exec %s "$@"\n' \
    "$work/offset" "$shift" "$program" >"$tapmeter"
chmod +x "$tapmeter"
start_product_or_fail "${cases[@]}"

for offset in 0 3600 -3600; do
    set_clock $offset
    sleep 1
    date +%s >>"$work/phases"
    send "$work/sent.pcap" $packets >>"$work/sender.log"
    settle
    sleep 3 # its flows are idle by then
done
books -o json >"$work/books.json"
stop_product

# Which phases the lines of true times on standard input belong to, as "phase lines", moved by what
# was set; a phase ends where the next one begins.
cat >"$work/phases.py" <<'PY'
import sys
began = [int(line) for line in open(sys.argv[1])]
offsets = [0, 3600, -3600]
count = [0, 0, 0]
for line in sys.stdin:
    time = float(line)
    phases = [i for i in range(3) if -1 <= time - offsets[i] - began[i] <= 8]
    if len(phases) != 1:
        sys.exit(f"{time} is of no phase: {began}")
    count[phases[0]] += 1
print(*count)
PY
phases_of() { python3 "$work/phases.py" "$work/phases"; }

told() {
    grep -o "clock was set [0-9]*" "$work/tapmeter.log" | awk '{ print $4 }' | paste -sd ' ' |
        grep -Eqx '(3600|3599) (7200|7199)' &&
        grep -q 's forward: ' "$work/tapmeter.log" && grep -q 's back: ' "$work/tapmeter.log"
}
expect clock_is_told 'the log does not tell of both steps' told
expect clock_loses_nothing 'packets were lost, or the books do not balance' \
    python3 "$books_of" "$work/books.json" --sent $((3 * packets)) --lossless
of_flows=$(jq -r '.tapmeter.start_ns / 1e9' "$work/flows.jsonl" | phases_of 2>&1)
ends=$(jq -r '.tapmeter.end_ns / 1e9' "$work/flows.jsonl" | phases_of 2>&1)
expect clock_flow_times "flows of each phase begin at '$of_flows' and end at '$ends'" \
    test "$of_flows/$ends" = "$flows $flows $flows/$flows $flows $flows"
longest=$(jq -r '(.tapmeter.end_ns - .tapmeter.start_ns) / 1e9' "$work/flows.jsonl" | sort -g |
    tail -n 1)
expect clock_durations "the longest flow has $longest s" awk "BEGIN { exit !($longest < 5) }"
reasons=$(jq -r '.tapmeter.end_reason' "$work/flows.jsonl" | sort -u | paste -sd ' ')
expect clock_ends_no_flow "flows ended by '$reasons'" test "$reasons" = 'end_of_flow idle'
written=$(tshark -r "$work/written.pcapng" -T fields -e frame.time_epoch 2>/dev/null |
    phases_of 2>&1)
expect clock_written_packets "packets of each phase in the file: '$written'" \
    test "$written" = "$packets $packets $packets"
finish
