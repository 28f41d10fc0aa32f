"""Flow meters that read capture files, for bench/run: how each is called and what was recorded."""

import os
import pathlib
import shutil
import subprocess

from lib.rows import Skip

# ipfixprobe 5.7.0 is in no package here. Nanoseconds of CPU time a packet that were recorded of it
# and of softflowd side by side on another machine, by the file's name; what softflowd takes here
# says what that would be here.
RECORDED = {"imix": {"ipfixprobe": 481, "softflowd": 731},
            "app": {"ipfixprobe": 502, "softflowd": 483},
            "small64": {"ipfixprobe": 819, "softflowd": 3_872}}


def commands(tapmeter, collector, stored):
    """name -> the words that make it read a file; a peer that is not installed is left out."""
    def tapmeter_reads(*words):
        return lambda path: [tapmeter, "read", "-q", "--top", "0", *words, path]

    flows_only = ("--set", "dpi.enabled=false")  # as the peers
    found = {"tapmeter": tapmeter_reads("-n", collector, *flows_only),
             "tapmeter, no output": tapmeter_reads(*flows_only),
             "tapmeter, applications too": tapmeter_reads("-n", collector)}
    for name, words in (("softflowd", ["-n", collector, "-v", "10", "-T", "full", "-m", "4000000",
                                       "-d", "-r"]),
                        ("nfpcapd", ["-w", stored, "-B", "2097152", "-r"])):
        tool = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
        if tool:
            found[name] = lambda path, tool=tool, words=words: [tool, *words, path]
    return found


def cpu_seconds(words):
    """CPU seconds of a command, its children included; None: it failed."""
    process = subprocess.Popen([str(word) for word in words], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return used.ru_utime + used.ru_stime if process.returncode == 0 else None


def in_turns(commands, rounds):
    """name -> the CPU seconds of each round; in every round all commands, one after the other."""
    seconds = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            used = cpu_seconds(command)
            if used is None:
                raise Skip(f"{name} failed: {' '.join(str(word) for word in command)}")
            seconds[name].append(used)
    return seconds


def read_from_disk(path):
    """Drops a file from the page cache, so that who reads it next reads it from the disk."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def against(path, ns):
    """What tapmeter is compared with on this file: name -> nanoseconds a packet."""
    recorded = RECORDED.get(pathlib.Path(path).stem, {})
    peers = {name: ns[name] for name in ("softflowd", "nfpcapd") if name in ns}
    if recorded:
        peers["ipfixprobe as recorded elsewhere"] = recorded["ipfixprobe"]
    if recorded and "softflowd" in ns:
        peers["ipfixprobe as it would be here"] = \
            recorded["ipfixprobe"] * ns["softflowd"] / recorded["softflowd"]
    return peers
