"""An emulated TPM: swtpm, as a device of one machine."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Iterator

from vm.machine import Machine


@contextlib.contextmanager
def tpm(machine: Machine, keeper: Machine | None = None) -> Iterator[None]:
    """It starts anew with each boot, as a TPM does when the power comes; what it keeps is in the folder of `keeper`."""
    state = (keeper or machine).folder / "tpm"
    state.mkdir(exist_ok=True)
    socket = state / "socket"
    socket.unlink(missing_ok=True)
    command = ["setpriv", "--pdeathsig", "KILL", "swtpm", "socket", "--tpm2", "--terminate"]
    command += ["--tpmstate", f"dir={state}", "--ctrl", f"type=unixio,path={socket}", "--log", f"file={state}/log"]
    process = subprocess.Popen(command)
    chardev = f"socket,id=tpm,path={socket}"
    options = machine.options
    machine.options = [*options, "-chardev", chardev, "-tpmdev", "emulator,id=tpm0,chardev=tpm", "-device", "tpm-tis,tpmdev=tpm0"]
    try:
        while not socket.exists() and process.poll() is None:
            time.sleep(0.05)
        yield
    finally:
        machine.options = options
        process.kill()
        process.wait()
