# shellcheck shell=bash
# For tests whose collectors listen on loopback. Sourced behind tests/system/lib.sh.

# A port that nobody listens at.
free_port() {
    python3 -c '
import socket
probe = socket.socket()
probe.bind(("127.0.0.1", 0))
print(probe.getsockname()[1])'
}
is_listening() { ss -H -ln "sport = :$1" | grep -q .; }

# The reader that the build makes where libfixbuf-dev is there.
fixbuf=${TAPMETER_FIXBUF_READER:-$top/build/tests/src/exporting/fixbuf_reader}
# case ...: whether it was built; else they are skipped
has_fixbuf() {
    local case
    [[ -x $fixbuf ]] && return
    for case in "$@"; do
        skip "$case" "libfixbuf-dev was not there when this was built"
    done
    return 1
}
# file of IPFIX: "PACKETS OCTETS" of all of its flows, as libfixbuf reads them
sums_of_fixbuf() { "$fixbuf" "$1" 2>&1 | awk '{print $2, $3}'; }

# case, file of IPFIX: tshark has nothing to say of it
expect_no_complaint() {
    local complaints
    if ! command -v tshark >/dev/null; then
        skip "$1" 'tshark is not installed (scripts/setup test)'
        return
    fi
    complaints=$(tshark -r "$2" -Y '_ws.malformed || _ws.expert' 2>&1 | grep -vc 'Running as user')
    expect "$1" "tshark complains $complaints times" test "$complaints" -eq 0
}

# file of the truth: "PACKETS OCTETS" of all of its flows
totals_of() {
    "$flows" totals "truth:$1" | python3 -c '
import json, sys
sums = json.load(sys.stdin)
print(sums["packets"], sums["octets"])'
}

# port, address: nfcapd that keeps all in one file below $work/stored; its pid is in $started
start_nfcapd_here() {
    rm -rf "$work/stored"
    mkdir -m 777 "$work/stored"
    start_here "$work/nfcapd.log" nfcapd -w "$work/stored" -p "$1" -b "${2:-127.0.0.1}" -t 86400 \
        -B 8000000
    wait_for 5 grep -q 'Startup' "$work/nfcapd.log"
}

# port, address: nfacctd (pmacct) that writes a row a flow; its pid is in $started
start_nfacctd() {
    rm -f "$work/nfacctd.csv"
    cat >"$work/nfacctd.conf" <<END
daemonize: false
nfacctd_ip: $2
nfacctd_port: $1
nfacctd_pipe_size: 4000000
plugins: print
aggregate: src_host, dst_host, src_port, dst_port, proto
print_output: csv
print_output_file: $work/nfacctd.csv
print_output_file_append: true
print_refresh_time: 1
plugin_buffer_size: 1024000
plugin_pipe_size: 102400000
END
    start_here "$work/nfacctd.log" nfacctd -f "$work/nfacctd.conf"
    wait_for 10 is_listening "$1"
}

# Ends the nfacctd in $started, once it has read what lies in its socket and written what it read.
stop_nfacctd() {
    sleep 3
    stop "$started" 10 INT
}
# "PACKETS OCTETS" of all rows that it wrote
sums_of_nfacctd() {
    python3 -c '
import csv, sys
packets = octets = 0
for row in csv.reader(open(sys.argv[1])):
    if row and row[-1].isdigit():
        packets += int(row[-2])
        octets += int(row[-1])
print(packets, octets)' "$work/nfacctd.csv"
}

# Certificates and keys for this one test: of an authority, of a collector and of ourselves that it
# knows, and of a stranger.
make_certificates() {
    local who
    for who in authority stranger; do
        openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$who" \
            -keyout "$work/$who.key" -out "$work/$who.pem" 2>/dev/null
    done
    for who in collector tapmeter; do
        openssl req -newkey rsa:2048 -nodes -subj "/CN=$who" -keyout "$work/$who.key" \
            -out "$work/$who.csr" 2>/dev/null
        openssl x509 -req -in "$work/$who.csr" -CA "$work/authority.pem" -days 2 -CAcreateserial \
            -CAkey "$work/authority.key" -out "$work/$who.pem" 2>/dev/null \
            -extfile <(printf 'subjectAltName=DNS:%s.test,IP:127.0.0.1,IP:::1' "$who")
    done
}
# ADDRESS:PORT, files, more arguments ...: OpenSSL's server, which insists on who we are, and keeps
# what it decrypts in FILES.ipfix; its pid is in $started
start_openssl() {
    [[ -p $work/silence ]] || mkfifo "$work/silence"
    exec 8<>"$work/silence"  # it ends where its input does
    openssl s_server -accept "$1" -cert "$work/collector.pem" -key "$work/collector.key" \
        -CAfile "$work/authority.pem" -Verify 2 -verify_return_error -quiet "${@:3}" \
        <&8 >"$2.ipfix" 2>"$2.log" &
    started=$!
    wait_for 10 is_listening "${1##*:}"
}
