#!/usr/bin/env python3
"""Prints the tests of a build folder, a line each: NAME, a tab, and what ninja has to build for it.

usage: test_programs.py FOLDER [--under PATH ...] [--not SUITE ...]
    --under   only tests whose program stands below one of these paths of the tree
    --not     no tests of these suites
"""

import argparse
import json
import pathlib
import subprocess


def introspect(folder, what):
    return json.loads(subprocess.check_output(["meson", "introspect", what, folder]))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--under", nargs="*", default=[""])
    parser.add_argument("--not", dest="left_out", nargs="*", default=[])
    wish = parser.parse_args()
    root = pathlib.Path(wish.folder).resolve()
    files = {target["id"]: target["filename"] for target in introspect(root, "--targets")}
    for test in introspect(root, "--tests"):
        suites = {suite.split(":")[-1] for suite in test["suite"]}
        paths = [str(pathlib.Path(path).relative_to(root))
                 for target in test["depends"] for path in files[target]]
        wanted = any(path.startswith(under) for path in paths for under in wish.under)
        if wanted and suites.isdisjoint(wish.left_out):
            print(test["name"], *paths, sep="\t")


main()
