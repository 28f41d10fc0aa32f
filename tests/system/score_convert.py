#!/usr/bin/env python3
"""Turns tapmeter's JSON flow records, or its alerts, into the fields that score.py asks for.

usage: score_convert.py [--alerts] < RECORDS > NAME.jsonl
Reads EVE-compatible lines. Octets are those of IP packets, times are seconds since 1970.
"""

import datetime
import json
import sys


# Names of IP protocols as EVE spells them, where score.py knows only the number.
NUMBERS = {"HOPOPT": 0, "IGMP": 2, "IPv4": 4, "EGP": 8, "IGP": 9, "IPv6": 41, "IPv6-Route": 43,
           "IPv6-Frag": 44, "RSVP": 46, "GRE": 47, "ESP": 50, "AH": 51, "IPv6-NoNxt": 59,
           "IPv6-Opts": 60, "EIGRP": 88, "OSPFIGP": 89, "PIM": 103, "VRRP": 112, "L2TP": 115,
           "UDPLite": 136}


def seconds_of(record, nanoseconds, text):
    """Exact nanoseconds where the record has them, else the EVE time."""
    own = record.get("tapmeter", {}).get(nanoseconds)
    if own is not None:
        return f"{own // 1_000_000_000}.{own % 1_000_000_000:09d}"
    when = datetime.datetime.strptime(record["flow"][text], "%Y-%m-%dT%H:%M:%S.%f%z")
    return f"{when.timestamp():.6f}"


def converted(record):
    counts = record["flow"]
    return {
        "src_ip": record["src_ip"], "src_port": record.get("src_port", 0),
        "dst_ip": record["dest_ip"], "dst_port": record.get("dest_port", 0),
        "proto": NUMBERS.get(record["proto"], record["proto"]),
        "packets_fwd": counts["pkts_toserver"], "packets_rev": counts["pkts_toclient"],
        "bytes_fwd": counts["bytes_toserver"], "bytes_rev": counts["bytes_toclient"],
        "first": seconds_of(record, "start_ns", "start"),
        "last": seconds_of(record, "end_ns", "end"),
        "app": record.get("ndpi", {}).get("proto"),
    }


def converted_alert(event):
    return {
        "src_ip": event["src_ip"], "src_port": event.get("src_port", 0),
        "dst_ip": event["dest_ip"], "dst_port": event.get("dest_port", 0),
        "proto": NUMBERS.get(event["proto"], event["proto"]),
        "sid": event["alert"]["signature_id"],
    }


def main():
    wanted, convert = "flow", converted
    if sys.argv[1:] == ["--alerts"]:
        wanted, convert = "alert", converted_alert
    for line in filter(str.strip, sys.stdin):
        record = json.loads(line)
        if record.get("event_type") == wanted:
            print(json.dumps(convert(record)))


if __name__ == "__main__":
    sys.exit(main())
