#!/usr/bin/env python3
"""Runs what of scripts/pktgen can be run on this machine; prints a line for each part, with the
reason where it could not.

usage: pktgen_test.py FOLDER
exit:  0 all that could be run is right, 1 a fault, 77 nothing could be run
"""

import ast
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

FOLDER = pathlib.Path(sys.argv[1]).resolve()
# A Lua world that has Pktgen-DPDK's functions by name and nothing else: a misspelt one is an
# error. It keeps what was set, and counts as sent what the rate would give.
PKTGEN = r"""
local known = {stop = 1, start = 1, clr = 1, delay = 1, set = 1, set_mac = 1, set_proto = 1,
               set_range = 1, portStats = 1, quit = 1}
local ranges = {dst_mac = 1, src_ip = 1, dst_ip = 1, src_port = 1, dst_port = 1, pkt_size = 1}
local state = {running = false, sent = 0, range = {}}
local function number(address)
    local a, b, c, d = address:match("^(%d+)%.(%d+)%.(%d+)%.(%d+)$")
    for _, part in ipairs({a, b, c, d}) do assert(tonumber(part) <= 255, address) end
    return ((a * 256 + b) * 256 + c) * 256 + d
end
pktgen = setmetatable({range = setmetatable({}, {__index = function(_, name)
    assert(ranges[name], "no pktgen.range." .. name)
    return function(port, which, value)
        assert(port == "0" and ({start = 1, min = 1, max = 1, inc = 1})[which])
        state.range[name .. "." .. which] = value
    end
end})}, {__index = function(_, name)
    assert(known[name], "no pktgen." .. name)
    return function(...)
        if name == "start" then
            state.running = true
            local r = state.range
            local flows = (number(r["src_ip.max"]) - number(r["src_ip.min"]) + 1) *
                          (r["src_port.max"] - r["src_port.min"] + 1)
            print(string.format("SENDS %d octets %d flows", r["pkt_size.start"], flows))
        elseif name == "stop" then state.running = false
        elseif name == "delay" and state.running then state.sent = state.sent + 1000 * (...)
        elseif name == "portStats" then return {[0] = {opackets = state.sent}}
        end
    end
end})
dofile(arg[1])
"""
ran = 0
faults = []


def check(name, right, why=""):
    global ran
    ran += 1
    print(f"{'ok' if right else 'FAULT'}: {name}{': ' + why if why and not right else ''}")
    if not right:
        faults.append(name)


def skip(name, reason):
    print(f"skipped: {name}: {reason}")


def program(*names):
    for name in names:
        found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
        if found:
            return found
    return None


def run(words, seconds=60, **kwargs):
    return subprocess.run(words, capture_output=True, text=True, timeout=seconds, **kwargs)


def lua_scripts(work):
    lua = program("lua5.4", "lua5.3", "lua")
    if not lua:
        return skip("Lua", "no lua5.4 here")
    (work / "pktgen.lua").write_text(PKTGEN)
    expected = {
        "sizes.lua": [(size, 1024) for size in (64, 128, 256, 512, 1024, 1280, 1518)],
        "flows.lua": [(64, flows) for flows in (1, 1024, 1 << 16, 1 << 20, 1 << 23, 1 << 24)],
    }
    for name, wanted in expected.items():
        result = run([lua, work / "pktgen.lua", FOLDER / name], cwd=work,
                     env={**os.environ, "PKTGEN_RESULTS": str(work / "out.csv")})
        sends = [(int(octets), int(flows)) for octets, flows in
                 re.findall(r"SENDS (\d+) octets (\d+) flows", result.stdout)]
        check(f"{name} sends what it says", sends == wanted, result.stderr + str(sends))
        lines = (work / "out.csv").read_text().splitlines()
        check(f"{name} writes a line a step", len(lines) == len(wanted) + 1 and
              all(line.endswith("1.000") for line in lines[1:]), str(lines))
    return None


def trex_profiles():
    for path in sorted(FOLDER.glob("trex_*.py")):
        tree = ast.parse(path.read_text(), str(path))
        functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        check(f"{path.name} is a profile", {"register", "get_streams"} <= functions)


def testpmd():
    if not program("dpdk-testpmd"):
        return skip("testpmd", "no dpdk-testpmd here")
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        return skip("testpmd", "it needs two cores")
    for mode in ("txonly", "flowgen"):
        result = run([FOLDER / "testpmd", mode, "net_null0", "3"],
                     env={**os.environ, "TESTPMD_CORES": f"{cores[0]},{cores[1]}"})
        check(f"testpmd {mode} reads its commands and sends",
              result.returncode == 0 and re.search(r" [1-9]\d* packets in all", result.stdout),
              result.stdout + result.stderr)
    check("testpmd refuses nonsense", run([FOLDER / "testpmd", "rxonly"]).returncode == 2)
    return None


TRAFGEN = """
set -e
ip link add tmpk_a type veth peer name tmpk_b
ip link set tmpk_a up
ip link set tmpk_b up
sysctl -qw net.ipv6.conf.tmpk_a.disable_ipv6=1 net.ipv6.conf.tmpk_b.disable_ipv6=1 || true
there=/sys/class/net/tmpk_b/statistics
before=$(cat $there/rx_packets) octets=$(cat $there/rx_bytes)
timeout -k 2 30 "$1" -o tmpk_a -i "$2" -n "$3" --cpus 1 -q -H >&2 </dev/null
echo $(($(cat $there/rx_packets) - before)) $(($(cat $there/rx_bytes) - octets))
"""


def trafgen(work):
    sender = program("trafgen")
    if not sender:
        return skip("trafgen", "no trafgen here (package netsniff-ng)")
    if os.geteuid() != 0:
        return skip("trafgen", "needs root for a network of its own")
    mean = {"udp64": 60, "flows": 60, "imix": (7 * 60 + 4 * 590 + 1514) / 12}
    frames = 1200
    for name, octets in mean.items():
        # sysfs shows the interfaces of the namespace it was mounted in.
        result = run(["unshare", "-nm", "sh", "-c", "mount -t sysfs none /sys; " + TRAFGEN, "sh",
                      sender, str(FOLDER / f"trafgen_{name}.cfg"), str(frames)], cwd=work)
        counted = result.stdout.split()
        packets, total = (int(counted[0]), int(counted[1])) if len(counted) == 2 else (0, 0)
        # The kernels of both ends may say a word of their own (a router solicitation).
        check(f"trafgen_{name}.cfg sends what it says",
              frames <= packets <= frames + 5 and abs(total / frames - octets) < 2,
              f"{packets} frames, {total} octets; {result.stderr[-500:]}")
    return None


def shell():
    checker = program("shellcheck")
    if not checker:
        return skip("shellcheck", "not here")
    result = run([checker, FOLDER / "testpmd"])
    check("shellcheck has nothing to say", result.returncode == 0, result.stdout)
    return None


with tempfile.TemporaryDirectory() as folder:
    lua_scripts(pathlib.Path(folder))
    trex_profiles()
    testpmd()
    trafgen(folder)
    shell()
sys.exit(1 if faults else 0 if ran else 77)
