"""An initramfs with more laid over it: the kernel unpacks one archive after the other."""

from __future__ import annotations

import subprocess
from pathlib import Path


def with_tree(image: Path, tree: Path, target: Path) -> None:
    """What is in the tree replaces what the image has at the same path."""
    names = "".join(f"{path.relative_to(tree)}\n" for path in sorted(tree.rglob("*")))
    archive = subprocess.run(
        ["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"], cwd=tree, input=names.encode(), capture_output=True, check=True
    ).stdout
    content = image.read_bytes()
    target.write_bytes(content + b"\0" * (-len(content) % 4) + archive)
