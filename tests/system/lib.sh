# shellcheck shell=bash
# For tests/system/*_test.sh: the product against the kernel and other people's programs.
# A test sources this, then calls `begin`; it prints lines for scripts/test to count:
#     ok NAME        FAILED NAME: WHY (preceded by the log)        skip NAME: WHY
# and ends with `finish`: status 0, 1 when something failed, 77 when everything was skipped.
set -uo pipefail
export LC_ALL=C.UTF-8

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=scripts/lib/net.sh
. "$top/scripts/lib/net.sh"
tapmeter=${TAPMETER:-$top/build/src/tapmeter}
flows=$top/scripts/lib/flows.py
traffic=$top/scripts/lib/traffic.py
books_of=$top/tests/system/books.py
captures=${TAPMETER_PCAPS:-$top/../shared/pcaps/dev}

count_ok=0 count_failed=0 count_skipped=0
ok() {
    echo "ok $1"
    count_ok=$((count_ok + 1))
}
# name, why, log ...: never ends the test, so that the others still run
failed() {
    local name=$1 why=$2 log
    shift 2
    for log in "$@"; do
        echo "--- $log"
        tail -n 40 "$log" 2>/dev/null
    done
    echo "FAILED $name: $why"
    count_failed=$((count_failed + 1))
}
skip() {
    echo "skip $1: $2"
    count_skipped=$((count_skipped + 1))
}
# name, why it failed if it did, command ...
expect() {
    local name=$1 why=$2 log=$work/expect.log
    shift 2
    if "$@" >"$log" 2>&1; then
        ok "$name"
    else
        failed "$name" "$why" "$log"
    fi
}
finish() {
    [[ $count_failed -eq 0 ]] || exit 1
    [[ $count_ok -gt 0 ]] || exit 77
    exit 0
}

# Names of the cases that the test would run; a missing product fails them, it never skips them.
begin() {
    trap cleanup EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    local case
    if [[ ! -x $tapmeter ]]; then
        for case in "$@"; do
            failed "$case" "no program at $tapmeter: build it first"
        done
        finish
    fi
    make_work
}

# case ...: skips them all and ends the test where AF_XDP cannot work.
need_afxdp() {
    local why case
    if why=$(afxdp_lacks); then
        for case in "$@"; do
            skip "$case" "$why"
        done
        finish
    fi
}
# program, case ...
need_program() {
    local program=$1 case
    shift
    command -v "$program" >/dev/null && return
    for case in "$@"; do
        skip "$case" "$program is not installed (scripts/setup test)"
    done
    finish
}

# A sender and a monitor, joined by a cable of four queues that carries nothing but our frames.
# Sets $sender and $monitor; the ports are wire0 and tap0.
make_span() {
    add_namespace sender
    add_namespace monitor
    # shellcheck disable=SC2154  # add_namespace sets them
    add_cable "$sender" wire0 "$monitor" tap0 "${1:-4}"
    up_silently "$sender" wire0
    up_silently "$monitor" tap0
}
# A new port for the next case: nothing of the last one is left in its counters.
renew_span() {
    local namespace
    for namespace in "${net_namespaces[@]}"; do
        ip netns del "$namespace"
    done
    net_namespaces=()
    make_span "$@"
}

# source, queues, more TOML ...: $work/tapmeter.toml with nfcapd as collector
write_config() {
    local source=$1 queues=$2
    shift 2
    {
        printf '[[capture]]\nname = "tap"\nsource = "%s"\nqueues = %s\n' "$source" "$queues"
        printf '[workers]\ncount = %s\n' "$queues"
        printf '[flow]\nflows_max = 65536\n'
        printf '[memory]\nhugepages = "off"\n'
        printf '[[export.ipfix]]\ncollector = "udp://127.0.0.1:4739"\nquirks = "nfdump"\n'
        printf '[control]\nsocket = "%s/control.sock"\n' "$work"
        printf '%s\n' "$@"
    } >"$work/tapmeter.toml"
}

books() { "$tapmeter" ctl books --socket "$work/control.sock" "$@"; }
# output, path: a number out of the books of that output; 0: they do not name it
of_output() {
    books -o json 2>/dev/null | python3 -c '
import json, sys
book = next(o for o in json.load(sys.stdin)["outputs"] if o["name"] == sys.argv[1])
for word in sys.argv[2].split("."):
    book = book.get(word, 0)
print(int(book))' "$1" "$2"
}
# output, path, number
at_least() { [[ $(of_output "$1" "$2") -ge $3 ]]; }

# Starts nfcapd and the product in the monitor; pids in $pid_of_collector and $pid_of_tapmeter.
pid_of_tapmeter='' pid_of_collector=''
start_product() {
    rm -rf "$work/stored" "$work/control.sock"
    # shellcheck disable=SC2154
    start_nfcapd "$monitor" "$work/stored" 4739 || return 1
    pid_of_collector=$started
    start_inside "$monitor" "$work/tapmeter.log" "$tapmeter" run -c "$work/tapmeter.toml"
    pid_of_tapmeter=$started
    wait_for "${TAPMETER_START_SECONDS:-20}" ready
}
ready() {
    has_ended "$pid_of_tapmeter" && return 0  # the next step finds out
    books -o json
}
# case ...: fail all of them where the product does not start, and end the test
start_product_or_fail() {
    local name
    start_product && ! has_ended "$pid_of_tapmeter" && return
    for name in "$@"; do
        failed "$name" 'the program does not start' "$work/tapmeter.log"
    done
    stop_product
    finish
}
# The product, then the collector, which writes its file; $ended is the product's status.
stop_product() {
    local status
    stop "$pid_of_tapmeter" "${1:-15}"
    status=$ended
    stop "$pid_of_collector" 10
    ended=$status
}

# pid of the product: that of its process that meters, the supervisor's only child
data_path() { tr -d ' ' <"/proc/$1/task/$1/children"; }

# What the counters say stands still: nothing is on its way any more.
last_seen=''
is_settled() {
    local now
    now=$(books -o json | python3 -c '
import json, sys
books = json.load(sys.stdin)
print([i["offered"] for i in books["interfaces"]], books["total"]["metered"])') || return 1
    sleep 0.1
    [[ $now == "$last_seen" ]] && return
    last_seen=$now
    return 1
}
settle() {
    last_seen=''
    wait_for 20 is_settled
}

# file, packets per second, port of the sender
send() { inside "$sender" python3 "$traffic" send "$1" "${3:-wire0}" --rate "$2"; }
