"""TRex, stateless: UDP frames of one size, as many flows as wished.

start -f scripts/pktgen/trex_udp_flows.py -m 100% --port 0 -t --size 64 --flows 1000000
"""

import argparse

from trex_stl_lib.api import (IP, UDP, Ether, STLPktBuilder, STLScVmRaw, STLStream, STLTXCont,
                              STLVmFixIpv4, STLVmTupleGen, STLVmWrFlowVar)

FCS_OCTETS = 4
PORTS = 1024


def address(number):
    """The address 10.0.0.0 plus a number."""
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


class UdpFlows:
    """One stream; a flow is one source address and port."""

    def get_streams(self, direction=0, **kwargs):
        parser = argparse.ArgumentParser(description=__doc__)
        parser.add_argument("--size", type=int, default=64, help="octets of a frame with FCS")
        parser.add_argument("--flows", type=int, default=65536, help="1024 to 16 million")
        wish = parser.parse_args(kwargs.get("tunables", []))
        addresses = max(1, wish.flows // PORTS)
        frame = (Ether() / IP(src=address(1), dst=f"172.16.{direction}.1") /
                 UDP(sport=1024, dport=53))
        padding = b"\0" * max(0, wish.size - FCS_OCTETS - len(frame))
        program = STLScVmRaw([
            STLVmTupleGen(name="source", ip_min=address(1), ip_max=address(addresses),
                          port_min=1024, port_max=1023 + PORTS),
            STLVmWrFlowVar(fv_name="source.ip", pkt_offset="IP.src"),
            STLVmFixIpv4(offset="IP"),
            STLVmWrFlowVar(fv_name="source.port", pkt_offset="UDP.sport"),
        ])
        return [STLStream(packet=STLPktBuilder(pkt=frame / padding, vm=program),
                          mode=STLTXCont())]


def register():
    return UdpFlows()
