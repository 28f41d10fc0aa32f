"""A collector of IPFIX over TCP that keeps what it reads, and a reader of what was kept: written
from RFC 7011 alone.

usage: ipfix_sessions.py listen PORT FOLDER [slow] [discard]
                                                     each connection into a file of its own, for
                                                     ever; slow: small buffers, 2 KiB each 50 ms;
                                                     discard: reads, but keeps nothing
       ipfix_sessions.py check FOLDER JSONL [once] [lost=N] [gaps]
                                                     compares with our own EVE records of the same
                                                     run; once: no record twice; N are missing;
                                                     gaps: sequence numbers may say so
"""
import collections
import contextlib
import glob
import json
import os
import signal
import socket
import struct
import sys
import threading
import time


class Listener:
    """Keeps what comes. After SIGTERM it reads what has arrived, and ends once nothing comes;
    SIGKILL leaves no time for that."""

    def __init__(self, folder: str, slow: bool, discard: bool) -> None:
        self.folder, self.slow, self.discard = folder, slow, discard
        self.ending = False
        signal.signal(signal.SIGTERM, self.end)

    def end(self, _signal: int, _frame: object) -> None:
        self.ending = True

    def listen(self, port: int) -> None:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if self.slow:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listener.bind(("", port))
        listener.listen(8)
        listener.settimeout(0.05)
        keepers = []
        number = len(os.listdir(self.folder))
        while not self.ending:
            with contextlib.suppress(TimeoutError):
                connection, _ = listener.accept()
                # Of a peer that the network took away nobody learns that its session is over, and
                # the next one begins beside it.
                keepers.append(threading.Thread(target=self.keep, args=(connection, number)))
                keepers[-1].start()
                number += 1
        # Before the connections end: the other side comes again at once, and what the kernel took
        # of a session that nobody accepts any more would be confirmed, and lost.
        listener.close()
        for keeper in keepers:
            keeper.join()

    def keep(self, connection: socket.socket, number: int) -> None:
        connection.settimeout(0.05)
        with connection, open(f"{self.folder}/{number:04}.ipfix", "wb", buffering=0) as out:
            while True:
                slow = self.slow and not self.ending
                try:
                    octets = connection.recv(1 << (11 if slow else 16))
                except TimeoutError:
                    if self.ending:
                        return
                    continue
                except ConnectionResetError:
                    return  # given up by the other side; what had come before was read
                if not octets:
                    return
                out.write(b"" if self.discard else octets)
                time.sleep(0.05 if slow else 0)


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


def check(folder: str, path: str, allowed: set, missing: int) -> None:
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
    if "gaps" in allowed:
        faults = [fault for fault in faults if not fault.startswith("sequence")]
    lost = wanted - seen
    foreign = [key for key in seen if key not in wanted]
    twice = sum(seen.values()) - len(seen)
    print(f"{sum(wanted.values())} records, {len(sessions)} sessions, {len(faults)} faults, "
          f"{sum(lost.values())} lost, {len(foreign)} foreign, {twice} twice", *faults[:3])
    wrong = faults or foreign or not wanted or sum(lost.values()) != missing
    wrong = wrong or ("once" in allowed and twice)
    sys.exit(1 if wrong else 0)


if sys.argv[1] == "listen":
    Listener(sys.argv[3], "slow" in sys.argv[4:], "discard" in sys.argv[4:]).listen(
        int(sys.argv[2]))
else:
    lost_wanted = [int(word[5:]) for word in sys.argv[4:] if word.startswith("lost=")]
    check(sys.argv[2], sys.argv[3], set(sys.argv[4:]), sum(lost_wanted))
