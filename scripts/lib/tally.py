#!/usr/bin/env python3
"""Adds up what test runs have to say and says it in one line.

usage: tally.py [STAGE=FILE ...]
       FILE ending in .json   meson's testlog.json: GoogleTest cases, "ok NAME" lines, programs
       any other FILE         lines "ok NAME", "FAILED NAME: why", "skip NAME: why", and log
prints every failure with its log, every skip with its reason, and as its last line
       N passed, N failed, N skipped
       A case that runs in several stages counts once: failed if it failed anywhere, skipped only
       if it ran nowhere.
exit:  0 something passed and nothing failed, 1 otherwise
"""

import json
import pathlib
import re
import sys

LOG_LINES_MAX = 120

GTEST = re.compile(r"^\[ +(OK|FAILED|SKIPPED) +\] (\S+?)(?:, where .*)? \(\d+ ms\)$")
GTEST_RUN = re.compile(r"^\[ RUN +\] (\S+)$")
LINE = re.compile(r"^(ok|FAILED|skip) +([^:\s][^:]*?)(?:: (.*))?$")
PASSED, SKIPPED, FAILED = range(3)
OUTCOME = {"OK": PASSED, "SKIPPED": SKIPPED, "FAILED": FAILED, "ok": PASSED, "skip": SKIPPED}


class Tally:
    def __init__(self):
        self.stages = {}    # case -> {stage: outcome}
        self.skips = {}     # case -> reason
        self.failures = []  # (stage, case, log)

    def add(self, stage, case, outcome, words=""):
        self.stages.setdefault(case, {})[stage] = outcome
        if outcome == SKIPPED:
            self.skips.setdefault(case, words or "no reason given")
        if outcome == FAILED:
            self.failures.append((stage, case, words))

    def verdicts(self):
        verdicts = []
        for outcomes in self.stages.values():
            seen = set(outcomes.values())
            verdicts.append(FAILED if FAILED in seen else PASSED if PASSED in seen else SKIPPED)
        return verdicts


def gtest_cases(stdout):
    """(name, outcome, words) of every GoogleTest case; one that never ended has failed."""
    name, said = None, []
    for line in stdout.splitlines():
        if started := GTEST_RUN.match(line):
            name, said = started[1], []
        elif (ended := GTEST.match(line)) and name is not None:
            yield name, OUTCOME[ended[1]], "\n".join(said)
            name = None
        elif name is not None:
            said.append(line)
    if name is not None:
        yield name, FAILED, "\n".join([*said, "the program ended inside this case"])


def skip_reason(words):
    """GoogleTest prints FILE:LINE: Skipped, then the reason."""
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    return " ".join(line for line in lines if not line.endswith(": Skipped"))


def line_cases(text):
    """(name, outcome, words) of our scripts' lines; a failure's words carry the log before it."""
    said = []
    for line in text.splitlines():
        found = LINE.match(line)
        if not found:
            said.append(line)
            continue
        word, name, why = found[1], found[2].strip(), found[3] or ""
        outcome = OUTCOME[word]
        yield name, outcome, "\n".join([*said, why]) if outcome == FAILED else why
        said = []


def add_meson_test(tally, stage, test):
    """One program of meson's log: its cases, or itself where it names none."""
    name, stdout = test["name"], test.get("stdout") or ""
    log = stdout + (("\n" + test["stderr"]) if test.get("stderr") else "")
    cases = list(gtest_cases(stdout)) or list(line_cases(stdout))
    for case, outcome, words in cases:
        words = skip_reason(words) if outcome == SKIPPED else words
        tally.add(stage, f"{name}: {case}", outcome, words)
    result = test["result"]
    if result in ("OK", "EXPECTEDFAIL"):
        if not cases:
            tally.add(stage, name, PASSED)
    elif result == "SKIP":
        if not cases:
            words = " ".join(log.split()) or "the program said 77, no reason"
            tally.add(stage, name, SKIPPED, words)
    elif not any(outcome == FAILED for _, outcome, _ in cases):
        # A crash, a time limit, a sanitizer's report at exit: no case of its own, so the program.
        tally.add(stage, name, FAILED, f"{result}, status {test.get('returncode')}\n{log}")
    elif test.get("stderr"):
        tally.failures[-1] = (*tally.failures[-1][:2],
                              tally.failures[-1][2] + "\n" + test["stderr"])


def add_file(tally, stage, path):
    text = pathlib.Path(path).read_text(encoding="utf-8", errors="replace")
    if path.endswith(".json"):
        for line in filter(str.strip, text.splitlines()):
            add_meson_test(tally, stage, json.loads(line))
        return
    for case, outcome, words in line_cases(text):
        tally.add(stage, case, outcome, words)


def last_lines(log):
    lines = log.strip("\n").splitlines()
    if len(lines) > LOG_LINES_MAX:
        lines = [f"... {len(lines) - LOG_LINES_MAX} lines before", *lines[-LOG_LINES_MAX:]]
    return "\n".join("    " + line for line in lines)


def report(tally):
    for stage, case, log in tally.failures:
        print(f"\nFAILED {case} [{stage}]\n{last_lines(log)}")
    skipped = {case: why for case, why in tally.skips.items()
               if set(tally.stages[case].values()) == {SKIPPED}}
    if skipped:
        print("\nskipped:")
    for case, why in sorted(skipped.items()):
        print(f"  {case}: {why}")
    verdicts = tally.verdicts()
    passed, failed, skips = (verdicts.count(kind) for kind in (PASSED, FAILED, SKIPPED))
    print(f"\n{passed} passed, {failed} failed, {skips} skipped")
    return 0 if passed and not failed else 1


def main(arguments):
    tally = Tally()
    for argument in arguments:
        stage, found, path = argument.partition("=")
        if not found:
            print(f"tally.py: {argument!r} is no STAGE=FILE", file=sys.stderr)
            return 2
        add_file(tally, stage, path)
    return report(tally)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
