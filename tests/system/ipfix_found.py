#!/usr/bin/env python3
"""Compares what inspection found, as libfixbuf's ipfixDump printed it, with our lines of JSON.

usage: ipfix_found.py applications|signatures DUMP JSON
applications  each flow record has the name of its application, its number has the same name in the
              application table, and the names are those of the JSON lines, as often
signatures    the lists of the records hold the sids of the JSON lines, as often
exit:         0 they do, 1 they do not (what differs is printed)
"""

import collections
import json
import re
import sys

APPLICATION_TABLE = 306
FLOWS = range(256, 264)
FIELD = re.compile(r"^\t\((\d+)(?:/\d+)?\) *(?:\(S\))? *(\S+) : (?:\(len: \d+\) )?(.*)$")
LIST = re.compile(r"^\t\t\tcount: \d+ .* ie: \(\d+/\d+\) (\S+)$")
LISTED = re.compile(r"^\t\t\t\d+ +: (\d+)$")


def records_of(name):
    """The records of a dump: (template, {element: text}, listed numbers)."""
    records = []
    for line in open(name, encoding="utf-8", errors="replace"):
        template = re.match(r"^\tcount: \d+ +tid: +(\d+)", line)
        if template:
            records.append((int(template[1]), {}, []))
        elif records and (field := FIELD.match(line.rstrip("\n"))):
            records[-1][1][field[2]] = field[3]
        elif of_list := LIST.match(line.rstrip("\n")):
            is_unknown = of_list[1].startswith("_alien")  # then its octets are printed as they came
        elif records and (listed := LISTED.match(line.rstrip("\n"))):
            octets_there = int(listed[1]).to_bytes(4, sys.byteorder if is_unknown else "big")
            records[-1][2].append(int.from_bytes(octets_there, "big"))
    return records


def octets(text):
    """ipfixDump prints octets of a fixed length as a number of this machine, others as 0x..."""
    return text if text.startswith("0x") else "0x" + int(text).to_bytes(7, sys.byteorder).hex()


def applications(records, lines):
    table = {octets(fields["applicationId"]): fields["applicationName"]
             for template, fields, _ in records if template == APPLICATION_TABLE}
    flows = [fields for template, fields, _ in records if template in FLOWS]
    for fields in flows:
        number = octets(fields["applicationId"])
        if table.get(number) != fields["applicationName"]:
            sys.exit(f"{number} is {fields['applicationName']} in a record, "
                     f"{table.get(number)} in the table")
    return (collections.Counter(fields["applicationName"] for fields in flows),
            collections.Counter(line["ndpi"]["proto"].split(".")[-1] for line in lines))


def signatures(records, lines):
    return (collections.Counter(sid for template, _, sids in records if template in FLOWS
                                for sid in sids),
            collections.Counter(sid for line in lines
                                for sid in line["tapmeter"]["signatures"]["sids"]))


def main():
    question, dump, ours = sys.argv[1:4]
    lines = [json.loads(line) for line in open(ours, encoding="utf-8")]
    lines = [line for line in lines if line["event_type"] == "flow"]
    ask = applications if question == "applications" else signatures
    theirs, wanted = ask(records_of(dump), lines)
    print(f"libfixbuf: {dict(theirs)}\nJSON:      {dict(wanted)}")
    sys.exit(theirs != wanted or not theirs)


if __name__ == "__main__":
    main()
