#!/bin/bash
# The data path crashes: another one is there within a second and goes on with its flows, what was
# lost has its name, and the flow whose inspection ended it is left alone. By AF_XDP, and by DPDK
# with AF_XDP beside it.
# usage: tests/system/crash_test.sh    (root)
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

packets=20000
rate=20000
cases=(crash_restarts_within_a_second crash_keeps_flows crash_quarantines_the_flow
    crash_names_what_is_lost dpdk_restarts_within_a_second dpdk_keeps_flows
    dpdk_quarantines_the_flow dpdk_names_what_is_lost crash_with_records_under_way
    crash_switches_inspection_off crash_loop_ends)
begin "${cases[@]}"
need_afxdp "${cases[@]}"
need_program nfcapd "${cases[@]}"
make_span
"$traffic" write "$work/sent.pcap" "$work/truth.jsonl" --packets $packets --flows 1000
for port in 40000 40001 40002; do
    "$top/tests/system/crash_packet.py" "$work/crash.$port.pcap" $port
done

# a number out of the books, by its path: answer restarts.flows_adopted
answer() {
    books -o json | python3 -c '
import functools, json, sys
value = functools.reduce(lambda of, name: of[name], sys.argv[1].split("."), json.load(sys.stdin))
print(sum(value.values()) if isinstance(value, dict) else value)' "$1"
}
# path, number
answers() { [[ $(answer "$1") -eq $2 ]]; }
# Packets that were lost before the workers, of the data path that answers.
dropped() {
    books -o json | python3 -c 'import json, sys
print(sum(sum(i["dropped"].values()) for i in json.load(sys.stdin)["interfaces"]))'
}
# Nothing is on its way to the collector, and the supervisor has been told.
all_told() {
    books -o json | python3 -c '
import json, sys
books = json.load(sys.stdin)
sys.exit(any(output[where]["records"] for output in books["outputs"]
             for where in ("encoding", "queued")))'
}
quiet_outputs() {
    wait_for 20 all_told
    sleep 0.3
}
source=xdp:tap0 queues=4 second_port=wire0 beside=()
start_crashable() {
    write_config "$source" $queues "${beside[@]}" '[dpi]' 'dissectors_off = []' '[flow]' "$@"
    sed -i '0,/^\[flow\]/{/^\[flow\]/d}; /^flows_max = 65536/d' "$work/tapmeter.toml"
    echo 'flows_max = 65536' >>"$work/tapmeter.toml"
    start_product_or_fail "${cases[@]}"
}
stored_packets() {
    "$flows" totals "nfdump:$work/stored" |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["packets"])'
}

# From the crash to the next "metering", by the log.
milliseconds_away() {
    python3 - "$work/tapmeter.log" <<'END'
import datetime, sys
lines = [line.split(" ", 1) for line in open(sys.argv[1], encoding="utf-8")]
crash = next(i for i, (_, text) in enumerate(lines) if "was ended by" in text)
again = next(time for time, text in lines[crash:] if text.rstrip().endswith("metering"))
away = datetime.datetime.fromisoformat(again) - datetime.datetime.fromisoformat(lines[crash][0])
print(away // datetime.timedelta(milliseconds=1))
END
}

# One second on a machine that has a core to spare; where others wait for its cores, three.
milliseconds_allowed() {
    awk -v cores="$(nproc)" '{ print $1 <= cores ? 1000 : 3000 }' /proc/loadavg
}

# Traffic, the packet, the same traffic again, perhaps by another port, and the packet again: all in
# the same flows. Cases are named with $1 in front.
crash_once() {
    start_crashable 'tcp_end_timeout = "0s"'
    local first second flows_before milliseconds allowed
    first=$(data_path "$pid_of_tapmeter")
    send "$work/sent.pcap" $rate >/dev/null
    settle
    quiet_outputs
    flows_before=$(answer total.flows_active)
    send "$work/crash.40000.pcap" $rate >/dev/null
    wait_for 5 answers restarts.reasons 1
    milliseconds=$(milliseconds_away)
    allowed=$(milliseconds_allowed)
    second=$(data_path "$pid_of_tapmeter")
    if [[ $milliseconds -lt $allowed && -n $second && $second != "$first" ]]; then
        ok "$1_restarts_within_a_second"
        echo "    back after $milliseconds ms of $allowed"
    else
        failed "$1_restarts_within_a_second" \
            "$milliseconds ms of $allowed; process $first, then ${second:-none}" \
            "$work/tapmeter.log"
    fi
    # The flow of the packet is one more.
    expect "$1_keeps_flows" "$flows_before flows and one more were not all adopted" \
        answers restarts.flows_adopted $((flows_before + 1))
    send "$work/sent.pcap" $rate $second_port >/dev/null
    send "$work/crash.40000.pcap" $rate >/dev/null
    settle
    books -o json >"$work/books.json"
    if answers restarts.reasons 1 && answers restarts.flows_quarantined 1 &&
        answers restarts.dpi_faults.dissecting 1 &&
        answers total.inspection.ended.quarantined 1; then
        ok "$1_quarantines_the_flow"
    else
        failed "$1_quarantines_the_flow" 'it was inspected again, or is not named' \
            "$work/tapmeter.log"
        books | head -n 60
    fi
    judge_crash "$1_names_what_is_lost" $((2 * packets + 2))
}

# case, packets that were sent: all are stored, but for those that the books name as lost
judge_crash() {
    local lost stored records
    lost=$(($(answer restarts.packets_lost) + $(dropped)))
    stop_product
    records=$(grep -A20 '^output' "$work/tapmeter.log" | grep -w 'in a crash' |
        tr -d , | grep -o '[0-9]* packets' | grep -o '[0-9]*')
    stored=$(stored_packets) || stored=-1
    if [[ $ended -eq 0 && $((stored + lost + ${records:-0})) -eq $2 ]] &&
        grep -q 'the books balance' "$work/tapmeter.log"; then
        ok "$1"
        echo "    sent $2 = stored $stored + lost around the crash $lost" \
            "+ in records under way ${records:-0}"
    else
        failed "$1" "status $ended; sent $2, stored $stored, lost $lost, in records under way \
${records:-0}" "$work/tapmeter.log"
    fi
}

# While packets come and records leave: what is named as lost is what is missing, or a little more.
crash_under_load() {
    start_crashable 'tcp_end_timeout = "0s"' 'active_timeout = "1s"'
    start_inside "$sender" "$work/sender.log" python3 "$traffic" send "$work/sent.pcap" wire0 \
        --rate $rate --times 4
    local pid_of_sender=$started lost records stored
    sleep 2
    kill -SEGV "$(data_path "$pid_of_tapmeter")"
    wait_for 30 has_ended "$pid_of_sender"
    wait "$pid_of_sender"
    settle
    lost=$(($(answer restarts.packets_lost) + $(dropped)))
    stop_product
    records=$(grep -A20 '^output' "$work/tapmeter.log" | grep -w 'in a crash' |
        tr -d , | grep -o '[0-9]* packets' | grep -o '[0-9]*')
    stored=$(stored_packets) || stored=-1
    local sent=$((4 * packets)) named=$((stored + lost + ${records:-0}))
    # Records that left in the last tenth of a second may be named as lost all the same.
    if [[ $ended -eq 0 && $named -ge $sent && $((stored + lost)) -le $sent ]]; then
        ok crash_with_records_under_way
        echo "    sent $sent, stored $stored, lost $lost, at most ${records:-0} in records"
    else
        failed crash_with_records_under_way "status $ended; sent $sent, stored $stored, \
lost $lost, at most ${records:-0} in records" "$work/tapmeter.log"
    fi
}

# Three packets of three flows.
crash_thrice() {
    start_crashable
    local port count=0
    for port in 40000 40001 40002; do
        count=$((count + 1))
        send "$work/crash.$port.pcap" $rate >/dev/null
        wait_for 5 answers restarts.reasons $count
    done
    send "$work/sent.pcap" $rate >/dev/null
    settle
    local state metered
    state=$(books -o json | python3 -c 'import json, sys
print(json.load(sys.stdin)["restarts"]["dpi_state"])')
    metered=$(answer total.metered.packets)
    stop_product
    if [[ $state == faulted && $metered -eq $packets && $ended -eq 0 ]]; then
        ok crash_switches_inspection_off
    else
        failed crash_switches_inspection_off "$state, $metered packets metered, status $ended" \
            "$work/tapmeter.log"
    fi
}

# What is no fault of inspection, five times.
crash_on_and_on() {
    start_crashable
    local count
    for count in 1 2 3 4; do
        kill -SEGV "$(data_path "$pid_of_tapmeter")"
        wait_for 5 answers restarts.reasons $count
    done
    kill -SEGV "$(data_path "$pid_of_tapmeter")"
    wait_for 5 has_ended "$pid_of_tapmeter"
    stop_product
    if [[ $ended -eq 1 ]] && grep -q 'it is not started again' "$work/tapmeter.log"; then
        ok crash_loop_ends
    else
        failed crash_loop_ends "status $ended" "$work/tapmeter.log"
    fi
}

crash_once crash
renew_span 1
add_cable "$sender" wire1 "$monitor" tap1 1
up_silently "$sender" wire1
up_silently "$monitor" tap1
source='dpdk:net_af_packet0,iface=tap0,blocksz=65536,framesz=2048,framecnt=8192' queues=1
second_port=wire1 beside=('[[capture]]' 'name = "beside"' 'source = "xdp:tap1"' 'queues = 1')
crash_once dpdk
source=xdp:tap0 queues=4 second_port=wire0 beside=()
renew_span
crash_under_load
renew_span
crash_thrice
renew_span
crash_on_and_on
finish
