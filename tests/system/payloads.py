#!/usr/bin/env python3
"""What payloads tell, in our records and as tshark says.

usage: payloads.py make FILE                  a capture with RTP (PCMU and a dynamic type): jitter,
                                              loss, packets out of order
       payloads.py dns RECORDS CAPTURE ...    answers over UDP, and the times they took
       payloads.py entropy RECORDS CAPTURE .. entropy of the first 4,096 octets of each direction,
                                              counted here from tshark's payloads
       payloads.py rtp RECORDS CAPTURE PORTS  packets, loss and jitter of each stream; UDP ports
                                              that tshark is to read as RTP, with commas; or "-"
RECORDS is what `tapmeter read CAPTURE -o json` printed, one record a flow. Prints how many values
were compared and which differ; status 1 where any does.
"""

import json
import math
import random
import re
import struct
import subprocess
import sys


def tshark(*arguments):
    run = subprocess.run(["tshark", *arguments], capture_output=True, text=True, check=False)
    return run.stdout


def records(path):
    """(protocol, source, port, destination, port) -> our object and whether it is the other way"""
    found = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            record = json.loads(line)
            if record.get("event_type", "flow") not in ("flow", "netflow"):
                continue
            ours = record.get("tapmeter", {})
            one = (record.get("src_ip"), record.get("src_port"))
            other = (record.get("dest_ip"), record.get("dest_port"))
            found.setdefault((record["proto"], *one, *other), []).append((ours, "toserver"))
            found.setdefault((record["proto"], *other, *one), []).append((ours, "toclient"))
    return found


def endpoints(row):
    """fields ip.src ip.dst ipv6.src ipv6.dst, of the innermost header"""
    source = (row[0] or row[2]).split(",")[-1]
    destination = (row[1] or row[3]).split(",")[-1]
    return source, destination


ENDS = ["-e", "ip.src", "-e", "ip.dst", "-e", "ipv6.src", "-e", "ipv6.dst"]


def compare_dns(path, capture):
    theirs = {}
    lines = tshark("-r", capture, "-Y", "dns.time && udp.port == 53 && !icmp && !mdns", "-T",
                   "fields", *ENDS, "-e", "udp.srcport", "-e", "udp.dstport", "-e", "dns.time")
    for line in lines.splitlines():
        row = line.split("\t")
        source, destination = endpoints(row)
        key = ("UDP", source, int(row[4].split(",")[-1]), destination,
               int(row[5].split(",")[-1]))
        theirs.setdefault(key, []).append(float(row[6]))
    ours = records(path)
    for key, times in theirs.items():
        reports = [report.get("dns_times") for report, _ in ours.get(key, [])]
        reports = [report for report in reports if report]
        answers = sum(report["answers"] for report in reports)
        yield f"{key} answers", answers, len(times), 0
        if answers == len(times) and len(reports) == 1:
            for name, value in (("min_us", min(times)), ("max_us", max(times)),
                                ("avg_us", sum(times) / len(times))):
                yield f"{key} {name}", reports[0][name], value * 1e6, 1.5


def entropy(octets):
    counts = {}
    for octet in octets:
        counts[octet] = counts.get(octet, 0) + 1
    total = len(octets)
    return math.log2(total) - sum(c * math.log2(c) for c in counts.values()) / total


def compare_entropy(path, capture):
    payloads = {}
    lines = tshark("-r", capture, "-o", "tcp.desegment_tcp_streams:FALSE", "-o",
                   "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE", "-Y",
                   "(udp || tcp) && !icmp && !icmpv6", "-T", "fields", *ENDS, "-e", "udp.srcport",
                   "-e", "udp.dstport", "-e", "tcp.srcport", "-e", "tcp.dstport", "-e",
                   "udp.payload", "-e", "tcp.payload")
    for line in lines.splitlines():
        row = (line + "\t" * 10).split("\t")
        if any("," in cell for cell in row[:8]):
            continue  # a tunnel: more than one header of a kind
        source, destination = endpoints(row)
        udp = bool(row[4])
        ports, payload = (row[4:6], row[8]) if udp else (row[6:8], row[9])
        if not ports[0] or not payload:
            continue
        key = ("UDP" if udp else "TCP", source, int(ports[0]), destination, int(ports[1]))
        payloads.setdefault(key, bytearray()).extend(bytes.fromhex(payload.split(",")[0]))
    ours = records(path)
    for key, octets in payloads.items():
        reports = [report["entropy"][way] for report, way in ours.get(key, [])
                   if "entropy" in report]
        if len(reports) != 1:
            continue  # a port used again: several flows
        first = bytes(octets[:4096])
        yield f"{key} octets", reports[0]["octets"], len(first), 0
        if reports[0]["octets"] == len(first):
            yield f"{key} bits", reports[0]["bits"], entropy(first), 0.00051


STREAM = re.compile(r"^\s*[\d.]+\s+[\d.]+\s+(\S+)\s+(\d+)\s+(\S+)\s+(\d+)\s+0x([0-9A-Fa-f]+)\s+"
                    r"(.+?)\s+(\d+)\s+(-?\d+) \(\s*-?[\d.]+%\)\s+([-\d.]+)\s+([-\d.]+)\s+([-\d.]+)"
                    r"\s+([-\d.]+)\s+([-\d.]+)\s+([-\d.]+)")


def compare_rtp(path, capture, ports="-"):
    as_rtp = [] if ports == "-" else [
        word for port in ports.split(",") for word in ("-d", f"udp.port=={port},rtp")]
    ours = records(path)
    for line in tshark("-q", "-r", capture, *as_rtp, "-z", "rtp,streams").splitlines():
        match = STREAM.match(line)
        if not match:
            continue
        source, port, destination, other_port, ssrc = match.groups()[:5]
        packets, lost = int(match[7]), int(match[8])
        mean_jitter, max_jitter = float(match[13]), float(match[14])
        key = ("UDP", source, int(port), destination, int(other_port))
        reports = [report["rtp"].get(way) for report, way in ours.get(key, []) if "rtp" in report]
        reports = [report for report in reports if report and report["ssrc"] == int(ssrc, 16)]
        if packets < 6 or not reports:
            if packets >= 6:
                yield f"{key} {ssrc} known", 0, 1, 0
            continue
        yield f"{key} {ssrc} packets", reports[0]["packets"], packets, 0
        yield f"{key} {ssrc} lost", reports[0]["lost"], max(lost, 0), 0
        if reports[0]["payload_type"] < 96:
            yield f"{key} {ssrc} mean", reports[0]["jitter_avg_us"] / 1e3, mean_jitter, 0.02
            yield f"{key} {ssrc} max", reports[0]["jitter_max_us"] / 1e3, max_jitter, 0.02


def made_streams():
    """(time, port, RTP header fields): what two talkers send, and how the way treats it"""
    choice = random.Random(6)
    packets = []
    for port, kind, ticks, ssrc in ((40000, 0, 160, 0x1111), (40002, 0, 160, 0x2222),
                                    (40004, 8, 240, 0x3333), (40006, 111, 960, 0x4444)):
        for number in range(400):
            if ssrc == 0x2222 and number in (50, 51, 52, 200):
                continue
            late = choice.expovariate(200) if ssrc != 0x1111 else 0
            late += 0.05 if ssrc == 0x2222 and number == 100 else 0
            packets.append((number * ticks / (48000 if kind == 111 else 8000) + late, port, kind,
                            (65500 + number) & 0xFFFF, number * ticks & 0xFFFFFFFF, ssrc))
    return sorted(packets)


def make(path):
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1))
        for time, port, kind, number, ticks, ssrc in made_streams():
            payload = struct.pack("!BBHII", 0x80, kind, number, ticks, ssrc) + bytes(160)
            udp = struct.pack("!HHHH", port, port, 8 + len(payload), 0) + payload
            ip = struct.pack("!BBHHHBBH4B4B", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0,
                             192, 0, 2, 1, 192, 0, 2, 2)
            frame = bytes(12) + b"\x08\x00" + ip + udp
            nanoseconds = 1_700_000_000_000_000_000 + int(time * 1e9)
            file.write(struct.pack("<IIII", nanoseconds // 10**9, nanoseconds % 10**9, len(frame),
                                   len(frame)) + frame)


def main():
    if sys.argv[1] == "make":
        make(sys.argv[2])
        return 0
    comparisons = {"dns": compare_dns, "entropy": compare_entropy, "rtp": compare_rtp}
    compared, differing = 0, []
    for what, ours, theirs, allowed in comparisons[sys.argv[1]](*sys.argv[2:]):
        compared += 1
        if abs(ours - theirs) > allowed:
            differing.append(f"    {what}: {ours}, tshark {theirs}")
    print(compared, len(differing))
    print("\n".join(differing[:20]), file=sys.stderr)
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
