#!/usr/bin/env python3
"""Prints what ninja has to build for the tests of a build folder, one path a line.

usage: test_programs.py FOLDER [SUITE ...]     tests of these suites are left out
"""

import json
import pathlib
import subprocess
import sys


def introspect(folder, what):
    return json.loads(subprocess.check_output(["meson", "introspect", what, folder]))


def main(folder, *left_out):
    files = {target["id"]: target["filename"] for target in introspect(folder, "--targets")}
    wanted = set()
    for test in introspect(folder, "--tests"):
        suites = {suite.split(":")[-1] for suite in test["suite"]}
        if suites.isdisjoint(left_out):
            for target in test["depends"]:
                wanted.update(files[target])
    root = pathlib.Path(folder).resolve()
    for path in sorted(wanted):
        print(pathlib.Path(path).relative_to(root))


main(*sys.argv[1:])
