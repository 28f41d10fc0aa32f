#!/usr/bin/env python3
"""What the tests need around a ClickHouse: an HTTPS door, a slow one, and a flow that is large.

usage: clickhouse_server.py door PORT SERVER_PORT [--tls CERTIFICATE KEY] [--cut N]
       clickhouse_server.py large FILE
door   passes connections on to 127.0.0.1:SERVER_PORT. With --cut, of the first N connections that
       bring an INSERT the server's answer is thrown away and the connection broken
large  a capture with one flow of 5 GiB and 1 octet, of frames that were cut off at 60 octets
"""

import argparse
import select
import socket
import ssl
import struct
import threading

LARGE_OCTETS = 5 * 2**30 + 1


def pass_on(near, far, cut):
    """Octets both ways until one side ends; with `cut` no answer to an INSERT comes back."""
    inserting = False
    while True:
        ready, _, _ = select.select([near, far], [], [], 60)
        pending = near.pending() if isinstance(near, ssl.SSLSocket) else 0
        for source in ready or ([near] if pending else []):
            octets = source.recv(1 << 20)
            if not octets:
                return False
            if source is near:
                inserting = inserting or b"query=INSERT" in octets
                far.sendall(octets)
            elif inserting and cut:
                return True
            else:
                near.sendall(octets)
        if not ready and not pending:
            return False


def serve(connection, options, left):
    if options.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*options.tls)
        try:
            connection = context.wrap_socket(connection, server_side=True)
        except (ssl.SSLError, OSError):
            return
    try:
        with connection, socket.create_connection(("127.0.0.1", options.server_port)) as far:
            if pass_on(connection, far, left[0] > 0):
                left[0] -= 1
                print("cut", flush=True)
    except OSError:
        pass


def door(options):
    left = [options.cut]
    listener = socket.create_server(("127.0.0.1", options.port))
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection, options, left), daemon=True).start()


def large(options):
    def frame(octets, number):
        ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, octets, number & 0xFFFF, 0, 64, 17, 0,
                         bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2]))
        udp = struct.pack("!HHHH", 4000, 5000, octets - 20, 0)
        whole = bytes(12) + b"\x08\x00" + ip + udp
        return whole + bytes(60 - len(whole))

    with open(options.file, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 60, 1))
        rest, number = LARGE_OCTETS, 0
        while rest:
            octets = min(rest, 65_535)
            octets = octets if rest - octets == 0 or rest - octets >= 28 else octets - 28
            file.write(struct.pack("<IIII", 1_700_000_000, number, 60, octets + 14))
            file.write(frame(octets, number))
            rest -= octets
            number += 1


parser = argparse.ArgumentParser(usage=__doc__)
verbs = parser.add_subparsers(dest="verb", required=True)
verb = verbs.add_parser("door")
verb.add_argument("port", type=int)
verb.add_argument("server_port", type=int)
verb.add_argument("--tls", nargs=2)
verb.add_argument("--cut", type=int, default=0)
verb = verbs.add_parser("large")
verb.add_argument("file")
arguments = parser.parse_args()
door(arguments) if arguments.verb == "door" else large(arguments)
