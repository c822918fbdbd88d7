"""A project for each test. One full set-up is done for all (`prepared`); a test that needs one gets a copy of it."""

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from installers.packages import Pip
from installers.project import Project
from tests.kit.set_up import EYES, TINY, TOOL, Bench, FirstRun, lay_out
from tests.kit.wheel_index import Index, engine_wheel, serve


@pytest.fixture(scope="session")
def index() -> Iterator[Index]:
    index = Index()
    index.add("simple", "tiny", *TINY)
    index.add("simple", "toolbox", *TOOL)
    index.add("simple", "eyes", *EYES)
    index.add(
        "whl/cpu", "llama-cpp-python", "llama_cpp_python-0.3.36-py3-none-any.whl", engine_wheel([("CPU", "A CPU")])
    )
    server = serve(index)
    yield index
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def prepared(index: Index, tmp_path_factory: pytest.TempPathFactory) -> tuple[Bench, FirstRun]:
    """A project that `run.py ask …` set up from nothing, and what that run printed and fetched."""
    root = tmp_path_factory.mktemp("set up") / "Desk Seek"
    bench = Bench(lay_out(root, f"{index.address}/whl"), index)
    first = bench.run("ask", "why", "--json", stdin="read me")
    return bench, FirstRun(first.returncode, first.stdout, first.stderr, tuple(index.requests))


@pytest.fixture
def fresh(index: Index, tmp_path: Path) -> Bench:
    """A project that nothing was done for yet."""
    return Bench(lay_out(tmp_path / "project", f"{index.address}/whl"), index)


@pytest.fixture
def bench(prepared: tuple[Bench, object], tmp_path: Path, index: Index) -> Bench:
    """A copy of the set-up project at another place."""
    root = tmp_path / "moved project"
    shutil.copytree(prepared[0].root, root, symlinks=True, copy_function=_copied)
    project = Project(root)
    project.write_stamp("project", str(root))
    (project.site_packages() / "deskseek.pth").write_text(f"{root}\n", encoding="utf-8")
    index.requests.clear()
    return Bench(project, index)


@pytest.fixture
def pip(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pip]:
    """pip for `bench`, in this process's environment made as clean as a run's."""
    _become(monkeypatch, bench.environment())
    guard = os.open(os.devnull, os.O_RDONLY)
    yield Pip(bench.project, guard)
    os.close(guard)


def _copied(source: str, target: str) -> None:
    """pip itself, half the files, is linked: nothing writes into its files."""
    if "/site-packages/pip/" in source:
        os.link(source, target)
    else:
        shutil.copy2(source, target)


def _become(monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str]) -> None:
    for name in set(os.environ) - set(environment):
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
