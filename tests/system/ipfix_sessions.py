"""A collector of IPFIX over TCP that keeps what it reads, and a reader of what was kept: written
from RFC 7011 alone.

usage: ipfix_sessions.py listen PORT FOLDER     each connection into a file of its own, for ever
       ipfix_sessions.py check FOLDER JSONL     compares with our own EVE records of the same run
"""
import collections
import glob
import json
import os
import socket
import struct
import sys


def listen(port: int, folder: str) -> None:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(1)
    while True:
        connection, _ = listener.accept()
        number = len(os.listdir(folder))
        with open(f"{folder}/{number:04}.ipfix", "wb", buffering=0) as out:
            try:
                while octets := connection.recv(1 << 16):
                    out.write(octets)
            except ConnectionResetError:
                pass  # given up by the other side; what had come before was read


class Session:
    """One file: templates, data records, and what is wrong with them."""

    def __init__(self, octets: bytes) -> None:
        self.templates: dict = {}
        self.options: set = set()
        self.next_sequence: dict = {}
        self.records: list = []
        self.faults: list = []
        while len(octets) >= 16:
            version, length = struct.unpack_from(">HH", octets)
            if version != 10 or length < 16:
                self.faults.append(f"version {version}, length {length}")
                return
            if length > len(octets):
                break  # the session ended in the middle of a message
            self.read_message(octets[:length])
            octets = octets[length:]

    def read_message(self, message: bytes) -> None:
        sequence, domain = struct.unpack_from(">II", message, 8)
        if sequence != self.next_sequence.get(domain, 0):
            self.faults.append(f"sequence {sequence}, not {self.next_sequence.get(domain, 0)}")
        place, count = 16, 0
        while place + 4 <= len(message):
            kind, length = struct.unpack_from(">HH", message, place)
            body = message[place + 4:place + length]
            if kind in (2, 3):
                self.read_templates(domain, body, kind == 3)
            else:
                count += self.read_data(domain, kind, body)
            place += max(length, 4)
        self.next_sequence[domain] = (sequence + count) & 0xFFFFFFFF

    def read_templates(self, domain: int, body: bytes, options: bool) -> None:
        place = 0
        while place + 4 <= len(body):
            number, count = struct.unpack_from(">HH", body, place)
            place += 6 if options else 4
            fields = []
            for _ in range(count):
                element, length = struct.unpack_from(">HH", body, place)
                place += 4
                enterprise = 0
                if element & 0x8000:
                    enterprise = struct.unpack_from(">I", body, place)[0]
                    place += 4
                fields.append(((enterprise, element & 0x7FFF), length))
            self.templates[domain, number] = fields
            if options:
                self.options.add((domain, number))

    def read_data(self, domain: int, number: int, body: bytes) -> int:
        if (domain, number) not in self.templates:
            self.faults.append(f"no template {number}")
            return 0
        fields = self.templates[domain, number]
        shortest = sum(1 if length == 65535 else length for _, length in fields)
        place, count = 0, 0
        while place + shortest <= len(body):
            values = {}
            for element, length in fields:
                if length == 65535:
                    length = body[place]
                    place += 1
                values[element] = int.from_bytes(body[place:place + length], "big")
                place += length
            count += 1
            if (domain, number) not in self.options:
                self.records.append(values)
        return count


def check(folder: str, path: str) -> None:
    wanted = collections.Counter()
    for line in open(path, encoding="utf-8"):
        record = json.loads(line)
        start = record["tapmeter"]["start_ns"] // 1_000_000
        flow = record["flow"]
        wanted[record["flow_id"], start, flow["pkts_toserver"], flow["pkts_toclient"]] += 1
    seen = collections.Counter()
    sessions = [Session(open(name, "rb").read()) for name in sorted(glob.glob(f"{folder}/*.ipfix"))]
    faults = [fault for session in sessions for fault in session.faults]
    for session in sessions:
        for values in session.records:
            seen[values[0, 148], values[0, 152], values[0, 2], values[29305, 2]] += 1
    lost = wanted - seen
    foreign = [key for key in seen if key not in wanted]
    twice = sum(seen.values()) - len(seen)
    print(f"{sum(wanted.values())} records, {len(sessions)} sessions, {len(faults)} faults, "
          f"{sum(lost.values())} lost, {len(foreign)} foreign, {twice} twice", *faults[:3])
    sys.exit(1 if faults or lost or foreign or not wanted else 0)


if sys.argv[1] == "listen":
    listen(int(sys.argv[2]), sys.argv[3])
else:
    check(sys.argv[2], sys.argv[3])
