#!/bin/bash
# One capture gives the same flows whichever door it comes through: read with 1, 2 and 4 workers,
# DPDK's capture-file driver, and replayed over a cable into AF_XDP. Live, times differ; keys,
# packets and octets must not. Among the workers of `read` everything must be the same.
# usage: tests/system/same_everywhere_test.sh    (root for what is live)
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

live=(dpdk_file_as_truth afxdp_as_truth)
begin read_as_truth read_two_workers read_four_workers "${live[@]}"
"$traffic" write "$work/sent.pcap" "$work/truth.jsonl" --packets 60000 --flows 1500

# What may differ between runs: who metered the flow, and the number it was given.
normalized() {
    python3 - "$1" <<'END'
import json, sys
lines = []
for line in open(sys.argv[1], encoding="utf-8"):
    record = json.loads(line)
    record.pop("flow_id", None)
    record.get("tapmeter", {}).pop("worker", None)
    lines.append(json.dumps(record, sort_keys=True))
print("\n".join(sorted(lines)))
END
}

# workers
read_with() {
    "$tapmeter" read "$work/sent.pcap" -o json --workers "$1" \
        >"$work/read$1.jsonl" 2>"$work/read$1.log"
}

if ! read_with 1; then
    failed read_as_truth "read ended with a failure" "$work/read1.log"
else
    expect read_as_truth 'read tells other flows than the file holds' \
        "$flows" compare "truth:$work/truth.jsonl" "eve:$work/read1.jsonl"
    normalized "$work/read1.jsonl" >"$work/one"
fi
for workers in 2 4; do
    name=read_two_workers
    [[ $workers -eq 4 ]] && name=read_four_workers
    if ! read_with $workers; then
        failed $name 'read ended with a failure' "$work/read$workers.log"
        continue
    fi
    normalized "$work/read$workers.jsonl" >"$work/many"
    expect $name "$workers workers tell other records than one" diff -q "$work/one" "$work/many"
done

need_afxdp "${live[@]}"
need_program nfcapd "${live[@]}"
make_span

# case: starts, sends where asked to, stops; then compares
live_case() {
    local name=$1 file=$2
    # A file that DPDK reads may be over before we look.
    if ! start_product || { [[ -n $file ]] && has_ended "$pid_of_tapmeter"; }; then
        failed "$name" 'the program does not start' "$work/tapmeter.log"
        stop_product
        return
    fi
    [[ -z $file ]] || send "$file" 30000 >/dev/null
    settle
    stop_product
    if [[ $ended -ne 0 ]]; then
        failed "$name" "the program ended with status $ended" "$work/tapmeter.log"
        return
    fi
    expect "$name" 'the stored flows are not those of the file' \
        "$flows" compare "truth:$work/truth.jsonl" "nfdump:$work/stored"
}

write_config "dpdk:net_pcap0,rx_pcap=$work/sent.pcap" 1
live_case dpdk_file_as_truth ''
write_config xdp:tap0 4
live_case afxdp_as_truth "$work/sent.pcap"
finish
