#!/usr/bin/env python3
"""Packets whose sums are known: writes a capture file and the truth about it; sends a capture file.

usage: traffic.py write FILE TRUTH [--packets N] [--flows N] [--seconds S] [--seed N]
       traffic.py send FILE INTERFACE [--rate PACKETS_PER_SECOND] [--times N]
write    the same options give the same octets. TCP with handshake and end, UDP, ICMP echo; IPv4 and
         IPv6; both directions; frames of 60 to 1,514 octets, short ones padded; flows interleaved.
         TRUTH gets one JSON line a flow and direction, octets are those of the IP packets.
send     from an AF_PACKET socket, paced; prints how many packets the kernel took, as JSON
"""

import argparse
import json
import random
import socket
import struct
import sys
import time

TCP, UDP, ICMP, ICMPV6 = 6, 17, 1, 58
SYN, FIN, ACK, PSH = 0x02, 0x01, 0x10, 0x08
START_SECONDS = 1_700_000_000
FRAME_OCTETS_MIN = 60  # without FCS: Ethernet pads shorter frames
PACE_PACKETS = 32      # sent in one go between two looks at the clock


def ones_complement_sum(octets):
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


class Flow:
    """One conversation; packet k of `packets` is made by frame(k)."""

    def __init__(self, number, packets, choice):
        self.version = 6 if number // 8 % 4 == 3 else 4
        self.protocol = (TCP, TCP, TCP, UDP, UDP, UDP, UDP, ICMP)[number % 8]
        if self.protocol == ICMP and self.version == 6:
            self.protocol = ICMPV6
        self.packets = packets
        self.sent = 0
        self.hosts = [self.address(1, number), self.address(2, number % 200)]
        self.ports = [1024 + number * 7 % 60000, choice.choice((53, 80, 443, 8443))]
        if self.protocol in (ICMP, ICMPV6):
            self.ports = [0, 0]
        self.macs = [struct.pack("!HI", 0x0200, number), bytes.fromhex("020000ffff01")]
        self.counts = [[0, 0], [0, 0]]

    def address(self, side, number):
        if self.version == 6:
            return bytes.fromhex("20010db8") + struct.pack("!HHQ", side, 0, number + 1)
        return struct.pack("!BBH", 10, side, number + 1)

    def transport(self, direction, payload):
        ports = self.ports if direction == 0 else self.ports[::-1]
        if self.protocol == UDP:
            return struct.pack("!HHHH", *ports, 8 + len(payload), 0) + payload
        if self.protocol != TCP:
            request, answer = (8, 0) if self.protocol == ICMP else (128, 129)
            kind = answer if direction else request
            return struct.pack("!BBHHH", kind, 0, 0, 7, self.sent & 0xFFFF) + payload
        flags = ACK | (PSH if payload else 0)
        if self.sent == 0:
            flags = SYN
        elif self.sent == 1:
            flags = SYN | ACK
        elif self.sent >= self.packets - 2:
            flags = FIN | ACK
        return struct.pack("!HHIIBBHHH", *ports, self.sent, self.sent, 0x50, flags, 65535, 0,
                           0) + payload

    def frame(self, choice):
        direction = self.sent % 2 if self.sent < 4 or self.protocol not in (TCP, UDP) else (
            choice.random() < 0.6)
        bare = self.protocol == TCP and (self.sent < 3 or self.sent >= self.packets - 2)
        size = 0 if bare else int(min(1440, choice.expovariate(1 / 180)))
        segment = self.transport(int(direction), bytes(size))
        source, destination = self.hosts if not direction else self.hosts[::-1]
        if self.version == 4:
            total = 20 + len(segment)
            header = struct.pack("!BBHHHBBH", 0x45, 0, total, self.sent & 0xFFFF, 0x4000, 64,
                                 self.protocol, 0) + source + destination
            header = header[:10] + struct.pack("!H", ones_complement_sum(header)) + header[12:]
        else:
            total = 40 + len(segment)
            header = struct.pack("!IHBB", 6 << 28, len(segment), self.protocol, 64)
            header += source + destination
        macs = self.macs if not direction else self.macs[::-1]
        kind = 0x0800 if self.version == 4 else 0x86DD
        self.counts[int(direction)][0] += 1
        self.counts[int(direction)][1] += total
        self.sent += 1
        frame = macs[1] + macs[0] + struct.pack("!H", kind) + header + segment
        return frame.ljust(FRAME_OCTETS_MIN, b"\0")

    def truth(self):
        family = socket.AF_INET if self.version == 4 else socket.AF_INET6
        hosts = [socket.inet_ntop(family, host) for host in self.hosts]
        for way, (packets, octets) in enumerate(self.counts):
            if packets:
                yield {"proto": self.protocol, "src": hosts[way], "sport": self.ports[way],
                       "dst": hosts[1 - way], "dport": self.ports[1 - way], "packets": packets,
                       "octets": octets}


def make_flows(options, choice):
    """Every flow has at least 6 packets, some have many; together exactly options.packets."""
    weights = [choice.paretovariate(1.3) for _ in range(options.flows)]
    spare = options.packets - 6 * options.flows
    shares = [6 + int(spare * weight / sum(weights)) for weight in weights]
    shares[0] += options.packets - sum(shares)
    return [Flow(number, packets, choice) for number, packets in enumerate(shares)]


def write(options):
    if options.packets < 6 * options.flows or options.flows < 1:
        raise ValueError(f"{options.packets} packets are too few for {options.flows} flows")
    choice = random.Random(options.seed)
    flows = make_flows(options, choice)
    order = [flow for flow in flows for _ in range(flow.packets)]
    choice.shuffle(order)
    step = options.seconds * 1_000_000 / len(order)  # microseconds between packets
    with open(options.file, "wb") as stream:
        stream.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for number, flow in enumerate(order):
            frame = flow.frame(choice)
            seconds, micros = divmod(int(number * step), 1_000_000)
            stream.write(struct.pack("<IIII", START_SECONDS + seconds, micros, len(frame),
                                     len(frame)) + frame)
    with open(options.truth, "w", encoding="utf-8") as stream:
        for flow in flows:
            stream.writelines(json.dumps(line) + "\n" for line in flow.truth())
    print(json.dumps({"packets": len(order), "flows": len(flows)}))


def frames_of(path):
    with open(path, "rb") as stream:
        octets = stream.read()
    if octets[:4] != b"\xd4\xc3\xb2\xa1":
        raise ValueError(f"{path}: no little-endian capture file with microseconds")
    place, frames = 24, []
    while place < len(octets):
        captured = struct.unpack_from("<I", octets, place + 8)[0]
        frames.append(octets[place + 16:place + 16 + captured])
        place += 16 + captured
    return frames


def send_one(port, frame):
    """The kernel may have no buffer at this moment: that packet was not sent, so try again."""
    for _ in range(10_000):
        try:
            port.send(frame)
            return
        except OSError as error:
            if error.errno != 105:  # ENOBUFS
                raise
            time.sleep(0.0005)
    raise OSError(105, "the interface takes no more packets")


def send(options):
    frames = frames_of(options.file) * options.times
    port = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    port.bind((options.interface, 0))
    start = time.monotonic()
    for number, frame in enumerate(frames):
        if number % PACE_PACKETS == 0:
            ahead = start + number / options.rate - time.monotonic()
            if ahead > 0:
                time.sleep(ahead)
        send_one(port, frame)
    print(json.dumps({"packets": len(frames), "seconds": round(time.monotonic() - start, 3)}))


def main():
    parser = argparse.ArgumentParser(usage=__doc__, add_help=False)
    verbs = parser.add_subparsers(dest="verb", required=True)
    writing = verbs.add_parser("write")
    writing.add_argument("file")
    writing.add_argument("truth")
    writing.add_argument("--packets", type=int, default=200_000)
    writing.add_argument("--flows", type=int, default=2_000)
    writing.add_argument("--seconds", type=float, default=2.0)
    writing.add_argument("--seed", type=int, default=1)
    sending = verbs.add_parser("send")
    sending.add_argument("file")
    sending.add_argument("interface")
    sending.add_argument("--rate", type=float, default=20_000)
    sending.add_argument("--times", type=int, default=1)
    options = parser.parse_args()
    {"write": write, "send": send}[options.verb](options)


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:
        print(f"traffic.py: {error}", file=sys.stderr)
        sys.exit(1)
