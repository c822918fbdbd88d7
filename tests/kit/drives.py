"""A drive that does not answer, as the child processes of a test see it: what is asked about its paths really hangs.

`sitecustomize`, which every Python imports that starts, stands before os.stat, os.lstat, os.scandir and open there.
"""

import os
import select
from pathlib import Path

import pytest

PATIENCE = 60.0  # seconds, for a machine that is busy with other tests
_SITE = """
import builtins, os
here = {here!r}

def before(call):
    def asked(path, *rest, **more):
        if isinstance(path, str):
            with opened(os.path.join(here, "states"), "r", encoding="utf-8") as states:
                for line in states:
                    dead, state = line.rstrip("\\n").split("\\t")
                    if path == dead or path.startswith(dead + "/"):
                        if state != "silent":
                            raise OSError(int(state), os.strerror(int(state)), path)
                        os.write(os.open(os.path.join(here, "hung"), os.O_RDWR), b"x")
                        os.open(os.path.join(here, "answer"), os.O_RDONLY)  # nobody ever writes
        return call(path, *rest, **more)
    return asked

opened = builtins.open
builtins.open = before(builtins.open)
os.stat, os.lstat, os.scandir = before(os.stat), before(os.lstat), before(os.scandir)
"""


class Drive:
    """To be made before the first child is started."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        folder.mkdir()
        self._states = folder / "states"
        self.answers()
        os.mkfifo(folder / "hung")
        os.mkfifo(folder / "answer")
        (folder / "sitecustomize.py").write_text(_SITE.format(here=str(folder)), encoding="utf-8")
        monkeypatch.setenv("PYTHONPATH", str(folder))
        self._hung = os.open(folder / "hung", os.O_RDWR | os.O_NONBLOCK)

    def silent(self, *paths: Path) -> None:
        """So are these, with all below them."""
        self._say("".join(f"{path}\tsilent\n" for path in paths))

    def fails(self, path: Path, number: int) -> None:
        self._say(f"{path}\t{number}\n")

    def answers(self) -> None:
        self._say("")

    def _say(self, states: str) -> None:
        new = self._states.with_suffix(".new")
        new.write_text(states, encoding="utf-8")
        new.replace(self._states)

    def until_asked(self) -> None:
        """Somebody waits for it now."""
        assert select.select([self._hung], [], [], PATIENCE)[0], "nobody asked"
        os.read(self._hung, 1)

    def close(self) -> None:
        os.close(self._hung)
