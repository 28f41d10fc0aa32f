#!/usr/bin/env python3
"""A capture with one flow of 5 GiB and 1 octet, of frames that were cut off at 60 octets.

usage: large_flow.py FILE
"""

import struct
import sys

OCTETS = 5 * 2**30 + 1


def frame(octets, number):
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, octets, number & 0xFFFF, 0, 64, 17, 0,
                     bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2]))
    udp = struct.pack("!HHHH", 4000, 5000, octets - 20, 0)
    whole = bytes(12) + b"\x08\x00" + ip + udp
    return whole + bytes(60 - len(whole))


with open(sys.argv[1], "wb") as file:
    file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 60, 1))
    rest, number = OCTETS, 0
    while rest:
        octets = min(rest, 65_535)
        octets = octets if rest - octets == 0 or rest - octets >= 28 else octets - 28
        file.write(struct.pack("<IIII", 1_700_000_000, number, 60, octets + 14))
        file.write(frame(octets, number))
        rest -= octets
        number += 1
