#!/bin/bash
# Other people's collectors read our IPFIX over UDP, TCP and TLS, by IPv4 and IPv6, from loopback:
# libfixbuf, nfcapd with the questions that people ask nfdump, nfacctd (pmacct), tshark. No warning,
# and sums equal to the truth that the generator wrote beside the packets.
# usage: tests/system/ipfix_conformance_test.sh
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/collectors.sh
. "$(dirname "$0")/collectors.sh"

cases=(udp4_libfixbuf udp6_libfixbuf tcp4_libfixbuf tcp6_libfixbuf tls_libfixbuf tls6_libfixbuf
    tls_unknown_name tls_unknown_authority tls_too_old files_libfixbuf files_tshark domain_name
    udp4_nfcapd udp6_nfcapd nfcapd_sequence nfdump_top nfdump_port nfdump_packets
    filter_same_as_nfdump udp4_nfacctd udp6_nfacctd found_libfixbuf found_applications
    found_signatures found_tshark found_types)
begin "${cases[@]}"
"$traffic" write "$work/sent.pcap" "$work/truth.jsonl" --packets 20000 --flows 600
wanted=$(totals_of "$work/truth.jsonl")

# udp|tcp|tls|file, host, port, more TOML ...: the recording through one collector
export_to() {
    local transport=$1 host=$2 port=$3
    shift 3
    {
        printf '[[export.ipfix]]\nreconnect = "1s"\n'
        if [[ $transport == file ]]; then
            printf 'collector = "file://%s"\n' "$host"
        else
            printf 'collector = "%s://%s:%s"\n' "$transport" "$host" "$port"
        fi
        printf '%s\n' "$@"
    } >"$work/export.toml"
    "$tapmeter" read "$work/sent.pcap" -c "$work/export.toml" --strict >"$work/export.log" 2>&1
}

# name, transport, address to listen at, host in the URL
by_fixbuf() {
    local name=$1 transport=$2 address=$3 host=$4 port records sums
    has_fixbuf "$name" || return
    port=$(free_port)
    records=$("$tapmeter" read "$work/sent.pcap" -q -o json | wc -l)
    start_here "$work/fixbuf.out" "$fixbuf" "$transport" "$address" "$port" "$records"
    wait_for 10 is_listening "$port"
    export_to "$transport" "$host" "$port" || true
    wait_for 10 has_ended "$started" || kill "$started"
    read -r records sums <<<"$(awk '{print $1, $2, $3}' "$work/fixbuf.out")"
    if [[ $sums == "$wanted" ]]; then
        ok "$name"
    else
        failed "$name" "libfixbuf has '$sums', sent were '$wanted'" "$work/fixbuf.out" \
            "$work/export.log"
    fi
}
by_fixbuf udp4_libfixbuf udp 127.0.0.1 127.0.0.1
by_fixbuf udp6_libfixbuf udp ::1 '[::1]'
by_fixbuf tcp4_libfixbuf tcp 127.0.0.1 127.0.0.1
by_fixbuf tcp6_libfixbuf tcp ::1 '[::1]'

# host, more TOML ...
by_tls() {
    local host=$1
    shift
    export_to tls "$host" "$port" "tls_certificate = \"$work/tapmeter.pem\"" \
        "tls_key = \"$work/tapmeter.key\"" "$@"
}
refused_without_an_octet() {
    [[ ! -s $work/tls.ipfix ]] && grep -q 'certificate is refused' "$work/export.log"
}
too_old() { [[ ! -s $work/tls.ipfix ]] && grep -qiE 'TLS.*protocol version' "$work/export.log"; }
if command -v openssl >/dev/null && make_certificates; then
    # name, host in the URL
    tls_by_fixbuf() {
        port=$(free_port)
        start_openssl "$2:$port" "$work/tls"
        by_tls "$2" "tls_ca = \"$work/authority.pem\""
        sleep 0.5
        has_fixbuf "$1" || return
        sums=$(sums_of_fixbuf "$work/tls.ipfix")
        if [[ $sums == "$wanted" ]]; then
            ok "$1"
        else
            failed "$1" "libfixbuf has '$sums', sent were '$wanted'" "$work/tls.log" \
                "$work/export.log"
        fi
    }
    tls_by_fixbuf tls6_libfixbuf '[::1]'
    kill "$started"
    tls_by_fixbuf tls_libfixbuf 127.0.0.1
    : >"$work/tls.ipfix"
    by_tls 127.0.0.1 "tls_ca = \"$work/authority.pem\"" 'tls_name = "other.test"'
    expect tls_unknown_name 'something was exported to another name, or nothing said' \
        refused_without_an_octet
    by_tls 127.0.0.1 "tls_ca = \"$work/stranger.pem\""
    expect tls_unknown_authority 'something was exported to a collector that we cannot verify' \
        refused_without_an_octet
    kill "$started"
    # Which OpenSSL speaks only when it is told that nothing is too old.
    port=$(free_port)
    start_openssl "127.0.0.1:$port" "$work/tls" -tls1_1 -cipher 'ALL:@SECLEVEL=0'
    by_tls 127.0.0.1 "tls_ca = \"$work/authority.pem\""
    expect tls_too_old 'something was exported over TLS 1.1, or nothing said' too_old
    kill "$started"
else
    for case in tls_libfixbuf tls6_libfixbuf tls_unknown_name tls_unknown_authority tls_too_old; do
        skip "$case" 'openssl is not installed (scripts/setup test)'
    done
fi

export_to file "$work/files" 0 'compress = false'
cat "$work"/files/*.ipfix >"$work/all.ipfix"
if has_fixbuf files_libfixbuf; then
    sums=$(sums_of_fixbuf "$work/all.ipfix")
    expect files_libfixbuf "libfixbuf has '$sums', written were '$wanted'" \
        test "$sums" = "$wanted"
fi
expect_no_complaint files_tshark "$work/all.ipfix"

# Under a domain of the collector's own, which has a name.
rm -rf "$work/files"
export_to file "$work/files" 0 'compress = false' 'observation_domain_id = 77' \
    'observation_domain_name = "east"'
cat "$work"/files/*.ipfix >"$work/named.ipfix"
names_its_domain() {
    tshark -r "$work/named.ipfix" -T fields -e cflow.od_id -e cflow.observation_domain_name \
        2>/dev/null | awk -F '\t' '$1 !~ /^77(,77)*$/ { wrong = 1 }
            $2 == "east" { named = 1 } END { exit wrong || !named }'
}
if command -v tshark >/dev/null; then
    expect domain_name 'tshark reads another domain, or not what it is called' names_its_domain
else
    skip domain_name 'tshark is not installed (scripts/setup test)'
fi

# What inspection finds: applications with the table of their names (RFC 6759), signatures as a list
# (RFC 6313) of an element of ours, explained by a record (RFC 5610).
export_found() {
    echo 'alert ip any any -> any any (msg:"any"; sid:2100498;)' >"$work/any.rules"
    rm -rf "$work/found"
    export_to file "$work/found" 0 'compress = false' 'enterprise_number = 32473' \
        'template = ["default", "applicationId", "applicationName", "signatureIds"]' \
        '[signatures]' "rule_files = [\"$work/any.rules\"]"
    cat "$work"/found/*.ipfix >"$work/found.ipfix"
}
found_cases=(found_libfixbuf found_applications found_signatures found_tshark found_types)
if command -v ipfixDump >/dev/null && command -v tshark >/dev/null; then
    export_found
    if has_fixbuf found_libfixbuf; then
        sums=$(sums_of_fixbuf "$work/found.ipfix")
        expect found_libfixbuf "libfixbuf has '$sums', written were '$wanted'" \
            test "$sums" = "$wanted"
    fi
    ipfixDump --rfc5610 --data --hexdump 16 -i "$work/found.ipfix" >"$work/found.txt" 2>&1
    "$tapmeter" read "$work/sent.pcap" -q -o json \
        --set "signatures.rule_files=[\"$work/any.rules\"]" >"$work/found.jsonl"
    compare_found() {
        python3 "$top/tests/system/ipfix_found.py" "$1" "$work/found.txt" "$work/found.jsonl"
    }
    expect found_applications 'libfixbuf has other applications than our JSON' \
        compare_found applications
    expect found_signatures 'libfixbuf has other signatures than our JSON' \
        compare_found signatures
    complaints=$(tshark -r "$work/found.ipfix" -Y '_ws.malformed || _ws.expert' 2>&1 |
        grep -vc 'Running as user')
    expect found_tshark "tshark complains $complaints times" test "$complaints" -eq 0
    expect found_types 'no record tells what a signatureId is' \
        grep -q 'signatureId' "$work/found.txt"
else
    for case in "${found_cases[@]}"; do
        skip "$case" 'ipfixDump or tshark is not installed (scripts/setup test)'
    done
fi

# address, host, case, more TOML ...
by_nfcapd() {
    local address=$1 host=$2 port sums
    shift 2
    port=$(free_port)
    start_nfcapd_here "$port" "$address"
    export_to udp "$host" "$port" 'quirks = "nfdump"' "$@"
    sleep 0.5
    stop "$started" 10
}
dump() { nfdump -q -N -R "$work/stored" "$@" 2>/dev/null; }
if command -v nfcapd >/dev/null; then
    by_nfcapd ::1 '[::1]'
    expect udp6_nfcapd 'nfcapd stored other flows than the file holds' \
        "$flows" compare "truth:$work/truth.jsonl" "nfdump:$work/stored"
    by_nfcapd 127.0.0.1 127.0.0.1
    expect udp4_nfcapd 'nfcapd stored other flows than the file holds' \
        "$flows" compare "truth:$work/truth.jsonl" "nfdump:$work/stored"
    expect nfcapd_sequence 'nfcapd counted sequence errors or bad packets' \
        grep -q 'Sequence Errors: 0, Bad Packets: 0' "$work/nfcapd.log"
    # The questions of softflowd's users, against our own answers to them.
    "$tapmeter" read "$work/sent.pcap" -q -o json >"$work/records.jsonl"
    questions=$top/tests/system/ipfix_questions.py
    ask() { python3 "$questions" "$1" "$work/records.jsonl"; }
    expect nfdump_top 'nfdump -s srcip/bytes -n 10 has other addresses or sums' diff \
        <(nfdump -N -R "$work/stored" -s srcip/bytes -n 10 -o csv |
            python3 "$questions" nfdump-top -) <(ask top)
    expect nfdump_port "nfdump 'dst port 443' counts other records" \
        test "$(dump -o 'fmt:%fl' 'dst port 443' | wc -l)" = "$(ask port)"
    expect nfdump_packets "nfdump 'packets < 3' counts other records" \
        test "$(dump -o 'fmt:%fl' 'packets < 3' | wc -l)" = "$(ask packets)"
    # The same expression in our filter: nfcapd is sent what nfdump would have picked.
    picked=$(dump -o 'fmt:%fl' 'dst port 443 and packets > 2' | wc -l)
    by_nfcapd 127.0.0.1 127.0.0.1 'filter = "dst port 443 and packets > 2"'
    expect filter_same_as_nfdump "our filter sends other records than nfdump's $picked" \
        test "$(dump -o 'fmt:%fl' any | wc -l)" = "$picked"
else
    for case in udp4_nfcapd udp6_nfcapd nfcapd_sequence nfdump_top nfdump_port nfdump_packets \
        filter_same_as_nfdump; do
        skip "$case" 'nfdump is not installed (scripts/setup test)'
    done
fi

# pmacct keeps one direction a record, so it is sent two.
by_nfacctd() {
    local name=$1 address=$2 host=$3 port sums
    port=$(free_port)
    start_nfacctd "$port" "$address"
    export_to udp "$host" "$port" 'direction = "uniflow"'
    stop_nfacctd
    sums=$(sums_of_nfacctd)
    if [[ $sums == "$wanted" ]] && ! grep -Eiq 'warn.*(template|malformed|seq)' "$work/nfacctd.log"
    then
        ok "$name"
    else
        failed "$name" "nfacctd has '$sums', sent were '$wanted'" "$work/nfacctd.log"
    fi
}
if command -v nfacctd >/dev/null; then
    by_nfacctd udp4_nfacctd 127.0.0.1 127.0.0.1
    by_nfacctd udp6_nfacctd ::1 '[::1]'
else
    skip udp4_nfacctd 'pmacct is not installed (scripts/setup test)'
    skip udp6_nfacctd 'pmacct is not installed (scripts/setup test)'
fi
finish
