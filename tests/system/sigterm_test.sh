#!/bin/bash
# The end: SIGTERM exports everything that was metered within five seconds, also under load; after
# SIGKILL no XDP program is left on the port.
# usage: tests/system/sigterm_test.sh    (root)
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

packets=50000
cases=(sigterm_exports_all sigterm_under_load kill_leaves_no_program restart_after_kill)
begin "${cases[@]}"
need_afxdp "${cases[@]}"
need_program nfcapd "${cases[@]}"
make_span
"$traffic" write "$work/sent.pcap" "$work/truth.jsonl" --packets $packets --flows 1000

started_or_failed() {
    if ! start_product || has_ended "$pid_of_tapmeter"; then
        failed "$1" 'the program does not start' "$work/tapmeter.log"
        stop_product
        return 1
    fi
}

# case, signal: the last packet has just been sent; every flow is still open.
end_after_traffic() {
    write_config xdp:tap0 4
    started_or_failed "$1" || return
    send "$work/sent.pcap" 30000 >/dev/null
    local before=$SECONDS
    stop "$pid_of_tapmeter" 5 "$2" || true
    local status=$ended seconds=$((SECONDS - before))
    stop "$pid_of_collector" 10
    if [[ $status -ne 0 ]]; then
        failed "$1" "status $status after $seconds s, wanted 0 within 5 s" "$work/tapmeter.log"
        return
    fi
    expect "$1" 'what was metered was not all exported' \
        "$flows" compare "truth:$work/truth.jsonl" "nfdump:$work/stored"
}

# Packets go on arriving while it ends; what it got and what it stored must be the same.
end_under_load() {
    write_config xdp:tap0 4
    started_or_failed sigterm_under_load || return
    start_inside "$sender" "$work/sender.log" python3 "$traffic" send "$work/sent.pcap" wire0 \
        --rate 30000 --times 20
    local pid_of_sender=$started
    sleep 2
    stop "$pid_of_tapmeter" 5 || true
    local status=$ended still_sending=false
    is_running "$pid_of_sender" && still_sending=true
    stop "$pid_of_sender" 5
    stop "$pid_of_collector" 10
    if [[ $status -ne 0 ]] || ! $still_sending; then
        failed sigterm_under_load "status $status; still sending at the end: $still_sending" \
            "$work/tapmeter.log"
        return
    fi
    # The program's own last word, and the collector's: the same number of packets.
    local stored
    stored=$("$flows" totals "nfdump:$work/stored" |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["packets"])')
    if grep -q 'the books balance' "$work/tapmeter.log" && [[ $stored -gt 10000 ]] &&
        tr -d , <"$work/tapmeter.log" | grep -qw "$stored"; then
        ok sigterm_under_load
    else
        failed sigterm_under_load "$stored packets stored; its report does not say so" \
            "$work/tapmeter.log"
    fi
}

port_has_program() { ip -n "$monitor" -d link show tap0 | grep -q 'prog/xdp'; }
port_has_none() { ! port_has_program; }

end_by_kill() {
    write_config xdp:tap0 4
    started_or_failed kill_leaves_no_program || return
    if ! port_has_program; then
        failed kill_leaves_no_program 'there was no XDP program on the port while it ran'
        stop_product
        return
    fi
    local metering
    metering=$(data_path "$pid_of_tapmeter")
    kill -KILL "$pid_of_tapmeter"
    wait "$pid_of_tapmeter" 2>/dev/null
    if wait_for 2 port_has_none; then
        ok kill_leaves_no_program
    else
        failed kill_leaves_no_program 'the XDP program outlived the process'
    fi
    stop "$pid_of_collector" 10
    # Without its supervisor it exports what it has, and ends.
    wait_for 5 has_ended "$metering"
    # What SIGKILL left behind (the control socket's file) must not be in the way.
    start_inside "$monitor" "$work/tapmeter.log" "$tapmeter" run -c "$work/tapmeter.toml"
    pid_of_tapmeter=$started
    if wait_for 20 books -o json && is_running "$pid_of_tapmeter"; then
        ok restart_after_kill
    else
        failed restart_after_kill 'it does not start again' "$work/tapmeter.log"
    fi
    stop "$pid_of_tapmeter" 10
}

end_after_traffic sigterm_exports_all TERM
renew_span
end_under_load
renew_span
end_by_kill
finish
