"""Capture files for bench/run: made here, so that a benchmark needs nothing from anywhere."""

import random
import struct

ETHERNET = bytes.fromhex("020000000002020000000001") + b"\x08\x00"
PCAP_HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1)
FRAME_OCTETS = 60


def ip_checksum(header):
    total = sum(struct.unpack(">10H", header))
    total = (total & 0xFFFF) + (total >> 16)
    return ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF


def udp_frame(flow):
    """A frame of 60 octets of the flow with that number."""
    source = 0x0A000000 + (flow >> 10)
    fields = [0x45, 0, FRAME_OCTETS - 14, 0, 0, 64, 17, 0, source, 0xAC100001]
    bare = struct.pack(">BBHHHBBHII", *fields)
    fields[7] = ip_checksum(bare)
    ip = struct.pack(">BBHHHBBHII", *fields)
    udp = struct.pack(">HHHH", 1_024 + (flow & 1_023), 53, FRAME_OCTETS - 34, 0)
    return (ETHERNET + ip + udp).ljust(FRAME_OCTETS, b"\0")


def uniform(path, packets, flows):
    """64-octet frames (with FCS) of `flows` flows, each equally likely, one microsecond apart."""
    chance = random.Random(1)
    frames = [udp_frame(flow) for flow in range(flows)]
    lengths = struct.pack("<II", FRAME_OCTETS, FRAME_OCTETS)
    with open(path, "wb") as file:
        file.write(PCAP_HEADER)
        batch = []
        for number in range(packets):
            seconds, microseconds = divmod(number, 1_000_000)
            batch += (struct.pack("<II", 1_700_000_000 + seconds, microseconds), lengths,
                      frames[chance.randrange(flows)])
            if len(batch) > 100_000:
                file.write(b"".join(batch))
                batch.clear()
        file.write(b"".join(batch))
    return path


def packets_in(path):
    """How many packets a classic capture file holds (either byte order)."""
    count = 0
    with open(path, "rb") as file:
        header = file.read(24)
        order = "<" if header[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
        if order == ">" and header[:4] not in (b"\xa1\xb2\xc3\xd4", b"\xa1\xb2\x3c\x4d"):
            raise ValueError(f"{path}: no classic pcap file")
        while record := file.read(16):
            if len(record) < 16:
                break
            count += 1
            file.seek(struct.unpack(order + "I", record[8:12])[0], 1)
    return count
