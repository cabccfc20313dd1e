"""What a machine wrote to its disks, and what may be on them if the power goes at some moment of that.

The model: a disk has a cache that loses its content with the power. What was answered before a flush came in is there when
that flush is answered; so is a write that asked to be durable by itself (FUA), when it is answered. Of all else that the
machine had sent any part may be there, in any order, each request whole or not at all, but one, which may be torn: only its
first blocks are there. A block of 4096 bytes is never torn: of 512, the superblock of a mounted ext4 is not safe (its sum is
in another sector than what it sums up), and no machine with such a disk gets through each cut, whatever we do. A cut is one
moment for all disks.
"""

from __future__ import annotations

import os
import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from vm.blockserver import FLUSH, RECORD, TRIM, WRITE, ZERO, zero

BLOCK = 4096
# Of what was not flushed, how much is there: nothing, a write that overtook the others, half, all but a few, all.
SHARES = (0.0, 0.1, 0.5, 0.9, 1.0)


class Damaged(Exception):
    """The log is not what the server writes."""


@dataclass(frozen=True)
class Request:
    """A write, or zeros, or a trim, after which there are zeros; or a flush."""

    kind: int
    disk: int
    offset: int
    length: int
    durable: bool  # by itself
    arrived: int
    answered: int
    data_at: int  # in the log

    def overlaps(self, disk: int, start: int, length: int) -> bool:
        return self.kind != FLUSH and self.disk == disk and self.offset < start + length and start < self.offset + self.length


@dataclass(frozen=True)
class Crash:
    """What became of the requests that the machine had sent: their numbers."""

    flushed: int
    kept: int
    lost: int
    torn: bool

    def __str__(self) -> str:
        torn = ", one of them torn" if self.torn else ""
        return f"{self.flushed} flushed, of {self.kept + self.lost} others {self.kept} there{torn}"


class Recording:
    def __init__(self, log: Path) -> None:
        self._log = log
        self.requests = sorted(_read(log), key=lambda request: request.arrived)
        self.end = max((request.answered for request in self.requests), default=0)

    def flushes(self, disk: int | None = None) -> list[Request]:
        return [one for one in self.requests if one.kind == FLUSH and disk in (None, one.disk)]

    def writes(self) -> list[Request]:
        return [one for one in self.requests if one.kind != FLUSH]

    def replay(self, disks: Sequence[Path]) -> None:
        """Everything, onto disks as they were before."""
        self._apply([(request, request.length) for request in self.writes()], disks)

    def crash(
        self,
        moment: int,
        chance: random.Random,
        disks: Sequence[Path],
        forgotten: Collection[Request] = (),
        block: int = BLOCK,
    ) -> Crash:
        """Makes disks as they were before into what a cut just after the tick `moment` leaves.

        The flushes in `forgotten` are taken not to have happened: a disk that lies.
        """
        sent = [request for request in self.writes() if request.arrived <= moment]
        covered = [self._covered(moment, disk, forgotten) for disk in range(len(disks))]
        flushed = [self._is_flushed(request, moment, covered) for request in sent]
        share = chance.choice(SHARES)
        kept = [safe or chance.random() < share for safe in flushed]
        lengths = [request.length if keep else 0 for request, keep in zip(sent, kept, strict=True)]
        loose = [index for index, safe in enumerate(flushed) if not safe and _seams(sent[index], block)]
        torn = bool(loose) and chance.random() < 0.5
        if torn:
            index = chance.choice(loose)
            kept[index] = True
            lengths[index] = chance.choice(_seams(sent[index], block)) - sent[index].offset
        self._apply([(request, length) for request, length in zip(sent, lengths, strict=True) if length], disks)
        return Crash(sum(flushed), sum(kept) - sum(flushed), len(sent) - sum(kept), torn)

    def worst_crash(self, moment: int, disks: Sequence[Path]) -> None:
        """The same where of all that may be lost everything is."""
        covered = [self._covered(moment, disk, ()) for disk in range(len(disks))]
        sent = (request for request in self.writes() if request.arrived <= moment)
        self._apply([(request, request.length) for request in sent if self._is_flushed(request, moment, covered)], disks)

    def _covered(self, moment: int, disk: int, forgotten: Collection[Request]) -> int:
        """What was answered before this tick is there."""
        done = (one.arrived for one in self.flushes(disk) if one.answered <= moment and one not in forgotten)
        return max(done, default=0)

    def _is_flushed(self, request: Request, moment: int, covered: Sequence[int]) -> bool:
        return request.answered < covered[request.disk] or (request.durable and request.answered <= moment)

    def _apply(self, requests: Sequence[tuple[Request, int]], disks: Sequence[Path]) -> None:
        files = [os.open(disk, os.O_RDWR) for disk in disks]
        log = os.open(self._log, os.O_RDONLY)
        try:
            for request, length in requests:
                if request.kind == WRITE:
                    os.pwrite(files[request.disk], os.pread(log, length, request.data_at), request.offset)
                else:
                    zero(files[request.disk], request.offset, length)
        finally:
            for file in [*files, log]:
                os.close(file)


def _seams(request: Request, block: int) -> range:
    """Where on the disk it may be torn."""
    return range((request.offset // block + 1) * block, request.offset + request.length, block)


def _read(log: Path) -> list[Request]:
    found = []
    size = log.stat().st_size
    with log.open("rb") as file:
        while head := file.read(RECORD.size):
            if len(head) < RECORD.size:
                raise Damaged("it ends within a record")
            arrived, answered, offset, length, disk, kind, durable = RECORD.unpack(head)
            if kind not in (WRITE, FLUSH, TRIM, ZERO) or answered <= arrived:
                raise Damaged(f"no such request: kind {kind}, ticks {arrived} and {answered}")
            found.append(Request(kind, disk, offset, length, durable, arrived, answered, file.tell()))
            if kind == WRITE:
                file.seek(length, os.SEEK_CUR)
            if file.tell() > size:
                raise Damaged("it ends within a write")
    return found
