#!/bin/bash
# The shunt changes nothing but the cost: two programs see the same frames at the same time, one
# with the shunt and one without, and tell the same records; the books of both balance, also when
# the programs are held up; most packets never reach the shunting program's sockets.
# usage: tests/system/shunt_test.sh    (root)
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
net_prefix=tmshunt-$$
compare=$top/tests/system/shunt_records.py

packets=120000
rate=20000
cases=(shunt_records shunt_books shunt_most_never_came shunt_cut_records shunt_cut_books
    shunt_held_up)
begin "${cases[@]}"
need_afxdp "${cases[@]}"
python3 "$traffic" write "$work/sent.pcap" "$work/truth.jsonl" --packets $packets --flows 40

# A sender and two monitors on cables that carry the same frames.
make_twins() {
    add_namespace sender
    add_namespace shunting
    add_namespace plain
    # shellcheck disable=SC2154  # add_namespace sets them
    add_cable "$sender" wire0 "$shunting" tap0 2
    # shellcheck disable=SC2154
    add_cable "$sender" wire1 "$plain" tap0 2
    up_silently "$sender" wire0 wire1
    up_silently "$shunting" tap0
    up_silently "$plain" tap0
    inside "$sender" tc qdisc add dev wire0 clsact
    inside "$sender" tc filter add dev wire0 egress protocol all prio 1 \
        u32 match u32 0 0 action mirred egress mirror dev wire1
}
remove_twins() {
    local namespace
    for namespace in "${net_namespaces[@]}"; do
        ip netns del "$namespace"
    done
    net_namespaces=()
}

# name, active timeout, true or false
start_twin() {
    rm -f "$work/$1.json"
    cat >"$work/$1.toml" <<END
[[capture]]
source = "xdp:tap0"
queues = 2
rx_ring = 8192
[workers]
count = 2
[flow]
flows_max = 65536
active_timeout = "$2"
[memory]
hugepages = "off"
[shunt]
enabled = $3
octets = "64KiB"
[[export.json]]
path = "$work/$1.json"
format = "flat"
[http]
listen = "off"
[control]
socket = "$work/$1.sock"
END
    start_inside "${!1}" "$work/$1.log" "$tapmeter" run -c "$work/$1.toml"
    wait_for "${TAPMETER_START_SECONDS:-20}" twin_books "$1"
}
twin_books() { "$tapmeter" ctl books --socket "$work/$1.sock" -o json; }
# What the counters of both say stands still.
twins_settled() {
    local now
    now=$(for twin in shunting plain; do
        twin_books "$twin" | python3 -c '
import json, sys
books = json.load(sys.stdin)
print([i["offered"] for i in books["interfaces"]], books["total"]["metered"],
      books["shunt_waiting"])'
    done)
    sleep 0.2
    [[ $now == "$last_seen" ]] && return
    last_seen=$now
    return 1
}

# active timeout, held up or not: both programs see the traffic and end; their last books are in
# $work/*.books
run_twins() {
    local twin
    make_twins
    start_twin shunting "$1" true
    pid_shunting=$started
    start_twin plain "$1" false
    pid_plain=$started
    if [[ $2 == held_up ]]; then
        inside "$sender" python3 "$traffic" send "$work/sent.pcap" wire0 --rate $rate \
            >"$work/sender.log" &
        sleep 1.5
        kill -STOP "$(data_path "$pid_shunting")"
        sleep 2
        kill -CONT "$(data_path "$pid_shunting")"
        wait $!
    else
        inside "$sender" python3 "$traffic" send "$work/sent.pcap" wire0 --rate $rate \
            >"$work/sender.log"
    fi
    last_seen=''
    wait_for 20 twins_settled
    sleep 2.5  # TCP flows linger for two seconds: both programs are to see them end by themselves
    for twin in shunting plain; do
        twin_books "$twin" >"$work/$twin.books"
    done
    stop "$pid_shunting" 15
    status_shunting=$ended
    stop "$pid_plain" 15
    status_plain=$ended
    remove_twins
}

# case, --lossless or --either
judge_twin_books() {
    if [[ $status_shunting -ne 0 || $status_plain -ne 0 ]]; then
        failed "$1" "the programs ended with status $status_shunting and $status_plain" \
            "$work/shunting.log" "$work/plain.log"
    elif [[ $2 == --either ]]; then
        expect "$1" 'the books do not name every packet' \
            python3 "$books_of" "$work/shunting.books" --sent $packets
    else
        expect "$1" 'the books do not name every packet' \
            python3 "$books_of" "$work/shunting.books" --sent $packets "$2"
    fi
    sed 's/^/    /' "$work/expect.log"
}

run_twins 1m undisturbed
judge_twin_books shunt_books --lossless
expect shunt_records 'with the shunt the records are others' \
    python3 "$compare" "$work/plain.json" "$work/shunting.json"
sed 's/^/    /' "$work/expect.log"
expect shunt_most_never_came 'most packets reached the sockets' \
    python3 - "$work/shunting.books" <<'END'
import json, sys
books = json.load(open(sys.argv[1], encoding="utf-8"))
interface, = books["interfaces"]
share = interface["shunted"] / interface["offered"]
print(f"{share:.1%} of {interface['offered']:,} packets were shunted")
sys.exit(share < 0.6)
END
sed 's/^/    /' "$work/expect.log"

run_twins 1s undisturbed
judge_twin_books shunt_cut_books --lossless
expect shunt_cut_records 'with the shunt the cut records are others' \
    python3 "$compare" "$work/plain.json" "$work/shunting.json" --cuts
sed 's/^/    /' "$work/expect.log"

run_twins 1m held_up
judge_twin_books shunt_held_up --either
finish
