#!/usr/bin/env python3
"""Gives tally.py logs whose sums are known and compares its last line and its exit status.

usage: tally_test.py PATH_OF_TALLY
prints one line a case, "ok NAME" or "FAILED NAME: why"; exit 1 when one failed
"""

import json
import pathlib
import subprocess
import sys
import tempfile

TWO_PASS = """[ RUN      ] Ring.refuses_when_full
[       OK ] Ring.refuses_when_full (0 ms)
[ RUN      ] Ring.keeps_order
[       OK ] Ring.keeps_order (1 ms)
[  PASSED  ] 2 tests.
"""
ONE_OF_EACH = """[ RUN      ] Ring.refuses_when_full
[       OK ] Ring.refuses_when_full (0 ms)
[ RUN      ] Ring.keeps_order
ring_test.cpp:7: Failure
  Actual: 3
[  FAILED  ] Ring.keeps_order (1 ms)
[ RUN      ] Ring.on_two_cores
ring_test.cpp:20: Skipped
this machine has one core

[  SKIPPED ] Ring.on_two_cores (0 ms)
[  FAILED  ] Ring.keeps_order
"""
CRASH = "[ RUN      ] Ring.refuses_when_full\n"
# GoogleTest's own summary repeats failed names without a time: counted once.
PARAMETER = """[ RUN      ] Limits/Ipv4.length/3
[  FAILED  ] Limits/Ipv4.length/3, where GetParam() = 19 (0 ms)
[  FAILED  ] Limits/Ipv4.length/3, where GetParam() = 19
"""


def meson(name, stdout, result, **more):
    return json.dumps({"name": name, "stdout": stdout, "result": result, "returncode": 0, **more})


# name: ({file: text}, last line, exit status, words that the report must hold)
CASES = {
    "googletest_passes": (
        {"a.json": meson("ring", TWO_PASS, "OK")}, "2 passed, 0 failed, 0 skipped", 0, []),
    "one_of_each": (
        {"a.json": meson("ring", ONE_OF_EACH, "FAIL")}, "1 passed, 1 failed, 1 skipped", 1,
        ["FAILED ring: Ring.keeps_order [a]", "Actual: 3", "this machine has one core"]),
    "a_crash_is_a_failure": (
        {"a.json": meson("ring", CRASH, "FAIL", stderr="SEGV on unknown address")},
        "0 passed, 1 failed, 0 skipped", 1, ["ended inside this case", "SEGV on unknown"]),
    "a_leak_at_exit_is_a_failure": (
        {"a.json": meson("ring", TWO_PASS, "FAIL", stderr="LeakSanitizer")},
        "2 passed, 1 failed, 0 skipped", 1, ["FAILED ring [a]", "LeakSanitizer"]),
    "a_time_limit_is_a_failure": (
        {"a.json": meson("plain", "", "TIMEOUT")}, "0 passed, 1 failed, 0 skipped", 1,
        ["TIMEOUT"]),
    "parameters_count_once": (
        {"a.json": meson("ipv4", PARAMETER, "FAIL")}, "0 passed, 1 failed, 0 skipped", 1, []),
    "a_program_without_cases_is_one": (
        {"a.json": meson("plain", "17 inputs\n", "OK")}, "1 passed, 0 failed, 0 skipped", 0, []),
    "a_program_that_skips_says_why": (
        {"a.json": meson("plain", "needs root\n", "SKIP")}, "0 passed, 0 failed, 1 skipped", 1,
        ["plain: needs root"]),
    "lines_of_scripts": (
        {"system.txt": "noise\nok books\nlog of it\nFAILED sigterm: 6 s\nskip xdp: not root\n"},
        "1 passed, 1 failed, 1 skipped", 1, ["log of it", "6 s", "xdp: not root"]),
    "two_stages_count_once": (
        {"a.json": meson("ring", TWO_PASS, "OK"), "b.json": meson("ring", TWO_PASS, "OK")},
        "2 passed, 0 failed, 0 skipped", 0, []),
    "failed_in_one_stage_is_failed": (
        {"a.json": meson("ring", TWO_PASS, "OK"), "b.json": meson("ring", ONE_OF_EACH, "FAIL")},
        "1 passed, 1 failed, 1 skipped", 1, ["Ring.keeps_order [b]"]),
    "nothing_ran_is_no_success": ({"a.json": ""}, "0 passed, 0 failed, 0 skipped", 1, []),
}


def verdict(tally, files, last_line, status, words):
    with tempfile.TemporaryDirectory() as folder:
        arguments = []
        for name, text in files.items():
            path = pathlib.Path(folder) / name
            path.write_text(text, encoding="utf-8")
            arguments.append(f"{path.stem}={path}")
        result = subprocess.run([sys.executable, tally, *arguments], capture_output=True,
                                text=True, check=False)
    lines = result.stdout.splitlines() or [""]
    missing = [word for word in words if word not in result.stdout]
    if lines[-1] == last_line and result.returncode == status and not missing:
        return None
    return f"{lines[-1]!r}, status {result.returncode}, missing {missing}, {result.stderr!r}"


def main(tally):
    failures = 0
    for name, case in CASES.items():
        why = verdict(tally, *case)
        print(f"ok {name}" if why is None else f"FAILED {name}: {why}")
        failures += why is not None
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
