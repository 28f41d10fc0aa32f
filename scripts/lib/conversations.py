#!/usr/bin/env python3
"""Real conversations between two hosts, and a witness who counts them.

usage: conversations.py serve
       conversations.py talk COUNT ADDRESS ...     COUNT TCP and COUNT UDP conversations to each
       conversations.py ping COUNT ADDRESS ...     COUNT ICMP echo requests to each
       conversations.py witness INTERFACE FILE ADDRESS ...
serve    answers on TCP and UDP port 8080, IPv4 and IPv6, until SIGTERM; says "ready"
talk     conversation k sends 20 + 97 k mod 4,000 octets over TCP and gets ten times as many back;
         over UDP it sends 20 + 31 k mod 1,000 octets and gets the same back
witness  counts every packet between the named addresses that passes the interface, both ways, in
         an AF_PACKET socket, until SIGTERM; then writes one JSON line a flow and direction to FILE
         (octets are those of IP packets). Exit status 1 when the kernel had to drop some.
"""

import collections
import ipaddress
import json
import selectors
import signal
import socket
import struct
import sys

PORT = 8080
ANSWER_FACTOR = 10
SOL_PACKET, PACKET_STATISTICS, ETH_P_ALL = 263, 6, 3
IPV4, IPV6 = 0x0800, 0x86DD
PORTED = (6, 17)


class Ended(Exception):
    pass


def end_on_sigterm():
    def end(*_):
        raise Ended
    signal.signal(signal.SIGTERM, end)


def receive_exactly(stream, count):
    octets = b""
    while len(octets) < count:
        part = stream.recv(count - len(octets))
        if not part:
            raise ConnectionError(f"the peer closed after {len(octets)} of {count} octets")
        octets += part
    return octets


def answer_tcp(listener):
    stream, _ = listener.accept()
    with stream:
        stream.settimeout(5)
        size = struct.unpack("!I", receive_exactly(stream, 4))[0]
        question = receive_exactly(stream, size - 4)
        stream.sendall(question[:1] * (size * ANSWER_FACTOR))


def answer_udp(port):
    octets, sender = port.recvfrom(65535)
    port.sendto(octets, sender)


def serve():
    # A socket of the IPv6 family hears IPv4 as well.
    tcp = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    for server in (tcp, udp):
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        server.bind(("::", PORT))
    tcp.listen(128)
    print("ready", flush=True)
    selector = selectors.DefaultSelector()
    selector.register(tcp, selectors.EVENT_READ, answer_tcp)
    selector.register(udp, selectors.EVENT_READ, answer_udp)
    while True:
        for key, _ in selector.select():
            key.data(key.fileobj)


def talk_tcp(address, number):
    size = 20 + number * 97 % 4000
    with socket.create_connection((address, PORT), timeout=5) as stream:
        stream.sendall(struct.pack("!I", size) + bytes([number % 256]) * (size - 4))
        receive_exactly(stream, size * ANSWER_FACTOR)


def talk_udp(address, number):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    question = bytes([number % 256]) * (20 + number * 31 % 1000)
    with socket.socket(family, socket.SOCK_DGRAM) as port:
        port.settimeout(5)
        port.connect((address, PORT))
        port.send(question)
        if port.recv(65535) != question:
            raise ConnectionError(f"{address} answered something else")


def talk(count, addresses):
    for number in range(int(count)):
        for address in addresses:
            talk_tcp(address, number)
            talk_udp(address, number)
    print(f"{int(count) * len(addresses)} TCP and as many UDP conversations")


def checksum_of(octets):
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def ping_one(port, address, number):
    """Sends one echo request and waits for its answer; the kernel fills ICMPv6 checksums."""
    kind, answer = (128, 129) if ":" in address else (8, 0)
    body = struct.pack("!HH", PORT, number) + bytes(56)
    checksum = checksum_of(struct.pack("!BBH", kind, 0, 0) + body)
    port.sendto(struct.pack("!BBH", kind, 0, checksum) + body, (address, 0))
    while True:
        heard = port.recv(65535)
        place = 0 if ":" in address else (heard[0] & 15) * 4  # raw IPv4 sockets show the header
        if heard[place] == answer and heard[place + 4:place + 8] == body[:4]:
            return


def ping(count, addresses):
    for address in addresses:
        family, protocol = ((socket.AF_INET6, socket.IPPROTO_ICMPV6) if ":" in address
                            else (socket.AF_INET, socket.IPPROTO_ICMP))
        with socket.socket(family, socket.SOCK_RAW, protocol) as port:
            port.settimeout(5)
            for number in range(int(count)):
                ping_one(port, address, number)
    print(f"{count} pings each to {' '.join(addresses)}, all answered")


def flow_of(frame):
    """(protocol, source, port, destination, port, IP octets), or None where it is no IP."""
    kind = struct.unpack_from("!H", frame, 12)[0]
    if kind == IPV4:
        protocol, place = frame[23], 14 + (frame[14] & 15) * 4
        source, destination = frame[26:30], frame[30:34]
        octets = struct.unpack_from("!H", frame, 16)[0]
    elif kind == IPV6:
        protocol, place = frame[20], 54
        source, destination = frame[22:38], frame[38:54]
        octets = 40 + struct.unpack_from("!H", frame, 18)[0]
    else:
        return None
    ports = struct.unpack_from("!HH", frame, place) if protocol in PORTED else (0, 0)
    return protocol, source, ports[0], destination, ports[1], octets


def count_until_sigterm(tap, known):
    counts = collections.defaultdict(lambda: [0, 0])
    dropped = 0
    try:
        while True:
            flow = flow_of(tap.recv(65535))
            if flow and flow[1] in known and flow[3] in known:
                counts[flow[:5]][0] += 1
                counts[flow[:5]][1] += flow[5]
    except Ended:
        statistics = tap.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8)
        dropped = struct.unpack("=II", statistics)[1]
    return counts, dropped


def witness(interface, path, addresses):
    known = {ipaddress.ip_address(address).packed for address in addresses}
    tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    tap.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    tap.bind((interface, ETH_P_ALL))
    print("ready", flush=True)
    counts, dropped = count_until_sigterm(tap, known)
    with open(path, "w", encoding="utf-8") as stream:
        for (protocol, source, sport, destination, dport), (packets, octets) in counts.items():
            print(json.dumps({"proto": protocol, "src": str(ipaddress.ip_address(source)),
                              "sport": sport, "dst": str(ipaddress.ip_address(destination)),
                              "dport": dport, "packets": packets, "octets": octets}),
                  file=stream)
    if dropped:
        print(f"the witness itself missed {dropped} packets", file=sys.stderr)
    return 1 if dropped else 0


def main(arguments):
    end_on_sigterm()
    verb, *rest = arguments or [""]
    try:
        if verb == "serve" and not rest:
            return serve()
        if verb == "talk" and len(rest) >= 2:
            return talk(rest[0], rest[1:])
        if verb == "ping" and len(rest) >= 2:
            return ping(rest[0], rest[1:])
        if verb == "witness" and len(rest) >= 3:
            return witness(rest[0], rest[1], rest[2:])
    except Ended:
        return 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
