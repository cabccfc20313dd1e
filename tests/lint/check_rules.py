#!/usr/bin/python3
"""Runs the rules over this repository, after it has shown on small bad trees that each rule does catch."""

import sys
import tempfile
from pathlib import Path

from rules import RULES, Tree

# rule, what, files of the tree, text that a finding must hold (None: there must be none)
CASES = [
    ("arrows", "base may not know fields", {"src/base/a.cpp": '#include "fields/table.hpp"\n'}, "from base to fields"),
    ("arrows", "host may not know spec", {"src/host/linux/a.hpp": '#include "spec/config.hpp"\n'}, "from host to spec"),
    ("arrows", "fields may not know host", {"src/fields/a.cpp": '# include <host/files.hpp>\n'}, "from fields to host"),
    ("arrows", "spec may not know host", {"src/spec/a.cpp": '#include "host/files.hpp"\n'}, "from spec to host"),
    ("arrows", "plan may not know run", {"src/plan/a.cpp": '#include "run/journal.hpp"\n'}, "from plan to run"),
    ("arrows", "run may not know providers", {"src/run/a.cpp": '#include "providers/list.hpp"\n'}, "from run to providers"),
    ("arrows", "providers may not know spec", {"providers/a.cpp": '#include "spec/config.hpp"\n'}, "from providers to spec"),
    ("arrows", "a way round by ..", {"src/base/a.cpp": '#include "../plan/step.hpp"\n', "src/plan/step.hpp": ""}, "from base to plan"),
    ("arrows", "a way round by a path from the root", {"src/base/a.cpp": '#include "../../src/cli/x.hpp"\n'}, "from base to cli"),
    ("arrows", "a file outside the rooms", {"src/extra/a.cpp": ""}, "in no room"),
    ("arrows", "a file in no folder", {"src/a.cpp": ""}, "in no room"),
    ("arrows", "all that is allowed", {
        "src/base/a.cpp": '#include "base/b.hpp"\n#include <string>\n',
        "src/model/a.cpp": '#include "host/h.hpp"\n#include "spec/s.hpp"\n#include <linux/fs.h>\n',
        "src/cli/main.cpp": '#include "providers/list.hpp"\n#include "base/b.hpp"\n#include "host/h.hpp"\n',
        "src/stages/a.cpp": '#include "providers/list.hpp"\n#include "run/r.hpp"\n// #include "cli/main.hpp"\n',
        "providers/a.cpp": '#include "host/h.hpp"\n#include "base/b.hpp"\n#include "providers/list.hpp"\n',
    }, None),
    ("file names", "util", {"src/base/string_util.hpp": ""}, "says what it holds"),
    ("file names", "a folder", {"tests/helpers/x.py": ""}, "says what it holds"),
    ("file names", "words that only hold such a word", {"src/base/utility_model.hpp": "", "docs/commonly.md": "", "tools/lib.sh": ""}, None),
    ("calls", "system", {"src/run/a.cpp": 'int x = std::system("ls");\n'}, "no shell"),
    ("calls", "popen", {"src/host/linux/a.cpp": 'FILE* f = popen("ls", "r");\n'}, "no shell"),
    ("calls", "a shell's path", {"src/host/linux/a.cpp": 'run({"/bin/sh", "-c", text});\n'}, "no shell"),
    ("calls", "a thread in plan", {"src/plan/a.cpp": "std::jthread t;\n"}, "threads live"),
    ("calls", "printing in run", {"src/run/a.cpp": 'std::cerr << "x";\n'}, "printing is for cli"),
    ("calls", "printf in base", {"src/base/a.cpp": 'printf("x");\n'}, "printing is for cli"),
    ("calls", "exit in a provider", {"providers/a.cpp": "std::exit(1);\n"}, "only cli/ ends"),
    ("calls", "sleeping", {"src/run/a.cpp": "std::this_thread::sleep_for(1s);\n"}, "sleep and hope"),
    ("calls", "what is allowed", {
        "src/cli/main.cpp": 'int main() { std::printf("x"); std::exit(1); }\n',
        "src/run/pool.cpp": "std::jthread worker; // std::cout would be wrong\n",
        "src/base/a.cpp": 'std::snprintf(b, 1, "printf( and system("); file.system(); obj->exit(); auto s = filesystem("x");\n',
    }, None),
    ("headers", "no guard", {"src/base/a.hpp": "struct A;\n"}, "pragma once"),
    ("headers", "using namespace", {"src/base/a.hpp": "#pragma once\nusing namespace std;\n"}, "using namespace"),
    ("headers", "what is precompiled", {"src/base/precompiled/a.hpp": "#include <map>\n"}, None),
    ("headers", "a guard", {"src/base/a.hpp": "#pragma once\nstruct A;\n"}, None),
    ("places", "a registry", {"tools/x": "curl http://deb." + "debian.org/\n"}, "names a machine"),
    ("places", "a path", {"docs/x.md": "see /work/" + "main/x\n"}, "names a machine"),
    ("places", "an overlay's work directory", {"tools/x": "workdir=/run/ovl/work/upper\n"}, None),
    ("documents", "a dead link", {"README.md": "[x](docs/none.md)\n"}, "does not exist"),
    ("documents", "a dead command", {"README.md": "```\ntools/none\n```\n"}, "does not exist"),
    ("documents", "a dead path in a line", {"docs/a.md": "see `tests/none/run`\n"}, "does not exist"),
    ("documents", "an option that is not there", {"README.md": "```\ntools/x --fast\n```\n", "tools/x": "# --slow\n"}, "knows no option --fast"),
    ("documents", "all well", {
        "README.md": "[x](docs/a.md#part) [y](https://example.org)\n```sh\ntools/x --slow   # comment\ntests/TIER/run\n```\n`tests/*/run`\n",
        "docs/a.md": "[back](../README.md) and [self](#here)\n", "tools/x": "# --slow\n"}, None),
    ("clang-tidy reasons", "none given", {".clang-tidy": "Checks: >\n  bugprone-*,\n  -bugprone-easily-swappable-parameters\n"}, "without a reason"),
    ("clang-tidy reasons", "stale reason", {".clang-tidy": "# modernize-x: old\nChecks: >\n  bugprone-*\n"}, "not switched off"),
    ("clang-tidy reasons", "given", {".clang-tidy": "# bugprone-a: because\nChecks: >\n  bugprone-*,\n  -bugprone-a\n"}, None),
]


def test_rules():
    tested = set()
    for rule, what, files, expected in CASES:
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                path = Path(folder) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            found = [message for _, _, message in RULES[rule](Tree(folder, list(files)))]
        name = f"rule {rule}: {what}"
        if expected is None and found:
            print(f"FAIL {name}: found {found[0]}")
        elif expected is not None and not any(expected in message for message in found):
            print(f"FAIL {name}: not caught, found {found}")
        else:
            print(f"PASS {name}")
            tested.add((rule, expected is None))
    for rule in RULES:
        if (rule, False) not in tested:
            print(f"FAIL rule {rule}: no bad tree in which it catches")


def check_repository(root):
    tree = Tree(root)
    for name, rule in RULES.items():
        findings = list(rule(tree))
        if not findings:
            print(f"PASS {name}")
            continue
        file, line, message = findings[0]
        print(f"FAIL {name}: {file}:{line}: {message}")
        for file, line, message in findings[1:]:
            print(f"    {file}:{line}: {message}")


if __name__ == "__main__":
    test_rules()
    check_repository(Path(__file__).resolve().parents[2] if len(sys.argv) < 2 else sys.argv[1])
