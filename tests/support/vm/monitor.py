"""Acting on a machine while it boots: when something was seen on its console, or by commands to QEMU's monitor."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Sequence

from vm.machine import Machine


class Watch:
    """Acts once, on a thread of its own, some seconds after these bytes were seen on the console of the first boot."""

    def __init__(self, machine: Machine, mark: bytes, seconds: float, act: Callable[[], None]) -> None:
        self._console = machine.folder / "console-1.log"
        self._mark, self._seconds, self._act = mark, seconds, act
        self.done = False
        self.told = "the mark was not seen"
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while not (self._console.exists() and self._mark in self._console.read_bytes()):
            time.sleep(0.05)
        time.sleep(self._seconds)
        try:
            self._act()
        except (OSError, RuntimeError) as error:
            self.told = str(error)
        else:
            self.done = True


class Monitor(Watch):
    """Sends commands to QEMU's monitor, some time after these bytes were seen on the console."""

    def __init__(self, machine: Machine, mark: bytes, commands: Sequence[dict[str, object]], seconds: float = 0) -> None:
        self._commands = commands
        self._place = machine.folder / f"monitor-{len(machine.options)}"
        machine.options = [*machine.options, "-qmp", f"unix:{self._place},server=on,wait=off"]
        super().__init__(machine, mark, seconds, self._send)

    def _send(self) -> None:
        while not self._place.exists():
            time.sleep(0.01)
        with socket.socket(socket.AF_UNIX) as stream:
            stream.connect(str(self._place))
            answers = stream.makefile("r")
            answers.readline()
            for command in ({"execute": "qmp_capabilities"}, *self._commands):
                stream.sendall(json.dumps(command).encode() + b"\n")
                while not (answer := json.loads(answers.readline())).keys() & {"return", "error"}:
                    pass
                if "error" in answer:
                    raise RuntimeError(f"QEMU says: {answer['error']['desc']}")
