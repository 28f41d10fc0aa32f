#!/usr/bin/env python3
"""Compares what flow records say of the tunnels around them with tshark: the outer addresses of a
record with a tunnel must be those of a frame that tshark reads between the same inner addresses;
and the ids that tshark reads must be in a record. tshark takes whatever comes from port 2152 for
GTP-U, we do not: hence fewer of these.

usage: tunnel_reports.py TAPMETER CAPTURES [-v]
exit:  0 at least 99 % of the records and 95 % of the ids, 1 fewer, 77 no tshark
"""

import collections
import ipaddress
import json
import pathlib
import shutil
import subprocess
import sys

EQUAL_MIN = 99.0
IDS_MIN = 95.0
IDS = ["vxlan.vni", "geneve.vni", "gtp.teid", "gre.key"]
ADDRESSES = ["ip.src", "ip.dst", "ipv6.src", "ipv6.dst"]


def number(text):
    return int(text, 0)


def packed(address):
    return ipaddress.ip_address(address).packed.hex()


def frames_of(capture):
    """(inner pair, outer pair) of every frame with two IP headers, and the ids in it."""
    fields = [option for name in [*ADDRESSES, *IDS] for option in ("-e", name)]
    quirks = ["-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE", "-n"]
    run = subprocess.run(["tshark", "-r", str(capture), *quirks, "-T", "fields", "-E",
                          "occurrence=a", "-E", "aggregator=,", *fields],
                         capture_output=True, text=True, check=False)
    for line in run.stdout.splitlines():
        cells = [cell.split(",") if cell else [] for cell in line.split("\t")]
        four = list(zip(cells[0], cells[1]))
        six = list(zip(cells[2], cells[3]))
        if len(four) + len(six) < 2:
            continue
        # tshark does not tell in which order two families stand.
        if four and six:
            pairs = [(one, other) for one in (four[0], six[0]) for other in (four[-1], six[-1])
                     if one != other]
        else:
            both = four or six
            pairs = [(both[0], both[-1])]
        yield pairs, {number(value) for cell in cells[len(ADDRESSES):] for value in cell}


def unordered(pair):
    return tuple(sorted(packed(address) for address in pair))


def compare(program, capture, verbose):
    around, wanted_ids = collections.defaultdict(set), set()
    for pairs, ids in frames_of(capture):
        wanted_ids |= ids - {0}
        for outer, inner in pairs:
            around[unordered(inner)].add(unordered(outer))
    run = subprocess.run([program, "read", "-q", "-o", "json", str(capture)],
                         capture_output=True, check=False)
    records = equal = 0
    found_ids = set()
    for line in run.stdout.splitlines():
        record = json.loads(line)
        tunnel = record["tapmeter"].get("tunnel", {})
        if "layers" not in tunnel:
            continue
        records += 1
        inner = unordered((record["src_ip"], record["dest_ip"]))
        outer = unordered((tunnel["src_ip"], tunnel["dest_ip"]))
        same = outer in around[inner]
        equal += same
        found_ids |= {layer["id"] for layer in tunnel["layers"]}
        found_ids.add(tunnel.get("reverse_id", 0))
        if verbose and not same:
            print(capture.name, record["src_ip"], record["dest_ip"], tunnel)
    missing = wanted_ids - found_ids
    if verbose and missing:
        print(capture.name, "not in any record:", missing)
    return records, equal, len(wanted_ids), len(wanted_ids - missing)


def main():
    if shutil.which("tshark") is None:
        print("skipped: no tshark")
        return 77
    program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    names = set()
    with open(folder / "oracle/flows_tshark.tsv", encoding="utf-8") as rows:
        head = rows.readline().rstrip("\n").split("\t")
        for row in rows:
            cells = dict(zip(head, row.rstrip("\n").split("\t")))
            if "tunnel" in cells["ambiguity"].split(";"):
                names.add(cells["pcap"])
    sums = [0, 0, 0, 0]
    for name in sorted(names):
        file = folder / "pcap" / name
        if file.exists():
            sums = [a + b for a, b in zip(sums, compare(program, file, "-v" in sys.argv))]
    records, equal, wanted, found = sums
    print(f"{equal} of {records} records with a tunnel have the outer addresses of tshark; "
          f"{found} of {wanted} ids are in a record")
    enough = records and 100 * equal / records >= EQUAL_MIN and \
        wanted and 100 * found / wanted >= IDS_MIN
    return 0 if enough else 1


if __name__ == "__main__":
    sys.exit(main())
