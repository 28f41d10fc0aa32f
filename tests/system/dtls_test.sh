#!/bin/bash
# IPFIX over DTLS (RFC 7011 section 11) to OpenSSL's server, from loopback: what it has decrypted is
# read by libfixbuf and tshark, and has the sums of the truth that the generator wrote beside the
# packets. Who cannot be verified is sent nothing; a handshake outlives lost datagrams; a collector
# that is killed is said, waited for, and met anew.
# usage: tests/system/dtls_test.sh
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/system/collectors.sh
. "$(dirname "$0")/collectors.sh"

cases=(dtls4_libfixbuf dtls6_libfixbuf dtls_tshark dtls_unknown_name dtls_unknown_authority
    dtls_no_certificate dtls_lossy dtls_killed dtls_back books_balance)
begin "${cases[@]}"
need_program openssl "${cases[@]}"
make_certificates
"$traffic" write "$work/sent.pcap" "$work/truth.jsonl" --packets 20000 --flows 600
wanted=$(totals_of "$work/truth.jsonl")

# collector's host in a URL, port, name of the file, more TOML ...
configure() {
    local host=$1 port=$2 name=$3
    shift 3
    {
        printf '[[export.ipfix]]\nname = "far"\nreconnect = "1s"\n'
        printf 'collector = "dtls://%s:%s"\n' "$host" "$port"
        printf '%s\n' "$@"
    } >"$work/$name.toml"
}
we_are=("tls_certificate = \"$work/tapmeter.pem\"" "tls_key = \"$work/tapmeter.key\"")
they_are=("tls_ca = \"$work/authority.pem\"")
# more TOML ...: to a new server at 127.0.0.1, whose files are $work/NAME.*
export_to() {
    local name=$1 host=${2:-127.0.0.1} port
    shift 2
    port=$(free_port)
    start_openssl "$host:$port" "$work/$name" -dtls1_2 -listen -timeout
    configure "$host" "$port" "$name" "$@"
    "$tapmeter" read "$work/sent.pcap" -c "$work/$name.toml" --strict >"$work/$name.read" 2>&1
    sleep 0.5
    stop "$started" 5
}

# name, host
by_fixbuf() {
    local name=$1 sums
    export_to "$name" "$2" "${we_are[@]}" "${they_are[@]}"
    has_fixbuf "$name" || return
    sums=$(sums_of_fixbuf "$work/$name.ipfix")
    if [[ $sums == "$wanted" ]] && grep -q 'the books balance' "$work/$name.read"; then
        ok "$name"
    else
        failed "$name" "libfixbuf has '$sums', sent were '$wanted'" "$work/$name.log" \
            "$work/$name.read"
    fi
}
by_fixbuf dtls4_libfixbuf 127.0.0.1
by_fixbuf dtls6_libfixbuf '[::1]'

expect_no_complaint dtls_tshark "$work/dtls4_libfixbuf.ipfix"

# name, what we say, more TOML ...
by_refusal() {
    local name=$1 words=$2
    shift 2
    export_to "$name" 127.0.0.1 "$@"
    said_and_sent_nothing() { [[ ! -s $work/$name.ipfix ]] && grep -q "$words" "$work/$name.read"; }
    expect "$name" 'something was exported, or nothing said' said_and_sent_nothing
}
by_refusal dtls_unknown_name 'certificate is refused' "${we_are[@]}" "${they_are[@]}" \
    'tls_name = "other.test"'
by_refusal dtls_unknown_authority 'certificate is refused' "${we_are[@]}" \
    "tls_ca = \"$work/stranger.pem\""
by_refusal dtls_no_certificate 'the collector refuses DTLS' "${they_are[@]}"

# ------------------------------------------------------------------ a collector in trouble
port=$(free_port)
way=$(free_port)
start_openssl "127.0.0.1:$port" "$work/first" -dtls1_2 -timeout
server=$started
start_here "$work/way.log" python3 "$top/tests/system/lossy_datagrams.py" "$way" "$port"
way_pid=$started
wait_for 5 is_listening "$way"
configure 127.0.0.1 "$way" lossy "${we_are[@]}" "${they_are[@]}"
{
    printf '[[capture]]\nsource = "gen:"\n[flow]\nidle_timeout = "1s"\nactive_timeout = "1s"\n'
    printf '[http]\nlisten = "off"\n[control]\nsocket = "%s/control.sock"\n' "$work"
} >>"$work/lossy.toml"
start_here "$work/lossy.run" "$tapmeter" run -c "$work/lossy.toml"
program=$started
outlives_losses() {
    wait_for 20 at_least ipfix/far sent.records 300 && grep -q 'lost 1 of ours' "$work/way.log" &&
        grep -q 'lost 1 of theirs' "$work/way.log"
}
expect dtls_lossy 'a handshake whose datagrams were lost came to nothing' outlives_losses

stop "$way_pid" 5  # from now on ICMP refuses
is_down() { [[ $(of_output ipfix/far up) -eq 0 ]]; }
is_said() {
    wait_for 10 is_down && grep -q 'Connection refused' "$work/lossy.run" &&
        wait_for 10 at_least ipfix/far queued.records 1
}
expect dtls_killed 'a collector that is gone is not said, or its records do not wait' is_said
stop "$server" 5
start_openssl "127.0.0.1:$way" "$work/second" -dtls1_2 -timeout
server=$started
before=$(of_output ipfix/far sent.records)
expect dtls_back 'a collector that is back gets nothing' \
    wait_for 20 at_least ipfix/far sent.records $((before + 300))
stop "$program" 10
stop "$server" 5
expect books_balance 'the books of the run do not balance' grep -q 'the books balance' \
    "$work/lossy.run"
finish
