"""Puts GRUB where a BIOS finds it: place-grub.py DISK CORE BOOT.

BOOT (boot.img) goes into the disk's first sector, beside its partition table, and is told where CORE starts. CORE
(core.img) goes into the BIOS boot partition at sector 2048, and is told where the rest of it is and how long that is.
"""

import struct
import sys

SECTOR = 512
CORE_AT = 2048
LOAD_SEGMENT = 0x820

disk, core_path, boot_path = sys.argv[1:]
with open(core_path, "rb") as file:
    core = bytearray(file.read())
with open(boot_path, "rb") as file:
    boot = bytearray(file.read())

core += b"\0" * (-len(core) % SECTOR)
struct.pack_into("<Q", boot, 0x5C, CORE_AT)
boot[0x66:0x68] = b"\x90\x90"  # no jump for broken BIOSes: trust the drive number
struct.pack_into("<QHH", core, 0x1F4, CORE_AT + 1, len(core) // SECTOR - 1, LOAD_SEGMENT)

with open(disk, "r+b") as file:
    file.write(boot[:440])
    file.seek(CORE_AT * SECTOR)
    file.write(core)
