#!/usr/bin/env bash
# The program as people and scripts meet it: exit codes, what goes to which stream, signals.
# Needs no network, no fixed port, no privileges.
#
#   cli_test.sh PROGRAM
set -u
readonly program=${1:?usage: cli_test.sh PROGRAM}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
readonly work
readonly alone=(--set http.listen=off --set "control.socket=$work/control.sock")
failures=0

fail() {
    echo "FAIL: $*" >&2
    sed 's/^/  out: /' "$work/out" >&2
    sed 's/^/  err: /' "$work/err" >&2
    failures=$((failures + 1))
}

# expect CODE ARGUMENTS...: runs the program; its streams stand in $work/out and $work/err.
expect() {
    local wanted=$1 code
    shift
    code=0
    timeout 60 "$program" "$@" >"$work/out" 2>"$work/err" </dev/null || code=$?
    [[ $code == "$wanted" ]] || fail "exit $code, not $wanted: $*"
}

# says STREAM TEXT: the stream (out or err) contains the text.
says() {
    grep -qF -- "$2" "$work/$1" || fail "std$1 lacks: $2"
}
silent() {
    [[ ! -s $work/$1 ]] || fail "std$1 is not empty"
}

# json_lines WHAT: each line of standard output is a JSON object, and there is at least one.
json_lines() {
    python3 -c '
import json, sys
lines = [json.loads(line) for line in sys.stdin]
sys.exit(0 if lines and all(isinstance(line, dict) for line in lines) else 1)' \
        <"$work/out" || fail "$1: standard output is not JSON lines only"
}

# packets FILE: packets in all records of a file of JSON lines.
packets() {
    python3 -c '
import json, sys
flows = [json.loads(line)["flow"] for line in open(sys.argv[1])]
print(sum(flow["pkts_toserver"] + flow["pkts_toclient"] for flow in flows))' "$1"
}

# Capture files: 40 UDP packets of 8 flows, the same cut short, one with a frame of 9 octets.
python3 - "$work" <<'PYTHON'
import struct, sys

def udp(flow, number):
    payload = bytes(10)
    udp = struct.pack(">HHHH", 4000 + flow, 53, 8 + len(payload), 0) + payload
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), number, 0, 64, 17, 0,
                     bytes([10, 0, 0, flow + 1]), bytes([10, 0, 0, 200]))
    return bytes(12) + b"\x08\x00" + ip + udp

def pcap(frames):
    header = struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1)
    return header + b"".join(struct.pack("<IIII", 1000, at, len(frame), len(frame)) + frame
                             for at, frame in enumerate(frames))

good = pcap([udp(number % 8, number) for number in range(40)])
for name, octets in {"good": good, "cut": good[:-5], "short": pcap([bytes(9)])}.items():
    with open(f"{sys.argv[1]}/{name}.pcap", "wb") as stream:
        stream.write(octets)
PYTHON

# --- read: data on standard output, the exit code says how it went ------------------------------
expect 0 read "$work/good.pcap"
says out "UDP"
says out "the books balance"
silent err
expect 0 read -q "$work/good.pcap"
says out "UDP"
! grep -q "the books balance" "$work/out" || fail "-q prints the books"
expect 0 read -o json "$work/good.pcap"
json_lines "read -o json"
cp "$work/out" "$work/file.json"
[[ $(packets "$work/file.json") == 40 ]] || fail "read -o json: not 40 packets"
says err "the books balance"
expect 0 read -q -o json "$work/good.pcap"
silent err

expect 0 read -q -o csv "$work/good.pcap"
[[ $(wc -l <"$work/out") == 9 ]] || fail "read -o csv: a heading and 8 flows"

timeout 60 "$program" read -q -o json - <"$work/good.pcap" >"$work/out" 2>"$work/err" ||
    fail "read - from a file"
cat "$work/good.pcap" | timeout 60 "$program" read -q -o json - >"$work/pipe.json" \
    2>"$work/err" || fail "read - from a pipe"
same_flows() { sed 's/"in_iface":"[^"]*"/"in_iface":""/' "$1" | sort; }
cmp -s <(same_flows "$work/file.json") <(same_flows "$work/pipe.json") ||
    fail "a pipe gives other flows than the file"

expect 0 read -q -o json "$work/good.pcap" "$work/good.pcap"
[[ $(packets "$work/out") == 80 ]] || fail "two files in one command do not sum up"

expect 1 read "$work/cut.pcap"
says err "cut.pcap: offset"
says out "the books balance"
expect 0 read "$work/short.pcap"
expect 3 read --strict "$work/short.pcap"
expect 0 read --strict "$work/good.pcap"

# --- refused before anything starts --------------------------------------------------------------
expect 2 raed "$work/good.pcap"
silent out
says err 'did you mean "read"?'
expect 2 read "$work/missing.pcap"
says err "missing.pcap"
printf '[flow]\nidle_tmeout = "10s"\n' >"$work/bad.toml"
expect 2 run -c "$work/bad.toml"
silent out
says err "bad.toml:2:1:"
says err 'did you mean "idle_timeout"?'
expect 2 demo --set flow.flows_max=7
says err "flow.flows_max"

# --- check, devices, ctl -------------------------------------------------------------------------
printf '[[capture]]\nsource = "nosuchport0"\n' >"$work/interface.toml"
expect 3 check -c "$work/interface.toml"
says out "nosuchport0"
says out "BLOCKER"
expect 3 check -o json -c "$work/interface.toml"
json_lines "check -o json"
expect 0 check --dump -c "$work/interface.toml" --set flow.idle_timeout=17s
cp "$work/out" "$work/dumped.toml"
expect 0 check --dump -c "$work/dumped.toml"
# Origins stand in comments; without them both dumps are the same text.
values() { sed 's/ *#.*//' "$1"; }
cmp -s <(values "$work/dumped.toml") <(values "$work/out") || fail "a dump does not read back"
says out 'idle_timeout = "17s"'
expect 0 devices -o json
[[ ! -s $work/out ]] || json_lines "devices -o json"
expect 4 ctl status --socket /nonexistent
silent out
says err "/nonexistent"

# --- demo: the whole program, ended by time, by Ctrl-C, through the control socket ----------------
expect 0 demo --duration 1s "${alone[@]}"
silent out
says err "the books balance"

# bench: data on standard output, one JSON document; what contradicts itself starts nothing.
expect 0 bench --flows 1k --duration 100ms --no-stages
says out "no NIC was involved"
says out "the books balance"
silent err
expect 0 bench --flows 1k --duration 100ms --no-stages -o json
python3 -m json.tool "$work/out" >/dev/null || fail "bench -o json is no JSON document"
expect 2 bench --sizes 63
says err "from 64 to 1518"
expect 2 bench --external
expect 2 bench --search zero-loss -i eth1
expect 2 bench -o csv
silent out

# running COMMAND...: starts a demo, waits until it answers, runs the command, wants exit 0.
running() {
    "$program" demo "${alone[@]}" >"$work/out" 2>"$work/err" &
    local instance=$! code=0
    for _ in $(seq 600); do
        "$program" ctl status --socket "$work/control.sock" >"$work/status" 2>&1 && break
        sleep 0.1
    done
    "$@" "$instance" || fail "while the demo runs: $*"
    wait "$instance" || code=$?
    [[ $code == 0 ]] || fail "demo ended with exit $code after: $*"
    says err "the books balance"
}
interrupt() { kill -INT "$1"; }
ask_and_stop() {
    "$program" ctl books -o json --socket "$work/control.sock" | python3 -m json.tool \
        >/dev/null && "$program" ctl stop --socket "$work/control.sock" >/dev/null
}
# A shell starts background jobs with SIGINT ignored: the program must answer it all the same.
running interrupt
running ask_and_stop

if ((failures > 0)); then
    echo "$failures checks failed" >&2
    exit 1
fi
echo "the command line keeps its promises"
