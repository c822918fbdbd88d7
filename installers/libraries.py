"""Prints, as a JSON list, which of the shared libraries named on its command line cannot be loaded.

A program of its own, so that what it loads goes away with it. `not_loadable` runs it.
"""

import ctypes
import json
import subprocess
import sys
from collections.abc import Sequence


def not_loadable(names: Sequence[str], python: str = sys.executable) -> list[str]:
    """Those of `names` (sonames or DLL names) that a program started with `python` would not find."""
    if not names:
        return []
    asked = subprocess.run(
        [python, "-I", __file__, *names], check=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=60
    )
    return json.loads(asked.stdout)


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    sys.stdout.write(json.dumps([name for name in sys.argv[1:] if not _loads(name)]))
