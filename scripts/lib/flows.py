#!/usr/bin/env python3
"""Flows as several programs tell them, brought to one form and compared.

usage: flows.py compare LEFT RIGHT [--allow-less] [--ignore-other] [--one-record]
       flows.py totals SOURCE
       LEFT, RIGHT, SOURCE: nfdump:FOLDER   what nfcapd stored there (read with nfdump)
                            eve:FILE        JSON lines of tapmeter
                            truth:FILE      JSON lines {proto, src, sport, dst, dport, packets,
                                            octets}, one direction a line, as our generators write
       --allow-less     RIGHT may hold less than LEFT in every flow, never more (losses)
       --ignore-other   only the flows of LEFT are asked of RIGHT
       --one-record     RIGHT must tell each of them in one record, both directions together
exit:  0 equal, 1 different (the first differences are printed), 2 usage

A flow is a protocol with two ends; both directions are kept apart, records of one flow are added
up, octets are those of the IP packets (layer 3). ICMP has no ports here.
"""

import argparse
import collections
import ipaddress
import json
import subprocess
import sys

PROTOCOLS = {"ICMP": 1, "IGMP": 2, "TCP": 6, "UDP": 17, "GRE": 47, "ESP": 50, "AH": 51,
             "IPV6-ICMP": 58, "ICMPV6": 58, "ICMP6": 58, "OSPF": 89, "OSPFIGP": 89, "SCTP": 132}
WITH_PORTS = {6, 17, 33, 132, 136}
DIFFERENCES_SHOWN = 10


class Flows:
    """key -> [packets, octets] from the lower end, then [packets, octets] from the upper."""

    def __init__(self):
        self.of = {}
        self.records_of = collections.Counter()

    def add(self, proto, source, destination, forward, reverse=(0, 0)):
        protocol = protocol_number(proto)
        ends = [(address_of(source[0]), int(source[1] or 0) if protocol in WITH_PORTS else 0),
                (address_of(destination[0]),
                 int(destination[1] or 0) if protocol in WITH_PORTS else 0)]
        if ends[0] > ends[1]:
            ends.reverse()
            forward, reverse = reverse, forward
        key = (protocol, *ends)
        sums = self.of.setdefault(key, [0, 0, 0, 0])
        for place, amount in enumerate((*forward, *reverse)):
            sums[place] += int(amount)
        self.records_of[key] += 1

    def totals(self):
        packets = sum(sums[0] + sums[2] for sums in self.of.values())
        octets = sum(sums[1] + sums[3] for sums in self.of.values())
        return {"flows": len(self.of), "records": self.records_of.total(), "packets": packets,
                "octets": octets}

    def words(self):
        sums = self.totals()
        return f"{sums['flows']:,} flows, {sums['packets']:,} packets, {sums['octets']:,} octets"


def protocol_number(proto):
    text = str(proto).strip()
    return int(text) if text.isdigit() else PROTOCOLS[text.upper()]


def address_of(text):
    return ipaddress.ip_address(str(text).split("%", maxsplit=1)[0]).packed


def json_objects(text):
    """The objects of a text, whatever stands between them: nfdump's versions differ there."""
    decoder, place = json.JSONDecoder(), text.find("{")
    while place >= 0:
        found, end = decoder.raw_decode(text, place)
        yield found
        place = text.find("{", end)


def first_of(record, *names):
    return next((record[name] for name in names if record.get(name) is not None), 0)


def from_nfdump(folder):
    result = subprocess.run(["nfdump", "-q", "-R", folder, "-o", "json"], capture_output=True,
                            text=True, check=False)
    if result.returncode != 0:
        raise OSError(f"nfdump cannot read {folder}: {result.stderr.strip()}")
    flows = Flows()
    for record in json_objects(result.stdout):
        if record.get("type", "FLOW") not in ("FLOW", "EVENT"):
            continue
        flows.add(first_of(record, "proto"),
                  (first_of(record, "src4_addr", "src6_addr", "src_addr"),
                   first_of(record, "src_port")),
                  (first_of(record, "dst4_addr", "dst6_addr", "dst_addr"),
                   first_of(record, "dst_port")),
                  (first_of(record, "in_packets"), first_of(record, "in_bytes")),
                  (first_of(record, "out_packets"), first_of(record, "out_bytes")))
    return flows


def from_eve(path):
    flows = Flows()
    with open(path, encoding="utf-8") as stream:
        for line in filter(str.strip, stream):
            record = json.loads(line)
            if record.get("event_type") != "flow":
                continue
            counts = record["flow"]
            flows.add(record["proto"], (record["src_ip"], record.get("src_port")),
                      (record["dest_ip"], record.get("dest_port")),
                      (counts["pkts_toserver"], counts["bytes_toserver"]),
                      (counts["pkts_toclient"], counts["bytes_toclient"]))
    return flows


def from_truth(path):
    flows = Flows()
    with open(path, encoding="utf-8") as stream:
        for line in filter(str.strip, stream):
            told = json.loads(line)
            flows.add(told["proto"], (told["src"], told["sport"]), (told["dst"], told["dport"]),
                      (told["packets"], told["octets"]))
    return flows


READERS = {"nfdump": from_nfdump, "eve": from_eve, "truth": from_truth}


def flows_of(source):
    kind, colon, place = source.partition(":")
    if not colon or kind not in READERS:
        raise ValueError(f"{source!r}: say {', '.join(kind + ':...' for kind in READERS)}")
    return READERS[kind](place)


def words_of(key):
    protocol, *ends = key
    left, right = (f"{ipaddress.ip_address(address)} {port}" for address, port in ends)
    return f"protocol {protocol}  {left} <-> {right}"


def differences(left, right, arguments):
    allow_less, ignore_other = arguments.allow_less, arguments.ignore_other
    one_record = arguments.one_record
    for key, wanted in left.of.items():
        got = right.of.get(key)
        if got is None:
            if not allow_less:
                yield f"{words_of(key)}: missing, should be {wanted}"
        elif got != wanted and not (allow_less and all(g <= w for g, w in zip(got, wanted))):
            yield f"{words_of(key)}: {got}, should be {wanted}"
        elif one_record and right.records_of[key] != 1:
            yield f"{words_of(key)}: told in {right.records_of[key]} records, should be one"
    if not ignore_other:
        for key in right.of.keys() - left.of.keys():
            yield f"{words_of(key)}: {right.of[key]}, nobody sent that"


def compare(arguments):
    left, right = flows_of(arguments.left), flows_of(arguments.right)
    found = list(differences(left, right, arguments))
    for difference in found[:DIFFERENCES_SHOWN]:
        print(difference)
    if len(found) > DIFFERENCES_SHOWN:
        print(f"... and {len(found) - DIFFERENCES_SHOWN} more")
    if not left.of:
        print("nothing to compare: the left side is empty")
    others = Flows()
    others.of = {key: right.of[key] for key in right.of.keys() - left.of.keys()}
    print(f"{left.words()} in {arguments.left}\n{right.words()} in {arguments.right}")
    if others.of and arguments.ignore_other:
        print(f"{others.words()} of these are others' and were not asked for")
    print(f"{len(found)} flows differ" if found else "equal: every flow, every packet, every octet")
    return 0 if not found and left.of else 1


def main():
    parser = argparse.ArgumentParser(usage=__doc__, add_help=False)
    verbs = parser.add_subparsers(dest="verb", required=True)
    comparing = verbs.add_parser("compare")
    comparing.add_argument("left")
    comparing.add_argument("right")
    comparing.add_argument("--allow-less", action="store_true")
    comparing.add_argument("--ignore-other", action="store_true")
    comparing.add_argument("--one-record", action="store_true")
    verbs.add_parser("totals").add_argument("source")
    arguments = parser.parse_args()
    if arguments.verb == "totals":
        print(json.dumps(flows_of(arguments.source).totals()))
        return 0
    return compare(arguments)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (OSError, ValueError, KeyError) as error:
        print(f"flows.py: {error!r}", file=sys.stderr)
        sys.exit(2)
