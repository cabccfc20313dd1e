"""What is on the disks of a machine that is off, seen from outside: tables, file systems and all that is in them.

Run as a program, in mounts of its own, it prints that as JSON: state_of() does.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

SUPPORT = Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    # Not this folder: "machine" is the one of image files.
    sys.path[:1] = [str(SUPPORT.parent / "differential"), str(SUPPORT)]

from vm.machine import Died  # noqa: E402

# What is of each boot, and not of the config: ids, moments, what systemd keeps.
OF_EACH_BOOT = re.compile(r"/dev/vda \d+ (/etc/machine-id|/var/log/journal/?.*|/var/lib/systemd/.*|/var/tmp/.*|/tmp/.*|/ignition.firstboot|/provision/.*)")
CHECKERS = {
    "ext4": ("e2fsck", "-f", "-n"),
    "xfs": ("xfs_repair", "-n"),
    "btrfs": ("btrfs", "check", "--readonly"),
    "vfat": ("fsck.vfat", "-n"),
}


def mtools(program: str, image: Path, start: int, *argv: "str | Path") -> str:
    """Not every kernel can mount vfat: this needs none."""
    return quiet(program, "-i", f"{image}@@{start}", *argv)


def quiet(*argv: "str | Path | int", given: str = "") -> str:
    done = subprocess.run([str(a) for a in argv], input=given, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Died(f"{argv[0]} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def state_here(system: Path, data_disk: Path) -> dict[str, Any]:
    """In mounts of its own: tables, file systems and whether they are sound, and all that is in them."""
    import machine as machines

    machines.make_private_machine()
    there = machines.Machine(system.parent, {})
    there.disks = [machines.Disk(system, "/dev/vda"), machines.Disk(data_disk, "/dev/vdb")]
    for disk in there.disks:
        settle(disk.image)
    state = machines.state_of(there)
    for disk in there.disks:
        loop = machines.Loop(disk.image, read_only=True)
        table = state[f"{disk.name} table"]["partitions"]
        for number, node in loop.partitions().items():
            kind = state[f"{disk.name} {number} content"].get("TYPE")
            if kind in CHECKERS:
                state[f"{disk.name} {number} is sound"] = complaint(kind, node) or True
            if kind == "vfat":
                found = vfat_tree(disk.image, table[str(number)]["start"] * 512)
                state.update({f"{disk.name} {number} {path}": content for path, content in found.items()})
        loop.close()
    return {place: without_moment(place, entry) for place, entry in state.items() if not OF_EACH_BOOT.fullmatch(place)}


def settle(image: Path) -> None:
    """Journals are replayed, as the next mount does it: what is durable may be nowhere else yet."""
    import machine as machines

    loop = machines.Loop(image)
    for node in loop.partitions().values():
        kind = machines.signature(node).get("TYPE")
        if kind in ("ext4", "xfs", "btrfs"):
            quiet("mount", "-t", kind, node, machines.SYSROOT)
            quiet("umount", machines.SYSROOT)
    loop.close()


# Linux never clears a vfat's dirty bit that it finds set, and no file is the worse for it.
DIRTY_BIT = re.compile(r"Dirty bit is set\..*\n Automatically removing dirty bit\.\n|\nLeaving filesystem unchanged\.\n")


def complaint(kind: str, node: Path) -> str:
    done = subprocess.run([*CHECKERS[kind], str(node)], capture_output=True, text=True, errors="replace", check=False)
    said = done.stdout + done.stderr
    if kind == "vfat" and done.returncode == 1:
        # The version, and the summary.
        others = [line for line in DIRTY_BIT.sub("", said).splitlines() if line and not re.match(r"fsck\.fat |/.*: \d+ files", line)]
        return "; ".join(others)
    return "" if done.returncode == 0 else said[-300:]


def vfat_tree(image: Path, start: int) -> dict[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        if mtools("mdir", image, start, "-b", "::/").strip():
            mtools("mcopy", image, start, "-s", "-n", "-Q", "::*", folder)
        there = sorted(Path(folder).rglob("*"))
        return {f"/{path.relative_to(folder)}": hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "" for path in there}


def without_moment(place: str, entry: Any) -> Any:
    if place.endswith(("/etc/shadow", "/etc/shadow-")):
        entry["content"] = re.sub(r"^([^:]*:[^:]*):2\d{4}:", r"\1:(today):", entry["content"], flags=re.M)
    if place.endswith("/etc/.ignition-result.json"):
        entry["content"] = sorted(json.loads(entry["content"]))
    if place.endswith("/var/lib/provision/report.json"):
        entry.pop("content")
    return entry


def state_of(system: Path, data_disk: Path) -> dict[str, Any]:
    """Of a machine that is not booted again: its journals are replayed first."""
    command = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    said = quiet(*command, sys.executable, __file__, system, data_disk)
    state: dict[str, Any] = json.loads(said)
    return state


def different(wanted: dict[str, Any], found: dict[str, Any]) -> list[str]:
    return [
        f"{place}: {found.get(place)!r:.200}, not {wanted.get(place)!r:.200}"
        for place in sorted({*wanted, *found})
        if wanted.get(place) != found.get(place)
    ]


if __name__ == "__main__":
    print(json.dumps(state_here(Path(sys.argv[1]), Path(sys.argv[2]))))
