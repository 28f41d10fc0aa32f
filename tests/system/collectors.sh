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
