#!/usr/bin/env python3
"""Compares our TCP quality with tshark's tcp.analysis, connection by connection.

usage: tcp_quality_oracle.py TCP_QUALITY_LINES [-v]      TAPMETER_PCAPS: default ../shared/pcaps/dev
exit:  0 at least 99 % of the connections equal in every column asked for, 1 fewer, 77 no captures
"""

import collections
import csv
import ipaddress
import os
import pathlib
import subprocess
import sys

EQUAL_MIN = 99.0
COLUMNS = ["retrans", "fast_retrans", "spurious_retrans", "out_of_order", "lost_segment",
           "ack_lost_segment", "dup_ack", "zero_window", "window_full", "keep_alive"]
ASKED = ["retrans", "out_of_order", "zero_window", "initial_rtt"]
TOP = pathlib.Path(__file__).resolve().parents[3]
CAPTURES = pathlib.Path(os.environ.get("TAPMETER_PCAPS", TOP / "../shared/pcaps/dev"))
# Rows in which tshark's counting of packets is of another kind.
LEFT_OUT = {"fragment", "truncated", "l4_unreadable", "bad_len", "l3len_zero", "multi_vlan"}


def ends_of(row):
    one = ipaddress.ip_address(row["src"]).packed.hex(), int(row["sport"])
    two = ipaddress.ip_address(row["dst"]).packed.hex(), int(row["dport"])
    return tuple(sorted((one, two)))


def oracle():
    """By capture and ends: the counts of tshark."""
    flows = collections.defaultdict(dict)
    with open(CAPTURES / "oracle/flows_tshark.tsv", newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            words = set(row["ambiguity"].split(";"))
            if row["proto"] != "6" or row["level"] == "outer" or words & LEFT_OUT:
                continue
            counts = {name: int(row[name] or 0) for name in COLUMNS}
            counts["initial_rtt"] = round(float(row["initial_rtt"] or 0) * 1e9)
            counts["streams"] = int(row["tcp_streams"] or 0)
            flows[row["pcap"]][ends_of(row)] = counts
    return flows


def ours(program, capture):
    run = subprocess.run([program, capture], capture_output=True, text=True, check=False)
    for line in run.stdout.splitlines():
        low, low_port, high, high_port, *values = line.split()
        counts = dict(zip(COLUMNS + ["initial_rtt"], map(int, values)))
        yield tuple(sorted(((low, int(low_port)), (high, int(high_port))))), counts


def is_equal(name, one, other):
    if name == "initial_rtt":
        return abs(one - other) <= 1000
    return one == other


def main():
    program, verbose = sys.argv[1], "-v" in sys.argv
    if not (CAPTURES / "oracle").is_dir():
        print(f"skipped: no captures at {CAPTURES} (TAPMETER_PCAPS)")
        return 77
    equal = collections.Counter()
    total = 0
    for name, wanted in sorted(oracle().items()):
        file = next((CAPTURES / folder / name for folder in ("pcap", "derived")
                     if (CAPTURES / folder / name).exists()), None)
        if file is None:
            continue
        found = dict(ours(program, str(file)))
        for ends, counts in wanted.items():
            got = found.get(ends)
            if got is None:
                continue  # a link layer that is not read: the flows' test counts it
            total += 1
            same = {column: is_equal(column, counts[column], got[column])
                    for column in COLUMNS + ["initial_rtt"]}
            equal.update(column for column, value in same.items() if value)
            equal["all asked"] += all(same[column] for column in ASKED)
            if verbose and not all(same.values()):
                print(name, ends, counts["streams"],
                      {column: (counts[column], got[column])
                       for column, value in same.items() if not value})
    for column in COLUMNS + ["initial_rtt", "all asked"]:
        print(f"{column:18} {100 * equal[column] / max(total, 1):7.2f} % of {total} connections")
    return 0 if total and 100 * equal["all asked"] / total >= EQUAL_MIN else 1


if __name__ == "__main__":
    sys.exit(main())
