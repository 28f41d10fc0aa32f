"""Keeps the datagrams that come to a UDP port of loopback as a capture file (LINKTYPE_RAW), as if
they had gone from port 40000 to 2055. Empty ones are left out. Ends when told to (SIGTERM).

usage: keep_datagrams.py PORT FILE
"""
import signal
import socket
import struct
import sys


def main() -> None:
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8_000_000)
    listener.bind(("127.0.0.1", int(sys.argv[1])))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with open(sys.argv[2], "wb", buffering=0) as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101))
        while True:
            payload = listener.recv(65535)
            if not payload:
                continue
            octets = len(payload) + 28
            packet = struct.pack("<IIII", 1_763_633_800, 0, octets, octets)
            packet += struct.pack(">BBHHHBBH", 0x45, 0, octets, 0, 0x4000, 64, 17, 0)
            packet += bytes([127, 0, 0, 1]) * 2
            packet += struct.pack(">HHHH", 40000, 2055, octets - 20, 0)
            out.write(packet + payload)


main()
