"""`run.py lock`: writes `requirements.lock` (what DeskSeek needs), `tools.lock` here (what its checks need besides) and
`ocr.lock` here (what its extra `ocr` needs besides).

All hold for every system and every Python that pyproject.toml allows, with the hash of every file, and name no
index: the packages come from wherever the user's pip gets them. llama-cpp-python is left out, because its builds
differ by machine; what it needs itself is in the lock.
"""

import json
import subprocess
import tomllib
from collections.abc import Sequence
from pathlib import Path

from backends.core.errors import Unavailable
from backends.core.phrase import Phrase
from installers.project import ENGINE, Project
from installers.words import say

HEADER = "# Written by `python3 installers/run.py lock` from pyproject.toml (--upgrade moves to newer versions).\n"
_ENGINE_NEEDS = (
    "import importlib.metadata, json, sys; needs = importlib.metadata.requires(sys.argv[1]); "
    "sys.stdout.write(json.dumps([need for need in needs if 'extra ==' not in need]))"
)


def write(project: Project, *, upgrade: bool = False) -> None:
    """Raises Unavailable when uv cannot resolve them."""
    table = tomllib.loads((project.root / "pyproject.toml").read_text(encoding="utf-8"))
    runtime = [*_without_engine(table["project"]["dependencies"]), *_engine_needs(project)]
    _compile(project, runtime, project.lock, upgrade)
    for lock, more in (
        (project.tools_lock, table["dependency-groups"]["dev"]),
        (project.ocr_lock, table["project"]["optional-dependencies"]["ocr"]),
    ):
        _compile(project, [*runtime, *more], lock, upgrade, within=project.lock)


def names(lock: Path) -> list[str]:
    """The packages that a lock file names."""
    lines = lock.read_text(encoding="utf-8").splitlines()
    return sorted({line.partition("==")[0] for line in lines if "==" in line and not line.startswith("#")})


def _compile(project: Project, needs: Sequence[str], lock: Path, upgrade: bool, within: Path | None = None) -> None:
    say(Phrase(f"Resolving {lock.name} …", f"正在解析 {lock.name}……"))
    options = ["--universal", "--python-version", "3.11", "--generate-hashes", "--no-annotate", "--no-header"]
    options += ["--no-emit-index-url", "--no-emit-find-links", "--quiet", "--output-file", str(lock)]
    if within:
        options += ["--constraints", str(within)]
        options += [word for name in names(within) for word in ("--no-emit-package", name)]
    if upgrade:
        options.append("--upgrade")
    command = [str(project.python), "-I", "-m", "uv", "pip", "compile", *options, "-"]
    compiled = subprocess.run(
        command, check=False, input="\n".join(needs), encoding="utf-8", stdout=subprocess.DEVNULL, cwd=project.root
    )
    if compiled.returncode:
        raise Unavailable(Phrase(f"{lock.name} was not written.", f"未能写入 {lock.name}。"), code="not_locked")
    lock.write_text(HEADER + lock.read_text(encoding="utf-8").removeprefix(HEADER), encoding="utf-8")


def _without_engine(needs: Sequence[str]) -> list[str]:
    return [need for need in needs if not need.startswith(ENGINE)]


def _engine_needs(project: Project) -> list[str]:
    command = [str(project.python), "-I", "-c", _ENGINE_NEEDS, ENGINE]
    asked = subprocess.run(command, check=False, capture_output=True, stdin=subprocess.DEVNULL)
    if asked.returncode:
        raise Unavailable(
            Phrase(f"{ENGINE} is not installed, so its needs are not known.", f"未安装 {ENGINE}，无法得知其依赖。"),
            Phrase("Run `run.py setup` first.", "请先运行 `run.py setup`。"),
            code="no_engine",
        )
    return json.loads(asked.stdout)
