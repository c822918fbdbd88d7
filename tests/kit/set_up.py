"""A small project of its own: the real installers, made packages, an index on 127.0.0.1; and how to run its run.py."""

import contextlib
import hashlib
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

from installers.project import Project
from tests.kit.wheel_index import Index, wheel

ROOT = Path(__file__).resolve().parents[2]
TINY = wheel("tiny", "1.0", {"tiny.py": "WORD = 'tiny'\n"})
TOOL = wheel("toolbox", "2.0", {"toolbox.py": ""})
EYES = wheel("eyes", "3.0", {"eyes.py": ""})
ECHO = """\
import json, sys
import tiny
print(json.dumps({"arguments": sys.argv[1:], "stdin": sys.stdin.read(), "word": tiny.WORD}))
sys.exit(7)
"""
WINDOW = """\
import os
print("window", os.environ.get("QT_QPA_PLATFORM"))
"""


@dataclass(frozen=True, slots=True)
class Bench:
    """A project and how to run its `run.py`."""

    project: Project
    index: Index

    @property
    def root(self) -> Path:
        return self.project.root

    def environment(self, **extra: str) -> dict[str, str]:
        """This machine's, without its pip settings and proxies, in English; pip asks the test's index only."""
        kept = {name: value for name, value in os.environ.items() if not name.upper().endswith("_PROXY")}
        kept = {name: value for name, value in kept.items() if not name.startswith(("PIP_", "DESKSEEK_", "LC_"))}
        return {
            **kept,
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_INDEX_URL": f"{self.index.address}/simple",
            "PIP_NO_CACHE_DIR": "1",
            "PIP_RETRIES": "0",
            "LANG": "en_US.UTF-8",
            "DISPLAY": ":99",
            **extra,
        }

    def start(self, *words: str, **extra: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, str(self.root / "installers" / "run.py"), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            env=self.environment(**extra),
            cwd=self.root.parent,
        )

    def run(self, *words: str, stdin: str = "", **extra: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*words, **extra)
        output, errors = process.communicate(stdin, timeout=120)
        return subprocess.CompletedProcess(process.args, process.returncode, output, errors)

    def forget(self, *steps: str) -> None:
        for step in steps:
            (self.project.notes / f"{step}.json").unlink()


@dataclass(frozen=True, slots=True)
class FirstRun:
    """What a run from nothing printed, and which paths it asked the index for."""

    returncode: int
    stdout: str
    stderr: str
    requests: tuple[str, ...]


def closed_port() -> int:
    """A port that nobody listens on, and that the system gives to nobody who asks it for any port."""
    while True:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", random.randrange(20_000, 32_000)))
            return probe.getsockname()[1]


def lay_out(root: Path, base: str) -> Project:
    """The project's tree as far as the set-up looks at it; `base` is the engine's wheel index."""
    for folder in ("installers", "backends/core", "app", "resources/icons/app"):
        (root / folder).mkdir(parents=True)
    for name in (*(path.name for path in (ROOT / "installers").glob("*.py")), "qt_libraries.json", "wheels.json"):
        shutil.copy(ROOT / "installers" / name, root / "installers" / name)
    for name in ("__init__.py", "core/__init__.py", "core/phrase.py", "core/errors.py"):
        shutil.copy(ROOT / "backends" / name, root / "backends" / name)
    (root / "backends" / "__main__.py").write_text(ECHO, encoding="utf-8")
    (root / "app" / "__init__.py").write_text("", encoding="utf-8")
    (root / "app" / "__main__.py").write_text(WINDOW, encoding="utf-8")
    table = json.loads((root / "installers" / "wheels.json").read_text(encoding="utf-8"))
    write_json(root / "installers" / "wheels.json", {**table, "base": base})
    write_json(root / "installers" / "qt_libraries.json", {"libraries": {}})
    (root / "pyproject.toml").write_text(
        '[project]\ndependencies = ["tiny", "llama-cpp-python==0.3.36"]\n', encoding="utf-8"
    )
    lock(root / "requirements.lock", "tiny", TINY[1])
    lock(root / "installers" / "tools.lock", "toolbox", TOOL[1])
    lock(root / "installers" / "ocr.lock", "eyes", EYES[1])
    return Project(root)


def lock(path: Path, name: str, data: bytes) -> None:
    version = {"tiny": "1.0", "toolbox": "2.0", "eyes": "3.0"}[name]
    digest = hashlib.sha256(data).hexdigest()
    path.write_text(f"# a comment\n{name}=={version} \\\n    --hash=sha256:{digest}\n", encoding="utf-8")


def write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")


def fake_program(folder: Path, name: str, script: str) -> None:
    """A program for the PATH, written in sh."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{textwrap.dedent(script)}\n", encoding="utf-8")
    path.chmod(0o755)
