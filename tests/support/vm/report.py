"""What the guest of our image tells about a boot: see tools/images.d/guest-report."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Unit:
    name: str
    active: str
    sub: str
    enabled: str


@dataclass(frozen=True)
class Step:
    sentence: str
    outcome: str
    seconds: float


@dataclass(frozen=True)
class Stage:
    name: str
    result: str
    seconds: float
    steps: list[Step]


@dataclass(frozen=True)
class Times:
    """Seconds since power-on of the kernel's clock: when each part of the boot begins, and when all is up."""

    initramfs: float
    root: float
    ready: float


@dataclass(frozen=True)
class Report:
    times: Times
    stages: list[Stage]  # from the engine's own report of this boot
    units: dict[str, Unit]
    failed: list[str]
    mounts: dict[str, str]
    partitions: dict[str, str]
    page: str
    traces: list[str]

    @property
    def ran(self) -> bool:
        """Whether anything of provision ran in this boot."""
        return bool(self.traces)


def parse(console: str) -> Report | None:
    """The report in a console's output; nothing if there is none, or if it is damaged."""
    found = re.search(r"^@@@@ report\n(.*?)^@@@@ end (\d+) (\d+)", console.replace("\r", ""), re.M | re.S)
    if found is None:
        return None
    text = found[1]
    checksum = subprocess.run(["cksum"], input=text.encode(), capture_output=True, check=True).stdout.decode().split()
    if checksum != [found[2], found[3]]:
        return None
    parts = re.split(r"^@@ (\w+)\n", text, flags=re.M)
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    times = next(_blocks(sections["times"]))
    sectors = next(_blocks(sections["sizes"]))
    return Report(
        times=Times(
            int(times["InitRDTimestampMonotonic"]) / 1e6,
            int(times["UserspaceTimestampMonotonic"]) / 1e6,
            float(times["Ready"]),
        ),
        stages=list(_stages(sections["provisioning"])),
        units={
            unit["Id"]: Unit(unit["Id"], unit["ActiveState"], unit["SubState"], unit["UnitFileState"])
            for unit in _blocks(sections["units"])
        },
        failed=[line.split()[0] for line in sections["failed"].splitlines() if line.strip()],
        mounts={line.split()[1]: line for line in sections["mounts"].splitlines()},
        partitions={
            link[1]: f"/dev/{link[2]}, {int(sectors.get(link[2], 0)) >> 11} MiB"  # a map's size is not told
            for link in re.finditer(r"(\S+) -> \.\./\.\./(\S+)$", sections["partitions"], re.M)
        },
        page=sections["page"],
        traces=sections["traces"].splitlines(),
    )


def _stages(text: str) -> Iterator[Stage]:
    stages: list[dict[str, Any]] = json.loads(text)["stages"] if text.strip() else []
    for stage in stages:
        steps = [
            Step(step["sentence"], step["outcome"], step["microseconds"] / 1e6) for step in stage.get("steps", [])
        ]
        yield Stage(stage["name"], stage["result"], stage["microseconds"] / 1e6, steps)


def _blocks(text: str) -> Iterator[dict[str, str]]:
    """KEY=VALUE lines, in blocks parted by empty lines."""
    for block in text.strip().split("\n\n"):
        if block.strip():
            yield dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
