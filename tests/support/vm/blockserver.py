"""The disks of a machine, served to QEMU by NBD, and a log of all that the machine writes to them and has flushed.

QEMU's own recorder, the block filter `blklogwrites`, keeps one log a disk, and no clock is common to two of them: of a power
cut, which is one moment for all disks, they cannot tell what was on each. Two disks behind one filter would have one log,
but a flush in it does not name its disk. Here one thread serves all disks and counts: every request has the tick at which
it had come in and the tick at which it was answered, of one counter.

What the guest may rely on is by these two: a flush covers what was answered before it came in. So whatever has come in is
taken note of before an answer goes out, or a write that was under way together with a flush would look as if it were covered.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import selectors
import socket
import struct
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# One record of the log: ticks of arrival and answer, offset, length, disk, kind, whether the write is to be durable by itself.
# The bytes follow if it is a write.
RECORD = struct.Struct("<QQQIBB?x")

# Of the protocol (github.com/NetworkBlockDevice/nbd, doc/proto.md). The kinds are those of the log, too.
READ, WRITE, DISCONNECT, FLUSH, TRIM, ZERO = 0, 1, 2, 3, 4, 6
OPTION_INFO, OPTION_GO = 6, 7
REPLY_ACK, REPLY_INFO, REPLY_UNSUPPORTED = 1, 3, 0x80000001
HAS_FLAGS, SEND_FLUSH, SEND_FUA, SEND_TRIM, SEND_ZERO = 1, 4, 8, 32, 64
COMMAND_FUA = 1
REQUEST = struct.Struct(">IHHQQI")
REQUEST_MAGIC, REPLY_MAGIC, OPTION_REPLY_MAGIC = 0x25609513, 0x67446698, 0x3E889045565A9
LARGEST = 32 << 20
INVALID = 22

PUNCH_HOLE_KEEP_SIZE = 3
_libc = ctypes.CDLL(None, use_errno=True)
_libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]


def zero(file: int, offset: int, length: int) -> None:
    """Zeros, and no blocks for them."""
    if length and _libc.fallocate(file, PUNCH_HOLE_KEEP_SIZE, offset, length) != 0:
        raise OSError(ctypes.get_errno(), "fallocate")


@dataclass(frozen=True)
class _Pending:
    connection: _Connection
    arrived: int
    flags: int
    kind: int
    handle: int
    offset: int
    length: int
    data: bytes


class _Connection:
    def __init__(self, stream: socket.socket) -> None:
        self.stream = stream
        self.disk = 0
        self.waiting = bytearray()

    def exactly(self, count: int) -> bytes:
        """Only while the connection is being set up."""
        found = b""
        while len(found) < count:
            piece = self.stream.recv(count - len(found))
            if not piece:
                raise ConnectionError("it was closed")
            found += piece
        return found


class BlockServer:
    """Serves until close(); the exports are named 0, 1, … in the order of the disks."""

    def __init__(self, disks: Sequence[Path], log: Path, place: Path) -> None:
        place.unlink(missing_ok=True)
        self.place = place
        self._disks = [os.open(disk, os.O_RDWR) for disk in disks]
        self._log = log.open("wb")
        self._ticks = 0
        self._queue: deque[_Pending] = deque()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(place))
        self._listener.listen()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ, None)
        self._wake, self._woken = socket.socketpair()
        self._selector.register(self._woken, selectors.EVENT_READ, self._woken)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def url(self, disk: int) -> str:
        return f"nbd+unix:///{disk}?socket={self.place}"

    def now(self) -> int:
        """The tick that was counted last."""
        return self._ticks

    def close(self) -> None:
        """What was asked for and not answered yet is not done. Tells what went wrong in the meantime."""
        self._wake.send(b".")
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
        self._selector.close()
        self._wake.close()
        self._log.close()
        for disk in self._disks:
            os.close(disk)
        self.place.unlink()
        if self._error is not None:
            raise self._error

    # All that follows runs in the thread.

    def _serve(self) -> None:
        try:
            while self._take_in(None):
                while self._queue:
                    self._carry_out(self._queue.popleft())
        except BaseException as error:  # noqa: BLE001  # close() raises it again
            self._error = error

    def _tick(self) -> int:
        self._ticks += 1
        return self._ticks

    def _take_in(self, patience: float | None) -> bool:
        for key, _ in self._selector.select(patience):
            if key.data is self._woken:
                return False
            if key.data is None:
                self._accept()
            elif not self._receive(key.data):
                self._selector.unregister(key.fileobj)
                key.data.stream.close()
        return True

    def _accept(self) -> None:
        connection = _Connection(self._listener.accept()[0])
        with contextlib.suppress(ConnectionError):
            if self._negotiate(connection):
                self._selector.register(connection.stream, selectors.EVENT_READ, connection)
                return
        connection.stream.close()

    def _negotiate(self, connection: _Connection) -> bool:
        connection.stream.sendall(b"NBDMAGICIHAVEOPT" + struct.pack(">H", 3))
        connection.exactly(4)
        while True:
            _, option, length = struct.unpack(">8sII", connection.exactly(16))
            data = connection.exactly(length)

            def reply(kind: int, content: bytes = b"", option: int = option) -> None:
                connection.stream.sendall(struct.pack(">QIII", OPTION_REPLY_MAGIC, option, kind, len(content)) + content)

            if option not in (OPTION_GO, OPTION_INFO):
                reply(REPLY_UNSUPPORTED)
                continue
            connection.disk = int(data[4 : 4 + struct.unpack(">I", data[:4])[0]])
            size = os.fstat(self._disks[connection.disk]).st_size
            can = HAS_FLAGS | SEND_FLUSH | SEND_FUA | SEND_TRIM | SEND_ZERO
            reply(REPLY_INFO, struct.pack(">HQH", 0, size, can))
            reply(REPLY_INFO, struct.pack(">HIII", 3, 512, 4096, LARGEST))
            reply(REPLY_ACK)
            if option == OPTION_GO:
                return True

    def _receive(self, connection: _Connection) -> bool:
        """Takes note of what has come in; false if the other side has gone."""
        try:
            piece = connection.stream.recv(1 << 20, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return True
        except ConnectionError:
            return False
        connection.waiting += piece
        while len(connection.waiting) >= REQUEST.size:
            magic, flags, kind, handle, offset, length = REQUEST.unpack_from(connection.waiting)
            if magic != REQUEST_MAGIC:
                raise ValueError("not a request")
            whole = REQUEST.size + (length if kind == WRITE else 0)
            if len(connection.waiting) < whole:
                break
            data = bytes(connection.waiting[REQUEST.size : whole])
            del connection.waiting[:whole]
            self._queue.append(_Pending(connection, self._tick(), flags, kind, handle, offset, length, data))
        return bool(piece)

    def _carry_out(self, asked: _Pending) -> None:
        disk = self._disks[asked.connection.disk]
        data, error = b"", 0
        if asked.kind == READ:
            data = os.pread(disk, asked.length, asked.offset)
        elif asked.kind == WRITE:
            os.pwrite(disk, asked.data, asked.offset)
        elif asked.kind in (TRIM, ZERO):
            zero(disk, asked.offset, asked.length)
        elif asked.kind == DISCONNECT:
            return
        elif asked.kind != FLUSH:
            error = INVALID
        if asked.kind != READ and not error:
            self._take_in(0)
            self._log.write(
                RECORD.pack(
                    asked.arrived,
                    self._tick(),
                    asked.offset,
                    asked.length,
                    asked.connection.disk,
                    asked.kind,
                    bool(asked.flags & COMMAND_FUA),
                )
            )
            self._log.write(asked.data)
        with contextlib.suppress(OSError):
            asked.connection.stream.sendall(struct.pack(">IIQ", REPLY_MAGIC, error, asked.handle) + data)
