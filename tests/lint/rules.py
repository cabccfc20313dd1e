"""Rules on the source tree that no compiler checks. Each rule takes a tree and yields (file, line, what is wrong)."""

import os
import re
import subprocess
from pathlib import Path

# --- The tree


class Tree:
    def __init__(self, root, files=None):
        self.root = Path(root)
        self.files = sorted(files if files is not None else self._listed())
        self._names = set(self.files)

    def _listed(self):
        listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=self.root, check=True,
                                capture_output=True, text=True).stdout.split("\0")
        return [f for f in set(listed) if f and (self.root / f).is_file()]

    def text(self, file):
        try:
            return (self.root / file).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            return ""  # not text

    def code(self):
        return [f for f in self.files if f.startswith(("src/", "providers/")) and f.endswith((".cpp", ".hpp", ".c", ".h"))]

    def exists(self, path):
        return path in self._names or (self.root / path).exists()


def without_comments(text):
    """The same text with comments blanked, lines kept. Strings stay: a rule may look into them."""
    token = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|R"(\w*)\(.*?\)\1"', re.S)

    def blank(match):
        found = match.group(0)
        return re.sub(r"[^\n]", " ", found) if found.startswith("/") else found

    return token.sub(blank, text)


def without_strings(text):
    return re.sub(r'"(?:\\.|[^"\\\n])*"', '""', text)


def lines(text):
    return enumerate(text.split("\n"), 1)


# --- Arrows between rooms

ROOMS = ["base", "fields", "spec", "model", "plan", "run", "stages", "cli"]
ALLOWED = {room: set(ROOMS[: i + 1]) for i, room in enumerate(ROOMS)}
for upper in ("model", "plan", "run", "stages", "cli"):
    ALLOWED[upper].add("host")
for top in ("stages", "cli"):
    ALLOWED[top].add("providers")
ALLOWED["host"] = {"host", "base"}
ALLOWED["providers"] = {"providers", "base", "host"}


def room_of(file):
    parts = file.split("/")
    if parts[0] == "providers":
        return "providers"
    return parts[1] if parts[0] == "src" and len(parts) > 2 else None


def target_of(tree, file, included):
    """The room that an include leads to, None for what is not ours, "?" for ours without a room."""
    first = included.split("/")[0]
    if first in ALLOWED and "/" in included:
        return first
    beside = os.path.normpath(os.path.join(os.path.dirname(file), included))
    if included.startswith(".") or tree.exists(beside):
        return room_of(beside) or "?"
    return None


def arrows(tree):
    for file in tree.code():
        room = room_of(file)
        if room not in ALLOWED:
            yield file, 1, "is in no room: src/ has " + " ".join(ROOMS) + " host"
            continue
        for number, line in lines(without_comments(tree.text(file))):
            include = re.match(r'\s*#\s*include\s*["<]([^">]+)[">]', line)
            if not include:
                continue
            target = target_of(tree, file, include.group(1))
            if target is not None and target not in ALLOWED[room]:
                yield file, number, f"{room} includes {include.group(1)}: no arrow leads from {room} to {target}"


# --- Names, calls

VAGUE = re.compile(r"(?:^|[^a-z])(utils?|helpers?|managers?|common)(?:[^a-z]|$)")


def file_names(tree):
    for file in tree.files:
        if file.startswith("tools/static/packagefiles/"):
            continue  # named for the packages they are laid over
        if VAGUE.search(file.lower()):
            yield file, 1, "a file's name says what it holds: not util, helper, manager, common"


CALLS = [
    # (pattern, keep strings, where it is allowed, what to say)
    (re.compile(r"\bstd::system\b|(?<![\w.>:])system\s*\("), False, (), "no shell: programs are run by host::Processes, with argv"),
    (re.compile(r"\bpopen\s*\("), False, (), "no shell: programs are run by host::Processes, with argv"),
    # The login shell of a new user is a name in a file.
    (re.compile(r"/bin/(?:ba|da)?sh\b"), True, ("src/model/accounts.hpp",), "no shell: programs are run by host::Processes, with argv"),
    (re.compile(r"\bstd::(?:thread|jthread|async)\b|\bpthread_create\b"), False, ("src/run/", "src/host/"), "threads live in run/ and host/ only"),
    (re.compile(r"\bstd::(?:cout|cerr|clog)\b|(?<!\w)f?printf\s*\(|(?<![\w.>])(?:puts|putchar|perror)\s*\(|\bfmt::print\b|\bstd::print\b"),
     False, ("src/cli/",), "printing is for cli/: return a value or an Error"),
    (re.compile(r"(?<![\w.>])(?:std::)?(?:exit|quick_exit)\s*\("), False, ("src/cli/",), "only cli/ ends the process"),
    (re.compile(r"(?<![\w.>])(?:std::)?(?:abort|_exit|_Exit)\s*\("), False, ("src/cli/", "src/host/linux/", "src/base/assert.cpp"),
     "only cli/ ends the process, and a broken invariant"),
    (re.compile(r"\bsleep_(?:for|until)\b|(?<![\w.>])(?:u?sleep|nanosleep)\s*\("), False, ("src/host/",), "no sleep and hope: wait for an event, or ask host::Clock"),
]


def calls(tree):
    for file in tree.code():
        bare = without_comments(tree.text(file))
        for pattern, strings, allowed, message in CALLS:
            if file.startswith(tuple(allowed)):
                continue
            for number, line in lines(bare if strings else without_strings(bare)):
                if pattern.search(line):
                    yield file, number, message


def headers(tree):
    for file in tree.code():
        if not file.endswith(".hpp"):
            continue
        # What is precompiled is a main file to g++, which warns of the pragma there.
        if "#pragma once" not in tree.text(file) and "/precompiled/" not in file:
            yield file, 1, "a header begins with #pragma once"
        for number, line in lines(without_comments(tree.text(file))):
            if re.search(r"\busing\s+namespace\b", line):
                yield file, number, "no using namespace in a header"


# --- The place the project was written at is nobody's business

# Written in pieces, so that this file does not hold what it looks for.
PLACES = re.compile("|".join([
    r"deb\." + r"debian\.org", r"security\." + r"debian\.org", r"ftp\.[a-z.]*" + r"debian\.org", r"snapshot\." + r"debian\.org",
    r"registry\." + r"npmjs", r"proxy\." + r"golang", r"\bpypi\." + r"org", r"/work/" + r"(?:main|shared|\.library)",
]))


def places(tree):
    for file in tree.files:
        for number, line in lines(tree.text(file)):
            found = PLACES.search(line)
            if found:
                yield file, number, f"names a machine's path or a registry's host: {found.group(0)}"


# --- Documents

CODE_PATH = re.compile(r"^(?:\./)?((?:src|tools|tests|docs|examples|providers|schemas|dracut-module|\.ci)/[\w./+-]*)")


def documents(tree):
    for file in tree.files:
        if file.endswith(".md"):
            yield from document(tree, file)


def document(tree, file):
    fenced = False
    for number, line in lines(tree.text(file)):
        if line.lstrip().startswith("```"):
            fenced = not fenced
            continue
        if fenced:
            yield from command_line(tree, file, number, line)
            continue
        for target in re.findall(r"\]\(([^)\s]+)\)", line):
            target = target.split("#")[0]
            if not target or re.match(r"[a-z]+:", target):
                continue
            if not tree.exists(os.path.normpath(os.path.join(os.path.dirname(file), target))):
                yield file, number, f"links to {target}, which does not exist"
        for quoted in re.findall(r"`([^`]+)`", line):
            yield from command_line(tree, file, number, quoted)


def command_line(tree, file, number, line):
    """A path of ours must exist, and a command of ours must know the options that it is shown with."""
    words = re.sub(r"^\s*(?:[$#]\s+)?(?:sudo\s+|bash\s+)?", "", line).split("  #")[0].split()
    if not words:
        return
    found = CODE_PATH.match(words[0])
    if not found or re.search(r"[*<>{}]|\b[A-Z]{3,}\b(?!\.md)", words[0]):
        return
    path = found.group(1).rstrip("/.")
    if not tree.exists(path):
        yield file, number, f"speaks of {path}, which does not exist"
        return
    if path.startswith(("tools/", "tests/", ".ci/")) and (tree.root / path).is_file() and len(words) > 1:
        script = tree.text(".ci/run") + tree.text("tools/test") if path == ".ci/run" else tree.text(path)
        for option in re.findall(r"(?<!\S)\[?(--[a-z][\w-]*)", " ".join(words[1:])):
            if option not in script:
                yield file, number, f"{path} knows no option {option}"


# --- .clang-tidy: each check that is switched off has its reason

def tidy_reasons(tree):
    if not tree.exists(".clang-tidy"):
        return
    text = tree.text(".clang-tidy")
    checks = text.split("Checks:", 1)[-1]
    for number, line in lines(text):
        if line.startswith("#"):
            continue
        for check in re.findall(r"(?<![\w*.-])-([a-z][\w.*-]+)", line):
            if not re.search(rf"^#\s+{re.escape(check)}: \S", text, re.M):
                yield ".clang-tidy", number, f"{check} is switched off without a reason"
    for check in re.findall(r"^#\s+([a-z][\w.-]+(?:\*)?): ", text, re.M):
        if f"-{check}" not in checks:
            yield ".clang-tidy", 1, f"gives a reason for {check}, which is not switched off"


RULES = {
    "arrows": arrows,
    "file names": file_names,
    "calls": calls,
    "headers": headers,
    "places": places,
    "documents": documents,
    "clang-tidy reasons": tidy_reasons,
}
