#!/usr/bin/env python3
"""Checks what the compiler does not: the order of the rooms, the size of files, banned words, and
that every source has its test and every room a README on its door.

usage: tidy.py [ROOT]     default: the tree this script stands in
exit:  0 tidy, 1 with one line per fault (PATH:LINE: FAULT), 2 no such tree
"""

import pathlib
import re
import sys

LINES_MAX = 400
COLUMNS_MAX = 100

# A room may include itself and what stands in its list, nothing else. Longest prefix wins. The
# rows stand in the order in which a packet passes the rooms; nobody knows a room further down.
ROOMS = {
    "bpf": [],
    "pipeline/base": [],
    "pipeline/decode": ["pipeline/base"],
    "pipeline/filter": ["pipeline/base", "pipeline/decode"],
    "pipeline/flow": ["pipeline/base", "pipeline/decode"],
    "pipeline/inspect": ["pipeline/base", "pipeline/decode", "pipeline/flow"],
    "pipeline": ["pipeline"],
    "dpdk": ["pipeline/base"],
    "xdp": ["pipeline/base", "bpf"],
    "src/fields": ["pipeline/base", "pipeline/decode", "pipeline/flow"],
    "src/filters": ["pipeline/base", "pipeline/filter"],
    "src/config": ["pipeline/base", "src/fields", "src/filters"],
    "src/generator": ["pipeline/base"],
    "src/capture_files": ["pipeline/base", "src/config"],
    "src/exporting": ["pipeline", "src/fields", "src/config"],
    "src/saving": ["pipeline", "src/config", "src/exporting"],
    "src/metrics": ["pipeline", "src/config", "src/exporting", "src/saving"],
    "src/pushing": ["pipeline", "src/config", "src/exporting", "src/saving", "src/metrics"],
    "src/control": ["pipeline", "src/config", "src/exporting", "src/saving", "src/metrics"],
    "src/bench": ["pipeline", "src/config", "src/capture_files", "src/exporting", "src/saving",
                  "src/metrics"],
    "src/appliance": ["pipeline", "dpdk", "xdp", "src/filters", "src/config", "src/generator",
                      "src/capture_files", "src/exporting", "src/saving", "src/metrics",
                      "src/pushing", "src/control"],
    "src/machine": ["pipeline/base", "pipeline/flow", "xdp", "src/config"],
    "src/verbs": ["pipeline", "dpdk", "xdp", "src"],
    "src": ["pipeline", "dpdk", "xdp", "src"],
    "tests": ["pipeline", "dpdk", "xdp", "bpf", "src", "tests"],
    "bench": ["pipeline", "dpdk", "xdp", "src", "tests/support"],
}

# Rooms whose whole inside is checked by a README alone: no C++ lives there.
ROOMS_WITHOUT_CODE = ["conf", "scripts"]

# A foreign library is spoken to from one room only (tests and benchmarks speak as their room does).
LIBRARIES = {
    r"rte_\w+\.h": "dpdk",
    r"xdp/(xsk|libxdp|prog_dispatcher|xdp_helpers)\.h": "xdp",
    r"bpf/(bpf|libbpf|btf|libbpf_common|libbpf_legacy)\.h": "xdp",
    r"bpf/bpf_\w+\.h": "bpf",
    r"hs/hs\w*\.h|hs\.h": "pipeline/inspect",
    r"pcre2\w*\.h": "pipeline/inspect",
    r"ndpi\w*/\w+\.h": "pipeline/inspect",
    r"nettle/.*": "pipeline/inspect",
    r"toml\+\+/.*|toml\.hpp": "src/config",
    r"CLI/.*": "src/verbs",
    r"microhttpd\.h": "src/control",
    r"prometheus/.*": "src/metrics",
    r"gnutls/.*": "src/exporting",
    r"zstd\.h": "src/exporting",
    r"usrsctp\.h": "src/exporting",
    r"librdkafka/.*": "src/exporting",
    r"fmt/.*": "src",
    r"spdlog/.*": "src",
    r"nlohmann/.*": "src",
    r"tsl/.*": "src",
    r"curl/.*": "src",
    r"jemalloc/.*": "src",
    r"tbb/.*|oneapi/.*": "src",
    r"(gtest|gmock)/.*": "tests",
    r"benchmark/.*": "bench",
}

# pattern in code (comments and strings are blanked) -> (rooms where it is banned, what to do)
BANNED = {
    r"^\s*#\s*define\b": (("pipeline", "dpdk", "xdp", "src"), "a constexpr value or a function"),
    r"\b(throw|try|catch)\b": (("pipeline", "dpdk", "xdp"), "a Result or a small enum"),
    # A factory with a private constructor may say std::unique_ptr<T>(new T(...)) on one line.
    r"^(?!.*\bunique_ptr<).*\bnew\b(?! \()|\b(malloc|calloc)\(": (
        ("pipeline", "dpdk", "xdp", "src"), "a member or a container"),
    r"\bstd::(function|shared_ptr|mutex|list|map|unordered_map)\b": (
        ("pipeline",), "none of these per packet"),
    r"\bstd::(cout|cerr|printf|iostream)\b|(?<![\w.:])printf\(": (
        ("pipeline", "dpdk", "xdp"), "a counter or a Result: packet rooms do not print"),
    r"(?<!asm )\bvolatile\b": (("pipeline", "dpdk", "xdp", "src"), "std::atomic"),
    r"\bshared_ptr\b": (("dpdk", "xdp", "src"), "std::unique_ptr: every octet has one owner"),
    r"\bassert\(": (("pipeline", "dpdk", "xdp", "src"), "expects(), which release builds keep"),
    r"\b(s?rand|strcpy|strcat|sprintf|gets)\(": (("",), "the C++ library"),
}

# Words that say that something is not done; they stand nowhere, not in a comment, not in a script.
# (Written with brackets so that this table does not find itself.)
UNFINISHED = re.compile(
    r"\b(TO[D]O|FIX[M]E|X[X]X|HA[C]K)\b|\b([Pp]lace[h]older|[Uu]nimple[m]ented)\b"
    r"|\b[Nn]ot (yet )?imple[m]ented\b|\b[Ff]or n[o]w\b|\b[Ll]orem ips[u]m\b")

# Where a program of ours must run, the developer's own folders do not exist.
PRIVATE_PATH = re.compile(r"(?<![\w.$}])/(home|Users)/[a-z]\w*|(?<![\w.$}])/root/\w")

# `src/config/load.cpp` in a document: must exist. (Patterns and folders to be made are not meant.)
NAMED_FILE = re.compile(
    r"`((?:bpf|pipeline|dpdk|xdp|src|tests|bench|conf|scripts)/[\w./-]*[\w/])`")

CODE = (".h", ".cpp", ".c")
TEXT = CODE + (".py", ".sh", ".build", ".toml", ".txt", ".md", ".scd", ".service", ".yml")
GENERATED = ("vmlinux.h",)
COMMENT_OR_STRING = re.compile(
    r"//[^\n]*|/\*.*?\*/|R\"(?P<end>[^()\s\\]*)\(.*?\)(?P=end)\""
    r"|\"(?:\\.|[^\"\\\n])*\"|(?<![\w'])'(?:\\.|[^'\\\n])*'", re.DOTALL)
INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^">]+)[">]')
# NOLINT must say which check, and why: NOLINT(check): reason, or the reason in the line above.
NOLINT = re.compile(r"NOLINT(NEXTLINE|BEGIN)?(?!\w)(?!END)(?!\([\w.*, -]+\))")


def is_under(path, room):
    return path == room or path.startswith(room + "/")


def room_of(path):
    rooms = [room for room in ROOMS if is_under(path, room)]
    return max(rooms, key=len, default=None)


def blanked(text):
    """The text with comments and strings emptied; every line keeps its number."""
    def blank(found):
        empty = "" if found[0].startswith("/") else '""'
        return empty + "\n" * found[0].count("\n")
    return COMMENT_OR_STRING.sub(blank, text)


def include_faults(path, room, bracket, header):
    if bracket == "<":
        if room_of(header) and (header.startswith(("pipeline/", "src/", "dpdk/", "tests/"))):
            yield f'<{header}> is ours: write "{header}"'
        for library, owner in LIBRARIES.items():
            if re.fullmatch(library, header) and not is_under(path, owner) and not (
                    path.startswith(("tests/", "bench/")) and owner not in ("tests", "bench")):
                yield f"<{header}> is spoken to from {owner}/ only"
        return
    target = room_of(header)
    if target is None:
        yield f'"{header}" does not name its room: write includes from the top of the tree'
    elif target != room and not any(is_under(header, known) for known in ROOMS[room]):
        yield f"{room}/ must not know {target}/ ({header})"


def code_faults(path, text):
    room = room_of(path)
    for number, line in enumerate(text.splitlines(), 1):
        if include := INCLUDE.match(line):
            yield from ((number, why) for why in include_faults(path, room, *include.groups()))
        if NOLINT.search(line):
            yield number, "NOLINT without the name of the check"
    for number, line in enumerate(blanked(text).splitlines(), 1):
        for word, (rooms, instead) in BANNED.items():
            if any(path.startswith(banned) for banned in rooms) and re.search(word, line):
                yield number, f"banned here: {line.strip()!r}; use {instead}"
    if path.endswith(".h") and "#pragma once" not in text:
        yield 1, "a header begins with #pragma once"


def text_faults(path, text):
    lines = text.splitlines()
    # A man page has one entry a key, however many there are.
    if len(lines) > LINES_MAX and not path.endswith((".md", ".scd")):
        yield 1, f"{len(lines)} lines, at most {LINES_MAX}"
    for number, line in enumerate(lines, 1):
        wide = len(line.expandtabs(8)) > COLUMNS_MAX and "://" not in line
        if wide and not path.endswith(".md"):
            yield number, f"longer than {COLUMNS_MAX} columns"
        if found := UNFINISHED.search(line):
            yield number, f"unfinished: {found[0]!r}"
        if found := PRIVATE_PATH.search(line):
            yield number, f"a path of one machine: {found[0]!r}"


def lacks_test(root, path, text):
    """Every source but the program's main() has a test that stands where the source stands: under
    its own name, or under another's in the same folder that includes the source's header."""
    if not path.endswith(".cpp") or path.startswith(("tests/", "bench/")):
        return None
    if path.endswith("/main.cpp"):
        return None
    test = root / f"tests/{path[:-len('.cpp')]}_test.cpp"
    own_header = re.search(r'#include "[^"]+"', text)
    if test.exists() or own_header and any(
            own_header[0] in other.read_text(encoding="utf-8", errors="replace")
            for other in test.parent.glob("*_test.cpp")):
        return None
    return test.relative_to(root).as_posix()


def door_faults(root, paths):
    for room in [*ROOMS, *ROOMS_WITHOUT_CODE]:
        inhabited = any(is_under(path, room) and not path.endswith("meson.build") for path in paths)
        if inhabited and not (root / room / "README.md").exists():
            yield f"{room}/README.md", 1, "no README on this room's door"


def document_faults(root, text):
    for number, line in enumerate(text.splitlines(), 1):
        for named in NAMED_FILE.findall(line):
            if not (root / named).exists():
                yield number, f"names {named}, which does not exist"


def is_script(file):
    with file.open("rb") as stream:
        return stream.read(2) == b"#!"


def files_of(root):
    """What belongs to the tree: no build folders, nothing hidden but .ci, no binaries."""
    for file in sorted(root.rglob("*")):
        path = file.relative_to(root).as_posix()
        parts = path.split("/")
        if any(p.startswith((".", "build")) and p != ".ci" for p in parts[:-1]):
            continue
        if "__pycache__" in parts or file.name in GENERATED or not file.is_file():
            continue
        if "tests/fuzz/corpus/" in path or "tests/golden/" in path or file.name == "LICENSE":
            continue
        if file.name.endswith(TEXT) or (not file.suffix and is_script(file)):
            yield path, file


def faults_of_tree(root):
    paths = []
    for path, file in files_of(root):
        paths.append(path)
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            yield path, 1, f"not UTF-8: {error}"
            continue
        for number, fault in text_faults(path, text):
            yield path, number, fault
        if file.suffix in CODE and room_of(path) is not None:
            for number, fault in code_faults(path, text):
                yield path, number, fault
        if file.suffix == ".md":
            for number, fault in document_faults(root, text):
                yield path, number, fault
        if test := lacks_test(root, path, text):
            yield path, 1, f"no test at {test}"
    yield from door_faults(root, paths)


def main(arguments):
    root = pathlib.Path(arguments[1] if len(arguments) > 1 else __file__).resolve()
    if len(arguments) <= 1:
        root = root.parent.parent
    if not (root / "meson.build").is_file():
        print(f"tidy.py: {root} has no meson.build: name the top of the tree", file=sys.stderr)
        return 2
    faults = [f"{path}:{number}: {fault}" for path, number, fault in faults_of_tree(root)]
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
