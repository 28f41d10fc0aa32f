# shellcheck shell=bash
# Network namespaces, processes and a working folder that vanish again: for scripts/demo and
# tests/system. To be sourced; needs bash. Everything is named after the caller's pid, and only
# what was made here is removed: call `trap cleanup EXIT` before the first function.

net_prefix=tapmeter-$$
net_namespaces=()
work=''  # a folder of our own, once make_work was called

make_work() {
    work=$(mktemp -d "${TMPDIR:-/tmp}/tapmeter-XXXXXX")
    # nfcapd and others may drop privileges: let them pass through.
    chmod 755 "$work"
}

# variable: makes a namespace and sets the variable to its name.
add_namespace() {
    local name=$net_prefix-$1
    ip netns add "$name"
    net_namespaces+=("$name")
    ip -n "$name" link set lo up
    printf -v "$1" '%s' "$name"
}

# namespace, command ...: in the foreground
inside() {
    local namespace=$1
    shift
    ip netns exec "$namespace" "$@"
}

# namespace, log, command ...: in the background; the pid is in $started. `ip netns exec` becomes
# the command, so this is the command's own pid.
started=''
start_inside() {
    local namespace=$1 log=$2
    shift 2
    ip netns exec "$namespace" "$@" >"$log" 2>&1 </dev/null &
    started=$!
}

# log, command ...: the same outside of any namespace
start_here() {
    local log=$1
    shift
    "$@" >"$log" 2>&1 </dev/null &
    started=$!
}

# A veth pair whose ends carry frames as a cable does: no offloads, no frames of the kernel's own.
# namespace, name, namespace, name, queues
add_cable() {
    local from=$1 near=$2 to=$3 far=$4 queues=$5 end
    ip -n "$from" link add "$near" numrxqueues "$queues" numtxqueues "$queues" type veth \
        peer name "$far" netns "$to" numrxqueues "$queues" numtxqueues "$queues"
    for end in "$from $near" "$to $far"; do
        # shellcheck disable=SC2086  # two words on purpose
        set -- $end
        inside "$1" ethtool -K "$2" tx off rx off tso off gso off gro off >/dev/null 2>&1 || true
    done
}

# namespace, interface ...: up, without any packet that the kernel would send by itself
up_silently() {
    local namespace=$1 interface
    shift
    for interface in "$@"; do
        inside "$namespace" sh -c "echo 1 >/proc/sys/net/ipv6/conf/$interface/disable_ipv6" \
            2>/dev/null || true
        ip -n "$namespace" link set "$interface" arp off up
    done
}

# Two hosts on a cable, and a switch's mirror port: both directions of host B's port are copied to
# `tap0` in the monitor. Sets $host_a, $host_b, $monitor. Addresses from RFC 5737 and RFC 3849.
# queues of tap0
a4=192.0.2.1 b4=192.0.2.2 a6=2001:db8::1 b6=2001:db8::2
make_mirrored_hosts() {
    local direction
    add_namespace host_a
    add_namespace host_b
    add_namespace monitor
    # shellcheck disable=SC2154  # add_namespace sets them
    add_cable "$host_a" eth0 "$host_b" eth0 1
    # shellcheck disable=SC2154
    add_cable "$host_b" mirror0 "$monitor" tap0 "$1"
    up_silently "$host_b" mirror0
    up_silently "$monitor" tap0
    ip -n "$host_a" addr add $a4/24 dev eth0
    ip -n "$host_a" addr add $a6/64 dev eth0 nodad
    ip -n "$host_b" addr add $b4/24 dev eth0
    ip -n "$host_b" addr add $b6/64 dev eth0 nodad
    ip -n "$host_a" link set eth0 up
    ip -n "$host_b" link set eth0 up
    inside "$host_b" tc qdisc add dev eth0 clsact
    for direction in ingress egress; do
        inside "$host_b" tc filter add dev eth0 $direction protocol all prio 1 \
            u32 match u32 0 0 action mirred egress mirror dev mirror0
    done
}

# seconds, command ...: 0 as soon as the command succeeds
wait_for() {
    local until=$(($(date +%s%N) + $1 * 1000000000))
    shift
    until "$@" >/dev/null 2>&1; do
        [[ $(date +%s%N) -lt $until ]] || return 1
        sleep 0.05
    done
}

is_running() { kill -0 "$1" 2>/dev/null; }
has_ended() { ! is_running "$1"; }

# pid, seconds, signal: ends a process that we started; its status is in $ended. 1 if it had to be
# killed.
ended=''
stop() {
    local pid=$1 seconds=$2 signal=${3:-TERM} forced=0
    kill "-$signal" "$pid" 2>/dev/null || true
    if ! wait_for "$seconds" has_ended "$pid"; then
        kill -KILL "$pid" 2>/dev/null || true
        forced=1
    fi
    wait "$pid" 2>/dev/null
    ended=$?
    return "$forced"
}

cleanup() {
    local pid namespace
    set +e
    # Only children that still run: a pid that was waited for may belong to somebody else by now.
    for pid in $(jobs -p); do
        kill -CONT "$pid" 2>/dev/null
        kill -TERM "$pid" 2>/dev/null
    done
    for pid in $(jobs -p); do
        wait_for 3 has_ended "$pid" || kill -KILL "$pid" 2>/dev/null
    done
    wait 2>/dev/null
    for namespace in "${net_namespaces[@]}"; do
        ip netns del "$namespace" 2>/dev/null
    done
    if [[ -n $work && -z ${KEEP:-} ]]; then
        rm -rf "$work"
    fi
}

# Why this machine cannot show AF_XDP on a veth pair; silent (and 1) when it can.
afxdp_lacks() {
    if [[ $EUID -ne 0 ]]; then
        echo 'not root'
    elif ! python3 -c 'import socket; socket.socket(44, socket.SOCK_RAW, 0)' 2>/dev/null; then
        echo 'this kernel has no AF_XDP sockets'
    elif ! ip netns add "$net_prefix-try" 2>/dev/null; then
        echo 'network namespaces are refused here'
    else
        local why=''
        why=$(ip -n "$net_prefix-try" link add try0 numrxqueues 2 numtxqueues 2 type veth \
            peer name try1 numrxqueues 2 numtxqueues 2 2>&1) ||
            why="veth interfaces cannot be made here: $why"
        ip netns del "$net_prefix-try"
        [[ -n $why ]] || return 1
        echo "$why"
    fi
}

# namespace, folder, port: a real collector; its pid is in $started. One file, written at the end.
start_nfcapd() {
    mkdir -p "$2"
    chmod 777 "$2"
    start_inside "$1" "$2.log" nfcapd -w "$2" -p "$3" -b 127.0.0.1 -t 86400 -B 2000000
    wait_for 5 grep -q 'Startup' "$2.log"
}
