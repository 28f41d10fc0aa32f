#!/usr/bin/env python3
"""Answers to the questions that people ask nfdump, from flow records as EVE lines.

usage: ipfix_questions.py top|port|packets FILE     of tapmeter read -o json
       ipfix_questions.py nfdump-top -              the same form from nfdump -s srcip/bytes -o csv
top      the ten sources of flows with the most octets, both directions, as nfdump adds them up:
         "ADDRESS OCTETS", ties by address
port     how many records have destination port 443
packets  how many records have fewer than three packets from their source
"""

import collections
import csv
import json
import sys


def top(sums):
    most = sorted(sums.items(), key=lambda item: (-item[1], item[0]))[:10]
    for address, octets in most:
        print(address, octets)


def main():
    question, name = sys.argv[1:3]
    lines = sys.stdin if name == "-" else open(name, encoding="utf-8")
    if question == "nfdump-top":
        rows = csv.DictReader(line for line in lines if "," in line)
        top({row["val"]: int(row["byt"]) for row in rows if (row.get("byt") or "").isdigit()})
        return
    records = [json.loads(line) for line in lines]
    if question == "top":
        sums = collections.Counter()
        for record in records:
            flow = record["flow"]
            sums[record["src_ip"]] += flow["bytes_toserver"] + flow["bytes_toclient"]
        top(sums)
    elif question == "port":
        print(sum(record.get("dest_port") == 443 for record in records))
    elif question == "packets":
        print(sum(record["flow"]["pkts_toserver"] < 3 for record in records))


if __name__ == "__main__":
    main()
