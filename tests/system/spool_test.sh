#!/bin/bash
# A collector over TCP that is killed, held up and started again, and a tapmeter that is: with a
# spool every flow record arrives, in sessions that can each be read by themselves; without one,
# what is missing is counted to the record. The other output has all of them meanwhile.
# usage: tests/system/spool_test.sh    (no root; SPOOL_AWAY=SECONDS, default 4)
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

cases=(killed_and_back held_up next_run nothing_lost books_balance without_counted)
begin "${cases[@]}"
away=${SPOOL_AWAY:-4}
sessions=$top/tests/system/ipfix_sessions.py
port=$(python3 -c '
import socket
probe = socket.socket()
probe.bind(("127.0.0.1", 0))
print(probe.getsockname()[1])')
mkdir "$work/kept"

# name, more TOML ...
configure() {
    cat >"$work/$1.toml" <<END
[[capture]]
source = "gen:"
[flow]
idle_timeout = "1s"
active_timeout = "1s"
[[export.json]]
path = "$work/$1.jsonl"
[http]
listen = "off"
[control]
socket = "$work/control.sock"
[[export.ipfix]]
name = "main"
collector = "tcp://127.0.0.1:$port"
reconnect = "1s"
queue = 512
END
    shift
}
start_collector() {
    start_here "$work/collector.log" python3 "$sessions" listen "$port" "$work/kept"
    collector=$started
}
kill_collector() {
    kill -KILL "$collector"
    wait "$collector" 2>/dev/null
}
start_tapmeter() {
    start_here "$work/$1.log" "$tapmeter" run -c "$work/$1.toml"
    program=$started
    wait_for 10 grep -q ' metering$' "$work/$1.log"
}
at_most() { [[ $(of_output "$1" "$2") -le $3 ]]; }

configure with
printf 'spool = "%s"\n' "$work/spool" >>"$work/with.toml"
start_collector
start_tapmeter with
wait_for 20 at_least ipfix/main sent.records 1000

kill_collector
sleep "$away"
wait_for 20 at_least ipfix/main queued.records 500
before=$(of_output ipfix/main sent.records)
start_collector
wait_for 20 at_least ipfix/main sent.records $((before + 500))
expect killed_and_back 'nothing was sent after the collector came back' \
    at_least ipfix/main sent.records $((before + 500))

kill -STOP "$collector"
sleep "$away"
kill -CONT "$collector"
before=$(of_output ipfix/main sent.records)
wait_for 20 at_least ipfix/main sent.records $((before + 500))
expect held_up 'nothing was sent after the collector read again' \
    at_least ipfix/main sent.records $((before + 500))

kill_collector
sleep "$away"
stop "$program" 10
cp "$work/with.log" "$work/first.log"
left=$(sed -n 's/^ *spooled *\([0-9,]*\).*/\1/p' "$work/with.log" | tr -d ,)
start_collector
start_tapmeter with
wait_for 20 at_most ipfix/main spooled.records 0
expect next_run "the run before left '$left' records; the next one recovered others, or kept them" \
    test "$(of_output ipfix/main recovered.records)" = "${left:-none}"
wait_for 20 at_least ipfix/main sent.records $((left + 500))
stop "$program" 10
sleep 0.5
stop "$collector" 5
expect nothing_lost 'records are missing, or a session cannot be read by itself' \
    python3 "$sessions" check "$work/kept" "$work/with.jsonl"
tail -n 1 "$work/expect.log"
expect books_balance 'the books of a run do not balance' \
    test "$(cat "$work/first.log" "$work/with.log" | grep -c '^the books balance')" -eq 2

configure without
start_tapmeter without
sleep "$away"
stop "$program" 10
taken=$(wc -l <"$work/without.jsonl")
dropped=$(sed -n 's/^ *dropped *[a-z_]* *\([0-9,]*\).*/\1/p' "$work/without.log" | tr -d , |
    awk '{ sum += $1 } END { print sum + 0 }')
expect without_counted "$taken records were taken, $dropped counted as dropped" \
    test "$taken" = "$dropped"
finish
