"""The files that the set-up stands on: locks for every system, the published indexes, what CI calls."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from installers import checks, locks
from installers.project import Project

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def entries(lock: Path) -> list[str]:
    """The packages of a lock, each with its hashes on one line."""
    text = lock.read_text(encoding="utf-8").replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def named(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=!~ ;]", requirement)[0].lower().replace("_", "-") for requirement in requirements}


@pytest.mark.parametrize("lock", [Project(ROOT).lock, Project(ROOT).tools_lock, Project(ROOT).ocr_lock])
def test_a_lock_holds_hashes_and_no_address(lock: Path) -> None:
    lines = entries(lock)
    assert lines
    for line in lines:
        assert re.match(r"[a-z0-9._-]+==\S+( ; [^-]+)?  +--hash=sha256:[0-9a-f]{64}", line), line
    text = lock.read_text(encoding="utf-8")
    assert "://" not in text
    assert "index" not in text.replace("importlib", "")
    assert text.startswith(locks.HEADER)


def test_the_locks_hold_what_the_project_asks_for() -> None:
    runtime, tools = (set(locks.names(lock)) for lock in (Project(ROOT).lock, Project(ROOT).tools_lock))
    assert named(PROJECT["project"]["dependencies"]) - {"llama-cpp-python"} <= runtime
    assert named(PROJECT["dependency-groups"]["dev"]) <= tools
    assert "llama-cpp-python" not in runtime | tools
    assert {"numpy", "diskcache", "jinja2", "typing-extensions"} <= runtime
    assert not runtime & tools


def test_the_extra_s_lock_holds_what_the_extra_asks_for_and_nothing_twice() -> None:
    runtime, extra = (set(locks.names(lock)) for lock in (Project(ROOT).lock, Project(ROOT).ocr_lock))
    assert named(PROJECT["project"]["optional-dependencies"]["ocr"]) <= extra
    assert not runtime & extra
    assert "llama-cpp-python" not in extra


def test_pyside6_stays_before_the_version_that_drops_references() -> None:
    assert any(re.match(r"pyside6==6\.11\.\d+ ", line) for line in entries(Project(ROOT).lock))


def test_other_systems_are_in_the_lock() -> None:
    markers = [line for line in entries(Project(ROOT).lock) if "sys_platform == 'win32'" in line]
    assert {"pywin32-ctypes", "colorama"} <= {line.partition("==")[0] for line in markers}


def test_the_engine_s_version_stands_in_one_place() -> None:
    version = Project(ROOT).engine_version()
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    for path in (ROOT / "installers").glob("*.*"):
        assert version not in path.read_text(encoding="utf-8"), path.name


def test_the_published_indexes_are_complete() -> None:
    table = json.loads((ROOT / "installers" / "wheels.json").read_text(encoding="utf-8"))
    for row in table["indexes"]:
        assert row["systems"]
        assert set(row.get("libraries", {})) <= {system.partition("-")[0] for system in row["systems"]} | {"windows"}
        if row["kind"] == "cuda":
            major, minor = row["cuda"]
            assert row["name"] == f"cu{major}{minor}"
            assert row["packages"][0].startswith(f"cuda-toolkit[cudart,cublas]=={major}.{minor}.")


def test_ci_does_what_a_person_does() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "python3 installers/run.py test\n" in script
    subprocess.run(["bash", "-n", str(ROOT / ".ci" / "run")], check=True)


def test_words_after_test_go_to_pytest(tmp_path: Path) -> None:
    """In an environment with pytest: the one that runs this."""
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / "test_sums.py").write_text("def test_sum():\n    assert 1 + 1 == 2\n", encoding="utf-8")
    (tmp_path / "test_wrong.py").write_text("def test_wrong():\n    assert 1 + 1 == 3\n", encoding="utf-8")
    project = Project(tmp_path)
    assert checks.check(project, ["-q", "-p", "no:cacheprovider", "test_sums.py"]) == 0
    assert checks.check(project, ["-q", "-p", "no:cacheprovider", "test_wrong.py"]) == 1


def test_one_failing_check_fails_them_all_but_stops_none(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / "pyproject.toml").write_text("[tool.pyright]\ninclude = ['test_sums.py']\n", encoding="utf-8")
    (tmp_path / "test_sums.py").write_text("import os\n\n\ndef test_sum():\n    assert 1 + 1 == 2\n", encoding="utf-8")
    assert checks.check(Project(tmp_path)) == 1
    said = capfd.readouterr()
    assert "1 passed" in said.out
    assert "ruff check, lint-imports" in said.err
    assert "pytest" not in said.err.splitlines()[-1]
