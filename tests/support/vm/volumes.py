"""Encrypted volumes and members of RAID arrays as seen from outside, by Debian's cryptsetup: no device-mapper, no loop device."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from vm.disk import Disk, Partition

SECTOR = 512
# Of md's superblock 1.2: where the data begins, in sectors.
DATA_OFFSET = 4096 + 128


def raw(disk: Disk, partition: Partition, most: int = -1) -> bytes:
    """What is on it, or the first bytes of that."""
    with disk.path.open("rb") as image:
        image.seek(partition.start)
        return image.read(partition.bytes if most < 0 else min(most, partition.bytes))


def in_array(member: bytes) -> bytes:
    """What an array shows that has one copy, and this is it."""
    return member[int.from_bytes(member[DATA_OFFSET : DATA_OFFSET + 8], "little") * SECTOR :]


def cryptsetup(*arguments: "str | Path") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["cryptsetup", *map(str, arguments)], capture_output=True, text=True, check=False)


def header_of(volume: Path) -> dict[str, Any]:
    """The metadata of LUKS2, as they are in it; nothing if there are none that are whole."""
    done = cryptsetup("luksDump", "--dump-json-metadata", volume)
    found: dict[str, Any] = json.loads(done.stdout) if done.returncode == 0 else {}
    return found


def complaint_of_key(volume: Path, key: bytes) -> str:
    """Why the key does not open it; empty: it does."""
    secret = volume.with_suffix(".key")
    secret.write_bytes(key)
    opened = cryptsetup("open", "--test-passphrase", "--key-file", secret, volume)
    secret.unlink()
    return "" if opened.returncode == 0 else opened.stderr.strip() or f"status {opened.returncode}"
