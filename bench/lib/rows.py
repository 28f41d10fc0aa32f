"""What a part of bench/run finds out, line by line, and why it does not."""

import pathlib
import shutil
import subprocess


class Skip(Exception):
    """Why a part cannot be measured here."""


class Bench:
    def __init__(self, wish, work):
        self.rounds = wish.rounds
        self.seconds = wish.seconds
        self.work = work
        self.rows = []
        self.skipped = []

    def row(self, part, case, value, unit, goal=None, beside=""):
        """One line of the table; goal is a number that the value should reach."""
        self.rows.append({"part": part, "case": case, "value": value, "unit": unit, "goal": goal,
                          "reached": None if goal is None else value >= goal, "beside": beside})
        print(f"  {line_of(self.rows[-1])}", flush=True)

    def skip(self, part, reason):
        self.skipped.append({"part": part, "reason": reason})
        print(f"  skipped: {reason}", flush=True)


def line_of(row):
    mark = {None: "", True: "  reached", False: "  below"}[row["reached"]]
    goal = "" if row["goal"] is None else f"  (aim {row['goal']:g}{mark})"
    beside = f"  {row['beside']}" if row["beside"] else ""
    return f"{row['part']:9} {row['case']:34} {row['value']:9.3f} {row['unit']}{goal}{beside}"


def program(name):
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if not found:
        raise Skip(f"no {name} here")
    return found


def run(words, seconds=300, **kwargs):
    result = subprocess.run([str(word) for word in words], capture_output=True, text=True,
                            timeout=seconds, check=False, **kwargs)
    if result.returncode != 0:
        raise Skip(f"{pathlib.Path(words[0]).name} ended with {result.returncode}: "
                   f"{(result.stderr or result.stdout).strip()[-300:]}")
    return result.stdout
