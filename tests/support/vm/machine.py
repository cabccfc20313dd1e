"""A machine that is booted again and again: QEMU with the harness as boot loader, QEMU with GRUB, user-mode Linux."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vm import disk
from vm.blockserver import BlockServer
from vm.report import Report, parse

TREE = Path(__file__).resolve().parents[3]
IMAGES = TREE / "build-images"

STAMP = "/ignition.firstboot"
# norandmaps: QEMU translates code anew for each address it is met at; one address for all saves a fifth of a boot.
POWER_OFF_AT_FAILURE = ["rd.shell=0", "rd.emergency=poweroff"]
ROOT_ARGUMENTS = [
    *("root=LABEL=ROOT", "mount.usr=PARTLABEL=USR-A", "mount.usrfstype=erofs", "mount.usrflags=ro"),
    # Emulated on a busy machine the timer may be too late for the kernel's test of it ("IO-APIC + timer doesn't work!").
    *("panic=-1", "quiet", "systemd.show_status=1", "norandmaps", "no_timer_check"),
]
STAMP_ARGUMENTS = [f"provision.stamp=LABEL=BOOT:{STAMP}"]

# About ten times what a boot takes on a quiet machine: reached only by one that hangs.
LIMIT_SECONDS = 180


@dataclass(frozen=True)
class Cut:
    """When to take the power away: some time after these bytes were seen on the console."""

    mark: bytes
    seconds_later: float = 0.0


@dataclass(frozen=True)
class Keys:
    """What is typed at the console, when these bytes were seen there (since what was typed before)."""

    mark: bytes
    text: bytes


class Died(Exception):
    """The machine did not end by itself, or ended without a word."""


class Unable(Exception):
    """This host cannot run such a machine; the text names what it lacks."""


# User-mode Linux says so, and panics at its first program, where the processor has more registers (AMX) than it has room for.
TOO_MANY_REGISTERS = "userspace - ptrace set fp regs failed"


@dataclass(frozen=True)
class Boot:
    first: bool  # whether the first-boot argument was given (GRUB decides by itself: what the stamp said)
    console: str
    report: Report | None
    seconds: float
    cpu_seconds: float


def plain(console: str) -> str:
    """Without what is for a terminal only."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", console)


class Machine:
    """Its disks lie in a folder of its own and keep what the boots before have written."""

    def __init__(self, name: str, kind: str = "qemu", initrd: str = "") -> None:
        folder = IMAGES / "run" / name
        self.folder = folder
        self.kind = kind
        self.initrd = IMAGES / (initrd or ("initrd.uml" if kind == "uml" else "initrd.qemu"))
        self.boots = 0
        # A card on QEMU's own network, where 10.0.2.2 is this host.
        self.network = False
        # What tells of the first boot, besides the argument that the boot loader adds where it sees the stamp.
        self.stamp_arguments = STAMP_ARGUMENTS
        # More of the kernel command line, and more options of QEMU.
        self.arguments: list[str] = []
        self.options: list[str] = []
        # All that is written to the two disks is recorded there, if it is set; and when these bytes were first on the console.
        self.record: Path | None = None
        self.marks: list[bytes] = []
        self.seen: dict[bytes, int] = {}
        # A failure ends in the emergency prompt, for `boot(keys=...)`.
        self.prompt = False
        # More consoles of the kernel than the serial one.
        self.consoles: list[str] = []
        # What QEMU has as the second disk, as in -drive, instead of its image; and whether it is plugged in only later.
        self.data_drive = ""
        self.data_is_late = False
        # Further disks, from /dev/vdc on. The same path twice is one disk that is reached by two ways.
        self.more: list[Path] = []
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.system = disk.Disk(folder / "system.img")
        self.data = disk.Disk(folder / "data.img")
        disk.copy_sparse(IMAGES / ("disk-grub.img" if kind == "grub" else "disk.img"), self.system.path)
        disk.blank(self.data.path, 256)

    def stamped(self) -> bool:
        """What a boot loader asks: is the first-boot stamp there?"""
        boot = self.system.partition("BOOT")
        return boot is not None and self.system.exists(boot, STAMP)

    def boot(
        self, config: bytes | None, *, provision: bool = True, cut: Cut | None = None, keys: Sequence[Keys] = ()
    ) -> Boot:
        """Boots until the machine powers itself off. Without `provision` a first boot is kept from us.

        The blank disk for the config is /dev/vdb; in user-mode Linux the config is changed to say /dev/ubdb.
        """
        for last_try in (False, True):
            try:
                return self._boot(config, provision, cut, keys)
            except Died as died:
                if last_try or self._console_path().stat().st_size > 0:
                    raise Died(f"{died}; the console ends: {self._console_end()} ({self._console_path()})") from None
        raise AssertionError

    def _console_end(self) -> str:
        lines = plain(self._console_path().read_text(errors="replace")).replace("\r", "").split("\n")
        return " | ".join([line.strip() for line in lines if line.strip()][-6:])[-500:]

    def _console_path(self) -> Path:
        return self.folder / f"console-{self.boots}.log"

    def _boot(self, config: bytes | None, provision: bool, cut: Cut | None, keys: Sequence[Keys]) -> Boot:
        self.boots += 1
        first = self.stamped()
        at_failure = [] if self.prompt else POWER_OFF_AT_FAILURE
        arguments = [*ROOT_ARGUMENTS, *at_failure, *self.stamp_arguments, *self.arguments]
        arguments += ["ignition.firstboot=1"] if first and provision else []
        server = BlockServer([self.system.path, self.data.path], self.record, self.folder / "disks") if self.record else None
        try:
            seconds, usage = self._run(config, arguments, cut, server, list(keys))
        finally:
            if server is not None:
                server.close()
        text = plain(self._console_path().read_text(errors="replace"))
        if not text.strip():
            raise Died("the machine printed nothing")
        if self.kind == "uml" and TOO_MANY_REGISTERS in text:
            raise Unable("a processor whose registers user-mode Linux has room for (one without AMX)")
        return Boot(first, text, parse(text), seconds, usage)

    def _run(
        self,
        config: bytes | None,
        arguments: list[str],
        cut: Cut | None,
        server: BlockServer | None,
        keys: list[Keys],
    ) -> tuple[float, float]:
        """How long it ran, and what it used of the processors."""
        command = self._uml(config, arguments) if self.kind == "uml" else self._qemu(config, arguments, server)
        # The machine goes when this process does, however it goes.
        command = ["setpriv", "--pdeathsig", "KILL", *command]
        start = time.monotonic()
        with self._console_path().open("wb") as console:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE if keys else subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                env={**os.environ, "TMPDIR": "/dev/shm"},
                start_new_session=True,
            )
            usage = self._wait(process, start, cut, server, keys)
            if process.stdin is not None:
                process.stdin.close()
        return time.monotonic() - start, usage

    def _wait(
        self,
        process: subprocess.Popen[bytes],
        start: float,
        cut: Cut | None,
        server: BlockServer | None,
        keys: list[Keys],
    ) -> float:
        typed = 0
        while True:
            if server is not None:
                console = self._console_path().read_bytes()
                for mark in (mark for mark in self.marks if mark not in self.seen and mark in console):
                    self.seen[mark] = server.now()
            if keys and process.stdin is not None:
                at = self._console_path().read_bytes().find(keys[0].mark, typed)
                if at >= 0:
                    typed = at + len(keys[0].mark)
                    process.stdin.write(keys.pop(0).text)
                    process.stdin.flush()
            if cut is not None and cut.mark in self._console_path().read_bytes():
                time.sleep(cut.seconds_later)
                os.killpg(process.pid, signal.SIGKILL)
                cut = None
            pid, _, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                process.returncode = 0
                return float(usage.ru_utime + usage.ru_stime)
            elapsed = time.monotonic() - start
            if elapsed > LIMIT_SECONDS:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                waiting = f", and nobody had seen {keys[0].mark!r}" if keys else ""
                raise Died(f"the machine was still running after {LIMIT_SECONDS} s{waiting}")
            if sys.stdout.isatty():
                print(f"\r\033[K  boot {self.boots} … {elapsed:.0f} s", end="", flush=True)
            time.sleep(0.05)

    def _qemu(self, config: bytes | None, arguments: list[str], server: BlockServer | None) -> list[str]:
        command = [
            *("qemu-system-x86_64", "-accel", "tcg,thread=multi", "-smp", "2", "-cpu", "qemu64,+rdrand"),
            *("-m", "1024", "-M", "q35", "-nodefaults", "-no-user-config", "-display", "none"),
            *("-serial", "stdio", "-no-reboot"),
        ]
        for number, path in enumerate((self.system.path, self.data.path, *self.more)):
            shared = ",file.locking=off" if self.more.count(path) > 1 else ""
            drive = f"if=none,id=d{number},file={path},format=raw,cache=unsafe{shared}"
            if server is not None and number < 2:
                drive = f"if=none,id=d{number},file={server.url(number)},format=raw,cache=writeback,discard=unmap"
            if number == 1 and self.data_drive:
                drive = f"if=none,id=d{number},{self.data_drive}"
            device = f"virtio-blk-pci,drive=d{number},serial={path.stem},bootindex={number + 1},write-cache=on"
            command += ["-drive", drive]
            command += ["-device", device] if number != 1 or not self.data_is_late else []
        if self.kind == "qemu":
            consoles = [f"console={name}" for name in (*self.consoles, "ttyS0")]
            line = " ".join([*consoles, "rw", "ignition.platform.id=qemu", *arguments])
            command += ["-kernel", str(IMAGES / "vmlinuz"), "-initrd", str(self.initrd), "-append", line]
        command += self.options
        if self.network:
            command += ["-netdev", "user,id=net0", "-device", "virtio-net-pci,netdev=net0"]
        if config is not None:
            path = self.folder / "config"
            path.write_bytes(config)
            command += ["-fw_cfg", f"name=opt/com.coreos/config,file={path}"]
        return command

    def _uml(self, config: bytes | None, arguments: list[str]) -> list[str]:
        # No firmware to hand over a config: it goes into the initramfs, behind what is there.
        initrd = self.folder / "initrd"
        shutil.copyfile(self.initrd, initrd)
        if config is not None:
            config = config.replace(b"/dev/vdb", b"/dev/ubdb")
            tree = self.folder / "initrd.d"
            where = tree / "usr/lib/ignition"
            where.mkdir(parents=True, exist_ok=True)
            (where / "user.ign").write_bytes(config)
            names = "".join(f"{path.relative_to(tree)}\n" for path in sorted(tree.rglob("*")))
            archive = subprocess.run(
                ["cpio", "--quiet", "-o", "-H", "newc"], cwd=tree, input=names.encode(), capture_output=True, check=True
            )
            with initrd.open("ab") as file:
                file.write(b"\0" * (-file.tell() % 4) + archive.stdout)
        # Unpinned, its processes bounce between the cores and it takes twice as long.
        core = max(os.sched_getaffinity(0))
        return [
            *("taskset", "-c", str(core), "linux.uml", "mem=1024M", f"initrd={initrd}"),
            *(f"ubd0={self.system.path}", f"ubd1={self.data.path}"),
            *("con=null", "con0=null,fd:1", "ssl=null", f"umid=provision-{os.getpid()}-{self.boots}"),
            *("rw", "ignition.platform.id=metal", *arguments),
        ]


def make_images(*options: str) -> None:
    """Runs tools/images, which does only what is missing. No test can run without."""
    if subprocess.run([str(TREE / "tools/images"), *options], check=False).returncode != 0:
        sys.exit("FAIL images: tools/images could not make them")
