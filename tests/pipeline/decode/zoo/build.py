#!/usr/bin/env python3
"""Builds the stacks that stacks.txt describes, as octets and as a capture file.

usage: build.py FILE            writes all of them as pcapng
       build.py FILE STACKS     writes those that the text STACKS describes
"""

import itertools
import pathlib
import struct
import sys

STACKS = pathlib.Path(__file__).with_name("stacks.txt")
LINKS = {"eth": 1, "sll": 113, "sll2": 276, "raw": 101, "null": 0, "loop": 108, "ppp": 9,
         "chdlc": 104}

# Addresses of real vendors: tshark takes an Ethernet pseudowire for one only by these.
ETHERNET = bytes.fromhex("00000c010203") + bytes.fromhex("00000c040506")
IPV4, IPV6, VLAN, SERVICE, MPLS, PPPOE, BRIDGED = (0x0800, 0x86dd, 0x8100, 0x88a8, 0x8847, 0x8864,
                                                   0x6558)


def be(form, *values):
    return struct.pack(">" + form, *values)


class Stack:
    """Builds a packet from the inside out. `type` is the ethertype of what was built."""

    def __init__(self):
        self.layer = 0
        self.type = 0
        self.octets = b""

    def hosts(self):
        self.layer += 1
        return self.layer * 2, self.layer * 2 + 1

    def put(self, type_, octets):
        self.type, self.octets = type_, octets

    def ip4(self, protocol, payload, options=b""):
        one, two = self.hosts()
        words = 5 + len(options) // 4
        head = be("BBHHHBBHBBBBBBBB", 0x40 | words, 0x20 + self.layer, words * 4 + len(payload),
                  self.layer, 0, 60 + self.layer, protocol, 0, 10, 0, 0, one, 10, 0, 0, two)
        self.put(IPV4, head + options + payload)

    def ip6(self, protocol, payload):
        one, two = self.hosts()
        head = be("IHBB", 0x60000000 | (0x20 + self.layer) << 20, len(payload), protocol,
                  60 + self.layer)
        host = bytes.fromhex("20010db8") + bytes(11)
        self.put(IPV6, head + host + bytes([one]) + host + bytes([two]) + payload)

    def udp(self, port, payload):
        return be("HHHH", 40_000 + self.layer, port, 8 + len(payload), 0) + payload

    def as_ethernet(self):
        if self.type != BRIDGED:
            self.put(BRIDGED, ETHERNET + be("H", self.type) + self.octets)
        return self.octets


def insides():
    """What is innermost, by the name without its IP version: protocol and octets."""
    text = b"zoo"
    tcp = be("HHIIBBHHH", 50_001, 50_002, 1, 1, 0x50, 0x18, 1024, 0, 0) + text
    udp = be("HHHH", 50_001, 50_002, 8 + len(text), 0) + text
    ah = be("BBHIII", 17, 4, 0, 0x1234, 1, 0) + bytes(8)
    return {
        "udp": (17, udp), "tcp": (6, tcp), "icmp": (1, be("BBHI", 8, 0, 0, 1) + text),
        "sctp": (132, be("HHII", 50_001, 50_002, 1, 0)), "udplite": (136, udp),
        "dccp": (33, be("HHBBHIII", 50_001, 50_002, 4, 0, 0, 0x05000000, 0, 0)),
        "opt": (17, udp), "hbh": (0, be("BBHI", 17, 0, 0x0104, 0) + udp),
        "dst": (60, be("BBHI", 17, 0, 0x0104, 0) + udp),
        "route": (43, be("BBBBI", 17, 2, 4, 0, 0) + bytes(16) + udp),
        "frag": (44, be("BBHI", 17, 0, 1, 77) + udp), "ah": (51, ah + udp),
        "esp": (50, be("II", 0x5678, 1) + bytes(32)),
    }


def build_inside(stack, name):
    protocol, octets = insides()[name[:-1]]
    if name == "icmp6":
        protocol, octets = 58, be("BBHI", 128, 0, 0, 1) + b"zoo"
    if name.endswith("6"):
        stack.ip6(protocol, octets)
    else:
        stack.ip4(protocol, octets, bytes([1, 1, 1, 0]) if name == "opt4" else b"")


def gre(stack, flags, fields, type_=None):
    type_ = stack.type if type_ is None else type_
    stack.ip4(47, be("HH", flags, type_) + fields + stack.octets)


def over_udp(stack, port, head, version=4):
    octets = stack.udp(port, head + stack.octets)
    stack.ip6(17, octets) if version == 6 else stack.ip4(17, octets)


def gtp(stack, flags, optional=b"", version=4):
    head = be("BBHI", flags, 255, len(optional) + len(stack.octets), 0x11223344) + optional
    over_udp(stack, 2152, head, version)


def ethernet_first(build):
    def wrapped(stack):
        stack.as_ethernet()
        build(stack)
    return wrapped


def mpls(stack, count):
    entries = b"".join(be("I", (1000 + n) << 12 | (0x100 if n == count else 0) | 64)
                       for n in range(1, count + 1))
    stack.put(MPLS, entries + stack.octets)


def ppp_type(stack):
    return {IPV4: 0x0021, IPV6: 0x0057, MPLS: 0x0281}[stack.type]


VXLAN = be("II", 0x08000000, 0x00ABCD << 8)
GENEVE_OPTION = be("HBB", 0x0102, 0x03, 1) + bytes(4)

TUNNELS = {
    "gre": lambda s: gre(s, 0, b""),
    "gre_key": lambda s: gre(s, 0x2000, be("I", 77)),
    "gre_csum": lambda s: gre(s, 0x8000, be("I", 0)),
    "gre_seq": lambda s: gre(s, 0x1000, be("I", 9)),
    "gre_all": lambda s: gre(s, 0xb000, be("III", 0, 77, 9)),
    "gre_mpls": lambda s: (mpls(s, 1), gre(s, 0, b"")),
    "gre6": lambda s: s.ip6(47, be("HH", 0, s.type) + s.octets),
    "nvgre": ethernet_first(lambda s: gre(s, 0x2000, be("I", 0x123456 << 8))),
    "erspan1": ethernet_first(lambda s: gre(s, 0, b"", 0x88be)),
    "erspan2": ethernet_first(
        lambda s: gre(s, 0x1000, be("III", 5, 0x10000123, 0), 0x88be)),
    "erspan3": ethernet_first(
        lambda s: gre(s, 0x1000, be("IIII", 5, 0x20000321, 0, 0), 0x22eb)),
    "erspan3_sub": ethernet_first(
        lambda s: gre(s, 0x1000, be("IIIIII", 5, 0x20000321, 0, 1, 0, 0), 0x22eb)),
    "pptp": lambda s: s.ip4(47, be("HHHHIIHH", 0x3081, 0x880b, 4 + len(s.octets), 99, 1, 1,
                                   0xff03, ppp_type(s)) + s.octets),
    "ipip": lambda s: s.ip4(41 if s.type == IPV6 else 4, s.octets),
    "ipip6": lambda s: s.ip6(41 if s.type == IPV6 else 4, s.octets),
    "6in4": lambda s: s.ip4(41 if s.type == IPV6 else 4, s.octets),
    "4in6": lambda s: s.ip6(41 if s.type == IPV6 else 4, s.octets),
    "6in6": lambda s: s.ip6(41 if s.type == IPV6 else 4, s.octets),
    "vxlan": ethernet_first(lambda s: over_udp(s, 4789, VXLAN)),
    "vxlan6": ethernet_first(lambda s: over_udp(s, 4789, VXLAN, 6)),
    "vxlan_linux": ethernet_first(lambda s: over_udp(s, 8472, VXLAN)),
    "vxlan_gpe": lambda s: over_udp(
        s, 4790, be("II", 0x0c000000 | (1 if s.type == IPV4 else 2), 0xABCD << 8)),
    "vxlan_gpe_eth": ethernet_first(lambda s: over_udp(s, 4790, be("II", 0x0c000003, 0xABCD << 8))),
    "vxlan_gpe_nsh": lambda s: over_udp(
        s, 4790, be("IIII", 0x0c000004, 0xABCD << 8,
                    0x0fc20200 | (1 if s.type == IPV4 else 2), 0x00000aff)),
    "geneve": ethernet_first(lambda s: over_udp(s, 6081, be("II", BRIDGED, 0xBCDE << 8))),
    "geneve6": ethernet_first(lambda s: over_udp(s, 6081, be("II", BRIDGED, 0xBCDE << 8), 6)),
    "geneve_ip": lambda s: over_udp(s, 6081, be("II", s.type, 0xBCDE << 8)),
    "geneve_opts": ethernet_first(
        lambda s: over_udp(s, 6081, be("II", 0x04000000 | BRIDGED, 0xBCDE << 8) +
                           2 * GENEVE_OPTION)),
    "geneve_opts_max": ethernet_first(
        lambda s: over_udp(s, 6081, be("II", 0x3e000000 | BRIDGED, 0xBCDE << 8) +
                           31 * GENEVE_OPTION)),
    "gtpu": lambda s: gtp(s, 0x30),
    "gtpu6": lambda s: gtp(s, 0x30, b"", 6),
    "gtpu_seq": lambda s: gtp(s, 0x32, be("HBB", 7, 0, 0)),
    "gtpu_ext": lambda s: gtp(s, 0x34, be("HBB", 0, 0, 0x85) + bytes([1, 0x10, 9, 0])),
    "gtpu_ext2": lambda s: gtp(
        s, 0x36, be("HBB", 7, 0, 0xc0) + bytes([1, 0, 5, 0x85]) + bytes([1, 0x10, 9, 0])),
    "lisp": lambda s: over_udp(s, 4341, be("II", 0x08000000, 0xCDE << 8)),
    "teredo": lambda s: over_udp(s, 3544, b""),
    "teredo_auth": lambda s: over_udp(s, 3544, be("HBB", 1, 0, 0) + bytes(9)),
    "teredo_origin": lambda s: over_udp(s, 3544, be("HHI", 0, 1, 2)),
    "l2tp2": lambda s: over_udp(s, 1701, be("HHHHH", 2, 3, 4, 0xff03, ppp_type(s))),
    "l2tp2_len": lambda s: over_udp(
        s, 1701, be("HHHHHH", 0x4002, 12 + len(s.octets), 3, 4, 0xff03, ppp_type(s))),
    "l2tp2_all": lambda s: over_udp(
        s, 1701, be("HHHHHHHHHH", 0x4a02, 20 + len(s.octets), 3, 4, 1, 1, 2, 0, 0xff03,
                    ppp_type(s))),
    "etherip": ethernet_first(lambda s: s.ip4(97, be("H", 0x3000) + s.octets)),
    "mplsip": lambda s: (mpls(s, 1), s.ip4(137, s.octets)),
    "mplsudp": lambda s: (mpls(s, 1), over_udp(s, 6635, b"")),
}


def tagged(stack, id_, type_=VLAN):
    stack.put(type_, be("HH", id_, stack.type) + stack.octets)


def pseudowire(stack):
    octets = stack.as_ethernet()
    stack.put(MPLS, be("II", 1001 << 12 | 0x140, 0) + octets)


def backbone(stack):
    octets = stack.as_ethernet()
    stack.put(0x88e7, be("I", 0x010203) + octets)


def cisco(stack):
    stack.put(0x8909, be("BBHHH", 1, 1, 1, 9, stack.type) + stack.octets)


def llc_snap(stack):
    octets = bytes.fromhex("aaaa03000000") + be("H", stack.type) + stack.octets
    stack.put(len(octets), octets)


TAGS = {
    "vlan": lambda s: tagged(s, 7),
    "qinq": lambda s: (tagged(s, 8), tagged(s, 9, SERVICE)),
    "vlan4": lambda s: [tagged(s, n) for n in (4, 3, 2, 1)],
    "mpls1": lambda s: mpls(s, 1), "mpls2": lambda s: mpls(s, 2), "mpls3": lambda s: mpls(s, 3),
    "mpls6": lambda s: mpls(s, 6),
    "pppoe": lambda s: s.put(PPPOE, be("BBHHH", 0x11, 0, 0x99, 2 + len(s.octets), ppp_type(s)) +
                             s.octets),
    "pw_cw": pseudowire, "pbb": backbone, "cisco": cisco, "llc_snap": llc_snap,
    "nsh": lambda s: s.put(0x894f, be("II", 0x0fc20200 | (1 if s.type == IPV4 else 2), 0x0aff) +
                           s.octets),
}


def on_link(link, stack):
    type_, octets = stack.type, stack.octets
    return {
        "eth": lambda: ETHERNET + be("H", type_) + octets,
        "sll": lambda: be("HHH", 0, 1, 6) + bytes(8) + be("H", type_) + octets,
        "sll2": lambda: be("HHIHBB", type_, 0, 1, 1, 0, 6) + bytes(8) + octets,
        "raw": lambda: octets,
        "null": lambda: struct.pack("<I", 2 if type_ == IPV4 else 30) + octets,
        "loop": lambda: be("I", 2 if type_ == IPV4 else 24) + octets,
        "ppp": lambda: be("HH", 0xff03, ppp_type(stack)) + octets,
        "chdlc": lambda: be("HH", 0x0f00, type_) + octets,
    }[link]()


def words(field):
    return [[part for part in word.split("+") if part != "-"]
            for word in field.strip().split(",")]


def stacks_of(text):
    """Every stack: its name, its link layer and its octets."""
    all_ = {}
    for line in text.splitlines():
        line = line.split("#")[0].strip()
        if not line:
            continue
        for link, tags, tunnels, inside in itertools.product(*map(words, line.split("|"))):
            stack = Stack()
            build_inside(stack, inside[0])
            for word in reversed(tunnels):
                (TUNNELS.get(word) or TAGS[word])(stack)
            for word in reversed(tags):
                TAGS[word](stack)
            all_["/".join(link + tags + tunnels + inside)] = (link[0], on_link(link[0], stack))
    return all_


def block(type_, body):
    body += bytes(-len(body) % 4)
    return struct.pack("<II", type_, 12 + len(body)) + body + struct.pack("<I", 12 + len(body))


def pcapng(stacks):
    """One interface a link layer: tshark reads what libpcap refuses."""
    links = sorted({link for link, _ in stacks.values()})
    yield block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    for link in links:
        yield block(1, struct.pack("<HHI", LINKS[link], 0, 0))
    for link, octets in stacks.values():
        head = struct.pack("<IIIII", links.index(link), 0, 0, len(octets), len(octets))
        yield block(6, head + octets)


def all_stacks():
    return stacks_of(STACKS.read_text(encoding="ascii"))


if __name__ == "__main__":
    wanted = stacks_of(sys.argv[2]) if len(sys.argv) > 2 else all_stacks()
    pathlib.Path(sys.argv[1]).write_bytes(b"".join(pcapng(wanted)))
