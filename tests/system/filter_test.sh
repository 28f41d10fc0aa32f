#!/bin/bash
# tcpdump's expressions: `read FILE 'EXPRESSION'` meters the packets that tcpdump finds in the file,
# for every expression below and each of the captures; behind tags those that tcpdump finds with
# `vlan and` and the like in front; and `-w` writes just these.
#
# usage: tests/system/filter_test.sh  (no root; TAPMETER_PCAPS=FOLDER, else ../shared/pcaps/dev)
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

cases=(filter_counts_as_tcpdump filter_sees_through_vlan filter_sees_through_mpls_and_pppoe
    filter_speaks_of_tags_as_tcpdump filter_writes_what_it_passes filter_mistake_is_told
    filter_none_costs_no_packet)
begin "${cases[@]}"
if [[ ! -d $captures/pcap ]] || ! command -v tcpdump >/dev/null; then
    for name in "${cases[@]}"; do
        skip "$name" "no tcpdump, or no captures at $captures (TAPMETER_PCAPS)"
    done
    finish
fi

expressions=(
    'tcp' 'udp' 'icmp' 'icmp6' 'arp' 'ip' 'ip6' 'not ip' 'not tcp' 'sctp'
    'port 53' 'src port 53' 'dst port 443' 'tcp port 80' 'portrange 1024-65535'
    'tcp dst port 80 or udp src port 53' 'host 10.0.0.1' 'src net 192.168.0.0/16'
    'dst net 10.0.0.0/8 and not port 53' 'net 172.16.0.0/12'
    'tcp[tcpflags] & (tcp-syn|tcp-fin) != 0' 'tcp[13] = 2' 'tcp[tcpflags] == tcp-ack'
    'ip[6:2] & 0x1fff != 0' 'ip[8] < 64' 'ip proto 47' 'ip proto 17' 'ip6 proto 6' 'ip6 host ::1'
    'greater 500' 'less 100' 'len = 60' 'len > 90 and len <= 1000' 'ip multicast' 'ip broadcast'
    'ether multicast' 'ether broadcast' 'udp[4:2] > 100' 'icmp[icmptype] = icmp-echo'
    'ip[2:2] - ((ip[0] & 0xf) << 2) - ((tcp[12] & 0xf0) >> 2) != 0'
    'ip and (tcp or udp) and not (port 53 or port 80)'
    'tcp[20:4] = 0x47455420' '(ip[0] % 16) * 4 = 20'
)
captures_asked=(ndpi__sip.pcap ndpi__dns_fragmented.pcap arkime__sctp-www.pcap zeek__smtp.pcap
    pcpp__ip6_fragments.pcap ndpi__synscan.pcap
    communityid__combined.pcap
    arkime__http2-nghttp2.pcap ndpi__android.pcap ipfixprobe__tls.pcap ics__090813_diverse.pcap)

# How many packets `read` lets through: what it received without what the filter refused.
passed() {
    "$tapmeter" read "$@" --top 0 --set dpi.enabled=false 2>"$work/read.err" | awk '
        $1 == "metering" { inside = 1 }
        inside && $1 == "received" { gsub(",", "", $2); all = $2; inside = 0 }
        $1 == "ignored" && $2 == "filter" { gsub(",", "", $3); refused = $3 }
        /the books balance/ { balanced = 1 }
        END { print balanced ? all - refused : "books" }'
}
# Packets, not lines: of some tcpdump prints the octets too.
found() {
    tcpdump -nttr "$@" 2>/dev/null | grep -c '^[0-9]'
}
# file, our expression, tcpdump's ...: ours finds as many packets as all of tcpdump's together
compare() {
    local file=$1 expression=$2 one theirs=0 ours
    shift 2
    for one in "$@"; do
        one=$(tcpdump -r "$file" -w - "$one" 2>"$work/tcpdump.err" | found -)
        theirs=$((theirs + one))
    done
    ours=$(passed "$file" "$expression")
    asked=$((asked + 1))
    hits=$((hits + (theirs > 0)))
    [[ $ours == "$theirs" ]] || wrong+=" [${file##*/} '$expression': $ours, tcpdump $theirs]"
}

asked=0 hits=0 wrong=''
for file in "${captures_asked[@]}"; do
    for expression in "${expressions[@]}"; do
        compare "$captures/pcap/$file" "$expression" "$expression"
    done
done
echo "${#expressions[@]} expressions, $asked questions, $hits with packets that match"
expect filter_counts_as_tcpdump "not as tcpdump:$wrong" test -z "$wrong" -a "$hits" -gt 150

# Of a SPAN port: the frames that match, and the tagged and twice tagged ones that match behind
# their tags.
asked=0 hits=0 wrong=''
for expression in 'udp' 'tcp' 'not udp' 'udp port 427' 'ip' 'not ip' 'ip multicast' 'less 200' \
    'ip[8] < 64' 'ether multicast' 'dst net 10.0.0.0/8 and not port 53' 'greater 300'; do
    for file in derived/vlan_ndpi__srvloc.pcap pcap/ndpi__false_positives.pcapng; do
        compare "$captures/$file" "$expression" "ether[12:2] != 0x8100 and ($expression)" \
            "vlan and ether[16:2] != 0x8100 and ($expression)" "vlan and vlan and ($expression)"
    done
done
echo "$asked questions of tagged captures, $hits with packets that match"
expect filter_sees_through_vlan "not as tcpdump:$wrong" test -z "$wrong" -a "$hits" -gt 5

asked=0 hits=0 wrong=''
for expression in 'udp' 'tcp' 'ip' 'icmp' 'not icmp' 'greater 100'; do
    compare "$captures/pcap/zeek__pppoe-over-qinq.pcap" "$expression" \
        "vlan and vlan and pppoes and ($expression)"
done
# Of the zoo, frames under tags and labels: those that match as they stand, and under each pile.
python3 "$top/tests/pipeline/decode/zoo/build.py" "$work/tags.pcapng" "
    eth | -,vlan,qinq,mpls1,mpls2,pppoe | -,gre,gre_mpls | udp4,tcp4,icmp4,udp6,tcp6
    eth | vlan+mpls1,vlan+mpls2,qinq+mpls1,vlan+pppoe,pw_cw,pw_cw+vlan | - | udp4,tcp4,udp6,tcp6"
tags=("$work/tags.pcapng" "$captures/pcap/zeek__mixed-vlan-mpls.pcap"
    "$captures/pcap/zeek__mpls-6in6-6in6-4in6-invalid-version-4.pcap")
piles=('' 'vlan' 'vlan and vlan' 'mpls' 'mpls and mpls' 'vlan and mpls' 'vlan and mpls and mpls'
    'vlan and vlan and mpls' 'pppoes' 'vlan and pppoes')
for expression in 'udp' 'tcp' 'ip' 'ip6' 'icmp' 'ip[8] < 64' 'tcp port 50001' 'host 10.0.0.2' \
    'ip proto 47' 'tcp port 23 and src host 10.1.2.1'; do
    for file in "${tags[@]:0:2}"; do
        under=()
        for pile in "${piles[@]}"; do
            under+=("${pile:+$pile and }($expression)")
        done
        compare "$file" "$expression" "${under[@]}"
    done
done
expect filter_sees_through_mpls_and_pppoe "not as tcpdump:$wrong" \
    test -z "$wrong" -a "$hits" -gt 10

# An expression that names tags means them, in the words and the order of tcpdump. (`vlan` behind
# `mpls` libpcap refuses, to both.)
asked=0 hits=0 wrong=''
for expression in 'mpls' 'mpls 1001' 'mpls 1002' 'mpls 29' 'not mpls' 'mpls and ip' 'mpls and ip6' \
    'mpls and udp' 'mpls and tcp' 'mpls and not ip' 'mpls and mpls' 'mpls 1001 and mpls 1002' \
    'mpls 1001 and mpls 1002 and ip' 'mpls and mpls and udp' 'mpls and host 10.0.0.2' \
    'mpls and port 50001' 'mpls and tcp port 23' 'mpls and ip[8] < 64' 'mpls and icmp' \
    'mpls and tcp[13] & 2 != 0' 'mpls and greater 100' 'mpls or ip' 'ip or mpls' \
    'vlan' 'vlan 7' 'not vlan' 'vlan and ip' 'vlan and mpls' 'vlan 7 and mpls' \
    'vlan and mpls and udp' 'vlan and mpls and mpls and tcp' 'vlan and vlan' \
    'vlan and vlan and mpls' 'vlan and vlan and mpls and tcp' 'pppoes' \
    'pppoes 0x99' 'pppoes 0x98' 'pppoes and ip' 'pppoes and ip6' 'pppoes and tcp port 50001' \
    'vlan and pppoes' 'vlan and pppoes and udp' 'not pppoes' 'ether proto 0x8847' \
    'ether[12:2] = 0x8847' 'ether[12:2] = 0x8847 and ether[20:1] & 0xf0 = 0'; do
    for file in "${tags[@]}" "$captures/pcap/zeek__pppoe-over-qinq.pcap"; do
        compare "$file" "$expression" "$expression"
    done
done
echo "$asked questions that speak of tags, $hits with packets that match"
expect filter_speaks_of_tags_as_tcpdump "not as tcpdump:$wrong" \
    test -z "$wrong" -a "$hits" -gt 60

wrong=''
for expression in 'udp' 'tcp port 25' 'arp or icmp' 'greater 500'; do
    for file in zeek__smtp.pcap ndpi__android.pcap; do
        tcpdump -Z root -nr "$captures/pcap/$file" -w "$work/theirs.pcap" "$expression" 2>/dev/null
        "$tapmeter" read "$captures/pcap/$file" "$expression" -w "$work/ours.pcapng" -q \
            >/dev/null || wrong+=" status"
        cmp -s <(tcpdump -nttxxr "$work/theirs.pcap" 2>/dev/null) \
            <(tcpdump -nttxxr "$work/ours.pcapng" 2>/dev/null) || wrong+=" [$file '$expression']"
    done
done
expect filter_writes_what_it_passes "files differ:$wrong" test -z "$wrong"

"$tapmeter" read "$captures/pcap/zeek__smtp.pcap" 'udp prot 53' >"$work/out" 2>"$work/err"
status=$?
expect filter_mistake_is_told "status $status: $(cat "$work/err")" \
    eval "[[ $status -eq 2 && ! -s $work/out ]] && grep -q 'pcap-filter(7)' $work/err"

all=$(passed "$captures/pcap/zeek__smtp.pcap")
expect filter_none_costs_no_packet "without a filter $all packets" \
    test "$all" = "$(found "$captures/pcap/zeek__smtp.pcap")"
finish
