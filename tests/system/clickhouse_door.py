#!/usr/bin/env python3
"""A door before a ClickHouse: passes connections on to 127.0.0.1:SERVER_PORT.

usage: clickhouse_door.py PORT SERVER_PORT [--tls CERTIFICATE KEY] [--cut N]
--tls  speaks HTTPS
--cut  of the first N connections that bring an INSERT the server's answer is thrown away and the
       connection broken
"""

import argparse
import select
import socket
import ssl
import threading


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


parser = argparse.ArgumentParser(usage=__doc__)
parser.add_argument("port", type=int)
parser.add_argument("server_port", type=int)
parser.add_argument("--tls", nargs=2)
parser.add_argument("--cut", type=int, default=0)
door(parser.parse_args())
