"""A set-up that is killed, or not alone, ends well all the same."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from installers.project import Project
from tests.kit.set_up import TINY, Bench, lay_out
from tests.kit.wheel_index import Index, engine_wheel, serve

PACKAGE = "/simple/tiny/tiny-1.0-py3-none-any.whl"
ENGINE = "/whl/cpu/llama-cpp-python/llama_cpp_python-0.3.36-py3-none-any.whl"


@pytest.fixture
def slow(bench: Bench) -> Iterator[Bench]:
    """A set-up project with an index of its own, whose answers the test can hold back."""
    index = Index()
    index.add("simple", "tiny", *TINY)
    index.add("whl/cpu", "llama-cpp-python", ENGINE.rpartition("/")[2], engine_wheel([("CPU", "A CPU")]))
    server = serve(index)
    wheels = bench.root / "installers" / "wheels.json"
    wheels.write_text(wheels.read_text(encoding="utf-8").replace(bench.index.address, index.address), encoding="utf-8")
    yield Bench(bench.project, index)
    for event in index.held.values():
        event.set()
    server.shutdown()
    server.server_close()


def test_killed_while_packages_arrive(slow: Bench) -> None:
    slow.forget("dependencies")
    shutil.rmtree(next(slow.project.site_packages().glob("tiny-*.dist-info")))
    asked, answer = slow.index.hold(PACKAGE)
    victim = slow.start("ask")
    assert asked.wait(120)
    victim.kill()
    answer.set()
    victim.communicate()
    assert victim.returncode == -signal.SIGKILL
    assert slow.project.read_stamp("started") == {"key": "dependencies"}
    finished = slow.run("ask")
    assert finished.returncode == 7
    assert "The last set-up was cut off; making it anew." in finished.stderr
    assert slow.project.read_stamp("started") == {}


def test_killed_while_the_engine_arrives(slow: Bench) -> None:
    slow.forget("engine")
    asked, answer = slow.index.hold(ENGINE)
    victim = slow.start("ask")
    assert asked.wait(120)
    victim.kill()
    answer.set()
    victim.communicate()
    finished = slow.run("ask")
    assert finished.returncode == 7
    assert "it runs on A CPU" in finished.stderr
    assert "cut off" not in finished.stderr


def test_an_engine_unpacked_half_way_is_replaced(bench: Bench) -> None:
    site = bench.project.site_packages()
    bench.forget("engine")
    next(site.glob("llama_cpp_python-*.dist-info/RECORD")).unlink()
    (site / "llama_cpp" / "__init__.py").write_text("half a", encoding="utf-8")
    finished = bench.run("ask")
    assert finished.returncode == 7
    assert "it runs on A CPU" in finished.stderr


def test_an_environment_made_half_way_is_made_anew(bench: Bench) -> None:
    shutil.rmtree(bench.project.site_packages() / "pip")
    for stamp in bench.project.notes.glob("*.json"):
        stamp.unlink()
    bench.project.write_stamp("started", "environment")
    finished = bench.run("ask")
    assert finished.returncode == 7
    assert "Making the Python environment" in finished.stderr


def test_an_environment_whose_python_went_away_is_not_done(bench: Bench) -> None:
    assert bench.project.done("environment")
    bench.project.python.unlink()
    assert not bench.project.done("environment")
    bench.project.python.symlink_to(bench.root / "gone" / "python3")
    assert not bench.project.done("environment")


def test_somebody_elses_environment_is_kept(bench: Bench) -> None:
    shutil.rmtree(bench.project.notes)
    mine = bench.project.site_packages() / "mine.py"
    mine.write_text("", encoding="utf-8")
    finished = bench.run("ask")
    assert finished.returncode == 7
    assert "Using the environment in" in finished.stderr
    assert mine.exists()


def test_two_at_once_take_turns(slow: Bench) -> None:
    slow.forget("engine")
    asked, answer = slow.index.hold(ENGINE)
    first = slow.start("ask", "one")
    assert asked.wait(120)
    second = slow.start("ask", "two")
    assert second.stderr is not None
    assert second.stderr.readline() == "Another set-up is at work; waiting for it.\n"
    answer.set()
    assert '"one"' in first.communicate("", timeout=120)[0]
    assert '"two"' in second.communicate("", timeout=120)[0]
    assert (first.returncode, second.returncode) == (7, 7)
    assert slow.index.requests.count(ENGINE) == 1


def test_a_stamp_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.notes.mkdir(parents=True)
    project.write_stamp("engine", "1 auto", build="auto")
    (project.notes / "engine.part").symlink_to("/dev/full")
    with pytest.raises(OSError, match=os.strerror(28)):
        project.write_stamp("engine", "2 auto", build="auto")
    assert project.read_stamp("engine") == {"key": "1 auto", "build": "auto"}
    (project.notes / "engine.json").write_text("[1", encoding="utf-8")
    assert project.read_stamp("engine") == {}


def test_a_laid_out_project_has_nothing_done(tmp_path: Path) -> None:
    project = lay_out(tmp_path / "new", "http://127.0.0.1")
    steps = ("environment", "dependencies", "engine", "project", "system", "tools")
    assert not any(project.done(step) for step in steps)
