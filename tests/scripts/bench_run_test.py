#!/usr/bin/env python3
"""Checks bench/run without measuring: its capture file, what it says where it can measure nothing,
and the page that it writes.

usage: bench_run_test.py BENCH_FOLDER
"""

import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

BENCH = pathlib.Path(sys.argv.pop(1)).resolve()
sys.dont_write_bytecode = True
sys.path.insert(0, str(BENCH))
from lib import files, machine  # noqa: E402: the folder is an argument


class Files(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name) / "a.pcap"

    def tearDown(self):
        self.folder.cleanup()

    def test_a_made_file_holds_what_was_asked_for(self):
        files.uniform(self.path, packets=5_000, flows=16)
        self.assertEqual(files.packets_in(self.path), 5_000)
        data = self.path.read_bytes()
        self.assertEqual(len(data), 24 + 5_000 * (16 + 60))
        frames = {data[24 + i * 76 + 16:24 + i * 76 + 76] for i in range(5_000)}
        self.assertEqual(len(frames), 16)

    def test_checksums_are_right(self):
        for flow in (0, 1, 1_023, 1_024, 8_000_000):
            header = files.udp_frame(flow)[14:34]
            total = sum(struct.unpack(">10H", header))
            total = (total & 0xFFFF) + (total >> 16)
            self.assertEqual(total, 0xFFFF, flow)

    def test_two_flows_are_two(self):
        self.assertNotEqual(files.udp_frame(1_023), files.udp_frame(1_024))

    def test_what_is_no_capture_is_refused(self):
        self.path.write_bytes(b"x" * 100)
        with self.assertRaises(ValueError):
            files.packets_in(self.path)

    def test_a_cut_record_is_not_counted(self):
        files.uniform(self.path, packets=3, flows=1)
        self.path.write_bytes(self.path.read_bytes()[:24 + 2 * 76 + 10])
        self.assertEqual(files.packets_in(self.path), 2)


class Run(unittest.TestCase):
    def run_it(self, *words, **variables):
        with tempfile.TemporaryDirectory() as folder:
            result = subprocess.run([BENCH / "run", "--to", folder, *words], text=True,
                                    env={**os.environ, **variables}, capture_output=True,
                                    timeout=100, check=False)
            pages = [path.read_text() for path in sorted(pathlib.Path(folder).glob("*.md"))]
        return result, pages

    def test_without_a_program_every_part_is_skipped_with_its_reason(self):
        result, pages = self.run_it("--only", "memory,syscalls,files", TAPMETER="/nowhere/tapmeter")
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertEqual(result.stdout.count("skipped: no tapmeter built"), 3, result.stdout)
        self.assertEqual(pages[0].count("Skipped: "), 3)

    def test_nonsense_is_refused(self):
        for words in (("--only", "nonsense"), ("--rounds", "0"), ("--seconds", "-1"), ("--x",)):
            self.assertEqual(self.run_it(*words)[0].returncode, 2, words)


class Page(unittest.TestCase):
    def test_shows_what_was_reached_and_what_was_not(self):
        rows = [{"part": "memory", "case": "a|b", "value": 21.0, "unit": "Mpps", "goal": 20,
                 "reached": True, "beside": ""},
                {"part": "workers", "case": "two", "value": 1.5, "unit": "times", "goal": 1.9,
                 "reached": False, "beside": "x"}]
        page = machine.markdown({"date": "2026-01-02", "rounds": 5, "seconds": 3, "rows": rows,
                                 "machine": machine.facts("/nowhere"), "load_after": (1, 1, 1),
                                 "skipped": [{"part": "afxdp", "reason": "needs root"}]})
        self.assertIn("| memory | a\\|b | 21.000 | Mpps | 20 | reached |  |", page)
        self.assertIn("| workers | two | 1.500 | times | 1.9 | below | x |", page)
        self.assertIn("Skipped: afxdp: needs root", page)
        self.assertIn("| kernel | ", page)


if __name__ == "__main__":
    unittest.main()
