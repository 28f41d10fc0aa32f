"""What tshark found in sFlow's samples, against the capture that they were taken of.

usage: sflow_samples.py same CAPTURE < FIELDS          the samples are the packets, all of them
       sflow_samples.py sums CAPTURE RATE < FIELDS     what they stand for is the capture's sums
       sflow_samples.py within RATE PACKETS OCTETS SAMPLES CAPTURE     the same of given sums
       sflow_samples.py tag CAPTURE TAGGED             writes each packet with a VLAN tag
FIELDS  tshark -T fields -e sflow_245.header.frame_length -e sflow_245.header.payload_stripped
        -e sflow_245.header.sampled_header_length -e sflow_245.header: lists with commas, a
        datagram a line; tshark shows a header with the padding behind it
exit    1 where they differ, with what differs; sums may differ by twice what sFlow's rule gives
        for 19 times in 20, which happens by chance once in 10,000 times
"""
import collections
import math
import struct
import sys

HEADER_OCTETS_MAX = 128
FCS_OCTETS = 4
RECORD = struct.Struct("<IIII")


def packets_of(path):
    octets = open(path, "rb").read()
    at = 24
    while at < len(octets):
        _, _, captured, length = RECORD.unpack_from(octets, at)
        yield length, octets[at + RECORD.size:at + RECORD.size + captured]
        at += RECORD.size + captured


def samples_of(lines):
    for line in lines:
        for length, stripped, kept, header in zip(*(part.split(",") for part in line.split("\t"))):
            if length:
                octets = bytes.fromhex(header.strip().replace(":", ""))
                yield int(length) - int(stripped), octets[:int(kept)]


def same(path):
    sent = collections.Counter((length, octets[:HEADER_OCTETS_MAX])
                               for length, octets in packets_of(path))
    found = collections.Counter(samples_of(sys.stdin))
    print(f"{sum(sent.values())} packets, {sum(found.values())} samples, "
          f"{sum((sent - found).values())} of the packets without one")
    return sent == found and bool(sent)


def is_within(found, bound, wanted, what):
    print(f"{what}: {found:.0f} +- {bound:.0f}, are {wanted}")
    return abs(found - wanted) <= 2 * bound


def within(rate, sums, samples, path):
    lengths = [length for length, _ in packets_of(path)]
    squares = sum(length ** 2 for length in lengths) / rate  # of a sample, on average
    return (is_within(sums[0], 1.96 * math.sqrt(rate * (rate - 1) * samples), len(lengths),
                      "packets")
            and is_within(sums[1], 1.96 * math.sqrt(rate * (rate - 1) * squares), sum(lengths),
                          "octets"))


def sums(path, rate):
    samples = list(samples_of(sys.stdin))
    print(f"{len(samples)} samples of 1 in {rate}")
    return within(rate, [rate * len(samples), rate * sum(length for length, _ in samples)],
                  len(samples), path)


def tag(path, tagged):
    with open(path, "rb") as source, open(tagged, "wb") as out:
        out.write(source.read(24))
        for number, (_, octets) in enumerate(packets_of(path)):
            control = (number % 8) << 13 | (number % 4094 + 1)
            octets = octets[:12] + struct.pack(">HH", 0x8100, control) + octets[12:]
            out.write(RECORD.pack(1_700_000_000 + number, 0, len(octets), len(octets)) + octets)
    return True


def main():
    what, *rest = sys.argv[1:]
    done = {"same": lambda: same(rest[0]),
            "sums": lambda: sums(rest[0], int(rest[1])),
            "within": lambda: within(int(rest[0]), [int(rest[1]), int(rest[2])], int(rest[3]),
                                     rest[4]),
            "tag": lambda: tag(rest[0], rest[1])}[what]()
    sys.exit(0 if done else 1)


main()
