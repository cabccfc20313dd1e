"""Disk images as seen from outside: partitions, and files within an ext4 partition. No loop device, no mount."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Partition:
    number: int
    name: str
    start: int
    bytes: int


@dataclass(frozen=True)
class Disk:
    path: Path

    def partitions(self) -> list[Partition]:
        """The partitions of its table; none if it has no table."""
        result = subprocess.run(["sfdisk", "--json", str(self.path)], capture_output=True, text=True, check=False)
        if result.returncode != 0:
            return []
        table = json.loads(result.stdout)["partitiontable"]
        sector = int(table.get("sectorsize", 512))
        return [
            Partition(number, entry.get("name", ""), entry["start"] * sector, entry["size"] * sector)
            for number, entry in enumerate(table.get("partitions", []), 1)
        ]

    def partition(self, name: str) -> Partition | None:
        return next((part for part in self.partitions() if part.name == name), None)

    def read(self, partition: Partition, path: str) -> bytes | None:
        """A file's content, or nothing if it is not there."""
        if not self.exists(partition, path):
            return None
        return self._debugfs(partition, f"cat {path}")

    def exists(self, partition: Partition, path: str) -> bool:
        return b"Inode:" in self._debugfs(partition, f"stat {path}")

    def names(self, partition: Partition, folder: str) -> set[str]:
        """What is in it, but for itself and the one above."""
        lines = self._debugfs(partition, f"ls -p {folder}").decode(errors="replace").splitlines()
        # /inode/mode/uid/gid/name/size/
        return {line.split("/")[5] for line in lines if line.startswith("/")} - {".", ".."}

    def mode(self, partition: Partition, path: str) -> int | None:
        """The permissions of a file or folder, or nothing if it is not there."""
        found = re.search(rb"Mode:\s+([0-7]+)", self._debugfs(partition, f"stat {path}"))
        return int(found[1], 8) & 0o7777 if found else None

    def write(self, partition: Partition, path: str, content: bytes) -> None:
        """Replaces a file; its folder must be there."""
        with tempfile.NamedTemporaryFile() as file:
            file.write(content)
            file.flush()
            self._debugfs(partition, f"rm {path}", "-w")
            self._debugfs(partition, f"write {file.name} {path}", "-w")

    def remove(self, partition: Partition, path: str) -> None:
        self._debugfs(partition, f"rm {path}", "-w")

    def _debugfs(self, partition: Partition, request: str, *options: str) -> bytes:
        # Only who writes needs the bitmaps. A power cut may leave them without their checksums, until the journal is replayed: no
        # boot loader minds that.
        as_it_is = [] if "-w" in options else ["-c"]
        command = ["debugfs", *as_it_is, *options, "-R", request, f"{self.path}?offset={partition.start}"]
        return subprocess.run(command, capture_output=True, check=False).stdout


def copy_sparse(source: Path, target: Path) -> None:
    subprocess.run(["cp", "--sparse=always", str(source), str(target)], check=True)


def blank(target: Path, mebibytes: int) -> None:
    target.unlink(missing_ok=True)
    with target.open("wb") as file:
        file.truncate(mebibytes << 20)
