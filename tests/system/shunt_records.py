#!/usr/bin/env python3
"""Compares the records of two programs that saw the same frames, one of them with the shunt.

usage: shunt_records.py PLAIN SHUNTED [--cuts]
       PLAIN, SHUNTED  flat JSON lines of tapmeter
       --cuts          the active timeout of 1 s cut the records: those of a flow are added up, and
                       each must be no longer than the timeout. As the two take the time at
                       different places, a packet next to a cut may stand in the other record: then
                       a flow has one record more or less
equal   packets, octets of both layers, TCP control bits, least TTL and class of service of each
        endpoint, why flows ended and how many records they have; start and end within 250 ms: the
        plain program takes the time when its worker comes round, the shunt when the frame arrives
exit:   0 equal, 1 different (the first differences are printed), 2 usage
"""

import argparse
import collections
import datetime
import json
import sys

APART_MAX = 0.25
CUT_SECONDS = 1.0
SHOWN = 10


def seconds(text):
    whole, _, rest = text.rstrip("Z").partition(".")
    moment = datetime.datetime.fromisoformat(whole).replace(tzinfo=datetime.timezone.utc)
    return moment.timestamp() + float("0." + (rest or "0"))


def ends_of(record):
    """The key, and what each endpoint said, the lesser endpoint first."""
    version = "IPv4" if "sourceIPv4Address" in record else "IPv6"
    source = (record[f"source{version}Address"], record.get("sourceTransportPort", 0))
    destination = (record[f"destination{version}Address"],
                   record.get("destinationTransportPort", 0))
    forward, reverse = (
        {"packets": record[names[0]], "octets": record[names[1]], "layer2": record[names[2]],
         "bits": record.get(names[3], 0), "ttl": record[names[4]], "class": record[names[5]]}
        for names in (
            ("packetDeltaCount", "octetDeltaCount", "layer2OctetDeltaCount", "tcpControlBits",
             "minimumTTL", "ipClassOfService"),
            ("reversePacketDeltaCount", "reverseOctetDeltaCount", "reverseLayer2OctetDeltaCount",
             "reverseTcpControlBits", "reverseMinimumTTL", "reverseIpClassOfService")))
    key = (record["protocolIdentifier"], record.get("icmpTypeCodeIPv4"),
           record.get("icmpTypeCodeIPv6"))
    if source <= destination:
        return key + (source, destination), [forward, reverse]
    return key + (destination, source), [reverse, forward]


def add(total, side):
    if side["packets"] == 0:
        return
    total["ttl"] = min(total["ttl"], side["ttl"]) if total["packets"] else side["ttl"]
    total["class"] = total["class"] if total["packets"] else side["class"]
    total["bits"] |= side["bits"]
    for count in ("packets", "octets", "layer2"):
        total[count] += side[count]


def read(path):
    """Of each flow: the sums of its endpoints, and its records' times and reasons in order."""
    flows = collections.defaultdict(
        lambda: {"ends": [dict.fromkeys(("packets", "octets", "layer2", "bits", "ttl", "class"), 0)
                          for _ in range(2)], "records": []})
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            key, sides = ends_of(record)
            for total, side in zip(flows[key]["ends"], sides):
                add(total, side)
            flows[key]["records"].append((seconds(record["flowStartNanoseconds"]),
                                          seconds(record["flowEndNanoseconds"]),
                                          record["flowEndReason"],
                                          sum(side["packets"] for side in sides)))
    for flow in flows.values():
        flow["records"].sort()
    return flows


def differences(plain, shunted, cuts):
    for key in sorted(set(plain) | set(shunted), key=str):
        if key not in plain or key not in shunted:
            yield f"{key}: only {'plain' if key in plain else 'with the shunt'}"
            continue
        one, other = plain[key], shunted[key]
        if one["ends"] != other["ends"]:
            yield f"{key}: {one['ends']} is not {other['ends']}"
        if abs(len(one["records"]) - len(other["records"])) > (1 if cuts else 0):
            yield f"{key}: {len(one['records'])} records, not {len(other['records'])}"
            continue
        for before, after in zip(one["records"], other["records"]):
            if not cuts and before[2] != after[2]:
                yield f"{key}: ended for reason {before[2]}, not {after[2]}"
            if not cuts and max(abs(before[0] - after[0]), abs(before[1] - after[1])) > APART_MAX:
                yield f"{key}: {before[:2]} is far from {after[:2]}"
            if after[1] - after[0] > CUT_SECONDS and cuts:
                yield f"{key}: a record of {after[1] - after[0]:.6f} s"


def summary(plain, shunted):
    pairs = [(before, after) for key in plain if key in shunted
             for before, after in zip(plain[key]["records"], shunted[key]["records"])]
    starts = [abs(before[0] - after[0]) for before, after in pairs] or [0]
    ends = [abs(before[1] - after[1]) for before, after in pairs] or [0]
    moved = [abs(before[3] - after[3]) for before, after in pairs] or [0]
    return (f"{len(plain)} flows, {len(pairs)} records; starts apart by {max(starts) * 1e3:.3f} ms "
            f"at most, ends by {max(ends) * 1e3:.3f} ms, packets of one record by {max(moved)}")


def main():
    parser = argparse.ArgumentParser(usage=__doc__, add_help=False)
    parser.add_argument("plain")
    parser.add_argument("shunted")
    parser.add_argument("--cuts", action="store_true")
    options = parser.parse_args()
    plain, shunted = read(options.plain), read(options.shunted)
    different = list(differences(plain, shunted, options.cuts))
    print(summary(plain, shunted))
    print("\n".join(different[:SHOWN]))
    return 1 if different or not plain else 0


if __name__ == "__main__":
    sys.exit(main())
