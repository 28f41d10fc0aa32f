#!/usr/bin/env python3
"""Asks whether every packet that was sent has its name in the books.

usage: books.py FILE --sent N [--stored N] [--ignored N] [--lossless | --lossy]
       FILE      what `tapmeter ctl books -o json` printed when nothing moved any more
       --stored  packets that the collector stored after the end
       --ignored   packets that the prefilter had to leave out; default 0
       --lossless  nothing may be lost under any name;  --lossy  something must be
checks  the program says itself that the books balance, and by our own sums
            sent     = received + shunted + dropped{reason} + ignored{reason}
            received + shunted = metered + ignored{reason} + non_ip{kind} + undecoded{reason}
            metered  = stored + refused + what outputs dropped
exit:   0 every law holds, 1 a law is broken (it is printed with its numbers), 2 usage
"""

import argparse
import json
import sys


def sums_of(books):
    interfaces, total = books["interfaces"], books["total"]

    def over_interfaces(name):
        return sum(sum(interface[name].values()) for interface in interfaces)
    return {
        "offered": sum(interface["offered"] for interface in interfaces),
        "waiting": sum(interface["waiting"] for interface in interfaces) + books["shunt_waiting"],
        "shunted": sum(interface["shunted"] for interface in interfaces),
        "received": sum(interface["received"] for interface in interfaces),
        "dropped": over_interfaces("dropped"),
        "ignored": over_interfaces("ignored"),
        "metered": total["metered"]["packets"],
        "left_out": sum(reason["packets"] for reason in total["ignored"].values()),
        "non_ip": sum(total["non_ip"].values()),
        "undecoded": sum(total["undecoded"].values()),
        "refused": total["refused"]["packets"],
        "not_sent": sum(reason["packets"] for output in books["outputs"]
                        for reason in output["dropped"].values()),
    }


def broken_laws(books, sums, options):
    def law(words, left, right):
        if left != right:
            yield f"{words}: {left:,} is not {right:,}"
    if not books["balanced"]:
        yield f"the program says that its books do not balance: {books.get('laws')}"
    yield from law("sent = offered", options.sent, sums["offered"])
    yield from law("waiting = 0", sums["waiting"], 0)
    yield from law("sent = received + shunted + dropped + ignored", options.sent,
                   sums["received"] + sums["shunted"] + sums["dropped"] + sums["ignored"])
    yield from law("received + shunted = metered + left out + non_ip + undecoded",
                   sums["received"] + sums["shunted"],
                   sums["metered"] + sums["left_out"] + sums["non_ip"] + sums["undecoded"])
    yield from law("ignored", options.ignored, sums["ignored"])
    if options.stored is not None:
        yield from law("metered = stored + refused + not sent", sums["metered"],
                       options.stored + sums["refused"] + sums["not_sent"])
    lost = sums["dropped"] + sums["refused"] + sums["not_sent"]
    if options.lossless and lost:
        yield f"{lost:,} packets were lost where none should be"
    if options.lossy and not lost:
        yield "nothing was lost though the program was held up: this test tested nothing"


def main():
    parser = argparse.ArgumentParser(usage=__doc__, add_help=False)
    parser.add_argument("file")
    parser.add_argument("--sent", type=int, required=True)
    parser.add_argument("--stored", type=int)
    parser.add_argument("--ignored", type=int, default=0)
    parser.add_argument("--lossless", action="store_true")
    parser.add_argument("--lossy", action="store_true")
    options = parser.parse_args()
    with open(options.file, encoding="utf-8") as stream:
        books = json.load(stream)
    sums = sums_of(books)
    broken = list(broken_laws(books, sums, options))
    print(f"sent {options.sent:,}, stored {options.stored}, "
          + ", ".join(f"{name} {count:,}" for name, count in sums.items()))
    print("\n".join(broken))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
