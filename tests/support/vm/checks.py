"""What must be true after a first boot with a config, and after the boot that follows it."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from vm.disk import Disk, Partition
from vm.machine import Boot, Machine
from vm.report import Report


@dataclass(frozen=True)
class Check:
    what: str
    good: bool
    why: str = ""


class Expectation:
    """What a config asks for, as far as it can be looked up from outside or in the guest's report."""

    def __init__(self, config: bytes) -> None:
        document = json.loads(config)
        storage = document.get("storage", {})
        self.filesystems: list[dict[str, Any]] = [fs for fs in storage.get("filesystems", []) if fs.get("path")]
        self.partitions: list[str] = [
            part["label"] for disk in storage.get("disks", []) for part in disk.get("partitions", []) if "label" in part
        ]
        self.files: dict[str, bytes | None] = {
            file["path"]: _content(file.get("contents", {})) for file in storage.get("files", [])
        }
        units: list[dict[str, Any]] = document.get("systemd", {}).get("units", [])
        self.units: list[str] = [unit["name"] for unit in units if "contents" in unit]
        self.enabled: list[str] = [unit["name"] for unit in units if unit.get("enabled") and "contents" in unit]

    def first(self, machine: Machine, boot: Boot) -> Iterator[Check]:
        """After the boot that was to provision."""
        report = boot.report
        yield Check("the machine came up, told what it found and powered off", report is not None, _tail(boot.console))
        if report is None:
            return
        yield Check("the boot loader saw the first-boot stamp", boot.first)
        yield self._stages(report)
        yield from self.state(machine, report)
        yield Check("the first-boot stamp is gone", not machine.stamped())

    def second(self, machine: Machine, boot: Boot) -> Iterator[Check]:
        """After the boot that was to be left alone."""
        report = boot.report
        yield Check("the machine came up again and powered off", report is not None, _tail(boot.console))
        if report is None:
            return
        yield Check("the boot loader saw no stamp: no first-boot argument", not boot.first)
        yield Check("nothing of provision ran", not report.ran, "; ".join(report.traces[:3]))
        yield from self.state(machine, report)

    def over(self, machine: Machine, boot: Boot) -> Iterator[Check]:
        """After the boot whose loader saw a stamp that was removed: so the file system's journal says, which no loader reads."""
        report = boot.report
        yield Check("the machine came up again and powered off", report is not None, _tail(boot.console))
        if report is None:
            return
        yield Check("the boot loader saw the first-boot stamp", boot.first)
        yield Check("provision tells that this is no first boot", was_over(report))
        ran = [stage.name for stage in report.stages if stage.name not in ("decide", "fetch-offline")]
        yield Check("no stage does anything", not ran, ", ".join(ran))
        yield from self.state(machine, report)
        yield Check("the first-boot stamp is gone", not machine.stamped())

    def state(self, machine: Machine, report: Report) -> Iterator[Check]:
        """What any boot must find."""
        for label in self.partitions:
            where = report.partitions.get(label)
            on_disk = machine.data.partition(label) or machine.system.partition(label)
            yield Check(f"partition {label}: {where or 'unknown'}", where is not None and on_disk is not None)
        for filesystem in self.filesystems:
            path = filesystem["path"]
            mount = report.mounts.get(path, "")
            device = mount.split(" ")[0]
            yield Check(
                f"{path}: {filesystem['format']}, mounted from {device or 'nowhere'}",
                f" {path} {filesystem['format']} " in mount,
                "not mounted in the running system",
            )
        for path, content in self.files.items():
            found = self._read(machine, path)
            yield Check(
                f"{path}: " + ("not there" if found is None else f"{len(found)} bytes"),
                found is not None and content in (None, found),
                "is not what the config says",
            )
        for name in self.units:
            unit = report.units.get(name)
            told = "not there" if unit is None else f"{unit.active} ({unit.sub}), {unit.enabled}"
            wanted = unit is not None and unit.active != "failed"
            if unit is not None and name in self.enabled:
                wanted = unit.active in ("active", "inactive") and unit.enabled == "enabled"
                wanted = wanted and name not in report.failed
            yield Check(f"{name}: {told}", wanted)
        page = next((c for p, c in self.files.items() if p.endswith("/index.html") and c is not None), None)
        if page is not None and "webserver.service" in self.units:
            answer = report.page.strip().split("\n")[0]
            yield Check(f"http://127.0.0.1/ answers: {answer}", report.page.encode() == page)
        yield Check("/usr is read-only", " ro," in report.mounts.get("/usr", ""))
        yield Check("no unit failed", not report.failed, ", ".join(report.failed))

    def _stages(self, report: Report) -> Check:
        results = {stage.name: stage.result for stage in report.stages}
        # The last two only after a power cut: an earlier boot began the stage, or did it.
        good = ("done", "resumed", "skipped")
        bad = [
            f"{name}: {results.get(name, 'not in the report')}"
            for name in ("fetch-offline", "disks", "mount", "files", "complete")
            if results.get(name) not in good
        ]
        return Check("every stage says that it is done", not bad, ", ".join(bad))

    def _read(self, machine: Machine, path: str) -> bytes | None:
        """A file of the machine, read from the disk it must be on."""
        inside = [fs for fs in self.filesystems if path.startswith(fs["path"].rstrip("/") + "/")]
        if not inside:
            root = machine.system.partition("ROOT")
            return machine.system.read(root, path) if root else None
        filesystem = max(inside, key=lambda fs: len(fs["path"]))
        found = _device(machine, filesystem["device"])
        if found is None:
            return None
        disk, partition = found
        return disk.read(partition, path[len(filesystem["path"].rstrip("/")) :])


def was_over(report: Report) -> bool:
    """Whether the engine found, once the file systems' journals were replayed, that this first boot was complete."""
    return any(stage.name == "fetch-offline" and stage.result == "skipped" for stage in report.stages)


def _device(machine: Machine, device: str) -> tuple[Disk, Partition] | None:
    for disk, names in ((machine.data, ("/dev/vdb", "/dev/ubdb")), (machine.system, ("/dev/vda", "/dev/ubda"))):
        for partition in disk.partitions():
            aliases = [f"/dev/disk/by-partlabel/{partition.name}", *(f"{name}{partition.number}" for name in names)]
            if device in aliases:
                return disk, partition
    return None


def _content(contents: dict[str, Any]) -> bytes | None:
    """The bytes a `contents` stands for, if they are all in the config."""
    source = contents.get("source")
    if source is None:
        return b""
    if not source.startswith("data:") or contents.get("compression"):
        return None
    with urllib.request.urlopen(source) as answer:  # only ever a data: URL
        content: bytes = answer.read()
    return content


def _tail(console: str) -> str:
    lines = [line for line in console.splitlines() if line.strip()]
    return "the console ends: " + " | ".join(lines[-3:])
