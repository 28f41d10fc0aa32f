"""Passes datagrams of one client on and back, by loopback, but for the first and the fourth in
either direction. Ends when told to (SIGTERM).

usage: lossy_datagrams.py PORT TO_PORT
"""
import select
import signal
import socket
import sys

LOST = (1, 4)


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    near = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    near.bind(("127.0.0.1", int(sys.argv[1])))
    far = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    far.connect(("127.0.0.1", int(sys.argv[2])))
    client = None
    passed = {near: 0, far: 0}
    while True:
        for one in select.select([near, far], [], [])[0]:
            octets, sender = one.recvfrom(65535)
            passed[one] += 1
            client = sender if one is near else client
            if passed[one] in LOST:
                print(f"lost {passed[one]} of", "ours" if one is near else "theirs", flush=True)
            elif one is near:
                far.send(octets)
            else:
                near.sendto(octets, client)


main()
