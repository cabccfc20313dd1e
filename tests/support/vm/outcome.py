"""One line a test, for whoever counts: PASS name, FAIL name: why, SKIP name: what is missing."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from vm.checks import Check


class Outcome:
    def __init__(self) -> None:
        self.failures = 0

    def passed(self, name: str) -> None:
        print(f"PASS {name}", flush=True)

    def failed(self, name: str, why: str) -> None:
        self.failures += 1
        print(f"FAIL {name}: {why}", flush=True)

    def skipped(self, name: str, missing: str) -> None:
        print(f"SKIP {name}: {missing}", flush=True)

    def check(self, name: str, good: bool, why: str = "it is not so") -> bool:
        if good:
            self.passed(name)
        else:
            self.failed(name, why)
        return good

    def checks(self, name: str, checks: Iterable[Check]) -> bool:
        """One test made of many checks: the bad ones are told."""
        bad = [f"{check.what}{': ' + check.why if check.why else ''}" for check in checks if not check.good]
        return self.check(name, not bad, "; ".join(bad))

    def leave(self) -> None:
        sys.exit(1 if self.failures else 0)
