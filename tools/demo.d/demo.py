"""Two boots of one machine, and a page about them. Started by tools/demo, which sees to what this needs."""

from __future__ import annotations

import argparse
import sys
import textwrap
from pathlib import Path

from vm.checks import Check, Expectation
from vm.machine import TREE, Boot, Died, Machine, Unable
from vm.report import Stage

WIDTH = 78
KINDS = {"qemu": "QEMU", "grub": "QEMU, booted by GRUB", "uml": "user-mode Linux"}
CONFIG_COMES = {"qemu": "fw_cfg", "grub": "fw_cfg", "uml": "a file in the initramfs"}


class Page:
    """Prints the page; counts what was good and what was not."""

    def __init__(self) -> None:
        self.colour = sys.stdout.isatty()
        self.passed = 0
        self.failed: list[Check] = []

    def paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour else text

    def line(self, text: str = "") -> None:
        if self.colour:
            text = f"\r\x1b[K{text}"
        print(text, flush=True)

    def title(self, left: str, right: str = "") -> None:
        self.line()
        self.line("  " + self.paint("1", left) + (right.rjust(WIDTH - 2 - len(left)) if right else ""))

    def check(self, check: Check) -> None:
        if check.good:
            self.passed += 1
            self.line(f"    {self.paint('32', '✓')} {check.what}")
        else:
            self.failed.append(check)
            self.line(f"    {self.paint('31', '✗')} {check.what}" + (f": {check.why}" if check.why else ""))

    def bars(self, parts: list[tuple[str, float, str]]) -> None:
        longest = max(seconds for _, seconds, _ in parts)
        for name, seconds, remark in parts:
            bar = "█" * max(1, round(24 * seconds / longest)) if longest > 0 else ""
            self.line(f"    {name:<11}{seconds:5.1f} s  {self.paint('36', bar)}" + (f"  {remark}" if remark else ""))

    def steps(self, stages: list[Stage]) -> None:
        for stage in stages:
            self.line(f"    {self.paint('1', stage.name)}{stage.seconds:{WIDTH - 6 - len(stage.name)}.3f} s")
            for step in stage.steps:
                sentence = step.sentence if step.outcome == "applied" else f"{step.sentence}: {step.outcome}"
                *above, last = textwrap.wrap(sentence, WIDTH - 18, break_on_hyphens=False) or [""]
                for part in above:
                    self.line(f"      {part}")
                self.line(f"      {last:<{WIDTH - 18}}  {step.seconds:8.3f} s")


def boot_times(page: Page, name: str, boot: Boot) -> None:
    page.title(name, f"{boot.seconds:.1f} s, power-off included")
    if boot.report is None:
        return
    times = boot.report.times
    ours = sum(stage.seconds for stage in boot.report.stages)
    page.bars(
        [
            ("kernel", times.initramfs, ""),
            ("initramfs", times.root - times.initramfs, f"{ours:.2f} s of it provision" if boot.report.stages else ""),
            ("system", times.ready - times.root, ""),
        ]
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="tools/demo")
    parser.add_argument("config", type=Path)
    parser.add_argument("--kind", choices=KINDS, default="qemu")
    options = parser.parse_args()

    config = options.config.read_bytes()
    try:
        expectation = Expectation(config)
    except ValueError:
        expectation = Expectation(b"{}")  # not even JSON: what provision makes of it is on the console
    page = Page()
    machine = Machine("demo", options.kind)
    path = options.config.resolve()
    name = path.relative_to(TREE) if path.is_relative_to(TREE) else path
    page.title("provision: one machine, two boots", KINDS[options.kind])
    page.line(f"  The config is {name}; it comes by {CONFIG_COMES[options.kind]}.")

    first = machine.boot(config)
    boot_times(page, "First boot", first)
    if first.report is None and "provision" in first.console:
        page.title("It did not come up. The end of its console:")
        for line in first.console.splitlines()[-60:]:
            page.line(f"    {line}")
    elif first.report is not None and first.report.stages:
        page.title("What was done, in this order")
        page.steps(first.report.stages)
    page.title("Seen from inside")
    shown = list(expectation.first(machine, first))
    for check in shown:
        page.check(check)

    if not page.failed:
        second = machine.boot(config)
        boot_times(page, "Second boot, same disks, same config", second)
        page.line()
        # What is as after the first boot is not listed again.
        seen = {check.what for check in shown}
        again = list(expectation.second(machine, second))
        for check in again:
            if not check.good or check.what not in seen:
                page.check(check)
        same = sum(check.good and check.what in seen for check in again)
        page.check(Check(f"all else is as after the first boot ({same} checks)", same > 0))

    page.line()
    where = f"Disks and consoles are kept in {machine.folder.relative_to(TREE)}/."
    if page.failed:
        told = f"{len(page.failed)} of {page.passed + len(page.failed)} checks failed."
        page.line(f"  {page.paint('1;31', told)} {where}")
        return 1
    page.line(f"  {page.paint('1;32', f'All {page.passed} checks passed.')} {where}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Unable as missing:
        print(f"demo: what is missing on this machine: {missing}", file=sys.stderr)
        sys.exit(1)
    except (Died, OSError) as error:
        print(f"demo: {error}", file=sys.stderr)
        sys.exit(1)
