"""What machine a result is from, and the result as a page."""

import os
import pathlib
import platform
import subprocess


def first_line(path, start="", default="unknown"):
    try:
        for line in pathlib.Path(path).read_text().splitlines():
            if line.startswith(start):
                return line[len(start):].strip(" \t:")
    except OSError:
        pass
    return default


def facts(program):
    root = pathlib.Path(__file__).resolve().parent.parent.parent
    commit = subprocess.run(["git", "-C", root, "rev-parse", "--short", "HEAD"],
                            capture_output=True, text=True, check=False).stdout.strip()
    version = "not built"
    if pathlib.Path(program).exists():
        version = subprocess.run([program, "--version"], capture_output=True, text=True,
                                 check=False).stdout.strip()
    cpu = "/sys/devices/system/cpu"
    return {
        "cpu": first_line("/proc/cpuinfo", "model name"),
        "cores": os.cpu_count(),
        "virtual_machine": "hypervisor" in first_line("/proc/cpuinfo", "flags", ""),
        "memory": first_line("/proc/meminfo", "MemTotal"),
        "huge_pages": first_line("/proc/sys/vm/nr_hugepages"),
        "transparent_huge_pages": first_line("/sys/kernel/mm/transparent_hugepage/enabled"),
        "numa_nodes": len(list(pathlib.Path("/sys/devices/system/node").glob("node[0-9]*"))),
        "governor": first_line(f"{cpu}/cpu0/cpufreq/scaling_governor"),
        "isolated": first_line(f"{cpu}/isolated", default="") or "none",
        "kernel": platform.release(),
        "tapmeter": version,
        "commit": commit or "unknown",
        "load_before": os.getloadavg(),
    }


def cell(value):
    return str(value).replace("|", "\\|").replace("\n", " ")


def markdown(report):
    facts_ = report["machine"]
    text = f"# {report['date']}\n\n"
    text += (f"Medians of {report['rounds']} rounds of {report['seconds']} s. Load before "
             f"{facts_['load_before'][0]:.2f}, after {report['load_after'][0]:.2f}: above the "
             f"number of idle cores the figures are a lower bound.\n\n| machine | |\n|---|---|\n")
    text += "".join(f"| {name.replace('_', ' ')} | {cell(value)} |\n"
                    for name, value in facts_.items() if name != "load_before")
    text += "\n| part | case | figure | unit | aim | | beside it |\n|---|---|---|---|---|---|---|\n"
    marks = {None: "", True: "reached", False: "below"}
    for row in report["rows"]:
        aim = "" if row["goal"] is None else f"{row['goal']:g}"
        text += (f"| {row['part']} | {cell(row['case'])} | {row['value']:.3f} | {row['unit']} | "
                 f"{aim} | {marks[row['reached']]} | {cell(row['beside'])} |\n")
    for skipped in report["skipped"]:
        text += f"\nSkipped: {skipped['part']}: {cell(skipped['reason'])}\n"
    return text
