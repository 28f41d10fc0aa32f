#!/bin/bash
# Real captures, some of them hostile: `read` never crashes, its books balance for every file, and
# its flows are those that independent tools see (score.py: at least 99.3 % of the flows on which
# those tools agree have exactly the packets and octets), and carry the applications that nDPI's own
# reader names (98 % of them), also with 4 workers, which share none of what nDPI remembers.
# usage: tests/system/pcaps_test.sh    (no root; TAPMETER_PCAPS=FOLDER, default ../shared/pcaps/dev)
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

flows_exact_min=99.3
applications_exact_min=98
seconds_max=60  # per file; a hang is a failure
cases=(pcaps_never_crash pcaps_books_balance pcaps_flows_exact pcaps_applications
    pcaps_applications_of_4_workers)
begin "${cases[@]}"
if [[ ! -d $captures/pcap || ! -f $captures/../score.py ]]; then
    for name in "${cases[@]}"; do
        skip "$name" "no captures at $captures (TAPMETER_PCAPS)"
    done
    finish
fi
mkdir "$work/out" "$work/out4"

# A status above 128 is a signal, 124 the time limit. 0: read; 1 and 2: refused with a message,
# fine for a file that is no capture at all; 3: the books.
crashes='' unbalanced='' refused='' files=0
for file in "$captures"/pcap/* "$captures"/derived/*; do
    name=${file##*/}
    files=$((files + 1))
    timeout "$seconds_max" "$tapmeter" read "$file" -o json >"$work/flows.jsonl" \
        2>"$work/read.log"
    status=$?
    case $status in
        0) ;;
        1 | 2) refused+=" $name" ;;
        3) unbalanced+=" $name" ;;
        *)
            crashes+=" $name:$status"
            tail -n 5 "$work/read.log"
            ;;
    esac
    timeout "$seconds_max" "$tapmeter" read "$file" >"$work/summary.txt" 2>&1
    if [[ $status -eq 0 ]] && ! grep -q 'the books balance' "$work/summary.txt"; then
        unbalanced+=" $name"
        tail -n 30 "$work/summary.txt"
    fi
    python3 "$top/tests/system/score_convert.py" <"$work/flows.jsonl" \
        >"$work/out/${name%.*}.jsonl" 2>>"$work/convert.log" || crashes+=" $name:json"
    timeout "$seconds_max" "$tapmeter" read "$file" -o json -q --workers 4 2>/dev/null |
        python3 "$top/tests/system/score_convert.py" >"$work/out4/${name%.*}.jsonl"
done
[[ -z $refused ]] || echo "refused:$refused"

expect pcaps_never_crash "of $files files these end badly:$crashes" test -z "$crashes"
expect pcaps_books_balance "of $files files these do not balance:$unbalanced" test -z "$unbalanced"
expect pcaps_flows_exact "fewer than $flows_exact_min % of the clean flows are exact" \
    python3 "$captures/../score.py" --oracle "$captures/oracle" --out "$work/out" \
    --min-flow "$flows_exact_min"
expect pcaps_applications "fewer than $applications_exact_min % of the labels are nDPI's" \
    python3 "$captures/../score.py" --oracle "$captures/oracle" --out "$work/out" \
    --min-app "$applications_exact_min"
expect pcaps_applications_of_4_workers \
    "with 4 workers fewer than $applications_exact_min % of the labels are nDPI's" \
    python3 "$captures/../score.py" --oracle "$captures/oracle" --out "$work/out4" \
    --min-app "$applications_exact_min"
finish
