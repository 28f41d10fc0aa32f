#!/usr/bin/env python3
"""The packet zoo: tshark and our decoder read every stack of stacks.txt; compares field by field.

usage: zoo.py DECODE_LINES [--pcap FILE]
  DECODE_LINES  the program that prints what our decoder reads of frames in hexadecimal
  --pcap FILE   keeps the frames there
exit:  0 all equal, 1 with one line per difference, 77 no tshark (the test is skipped)
"""

import argparse
import ipaddress
import pathlib
import shutil
import subprocess
import sys
import tempfile

from build import LINKS, all_stacks, pcapng

STACKS_MIN = 200
FIELDS = ["frame.protocols", "ip.src", "ip.dst", "ip.len", "ip.proto", "ip.ttl", "ip.dsfield",
          "ipv6.src", "ipv6.dst", "ipv6.plen", "ipv6.hlim", "ipv6.tclass",
          "udp.srcport", "udp.dstport", "tcp.srcport", "tcp.dstport", "sctp.srcport",
          "sctp.dstport", "dccp.srcport", "dccp.dstport", "vlan.id", "ieee8021ad.id",
          "mpls.label",
          "pppoe.session_id", "gre.key", "vxlan.vni", "geneve.vni", "gtp.teid", "erspan.spanid",
          "l2tp.tunnel", "l2tp.session", "lisp-data.iid", "gre.key.call_id", "esp.spi", "ah.spi"]
PROTOCOLS = {"udp": 17, "tcp": 6, "icmp": 1, "icmpv6": 58, "sctp": 132, "udplite": 136,
             "dccp": 33, "esp": 50}


def number(text):
    return int(text, 16) if text.startswith("0x") else int(text)


def seen_by_tshark(capture):
    run = subprocess.run(
        ["tshark", "-n", "-r", capture, "-T", "fields", "-E", "occurrence=a",
         "-E", "aggregator=;", "-d", "udp.port==8472,vxlan",
         "-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE"] +
        [part for field in FIELDS for part in ("-e", field)],
        check=True, capture_output=True, text=True)
    for line in run.stdout.splitlines():
        values = line.split("\t")
        yield {field: values[index].split(";") if index < len(values) and values[index] else []
               for index, field in enumerate(FIELDS)}


def ports_of(seen, protocol):
    name = "udp" if protocol == "udplite" else protocol
    sources = seen.get(name + ".srcport", [])
    return (number(sources[-1]), number(seen[name + ".dstport"][-1])) if sources else (0, 0)


def vlans_of(seen, layers):
    """The first two ids behind the innermost Ethernet header."""
    ids = {"vlan": list(seen["vlan.id"]), "ieee8021ad": list(seen["ieee8021ad.id"])}
    found = []
    for layer in layers:
        if layer == "eth":
            found = []
        if layer in ids:
            found.append(number(ids[layer].pop(0)))
    return found[:2]


def expected_of(seen):
    """What our decoder should print, in its words, as far as tshark says it."""
    layers = seen["frame.protocols"][0].split(":")
    last = max(index for index, layer in enumerate(layers) if layer in ("ip", "ipv6"))
    transport = next((layer for layer in layers[last + 1:] if layer in PROTOCOLS), None)
    ports = ports_of(seen, transport) if transport else (0, 0)
    if layers[last] == "ip":
        addresses = seen["ip.src"][-1], seen["ip.dst"][-1]
        octets, ttl, tos = (number(seen[field][-1]) for field in ("ip.len", "ip.ttl", "ip.dsfield"))
    else:
        addresses = seen["ipv6.src"][-1], seen["ipv6.dst"][-1]
        octets, ttl, tos = (number(seen[field][-1])
                            for field in ("ipv6.plen", "ipv6.hlim", "ipv6.tclass"))
        octets += 40
    ids = []
    for field in ("gre.key", "vxlan.vni", "geneve.vni", "gtp.teid", "erspan.spanid",
                  "l2tp.session", "lisp-data.iid", "gre.key.call_id"):
        ids += [number(value) for value in seen[field]]
    spi = [number(value) for value in seen["ah.spi"] + seen["esp.spi"]]
    return {
        "source": ipaddress.ip_address(addresses[0]),
        "destination": ipaddress.ip_address(addresses[1]),
        "protocol": PROTOCOLS.get(transport), "ports": ports, "octets": octets, "ttl": ttl,
        "tos": tos, "labels": [number(value) for value in seen["mpls.label"]][:4],
        "pppoe": number(seen["pppoe.session_id"][0]) if seen["pppoe.session_id"] else 0,
        "ids": sorted(ids), "spi": spi[-1] if spi else 0,
        "vlans": vlans_of(seen, layers[:last]),
        "tunnels": sum(layer in ("ip", "ipv6") for layer in layers[:last]),
    }


def seen_by_us(program, stacks):
    lines = "".join(f"{LINKS[link]} {octets.hex()}\n" for link, octets in stacks.values())
    run = subprocess.run([program], input=lines, check=True, capture_output=True, text=True)
    for line in run.stdout.splitlines():
        pairs = [part.split("=", 1) for part in line.split(" ")]
        yield dict(pairs) if "=" in line else {"fate": line}


def numbers(text):
    return [int(part) for part in text.split(",") if part]


def ours_of(seen):
    address = [ipaddress.ip_address(bytes.fromhex(seen[name])[12 if seen["version"] == "4" else 0:])
               for name in ("source", "destination")]
    ids = numbers(seen["ids"])
    kinds = seen["kinds"].split(",")
    for index, kind in enumerate(kinds):
        if kind == "l2tp2":
            ids[index] &= 0xffff  # the session; the tunnel is above
        if kind == "nvgre":
            ids[index] <<= 8      # tshark shows the whole key
    return {
        "source": address[0], "destination": address[1], "protocol": int(seen["protocol"]),
        "ports": (int(seen["source_port"]), int(seen["destination_port"])),
        "octets": int(seen["octets"]), "ttl": int(seen["ttl"]), "tos": int(seen["tos"]),
        "labels": numbers(seen["labels"]), "pppoe": int(seen["pppoe"]),
        "ids": sorted(id_ for id_ in ids if id_), "spi": int(seen["spi"]),
        "vlans": numbers(seen["vlans"]), "tunnels": int(seen["layers"]),
    }


def differences(name, tshark, seen):
    if "fate" in seen:
        yield f"{name}: we read {seen['fate']}"
        return
    if not tshark["ip.src"] + tshark["ipv6.src"]:
        yield f"{name}: tshark reads {tshark['frame.protocols'][0]}, we {seen['kinds'] or 'IP'}"
        return
    expected, ours = expected_of(tshark), ours_of(seen)
    for field, value in expected.items():
        if field == "protocol" and value is None:
            continue
        if ours[field] != value:
            yield (f"{name}: {field}: tshark {value}, we {ours[field]}   "
                   f"[{tshark['frame.protocols'][0]}]")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--pcap")
    arguments = parser.parse_args()
    if not shutil.which("tshark"):
        print("skipped: no tshark")
        return 77
    stacks = all_stacks()
    with tempfile.TemporaryDirectory() as folder:
        capture = arguments.pcap or folder + "/zoo.pcapng"
        pathlib.Path(capture).write_bytes(b"".join(pcapng(stacks)))
        theirs = list(seen_by_tshark(capture))
    ours = list(seen_by_us(arguments.program, stacks))
    assert len(theirs) == len(ours) == len(stacks), (len(theirs), len(ours), len(stacks))
    found = [difference for name, tshark, seen in zip(stacks, theirs, ours)
             for difference in differences(name, tshark, seen)]
    print("\n".join(found))
    print(f"{len(stacks)} stacks, {len({line.split(': ')[0] for line in found})} differ")
    return 1 if found or len(stacks) < STACKS_MIN else 0


if __name__ == "__main__":
    sys.exit(main())
