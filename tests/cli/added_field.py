"""Adding a field is one member and one row: shown on a copy of the source, built without anything else."""

import os
import re
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
TREE = HERE.parents[1]

MEMBER = "  std::optional<std::string> nickname;\n"
ROW = ('      field("nickname", &Disk::nickname, "What people call it.", '
       "{.since = {3, 3}, .check = &check_optional_absolute_path}),\n")

EXPECTED = """\
read /n
written {"ignition":{"version":"3.3.0"},"storage":{"disks":[{"nickname":"/n","device":"/dev/a"}]}}
checked c:1:91 error $.storage.disks.0.nickname
of its type c:1:91 error $.storage.disks.0.nickname
before its version c:1:79 warning $.storage.disks.0.nickname
merged /n
kept /n
in the schema yes, before no
in the reference string: What people call it.
"""


def insert(folder: Path, pattern: str, line: str) -> None:
    """Puts the line behind the one place in the sources where the pattern ends."""
    hits = [(f, m) for f in sorted(folder.glob("src/spec/*.?pp")) for m in re.finditer(pattern, f.read_text(), re.S)]
    if len(hits) != 1:
        raise ValueError(f"{len(hits)} places for {pattern}")
    file, match = hits[0]
    text = file.read_text()
    file.write_text(text[: match.end()] + line + text[match.end():])


def compile_one(folder: Path, source: Path) -> tuple[Path, str]:
    made = folder / (source.stem + f"-{source.parent.name}.o")
    done = subprocess.run(["g++", "-std=c++20", "-O0", "-I", folder / "src", "-c", source, "-o", made],
                          capture_output=True, text=True)
    return made, done.stderr if done.returncode else ""


def build(folder: Path) -> Path:
    sources = [f for room in ("base", "fields", "spec") for f in sorted((folder / "src" / room).glob("*.cpp"))]
    sources.append(folder / "added_field.cpp")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        done = list(pool.map(lambda source: compile_one(folder, source), sources))
    if errors := [message for _, message in done if message]:
        raise ValueError("it does not compile: " + errors[0][:600])
    program = folder / "added-field"
    linked = subprocess.run(["g++", *(made for made, _ in done), "-lcrypto", "-lz", "-lzstd", "-o", program], capture_output=True, text=True)
    if linked.returncode:
        raise ValueError("it does not link: " + linked.stderr[:600])
    return program


def test(outcome) -> None:
    name = "adding a field is one member and one row"
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for room in ("base", "fields", "spec"):
            shutil.copytree(TREE / "src" / room, folder / "src" / room)
        shutil.copy(HERE / "added_field.cpp", folder)
        try:
            insert(folder, r"\nstruct Disk \{\n  Located place;\n", MEMBER)
            insert(folder, r"struct Table<(spec::)?Disk> \{\n[^\n]*std::tuple\{\n", ROW)
            program = build(folder)
        except ValueError as why:
            outcome.failed(name, str(why))
            return
        said = subprocess.run([program], capture_output=True, text=True, timeout=20).stdout
        if not outcome.check(name, said == EXPECTED, "not all of it came"):
            for line in said.splitlines():
                print("    " + line)
