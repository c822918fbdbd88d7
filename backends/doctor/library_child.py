"""`python -m backends.doctor.library_child`: loads shared libraries by their paths, and says what the system's loader
says of those that it refuses. A process of its own, so that what they bring and break goes away with it."""

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from backends.core.child import serve

MODULE = "backends.doctor.library_child"


def load(request: dict[str, Any]) -> Iterator[Mapping[str, Any]]:
    """`{"paths": […]}`; for each that is refused `{"path", "error"}`."""
    with contextlib.ExitStack() as folders:
        if sys.platform == "win32":
            for folder in {str(Path(path).parent) for path in request["paths"]}:
                folders.enter_context(os.add_dll_directory(folder))
        for path in request["paths"]:
            try:
                ctypes.CDLL(path)
            except OSError as error:
                yield {"path": path, "error": str(error)}


if __name__ == "__main__":
    serve({"load": load})
