#!/bin/bash
# Interfaces that come and go under a running probe: a link that goes down, a port that is taken
# away and comes back as another. Each is told, no flow is lost, and every packet has its name.
# usage: tests/system/interface_test.sh    (root)
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

packets=20000
rate=20000
cases=(link_down_is_told gone_is_told back_within_two_seconds back_meters_all
    back_survives_a_crash back_exports_all)
begin "${cases[@]}"
need_afxdp "${cases[@]}"
need_program nfcapd "${cases[@]}"
make_span
"$traffic" write "$work/sent.pcap" "$work/truth.jsonl" --packets $packets --flows 500

says() { grep -q "$1" "$work/tapmeter.log"; }
status_says() { [[ $("$tapmeter" ctl status --socket "$work/control.sock") == *"$1"* ]]; }
answer() {
    books -o json | python3 -c '
import functools, json, sys
path = [int(word) if word.isdigit() else word for word in sys.argv[1].split(".")]
print(functools.reduce(lambda of, name: of[name], path, json.load(sys.stdin)))' "$1"
}
is_back() { [[ $(answer interfaces.0.returns) -eq $1 ]]; }

write_config xdp:tap0 4
start_product_or_fail "${cases[@]}"
send "$work/sent.pcap" $rate >/dev/null
settle

ip -n "$sender" link set wire0 down
if wait_for 2 says 'interface tap has no link' && status_says 'interface tap has no link'; then
    ip -n "$sender" link set wire0 up
    expect link_down_is_told 'nothing is said of the link that is up again' \
        wait_for 2 says 'interface tap has link'
else
    failed link_down_is_told 'not within two seconds' "$work/tapmeter.log"
    ip -n "$sender" link set wire0 up
fi

ip -n "$monitor" link del tap0
if wait_for 2 says 'interface tap is gone' && status_says 'interface tap is gone'; then
    ok gone_is_told
else
    failed gone_is_told 'not within two seconds' "$work/tapmeter.log"
fi

add_cable "$sender" wire0 "$monitor" tap0 4
up_silently "$sender" wire0
up_silently "$monitor" tap0
expect back_within_two_seconds "$(tail -n 3 "$work/tapmeter.log")" wait_for 2 is_back 1
send "$work/sent.pcap" $rate >/dev/null
settle
expect back_meters_all "sent $((2 * packets)), $(books -o json)" \
    test "$(answer total.metered.packets)" -eq $((2 * packets))

# Its counters began anew; what a crash loses is counted against them all the same.
kill -SEGV "$(data_path "$pid_of_tapmeter")"
wait_for 5 says 'was ended by'
restarted() { [[ $(answer restarts.reasons.segv) -eq 1 ]]; }
wait_for 5 restarted
send "$work/sent.pcap" $rate >/dev/null
settle
lost=$(answer restarts.packets_lost)
expect back_survives_a_crash "$lost packets are said to be lost of none" test "$lost" -eq 0

stop_product
stored=$("$flows" totals "nfdump:$work/stored" |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["packets"])')
if [[ $ended -eq 0 && $stored -eq $((3 * packets)) ]]; then
    ok back_exports_all
else
    failed back_exports_all "status $ended; sent $((3 * packets)), stored $stored" \
        "$work/tapmeter.log"
fi
finish
