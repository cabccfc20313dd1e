"""The two that judge a config: we (the program `judge` of this tier) and Debian's ignition-validate."""

import json
import re
import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

PEER = "ignition-validate"
_REPORT = re.compile(r"^(error|warning|info) at (?:(\$[^ ]*?), )?(?:line \d+ col \d+)?:? ?(.*)$", re.M)


@dataclass(frozen=True)
class Note:
    severity: str
    path: str
    text: str


@dataclass(frozen=True)
class Verdict:
    accepted: bool
    notes: tuple[Note, ...]

    def errors(self) -> list[str]:
        """What made it refuse, as "path: text"."""
        return [f"{n.path}: {n.text}" for n in self.notes if n.severity == "error"]


def ours(judge: Path, configs: list[bytes]) -> list[Verdict]:
    done = subprocess.run([judge], input=b"".join(c + b"\0" for c in configs), capture_output=True, check=True)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    if len(rows) != len(configs):
        raise RuntimeError(f"{len(rows)} verdicts on {len(configs)} configs")
    return [Verdict(row["accepted"], tuple(Note(*note) for note in row["notes"])) for row in rows]


def _theirs(config: bytes) -> Verdict:
    done = subprocess.run([PEER, "-"], input=config, capture_output=True, check=False)
    said = (done.stdout + done.stderr).decode(errors="replace")
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{PEER} ended with {done.returncode}: {said[:200]}")
    notes = tuple(Note(severity, path, text) for severity, path, text in _REPORT.findall(said))
    if done.returncode == 1 and not any(n.severity == "error" for n in notes):
        notes += (Note("error", "", said.strip()),)
    return Verdict(done.returncode == 0, notes)


def theirs(configs: Iterable[bytes]) -> list[Verdict]:
    # Each costs a process of about ten milliseconds.
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(_theirs, configs))
