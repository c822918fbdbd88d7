"""Folders as they should not be, and what is in folders where others are at work."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest


def files(folder: Path) -> list[Path]:
    """All that are below it; what comes and goes meanwhile does not matter."""
    return [Path(place, name) for place, _, names in os.walk(folder) for name in names]


def contents(place: Path) -> bytes:
    """Of a file, or of all that are below a folder; what has gone meanwhile holds nothing."""
    held = b""
    for path in files(place) if place.is_dir() else [place]:
        with suppress(FileNotFoundError):
            held += path.read_bytes()
    return held


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
