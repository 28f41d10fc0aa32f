#!/bin/bash
# Packets into files: what `read -w` writes equals its source for tshark, packet by packet (times,
# lengths, octets, link types); rotation has tcpdump's names; a program that is killed leaves a file
# that can be read; a full disk is counted and metering goes on; the books balance.
# usage: tests/system/write_test.sh    (the case of a full disk wants root for a small tmpfs)
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

cases=(write_equals_source write_several_workers write_names_as_tcpdump write_ring_of_files
    write_snap_length write_statistics write_killed_is_readable write_full_disk
    write_source_is_safe)
begin "${cases[@]}"
need_program tshark "${cases[@]}"
if [[ ! -d $captures/pcap ]]; then
    for name in "${cases[@]}"; do
        skip "$name" "no captures at $captures (TAPMETER_PCAPS)"
    done
    finish
fi
quick=(--top 0 --set dpi.enabled=false)

# Every packet of a file, whatever its link layer: time, lengths, octets.
as_lines() {
    tshark -r "$1" -T fields -e frame.time_epoch -e frame.len -e frame.cap_len 2>/dev/null
}
as_octets() {
    tshark -r "$1" -x 2>/dev/null | grep -v '^$'
}

# Left out: packets without a time (simple packet blocks), or with one that is none, which we write
# as 1970 or as it reads; blocks that are no packets, but frames for tshark; keys for decryption.
wrong='' files=0
for file in "$captures"/pcap/*; do
    case ${file##*/} in
        pcapngtest__* | pcpp__pcapng-example* | *timestamp_invalid* | ndpi__doq*) continue ;;
    esac
    [[ $(stat -c %s "$file") -lt 150000 ]] || continue
    # Files that tshark refuses, or reads only in part, say nothing about ours.
    tshark -r "$file" >/dev/null 2>&1 || continue
    "$tapmeter" read "$file" -w "$work/out.pcapng" "${quick[@]}" >"$work/out.txt" 2>&1
    grep -q 'the books balance' "$work/out.txt" || wrong+=" [${file##*/}: books]"
    grep -q 'unknown_link_type' "$work/out.txt" && continue
    files=$((files + 1))
    cmp -s <(as_lines "$file") <(as_lines "$work/out.pcapng") || wrong+=" [${file##*/}: lines]"
    cmp -s <(as_octets "$file") <(as_octets "$work/out.pcapng") || wrong+=" [${file##*/}: octets]"
done
echo "$files files compared"
expect write_equals_source "of $files files these differ:$wrong" \
    test -z "$wrong" -a "$files" -gt 100

big=$captures/pcap/pcpp__example.pcap
"$tapmeter" read "$big" -w "$work/four.pcapng" --workers 4 "${quick[@]}" >"$work/out.txt" 2>&1
# Packets of one time have no order; all others have that of their times.
several_workers() {
    cmp <(as_lines "$big" | sort) <(as_lines "$work/four.pcapng" | sort) &&
        cmp <(as_lines "$big" | cut -f 1) <(as_lines "$work/four.pcapng" | cut -f 1)
}
expect write_several_workers "packets differ, or are out of order" several_workers

# The same numbers for the same number of files: tcpdump cuts its own format, so sizes differ.
wrong=''
for options in '-C 1' '-C 1 -W 2' '-C 1 -W 10' '-C 1 -W 11'; do
    rm -rf "$work/theirs" "$work/ours" && mkdir "$work/theirs" "$work/ours"
    # shellcheck disable=SC2086  # several words
    tcpdump -Z root -r "$big" -w "$work/theirs/x" $options 2>/dev/null
    # shellcheck disable=SC2086
    "$tapmeter" read "$big" -w "$work/ours/x" $options "${quick[@]}" >/dev/null 2>&1
    [[ $(ls "$work/theirs") == "$(ls "$work/ours")" ]] ||
        wrong+=" [$options: $(ls -m "$work/ours"), tcpdump $(ls -m "$work/theirs")]"
done
expect write_names_as_tcpdump "names differ:$wrong" test -z "$wrong"

# All numbered files together are the source, in order.
rm -rf "$work/ours" && mkdir "$work/ours"
"$tapmeter" read "$big" -w "$work/ours/x" -C 1 "${quick[@]}" >/dev/null 2>&1
expect write_ring_of_files "the files together are not the source" cmp <(as_lines "$big") \
    <(for file in "$work/ours/x" "$work/ours"/x?; do as_lines "$file"; done)

"$tapmeter" read "$big" -w "$work/snap.pcapng" -s 60 "${quick[@]}" >/dev/null 2>&1
expect write_snap_length "lengths are not those of tcpdump -s 60" \
    cmp <(as_lines "$big" | awk -v OFS='\t' '{ if ($3 > 60) $3 = 60; print }') \
    <(as_lines "$work/snap.pcapng" | awk -v OFS='\t' '{ print $1, $2, $3 }')

"$tapmeter" read "$big" udp -w "$work/udp.pcapng" "${quick[@]}" >/dev/null 2>&1
capinfos "$work/udp.pcapng" >"$work/info" 2>&1
expect write_statistics "no filter, resolution or statistics in: $(cat "$work/info")" \
    eval "grep -q 'Time precision = nanoseconds' $work/info && grep -q 'Name = pcpp__example' \
        $work/info && grep -q 'Number of stat entries = 1' $work/info"

# Killed while it writes, again and again: what is there is read to the end, up to a whole block.
wrong='' seen=0
for delay in 0.05 0.1 0.15 0.2 0.25 0.3; do
    mkfifo "$work/pipe"
    "$tapmeter" read - -w "$work/killed.pcapng" "${quick[@]}" <"$work/pipe" >/dev/null 2>&1 &
    reader=$!
    { tcpdump -r "$big" -w - 2>/dev/null; sleep 5; } >"$work/pipe" &
    feeder=$!
    sleep "$delay"
    kill -9 "$reader" "$feeder" 2>/dev/null
    wait "$reader" "$feeder" 2>/dev/null
    rm -f "$work/pipe"
    count=$(tshark -r "$work/killed.pcapng" 2>"$work/tshark.err" | wc -l)
    seen=$((seen + count))
    if [[ -s $work/killed.pcapng && -s $work/tshark.err ]]; then
        grep -qv 'Running as user' "$work/tshark.err" &&
            wrong+=" [$delay: $(cat "$work/tshark.err")]"
    fi
    cmp -s <(as_lines "$big" | head -n "$count") <(as_lines "$work/killed.pcapng") ||
        wrong+=" [$delay: $count packets, not the first ones]"
done
expect write_killed_is_readable "after $seen packets:$wrong" test -z "$wrong" -a "$seen" -gt 0

if [[ $(id -u) -eq 0 ]] && mkdir -p "$work/small" &&
    unshare -m sh -c "mount -t tmpfs -o size=1m tmpfs $work/small" 2>/dev/null; then
    unshare -m sh -c "mount -t tmpfs -o size=1m tmpfs $work/small
        $tapmeter read $big -w $work/small/x.pcapng --top 0 --set dpi.enabled=false \
            >$work/full.txt 2>$work/full.err
        echo \$? >$work/full.status
        tshark -r $work/small/x.pcapng 2>/dev/null | wc -l >$work/full.count"
    expect write_full_disk "$(cat "$work/full.txt" "$work/full.err")" \
        eval "grep -q 'not written *disk_full' $work/full.txt \
            && [[ \$(cat $work/full.status) -eq 0 ]] \
            && grep -q 'the books balance' $work/full.txt \
            && grep -q 'metering goes on' $work/full.err && [[ \$(cat $work/full.count) -gt 100 ]]"
else
    skip write_full_disk "a small file system needs root and a mount namespace"
fi

cp "$captures/pcap/zeek__smtp.pcap" "$work/source.pcap"
"$tapmeter" read "$work/source.pcap" -w "$work/source.pcap" >/dev/null 2>"$work/err"
status=$?
expect write_source_is_safe "status $status, or the source has changed" \
    eval "[[ $status -eq 2 ]] && cmp $work/source.pcap $captures/pcap/zeek__smtp.pcap"
finish
