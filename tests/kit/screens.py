"""A screen that nobody sees: an X server of its own (Xvfb), for the platform that Linux desktops have."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager


def has_xvfb() -> bool:
    return shutil.which("Xvfb") is not None


@contextmanager
def xvfb() -> Iterator[dict[str, str]]:
    """The environment for programs that shall appear on it."""
    command = ["Xvfb", "-displayfd", "1", "-screen", "0", "1440x900x24", "-nolisten", "tcp"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        try:
            yield {"QT_QPA_PLATFORM": "xcb", "DISPLAY": f":{server.stdout.readline().strip()}"}
        finally:
            server.terminate()
