#!/bin/bash
# Signatures over real captures: which of some 11,000 rules fire on which flow, compared with what
# Suricata 7 said (score.py: at least 97 % of its alerts by rule and flow are found, and at least
# 90 % of ours are its), and its own verification tests (95 % of those of its core and of header
# fields, 90 % of those of sticky buffers).
# usage: tests/system/pcaps_alerts_test.sh    (no root; TAPMETER_PCAPS=FOLDER, default
#                                              ../shared/pcaps/dev)
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

recall_min=97
precision_min=90
core_min=95
header_min=95
sticky_min=90
cases=(alerts_never_crash alerts_found alerts_true alerts_of_core alerts_of_headers
    alerts_of_sticky_buffers)
begin "${cases[@]}"
if [[ ! -d $captures/rules || ! -f $captures/../score.py ]]; then
    for name in "${cases[@]}"; do
        skip "$name" "no rules at $captures (TAPMETER_PCAPS)"
    done
    finish
fi
mkdir "$work/out" "$work/compiled"

# rules as TOML, capture, name, more options: its alerts; prints how it ended where that was badly
alerts_of() {
    local rules=$1 file=$2 name=$3
    shift 3
    timeout 60 "$tapmeter" read "$file" -o json -q --set "signatures.rule_files=[$rules]" \
        --set "signatures.cache_folder=\"$work/compiled\"" "$@" 2>"$work/read.log" |
        python3 "$top/tests/system/score_convert.py" --alerts >"$work/out/$name.alerts.jsonl"
    local status=${PIPESTATUS[0]}
    if [[ $status -gt 2 ]]; then
        echo "$name:$status"
        tail -n 3 "$work/read.log" >&2
    fi
}

both=
for rules in "$captures"/rules/*.rules; do
    both+="${both:+,}\"$rules\""
done
bad=
for file in "$captures"/pcap/* "$captures"/derived/*; do
    name=${file##*/}
    bad+=" $(alerts_of "$both" "$file" "${name%.*}")"
done
while IFS=$'\t' read -r name capture rules options; do
    more=()
    [[ $options != *midstream=true* ]] || more=(--set signatures.midstream=true)
    bad+=" $(alerts_of "\"$captures/$rules\"" "$captures/$capture" "${name//\//__}" "${more[@]}")"
done < <(cut -f 1,3,4,9 "$captures/sv_tests.tsv" | tail -n +2)
bad=$(tr -s ' ' <<<"$bad")
expect alerts_never_crash "these end badly:$bad" test -z "${bad// /}"

python3 "$captures/../score.py" --oracle "$captures/oracle" --out "$work/out" --alerts \
    --sv "$captures/sv_tests.tsv" >"$work/score.txt" 2>&1
grep -E '^alerts|^suricata-verify' "$work/score.txt" | sed 's/^/    /'

# case, minimum, pattern whose number it is
at_least() {
    local name=$1 minimum=$2 found
    found=$(sed -nE "s/.*$3.*/\\1/p" "$work/score.txt")
    expect "$name" "${found:-no} percent where $minimum are asked for" \
        awk -v found="${found:-0}" -v minimum="$minimum" 'BEGIN { exit !(found >= minimum) }'
}
at_least alerts_found "$recall_min" 'sid_and_flow_recall_pct ([0-9.]+)'
at_least alerts_true "$precision_min" 'sid_and_flow_precision_pct ([0-9.]+)'
at_least alerts_of_core "$core_min" '\[core\].*same sids fire ([0-9.]+)%'
at_least alerts_of_headers "$header_min" '\[header\].*same sids fire ([0-9.]+)%'
at_least alerts_of_sticky_buffers "$sticky_min" '\[sticky\].*same sids fire ([0-9.]+)%'
finish
