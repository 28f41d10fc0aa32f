#!/usr/bin/env python3
"""Plants one fault at a time in a small tidy tree and asks tidy.py to find exactly that one.

usage: tidy_test.py PATH_OF_TIDY
prints one line a case, "ok NAME" or "FAILED NAME: why"; exit 1 when one failed
"""

import pathlib
import subprocess
import sys
import tempfile

HEADER = "#pragma once\n\n#include <cstdint>\n"
TIDY_TREE = {
    "meson.build": "project('small')\n",
    "pipeline/README.md": "The hall.\n",
    "pipeline/base/README.md": "Words.\n",
    "pipeline/base/bytes.h": HEADER,
    "pipeline/decode/README.md": "Octets in, headers out.\n",
    "pipeline/decode/ipv4.h": HEADER + '#include "pipeline/base/bytes.h"\n',
    "pipeline/decode/ipv4.cpp": '#include "pipeline/decode/ipv4.h"\n',
    "pipeline/flow/README.md": "Headers in, flows out.\n",
    "pipeline/flow/flow_table.h": HEADER + '#include "pipeline/decode/ipv4.h"\n',
    "bpf/README.md": "For the kernel.\n",
    "bpf/prefilter_maps.h": "#pragma once\n",
    "dpdk/README.md": "A door.\n",
    "dpdk/port.h": HEADER + "#include <rte_ethdev.h>\n",
    "xdp/README.md": "Another door.\n",
    "xdp/umem.h": HEADER + '#include <xdp/xsk.h>\n#include "bpf/prefilter_maps.h"\n',
    "src/README.md": "The front office.\n",
    "src/config/README.md": "Words become a Config.\n",
    "src/config/config.h": HEADER + "#include <toml++/toml.h>\n",
    "src/exporting/README.md": "Records out.\n",
    "src/exporting/message.h": HEADER + '#include "pipeline/flow/flow_table.h"\n',
    "src/verbs/README.md": "One file a verb.\n",
    "src/verbs/run.h": HEADER + '#include "xdp/umem.h"\n#include "src/config/config.h"\n',
    "src/main.cpp": '#include "src/verbs/run.h"\nint main() { return 0; }\n',
    "tests/README.md": "The mirror.\n",
    "tests/pipeline/decode/ipv4_test.cpp":
        '#include <gtest/gtest.h>\n#include "pipeline/decode/ipv4.h"\n',
}


def include(header):
    return HEADER + f"#include {header}\n"


LINES_400 = "#pragma once\n" + "int a;\n" * 399
UNFINISHED = "TO" + "DO"  # in two halves: the real tree is checked for this word

# name: (file, its whole text or None to remove it, what tidy.py must say; None: nothing)
CASES = {
    # the order of the rooms
    "decode_knows_flow": (
        "pipeline/decode/up.h", include('"pipeline/flow/flow_table.h"'),
        "pipeline/decode/ must not know pipeline/flow/"),
    "pipeline_knows_dpdk": (
        "pipeline/up.h", include('"dpdk/port.h"'), "pipeline/ must not know dpdk/"),
    "pipeline_knows_src": (
        "pipeline/up.h", include('"src/config/config.h"'), "pipeline/ must not know src/config/"),
    "dpdk_knows_decode": (
        "dpdk/up.h", include('"pipeline/decode/ipv4.h"'),
        "dpdk/ must not know pipeline/decode/"),
    "xdp_knows_dpdk": ("xdp/up.h", include('"dpdk/port.h"'), "xdp/ must not know dpdk/"),
    "config_knows_verbs": (
        "src/config/up.h", include('"src/verbs/run.h"'), "src/config/ must not know src/verbs/"),
    "exporting_knows_xdp": (
        "src/exporting/up.h", include('"xdp/umem.h"'), "src/exporting/ must not know xdp/"),
    "tests_are_known_by_nobody": (
        "pipeline/base/up.h", include('"tests/support/frames.h"'),
        "pipeline/base/ must not know tests/"),
    "include_not_from_the_top": (
        "pipeline/decode/short.h", include('"ipv4.h"'), "does not name its room"),
    "own_header_in_angles": (
        "src/exporting/angle.h", include("<pipeline/base/bytes.h>"), "is ours"),
    "the_way_down_is_free": ("src/exporting/down.h", include('"src/config/config.h"'), None),
    # foreign libraries
    "dpdk_spoken_in_src": (
        "src/verbs/foreign.h", include("<rte_mbuf.h>"), "<rte_mbuf.h> is spoken to from dpdk/"),
    "libbpf_spoken_in_dpdk": (
        "dpdk/foreign.h", include("<bpf/libbpf.h>"), "is spoken to from xdp/ only"),
    "toml_spoken_in_verbs": (
        "src/verbs/foreign.h", include("<toml++/toml.h>"), "is spoken to from src/config/"),
    "cli11_spoken_in_config": (
        "src/config/foreign.h", include("<CLI/CLI.hpp>"), "is spoken to from src/verbs/"),
    "fmt_spoken_in_pipeline": (
        "pipeline/base/foreign.h", include("<fmt/format.h>"), "is spoken to from src/"),
    "gtest_spoken_in_src": (
        "src/verbs/foreign.h", include("<gtest/gtest.h>"), "is spoken to from tests/"),
    "fmt_spoken_in_src": ("src/verbs/foreign.h", include("<fmt/format.h>"), None),
    # sizes, both sides of each limit
    "lines_at_the_limit": ("pipeline/base/long.h", LINES_400, None),
    "lines_one_more": ("pipeline/base/long.h", LINES_400 + "int b;\n", "401 lines, at most 400"),
    "columns_at_the_limit": ("pipeline/base/wide.h", "#pragma once\n" + "//" + "x" * 98, None),
    "columns_one_more": (
        "pipeline/base/wide.h", "#pragma once\n" + "//" + "x" * 99, "longer than 100 columns"),
    "script_too_long": ("scripts/run", "#!/bin/bash\n" + "true\n" * 400, "401 lines"),
    # words
    "define_in_a_room": (
        "pipeline/base/word.h", "#pragma once\n#define LIMIT 4\n", "a constexpr value"),
    "throw_in_a_packet_room": (
        "xdp/word.h", "#pragma once\ninline void f() { throw 1; }\n", "a Result"),
    "raw_new": ("src/verbs/word.h", "#pragma once\ninline int* f() { return new int; }\n",
                "a member or a container"),
    "new_with_an_owner": (
        "src/verbs/word.h",
        "#pragma once\ninline auto f() { return std::unique_ptr<int>(new int(1)); }\n", None),
    "mutex_on_the_packet_path": (
        "pipeline/base/word.h", "#pragma once\n#include <mutex>\nstd::mutex m;\n",
        "none of these per packet"),
    "volatile": ("dpdk/word.h", "#pragma once\nvolatile int a;\n", "std::atomic"),
    "banned_word_in_a_comment": (
        "dpdk/word.h", "#pragma once\n// never throw, no new thing, nothing volatile\n", None),
    "banned_word_in_a_string": (
        "dpdk/word.h", '#pragma once\nconstexpr auto a = "throw new volatile";\n', None),
    "unfinished_in_a_comment": (
        "dpdk/word.h", f"#pragma once\n// {UNFINISHED}: later\n", "unfinished"),
    "unfinished_in_a_script": ("scripts/run", f"#!/bin/bash\n# {UNFINISHED}\n", "unfinished"),
    "nolint_for_everything": (
        "dpdk/word.h", "#pragma once\nint a;  // NOLINT\n", "NOLINT without the name"),
    "nolint_with_a_name": (
        "dpdk/word.h", "#pragma once\nint a;  // NOLINT(misc-unused): why\n", None),
    "header_without_pragma_once": ("dpdk/word.h", "int a;\n", "#pragma once"),
    "path_of_one_machine": (
        "src/verbs/word.h", '#pragma once\n// see /ho' + 'me/someone/notes\n', "one machine"),
    # what must be there
    "source_without_test": (
        "pipeline/decode/ipv6.cpp", "int a;\n",
        "no test at tests/pipeline/decode/ipv6_test.cpp"),
    "source_tested_by_its_neighbour": (
        "pipeline/decode/ipv4_options.cpp", '#include "pipeline/decode/ipv4.h"\n', None),
    "source_with_a_stranger_beside_it": (
        "pipeline/decode/ipv6.cpp", '#include "pipeline/decode/ipv6.h"\n',
        "no test at tests/pipeline/decode/ipv6_test.cpp"),
    "test_removed": (
        "tests/pipeline/decode/ipv4_test.cpp", None,
        "no test at tests/pipeline/decode/ipv4_test.cpp"),
    "door_without_readme": ("pipeline/flow/README.md", None, "no README on this room's door"),
    "document_names_what_is_gone": (
        "pipeline/README.md", "Begin with `pipeline/worker.cpp`.\n", "does not exist"),
    "document_names_what_is_there": (
        "pipeline/README.md", "Begin with `pipeline/base/bytes.h` in `pipeline/base/`.\n", None),
    "no_utf_8": ("dpdk/octets.h", b"#pragma once\n// \xff\n", "not UTF-8"),
    "build_folders_do_not_count": ("build-asan/pipeline/x.h", f"// {UNFINISHED}\n", None),
}


def write(root, files):
    for path, text in files.items():
        file = root / path
        if text is None:
            file.unlink()
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())


def run(tidy, root):
    result = subprocess.run([sys.executable, tidy, root], capture_output=True, text=True,
                            check=False)
    return result.returncode, result.stdout.splitlines(), result.stderr


def verdict(tidy, planted):
    """None, or why the case failed."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        write(root, TIDY_TREE)
        path, text, wanted = planted
        write(root, {path: text})
        if path.startswith("scripts/"):
            write(root, {"scripts/README.md": "For people.\n"})
        status, faults, stderr = run(tidy, root)
    if wanted is None:
        return None if status == 0 and not faults else f"status {status}: {faults} {stderr}"
    if status != 1 or len(faults) != 1 or wanted not in faults[0]:
        return f"wanted one fault with {wanted!r}, got status {status}: {faults} {stderr}"
    return None


def main(tidy):
    failures = 0
    for name, planted in {"tidy_tree": ("meson.build", "project('s')\n", None), **CASES}.items():
        why = verdict(tidy, planted)
        print(f"ok {name}" if why is None else f"FAILED {name}: {why}")
        failures += why is not None
    status, _, stderr = run(tidy, "/nonexistent")
    refused = status == 2 and "meson.build" in stderr
    print("ok no_such_tree" if refused else f"FAILED no_such_tree: status {status}, {stderr}")
    return 1 if failures or not refused else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
