"""Children of the engine that stand still in the middle of their work, however quick the machine is."""

import os
import sys
from types import ModuleType

import psutil
import pytest


def halt_after(answers: int, module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that `module` starts from now on stand still as soon as they have given so many answers."""
    monkeypatch.setattr(module, "MODULE", "tests.engine.halting_child")
    monkeypatch.setenv("HALT_AFTER", str(answers))


def standing() -> psutil.Process:
    """The only child there is, when it stands still."""
    (child,) = psutil.Process().children()
    if sys.platform != "win32":
        os.waitpid(child.pid, os.WUNTRACED)
    return child
