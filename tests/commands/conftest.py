"""A data folder of one's own, one that has a model, and commands inside this process."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from backends import commands
from backends.core.cancel import CancelToken
from backends.core.owner import CommandRequest, Output
from backends.core.paths import Paths
from backends.services import Services
from tests.kit.ggufs import Script, scripted_model
from tests.kit.shell import ROOT, Outcome, Shell


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    with closing(Shell(tmp_path / "home")) as shell:
        yield shell


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of some 8 MiB that greets; asked to `count` it counts for ever."""
    path = tmp_path_factory.mktemp("gguf") / "tiny-Q4_K_M.gguf"
    counting = Script("", " ".join(f"n{number}" for number in range(60)), word="count", endless=True)
    return scripted_model(path, scripts=[counting], slow=8)


@dataclass
class Inside:
    """Commands as the window runs them for others: in this process, without the cost of another one."""

    services: Services
    cwd: Path

    def run(self, *argv: str, language: str = "en") -> Outcome:
        out: list[str] = []
        err: list[str] = []
        request = CommandRequest(argv, str(self.cwd), language)
        code = commands.run(request, self.services, Output(out.append, err.append), CancelToken())
        return Outcome(code, "".join(out), "".join(err))


@pytest.fixture(scope="session")
def stocked_home(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Path:
    home = tmp_path_factory.mktemp("stocked")
    with opened(home) as inside:
        inside.services.library.add(model)
    return home


@pytest.fixture
def stocked(stocked_home: Path) -> Iterator[Shell]:
    """A data folder whose library knows the model."""
    with closing(Shell(stocked_home)) as shell:
        yield shell


@pytest.fixture
def inside(tmp_path: Path) -> Iterator[Inside]:
    with opened(tmp_path / "home") as inside:
        yield inside


@contextmanager
def opened(home: Path) -> Iterator[Inside]:
    here = Path.cwd()
    with Services.open(Paths.under(home)) as services:
        os.chdir(here)  # Services goes to its data folder; other tests are here too
        yield Inside(services, here)


@contextmanager
def window(shell: Shell) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that owns the data folder and stays, as the window does."""
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).parent / "owning_child.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT), "DESKSEEK_HOME": str(shell.home)},
        cwd="/",
    )
    assert process.stdout is not None
    assert process.stdin is not None
    assert process.stdout.readline().strip() == b"ready"
    try:
        yield process
    finally:
        process.stdin.close()
        process.wait(60)
        process.stdout.close()
