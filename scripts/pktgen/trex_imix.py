"""TRex, stateless: simple IMIX over TCP ports, 7 : 4 : 1 of 64, 594 and 1518 octets.

start -f scripts/pktgen/trex_imix.py -m 100% --port 0
"""

from trex_stl_lib.api import (IP, TCP, Ether, STLPktBuilder, STLScVmRaw, STLStream, STLTXCont,
                              STLVmFixIpv4, STLVmTupleGen, STLVmWrFlowVar)

FCS_OCTETS = 4
# octets with FCS, share, gap before the first frame so that the sizes mix
MIX = ((64, 7, 0), (594, 4, 10), (1518, 1, 20))


class Imix:
    """One stream a size; 100,000 flows each."""

    def stream(self, octets, share, gap_microseconds):
        frame = (Ether() / IP(src="10.0.0.1", dst="172.16.0.1") /
                 TCP(sport=1024, dport=443, flags="A"))
        padding = b"\0" * max(0, octets - FCS_OCTETS - len(frame))
        program = STLScVmRaw([
            STLVmTupleGen(name="source", ip_min="10.0.0.1", ip_max="10.0.0.100",
                          port_min=1024, port_max=2023),
            STLVmWrFlowVar(fv_name="source.ip", pkt_offset="IP.src"),
            STLVmFixIpv4(offset="IP"),
            STLVmWrFlowVar(fv_name="source.port", pkt_offset="TCP.sport"),
        ])
        return STLStream(isg=gap_microseconds,
                         packet=STLPktBuilder(pkt=frame / padding, vm=program),
                         mode=STLTXCont(pps=share))

    def get_streams(self, direction=0, **kwargs):
        return [self.stream(*line) for line in MIX]


def register():
    return Imix()
