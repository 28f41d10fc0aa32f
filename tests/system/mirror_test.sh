#!/bin/bash
# A mirror port carries both directions of real conversations, and nothing promises that the kernel
# or a network card brings both to one queue: the hosts' own stacks choose. Each flow must still be
# one record with exactly the packets and octets that a witness saw.
# usage: tests/system/mirror_test.sh    (root)
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

conversations=$top/scripts/lib/conversations.py
cases=(mirror_as_witness mirror_one_record_a_flow)
begin "${cases[@]}"
need_afxdp "${cases[@]}"
need_program nfcapd "${cases[@]}"
make_mirrored_hosts 4
write_config xdp:tap0 4

if ! start_product || has_ended "$pid_of_tapmeter"; then
    failed mirror_as_witness 'the program does not start' "$work/tapmeter.log"
    finish
fi
# shellcheck disable=SC2154
start_inside "$host_b" "$work/serve.log" python3 "$conversations" serve
wait_for 10 grep -q ready "$work/serve.log"
# shellcheck disable=SC2154
start_inside "$host_b" "$work/witness.log" python3 "$conversations" witness eth0 \
    "$work/witness.jsonl" $a4 $b4 $a6 $b6
pid_of_witness=$started
wait_for 10 grep -q ready "$work/witness.log"
inside "$host_a" python3 "$conversations" talk 100 $b4 $b6 >"$work/talk.log" 2>&1 ||
    failed mirror_as_witness 'the hosts cannot talk' "$work/talk.log"
inside "$host_a" python3 "$conversations" ping 20 $b4 $b6 >>"$work/talk.log" 2>&1
stop "$pid_of_witness" 5
witness_status=$ended
settle
stop_product
if [[ $ended -ne 0 || $witness_status -ne 0 ]]; then
    failed mirror_as_witness "status $ended of the program, $witness_status of the witness" \
        "$work/tapmeter.log" "$work/witness.log"
    finish
fi
expect mirror_as_witness 'the stored flows are not those that the witness saw' \
    "$flows" compare "truth:$work/witness.jsonl" "nfdump:$work/stored" --ignore-other
expect mirror_one_record_a_flow 'flows were torn apart between workers' \
    "$flows" compare "truth:$work/witness.jsonl" "nfdump:$work/stored" --ignore-other --one-record
finish
