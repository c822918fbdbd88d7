"""Folders as they should not be."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def closed(parent: Path) -> Iterator[Path]:
    """A folder that cannot be written, not even by root; skips the test where there is no way to have one."""
    folder = parent / "closed"
    folder.mkdir()
    if os.name == "posix" and os.geteuid() != 0:
        folder.chmod(0o500)
        yield folder
        folder.chmod(0o700)
    elif _done("mount", "-t", "tmpfs", "-o", "size=1m,ro", "none", folder):
        yield folder
        assert _done("umount", folder)
    elif _done("chattr", "+i", folder):
        yield folder
        assert _done("chattr", "-i", folder)
    else:
        pytest.skip("no folder can be closed here")


def _done(command: str, *arguments: str | Path) -> bool:
    if shutil.which(command) is None:
        return False
    return subprocess.run([command, *arguments], capture_output=True).returncode == 0
