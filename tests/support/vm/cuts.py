"""First boots that are recorded, cut at any moment, and booted again from what that left: the part that is the same whatever
the config asks for. A test gives the machines and says what is compared.

docs/power-cuts.md
"""

from __future__ import annotations

import argparse
import base64
import bisect
import gzip
import json
import os
import random
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vm.blockserver import TRIM
from vm.checks import Expectation, was_over
from vm.disk import blank, copy_sparse
from vm.machine import IMAGES, Boot, Died, Machine
from vm.outcome import Outcome
from vm.outside import different, quiet, state_of
from vm.recording import Crash, Recording, Request

CUTS_OF_A_CELL = 6
CONVERGE = 0.99
DOUBLE = 0.25
MOUNTED, COMPLETE = b"provision mount: mount", b"Provision: First Boot Complete."
# No machine is without it, and no stop without a reason in it.
SCREEN = re.compile(r"^\+-{60,}\+\n((?:\|.*\|\n)+)\+-{60,}\+$", re.M)


# --- A cell


@dataclass
class Verdict:
    outcome: str  # converged, stopped, wrong
    why: str = ""


@dataclass
class Recorded:
    """A boot, and the disks as they were before it."""

    recording: Recording
    before: list[Path]
    # When the file systems had been made, and from when on the distribution would have removed its stamp: as seen on the
    # console, so a little late.
    mounted: int
    complete: int
    first: bool


@dataclass
class Cell:
    layout: str
    format: str
    config: bytes = b""
    boot: Recorded | None = None
    state: dict[str, Any] = field(default_factory=dict)
    verdicts: list[Verdict] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"{self.layout}/{self.format}"


# --- The machine, and what it is to become


def data(content: "str | bytes") -> dict[str, Any]:
    content = content.encode() if isinstance(content, str) else content
    return {"source": "data:;base64," + base64.b64encode(content).decode()}


def furnished(storage: dict[str, Any], units: list[dict[str, Any]]) -> bytes:
    """A config of these disks and file systems, one at /srv/data and one at /srv/more, and of what goes into them and the root."""
    noise = random.Random(1).randbytes(150_000)
    packed = data(gzip.compress(b"packed\n" * 20_000, mtime=0)) | {"compression": "gzip"}
    hello = "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/usr/bin/true\n\n[Install]\nWantedBy=multi-user.target\n"
    many = [{"path": f"/srv/data/many/{n % 3}/{n}", "contents": data(f"content {n}\n" * (1 + n * 9))} for n in range(15)]
    return json.dumps({
        "ignition": {"version": "3.4.0"},
        "storage": {
            **storage,
            "directories": [{"path": "/srv/more/shared", "mode": 0o2775, "group": {"name": "people"}}],
            "files": [
                *many,
                {"path": "/srv/data/noise", "contents": data(noise)},
                {"path": "/srv/more/packed", "mode": 0o640, "user": {"name": "app"}, "contents": packed},
                {"path": "/etc/hostname", "overwrite": True, "mode": 0o644, "contents": data("provisioned\n")},
                {"path": "/etc/issue", "append": [data("one\n"), data("two\n")]},
                {"path": "/opt/noise", "mode": 0o600, "contents": data(noise)},
                *storage.get("files", [])],
            "links": [
                {"path": "/etc/localtime", "target": "/usr/share/zoneinfo/UTC", "overwrite": True},
                {"path": "/srv/more/hard", "target": "/srv/more/packed", "hard": True}]},
        "passwd": {
            "groups": [{"name": "people", "gid": 1500}],
            "users": [
                {"name": "core", "sshAuthorizedKeys": ["ssh-ed25519 AAAA core"], "groups": ["people"], "passwordHash": "$6$core"},
                {"name": "app", "uid": 1600, "gecos": "The App", "groups": ["people"]}]},
        "systemd": {"units": [
            *units,
            {"name": "hello.service", "enabled": True, "contents": hello, "dropins": [{"name": "10-a.conf", "contents": "[Service]\nNice=1\n"}]},
            {"name": "masked.service", "mask": True}]},
    }).encode()


class CutMachine(Machine):
    """Knows whether provisioning was completed, where no stamp tells it."""

    # Without a place for a stamp and the journal: the distribution clears a stamp of its own after provision-complete.target.
    forgetful = False
    # The stamp is on a file system whose journal a boot loader does not read.
    stamp_is_journaled = True
    # How many ticks after the end of provisioning the power may go; none: to the end of the boot.
    after_complete: int | None = None
    # The formats that a boot which is no first one can mount.
    mounted_later: tuple[str, ...] = ("ext4",)
    # Of what is compared, some that must be there.
    needed: tuple[str, ...] = ("/dev/vdb 1 /many/2/14", "/dev/vdb 1 /noise", "/dev/vda 4 /packed", "/dev/vda 3 /etc/issue", "/dev/vdb 1 is sound")

    def __init__(self, name: str, cell: Cell) -> None:
        super().__init__(name)
        self.cell = cell
        self.first = True
        self.marks = [MOUNTED, COMPLETE]
        # With an identity: without one, a cut before the journal has begun rightly ends in other UUIDs.
        self.options = ["-smbios", "type=1,uuid=1b4e28ba-2fa1-11d2-883f-0016d3cca427,serial=power-cuts"]

    def prepare(self) -> None:
        """The disks before the first boot: room on the system's, and on the other what the config wipes."""
        os.truncate(self.system.path, self.system.path.stat().st_size + (64 << 20))
        blank(self.data.path, 400)
        quiet("sfdisk", "-q", self.data.path, given="label: gpt\nstart=2048, size=100MiB, name=data\nname=stale\n")
        quiet("mkfs.ext4", "-q", "-L", "stale", "-E", "offset=1048576", self.data.path, "100M")

    def images(self) -> list[Path]:
        return [self.system.path, self.data.path]

    def state(self) -> dict[str, Any]:
        """What is compared, after a boot."""
        return state_of(self.system.path, self.data.path)

    def look(self) -> str:
        """Called with the disks as a cut left them; a word about them."""
        return ""

    def expectation(self, first: bool) -> Expectation:
        """What the guest can tell; the files are looked up otherwise, and so is what only a first boot mounts."""
        document = json.loads(self.cell.config)
        document["storage"]["files"] = []
        if not first:
            document["storage"]["filesystems"] = [fs for fs in document["storage"]["filesystems"] if fs["format"] in self.mounted_later]
        return Expectation(json.dumps(document).encode())

    def complaints(self) -> list[str]:
        """After the boot that followed, if it converged: what is wrong beside the comparison."""
        return []

    def complaints_of_a_stop(self) -> list[str]:
        """The same if it stopped."""
        return []


# --- Its cuts

# Without a journal on a disk nobody can tell an earlier attempt of this first boot from an earlier provisioning, and the
# result that is there is told in the new one.
RESULT, EARLIER = "/dev/vda 3 /etc/.ignition-result.json", "previousReport"


def without_earlier(state: dict[str, Any]) -> dict[str, Any]:
    told = state.get(RESULT)
    if told is None:
        return state
    return {**state, RESULT: {**told, "content": [key for key in told["content"] if key != EARLIER]}}


class Bench:
    def __init__(self, name: str, seed: int, outcome: Outcome, machines: Callable[[str, Cell], CutMachine]) -> None:
        self.name, self.seed, self.outcome = name, seed, outcome
        self._machines = machines
        self.cpu_seconds, self.boots = 0.0, 0
        self._undisturbed_good: list[bool] = []
        # Two with different seeds, and of different cells, may run side by side.
        self.folder = f"{name}-{seed}"
        shutil.rmtree(IMAGES / "run" / self.folder, ignore_errors=True)

    def machine(self, name: str, cell: Cell) -> CutMachine:
        return self._machines(f"{self.folder}/{name}", cell)

    def clear(self) -> None:
        """All but what was kept; nothing if an undisturbed boot failed."""
        if not all(self._undisturbed_good):
            return
        folder = IMAGES / "run" / self.folder
        for entry in folder.iterdir():
            if not entry.name.startswith(("wrong-", "stopped-")):
                shutil.rmtree(entry)
        if not any(folder.iterdir()):
            folder.rmdir()

    def booted(self, machine: CutMachine, record: str = "") -> tuple[Boot, Recorded | None]:
        before: list[Path] = []
        machine.record = machine.folder / f"{record}.log" if record else None
        machine.seen = {}
        if record:
            for image in machine.images():
                before.append(machine.folder / f"{record}-{image.name}")
                copy_sparse(image, before[-1])
        boot = machine.boot(machine.cell.config)
        self.boots += 1
        self.cpu_seconds += boot.cpu_seconds
        if machine.record is None:
            return boot, None
        recording = Recording(machine.record)
        mounted, complete = (machine.seen.get(mark, recording.end + 1) for mark in (MOUNTED, COMPLETE))
        return boot, Recorded(recording, before, mounted, complete, boot.first)

    def undisturbed(self, cell: Cell) -> bool:
        try:
            good = self._undisturbed(cell)
        except Died as died:
            self.outcome.failed(f"{self.name}-{cell.name}-undisturbed", str(died))
            good = False
        self._undisturbed_good.append(good)
        return good

    def _undisturbed(self, cell: Cell) -> bool:
        machine = self.machine(cell.name.replace("/", "-"), cell)
        machine.prepare()
        boot, cell.boot = self.booted(machine, "undisturbed")
        assert cell.boot is not None
        machine.first = False
        if not self.outcome.checks(f"{self.name}-{cell.name}-undisturbed", machine.expectation(True).first(machine, boot)):
            return False
        whole = self._replayed(machine, cell.boot)
        cell.state = machine.state()
        bad = [f"{place} is missing" for place in machine.needed if place not in cell.state] + machine.complaints()
        bad += [] if whole else ["replayed, the recording gives other disks"]
        self.outcome.check(f"{self.name}-{cell.name}-recorded", not bad, "; ".join(bad))
        return not bad

    def _replayed(self, machine: CutMachine, boot: Recorded) -> bool:
        """All that was recorded, on the disks as they were, gives the disks as they are."""
        copies = [machine.folder / f"replayed-{number}" for number in range(len(boot.before))]
        for image, copy in zip(boot.before, copies, strict=True):
            copy_sparse(image, copy)
        boot.recording.replay(copies)
        same = [quiet_same(image, copy) for image, copy in zip(machine.images(), copies, strict=True)]
        for copy in copies:
            copy.unlink()
        return all(same)

    def crash(self, machine: CutMachine, boot: Recorded, moment: int, seed: str, forgotten: Collection[Request] = ()) -> Crash:
        for before, image in zip(boot.before, machine.images(), strict=True):
            copy_sparse(before, image)
        machine.first = boot.first and moment < boot.complete
        return boot.recording.crash(moment, random.Random(seed), machine.images(), forgotten)

    def judged(self, machine: CutMachine, record: str = "") -> tuple[Verdict, Recorded | None]:
        recorded = None
        try:
            boot, recorded = self.booted(machine, record)
            verdict = self._verdict(machine, boot)
        except Died as died:
            verdict = Verdict("wrong", str(died))
        return verdict, recorded

    def _verdict(self, machine: CutMachine, boot: Boot) -> Verdict:
        if boot.report is None:
            screens = SCREEN.findall(boot.console.replace("\r", ""))
            if "Reached target emergency.target" in boot.console and screens:
                bad = machine.complaints_of_a_stop()
                screen = " ".join(re.sub(r"[|]|\n", " ", screens[0]).split())
                return Verdict("wrong", f"it stopped, and {'; '.join(bad)}; {screen}") if bad else Verdict("stopped", screen)
            return Verdict("wrong", "no report and no screen; the console ends: " + " | ".join(boot.console.split("\n")[-4:]))
        over = boot.first and was_over(boot.report)
        expectation = machine.expectation(boot.first and not over)
        machine.first = False
        judge = expectation.over if over else expectation.first if boot.first else expectation.second
        checks = judge(machine, boot)
        bad = [f"{check.what}: {check.why}" for check in checks if not check.good]
        state = machine.state()
        bad += different(machine.cell.state, without_earlier(state) if machine.forgetful else state) + machine.complaints()
        return Verdict("wrong", f"{len(bad)} differ: " + "; ".join(bad[:4])) if bad else Verdict("converged")

    def cut(self, cell: Cell, number: int, double: bool) -> None:
        """One cut or two, and a boot after each."""
        boot = cell.boot
        for turn in range(1 + double):
            assert boot is not None
            seed = f"{self.seed} {cell.name} {number} {turn}"
            machine = self.machine(f"cut-{turn}", cell)
            moment, kind = moment_of(boot, random.Random(seed), after_complete=machine.after_complete)
            crash = self.crash(machine, boot, moment, seed)
            told = f"{'first boot' if machine.stamped() else 'no first boot'}{machine.look()}"
            verdict, after = self.judged(machine, f"again-{turn}" if double and not turn else "")
            cell.verdicts.append(verdict)
            where = f"cut {number}{'ab'[turn] if double else ''} of {cell.name}, at {moment} of {boot.recording.end} ({kind}): {crash}"
            print(f"     {where}; {told}: {verdict.outcome}", flush=True)
            if verdict.outcome != "converged":
                self._keep(machine, boot, moment, seed, where, verdict)
            if verdict.outcome == "wrong" or after is None or not after.recording.writes():
                return
            boot = after

    def _keep(self, machine: CutMachine, boot: Recorded, moment: int, seed: str, where: str, verdict: Verdict) -> None:
        """What that boot began with, for whoever looks into it."""
        name = f"{verdict.outcome}-{seed.replace(' ', '-').replace('/', '-')}"
        kept = self.machine(name, machine.cell)
        self.crash(kept, boot, moment, seed)
        for console in machine.folder.glob("console-*"):
            shutil.copy(console, kept.folder)
        (kept.folder / "verdict").write_text(f"{where}\n{verdict.outcome}: {verdict.why}\n")
        print(f"       {verdict.why[:900]}\n       kept in {kept.folder}", flush=True)

    def last_seen_stamp(self, cell: Cell) -> None:
        """A cut between the removal of the stamp and its leaving the disk's blocks: to a boot loader it is there."""
        boot = cell.boot
        assert boot is not None
        machine = self.machine("last-seen", cell)
        flushes = [flush.answered for flush in boot.recording.flushes()]
        # Once it is gone it stays so.
        place = bisect.bisect_left(flushes, True, key=lambda moment: not self._is_seen(machine, boot, moment))
        if place == 0:
            self.outcome.failed(f"{self.name}-a-stamp-that-is-gone-but-seen", "the stamp was never there")
            return
        self._is_seen(machine, boot, flushes[place - 1])
        verdict, _ = self.judged(machine)
        self.outcome.check(f"{self.name}-a-stamp-that-is-gone-but-seen", verdict.outcome == "converged", verdict.why)

    def _is_seen(self, machine: CutMachine, boot: Recorded, moment: int) -> bool:
        for before, image in zip(boot.before, machine.images(), strict=True):
            copy_sparse(before, image)
        boot.recording.worst_crash(moment, machine.images())
        return machine.stamped()

    def canary(self, cell: Cell) -> None:
        """A data disk that lies: no flush of it is true, and most of it never gets there. Once the stamp is gone, that is wrong."""
        boot = cell.boot
        assert boot is not None
        machine = self.machine("canary", cell)
        forgotten = boot.recording.flushes(1)
        noticed = ""
        for attempt in range(40):
            seed = f"canary {attempt}"
            crash = self.crash(machine, boot, boot.recording.end, seed, forgotten)
            if machine.stamped() or crash.kept > crash.lost:
                continue
            verdict, _ = self.judged(machine)
            noticed = f"{verdict.outcome} {verdict.why}"
            if verdict.outcome == "wrong":
                break
        self.outcome.check(f"{self.name}-a-disk-that-lies-is-noticed", noticed.startswith("wrong"), noticed or "no such cut was made")


def quiet_same(one: Path, other: Path) -> bool:
    return subprocess.run(["cmp", "-s", str(one), str(other)], check=False).returncode == 0


def moment_of(boot: Recorded, chance: random.Random, after_complete: int | None) -> tuple[int, str]:
    """Any; just before, in or after a flush; while file systems are made; or in the last part of provisioning, which is short."""
    recording = boot.recording
    first, last = recording.writes()[0].arrived, recording.end
    if after_complete is not None:
        last = min(last, boot.complete + after_complete)
    # Not any tick: reads have some too, and change nothing.
    moments = sorted(tick for one in recording.requests for tick in (one.arrived, one.answered) if first <= tick <= last)
    kind = chance.choice(("any", "flush", "making", "ending"))
    flushes = [flush for flush in recording.flushes() if first <= flush.arrived <= last]
    if kind == "flush" and flushes:
        flush = chance.choice(flushes)
        return chance.choice((flush.arrived - 1, flush.answered - 1, flush.answered, flush.answered + chance.randrange(8))), kind
    made = [one.answered for one in recording.writes() if one.kind != TRIM and one.disk == 1 and one.arrived <= boot.mounted]
    if kind == "making" and made and boot.mounted <= last:
        return chance.choice(made), kind
    near = [tick for tick in moments if boot.complete - 150 <= tick <= boot.complete + 80]
    if kind == "ending" and near:
        return chance.choice(near), kind
    return chance.choice(moments), "any"


# --- The sweep


def sweep(bench: Bench, cells: list[Cell], cuts: int, with_canary: Cell | None) -> None:
    stamp_tried = False
    for index, cell in enumerate(cells):
        if not bench.undisturbed(cell):
            continue
        if cell is with_canary:
            bench.canary(cell)
        if not stamp_tried and bench.machine("last-seen", cell).stamp_is_journaled:
            bench.last_seen_stamp(cell)
            stamp_tried = True
        share = cuts * (index + 1) // len(cells) - cuts * index // len(cells)
        number = 0
        while len(cell.verdicts) < share:
            chance = random.Random(f"{bench.seed} {cell.name} {number}")
            bench.cut(cell, number, len(cell.verdicts) + 1 < share and chance.random() < DOUBLE)
            number += 1
    tell(bench, cells)


def tell(bench: Bench, cells: list[Cell]) -> None:
    total: Counter[str] = Counter()
    told = []
    wrong: list[str] = []
    for cell in cells:
        count = Counter(verdict.outcome for verdict in cell.verdicts)
        reasons = Counter(verdict.why for verdict in cell.verdicts if verdict.outcome == "stopped")
        wrong += [f"{cell.name}: {verdict.why[:600]}" for verdict in cell.verdicts if verdict.outcome == "wrong"]
        total += count
        why = f" ({'; '.join(f'{times} × {reason[:200]}' for reason, times in reasons.items())})" if reasons else ""
        told.append(f"{cell.name} {len(cell.verdicts)} cuts, {count['converged']} converged, {count['stopped']} stopped{why}, {count['wrong']} wrong")
    done = sum(total.values())
    outcome = bench.outcome
    outcome.check(f"{bench.name}-nothing-is-wrong", total["wrong"] == 0 and done > 0, f"{total['wrong']} of {done} are: {' / '.join(wrong)}")
    # Of few cuts one that stops is more than a hundredth: it is listed.
    few = done < 100 and total["stopped"] <= 1
    outcome.check(f"{bench.name}-they-converge", few or total["converged"] >= CONVERGE * done, f"{total['converged']} of {done} do")
    print(f"NOTE {bench.name}: seed {bench.seed}, {bench.boots} boots, {bench.cpu_seconds:.0f} CPU s: " + "; ".join(told))


def arguments(about: str, cuts: int, all_cuts: int, cells: list[str]) -> argparse.Namespace:
    """By default `cuts` of them, `all_cuts` for the whole matrix."""
    everything = os.environ.get("TEST_ALL") == "1"
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--power-cuts", type=int, default=int(os.environ.get("POWER_CUTS") or (all_cuts if everything else cuts)))
    parser.add_argument("--seed", type=int, default=int(os.environ.get("TEST_SEED", "1")))
    parser.add_argument("--cell", default="", choices=cells, help="only this one")
    return parser.parse_args()
