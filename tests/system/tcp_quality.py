#!/usr/bin/env python3
"""Compares TCP quality in the records of `tapmeter read` with tshark's tcp.analysis, conversation
by conversation.

usage: tcp_quality.py TAPMETER CAPTURES [-v] [KEY=VALUE ...]    settings beside analytics.tcp=true
exit:  0 at least 99 % of the conversations equal in every column asked for, else 1
"""

import collections
import csv
import ipaddress
import json
import pathlib
import subprocess
import sys

EQUAL_MIN = 99.0
ASKED = ["retrans", "out_of_order", "zero_window", "initial_rtt"]
# Column of the oracle and the member of a direction that it is the sum of.
OTHERS = {"fast_retrans": "fast_retransmissions", "spurious_retrans": "spurious_retransmissions",
          "lost_segment": "lost_segments", "ack_lost_segment": "acked_unseen",
          "dup_ack": "duplicate_acks", "zero_window": "zero_windows",
          "window_full": "windows_full", "keep_alive": "keep_alives"}
COLUMNS = ["retrans", "out_of_order", *OTHERS]
# Rows in which tshark's counting of packets is of another kind.
LEFT_OUT = {"fragment", "truncated", "l4_unreadable", "bad_len", "l3len_zero", "multi_vlan"}


def ends_of(source, source_port, destination, destination_port):
    one = ipaddress.ip_address(source).packed.hex(), int(source_port)
    two = ipaddress.ip_address(destination).packed.hex(), int(destination_port)
    return tuple(sorted((one, two)))


def oracle(folder):
    """By capture and ends: the counts of tshark."""
    flows = collections.defaultdict(dict)
    with open(folder / "oracle/flows_tshark.tsv", newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            words = set(row["ambiguity"].split(";"))
            if row["proto"] != "6" or row["level"] == "outer" or words & LEFT_OUT:
                continue
            counts = {name: int(row[name] or 0) for name in COLUMNS}
            counts["initial_rtt"] = round(float(row["initial_rtt"] or 0) * 1e6)
            ends = ends_of(row["src"], row["sport"], row["dst"], row["dport"])
            flows[row["pcap"]][ends] = counts
    return flows


def ours(program, capture, settings):
    """By ends: the sum of all records, the initial round trip of the first that has one."""
    options = [option for setting in settings for option in ("--set", setting)]
    run = subprocess.run([program, "read", "-q", "-o", "json", *options, str(capture)],
                         capture_output=True, check=False)
    found = {}
    for line in run.stdout.splitlines():
        record = json.loads(line)
        own = record["tapmeter"]
        if "tcp" not in own:
            continue
        ends = ends_of(record["src_ip"], record["src_port"], record["dest_ip"],
                       record["dest_port"])
        flow = found.setdefault(ends, collections.Counter())
        for way in ("toserver", "toclient"):
            flow["retrans"] += own["retrans_" + way]
            flow["out_of_order"] += own["out_of_order_" + way]
            for column, member in OTHERS.items():
                flow[column] += own["tcp"][way].get(member, 0)
        first = (own["start_ns"], own["tcp"].get("initial_rtt_us", 0))
        if first[1] != 0:
            flow["at"], flow["initial_rtt"] = min((flow["at"], flow["initial_rtt"]), first) \
                if flow["at"] else first
    return found


def is_equal(name, one, other):
    # Ours is in whole microseconds, and at least one.
    return abs(one - other) <= 1 if name == "initial_rtt" else one == other


def main():
    program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    verbose = "-v" in sys.argv
    settings = ["analytics.tcp=true", *(word for word in sys.argv[3:] if "=" in word)]
    equal, total, missing = collections.Counter(), 0, 0
    for name, wanted in sorted(oracle(folder).items()):
        file = next((folder / kind / name for kind in ("pcap", "derived")
                     if (folder / kind / name).exists()), None)
        if file is None:
            continue
        found = ours(program, file, settings)
        for ends, counts in wanted.items():
            got = found.get(ends)
            if got is None:
                missing += 1  # a link layer that is not read: the flows' test counts it
                continue
            total += 1
            same = {column: is_equal(column, counts[column], got[column])
                    for column in [*COLUMNS, "initial_rtt"]}
            equal.update(column for column, value in same.items() if value)
            equal["all asked"] += all(same[column] for column in ASKED)
            if verbose and not all(same.values()):
                print(name, ends, {column: (counts[column], got[column])
                                   for column, value in same.items() if not value})
    for column in [*COLUMNS, "initial_rtt", "all asked"]:
        print(f"{column:18} {100 * equal[column] / max(total, 1):7.2f} % of {total} conversations")
    print(f"{missing} conversations are in no record")
    return 0 if total and 100 * equal["all asked"] / total >= EQUAL_MIN else 1


if __name__ == "__main__":
    sys.exit(main())
