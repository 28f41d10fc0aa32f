#!/bin/bash
# 10,000 rules are read while traffic arrives: no packet is lost, the old rules are active until the
# new ones are and each packet is compared with one set or the other; a broken file leaves the old
# ones active and is named with its line.
# usage: tests/system/reload_test.sh    (root)
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

packets=120000
rate=12000
rules=10000
cases=(reload_takes_them_all reload_loses_nothing reload_old_until_the_swap
    reload_refuses_a_broken_file reload_names_the_line reload_goes_on_with_the_old)
begin "${cases[@]}"
need_afxdp "${cases[@]}"
need_program nfcapd "${cases[@]}"
make_span
"$traffic" write "$work/sent.pcap" "$work/truth.jsonl" --packets $packets --flows 4000 \
    --seconds $((packets / rate))

# Every packet is an alert of the set that it was compared with, as long as its flow is looked into.
# sid, how many rules that find nothing, file
write_rules() {
    printf 'alert ip any any -> any any (msg:"every packet"; ttl:>0; sid:%s;)\n' "$1" >"$3"
    seq "$2" | sed 's/.*/(msg:"&"; content:"needle & in the hay"; sid:10&;)/' |
        sed 's/^/alert tcp any any -> any any /' >>"$3"
}
write_rules 1 0 "$work/now.rules"
write_rules 2 $((rules - 1)) "$work/next.rules"
write_config xdp:tap0 4 '[dpi]' 'budget = 100' 'stream_octets = "64KiB"' 'states_max = 8192' \
    'streams_max = 64' '[signatures]' 'streams_max = 64' \
    "rule_files = [\"$work/now.rules\"]" "cache_folder = \"$work\"" \
    '[[export.json]]' "path = \"$work/eve.json\""
start_product_or_fail "${cases[@]}"
reload() { "$tapmeter" ctl reload --socket "$work/control.sock"; }

send "$work/sent.pcap" $rate >"$work/sender.log" &
sender_pid=$!
sleep 2
mv "$work/next.rules" "$work/now.rules"
reload >"$work/reload.log" 2>&1
has_ended "$sender_pid" && echo 'the sender was done before the reload' >>"$work/reload.log"
taken_in_time() {
    grep -q "signatures: $rules of $rules rules" "$work/reload.log" &&
        ! grep -q 'the sender was done' "$work/reload.log"
}
expect reload_takes_them_all "not $rules rules were taken while packets came" taken_in_time
sed 's/^/    /' "$work/reload.log"

# A line that cannot be read, at the end of the file.
echo 'alert tcp any any -> any (msg:"no port"; sid:99;)' >>"$work/now.rules"
sleep 0.5
if reload >"$work/broken.log" 2>&1; then
    failed reload_refuses_a_broken_file 'the reload says that it went well' "$work/broken.log"
else
    ok reload_refuses_a_broken_file
fi
expect reload_names_the_line "file and line are not named" \
    grep -q "$work/now.rules:$((rules + 1)):" "$work/broken.log"
wait "$sender_pid"
settle
books -o json >"$work/books.json"
stop_product

expect reload_loses_nothing 'packets were lost, or the books do not balance' \
    python3 "$books_of" "$work/books.json" --sent $packets --lossless \
    --stored "$("$flows" totals "nfdump:$work/stored" |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["packets"])')"
expect reload_old_until_the_swap 'packets were compared with no set, with two, or a wrong one' \
    python3 - "$work/eve.json" "$work/books.json" <<'END'
import collections, json, sys
alerts = collections.defaultdict(list)
for line in open(sys.argv[1], encoding="utf-8"):
    event = json.loads(line)
    if event["event_type"] == "alert":
        alerts[event["tapmeter"]["worker"]].append(event["alert"]["signature_id"])
count = sum(map(len, alerts.values()))
books = json.load(open(sys.argv[2], encoding="utf-8"))["total"]["inspection"]["signatures"]
print(count, "alerts of", books["packets"], "packets that were compared",
      {worker: collections.Counter(sids) for worker, sids in alerts.items()})
in_order = all(sids == sorted(sids) and set(sids) == {1, 2} for sids in alerts.values())
# One alert a packet; a few packets found no memory for what they are compared with.
sys.exit(not (in_order and books["packets"] * 0.98 <= count <= books["packets"]))
END
sed 's/^/    /' "$work/expect.log"
# The broken file came behind the swap: nothing but the second set has spoken since.
expect reload_goes_on_with_the_old 'the broken file has changed the rules' \
    test "$(tail -n 20000 "$work/eve.json" | grep -o '"signature_id":[0-9]*' | sort -u)" = \
    '"signature_id":2'
finish
