"""Where the project's own files lie, and which steps of the set-up are done.

A step is done when its stamp, `.venv/.deskseek/STEP.json`, holds the key that the step has now. The key says
what the step depends on (the lock file's hash, the interpreter, the folder's place). A stamp is written when
its step has succeeded and never before, so a set-up that was killed is finished by the next one.
"""

import hashlib
import json
import os
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ENGINE = "llama-cpp-python"
BUILD_VARIABLE = "DESKSEEK_LLAMA_BUILD"


@dataclass(frozen=True, slots=True)
class Project:
    root: Path

    @property
    def venv(self) -> Path:
        return self.root / ".venv"

    @property
    def notes(self) -> Path:
        """The set-up's own folder: stamps, the lock, pip's log. It outlives a remade environment."""
        return self.venv / ".deskseek"

    @property
    def python(self) -> Path:
        return self.scripts / ("python.exe" if os.name == "nt" else "python")

    @property
    def scripts(self) -> Path:
        return self.venv / ("Scripts" if os.name == "nt" else "bin")

    @property
    def lock(self) -> Path:
        return self.root / "requirements.lock"

    @property
    def tools_lock(self) -> Path:
        return self.root / "installers" / "tools.lock"

    @property
    def ocr_lock(self) -> Path:
        return self.root / "installers" / "ocr.lock"

    @property
    def log(self) -> Path:
        return self.notes / "pip.log"

    def site_packages(self) -> Path:
        if os.name == "nt":
            return self.venv / "Lib" / "site-packages"
        return next(iter(sorted(self.venv.glob("lib/python3.*/site-packages"))), self.venv / "lib")

    def engine_version(self) -> str:
        """The version of llama-cpp-python that pyproject.toml pins; it is said there and nowhere else."""
        table = tomllib.loads((self.root / "pyproject.toml").read_text(encoding="utf-8"))
        pins = [line for line in table["project"]["dependencies"] if line.startswith(f"{ENGINE}==")]
        return pins[0].partition("==")[2].strip()

    def read_stamp(self, step: str) -> dict[str, object]:
        """The stamp's content; empty when there is none or it is unreadable, which both mean: not done."""
        try:
            stamp = json.loads((self.notes / f"{step}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return stamp if isinstance(stamp, dict) else {}

    def write_stamp(self, step: str, key: str, **facts: object) -> None:
        path = self.notes / f"{step}.json"
        part = path.with_suffix(".part")
        part.write_text(json.dumps({"key": key, **facts}, ensure_ascii=False), encoding="utf-8")
        part.replace(path)

    def key(self, step: str, environment: Mapping[str, str] = os.environ) -> str:
        """What `step` depends on, as text. Raises KeyError for a step that is not there."""
        match step:
            case "environment":
                base = os.path.realpath(self.python) if os.name != "nt" else self._home()
                return f"{base} {self._version()}" if self.python.exists() else "gone"
            case "dependencies":
                return _digest(self.lock)
            case "tools":
                return f"{_digest(self.lock)} {_digest(self.tools_lock)}"
            case "ocr":
                return f"{_digest(self.lock)} {_digest(self.ocr_lock)}"
            case "engine":
                return f"{self.engine_version()} {environment.get(BUILD_VARIABLE) or self._build_before()}"
            case "project":
                return str(self.root)
            case "system":
                return _digest(self.root / "installers" / "qt_libraries.json")
        raise KeyError(step)

    def done(self, step: str) -> bool:
        return self.read_stamp(step).get("key") == self.key(step)

    def _build_before(self) -> str:
        """Without a word from the user, what was chosen before stays."""
        return str(self.read_stamp("engine").get("build", "auto"))

    def _home(self) -> str:
        """On Windows the environment's python.exe only starts the one named in pyvenv.cfg."""
        for line in _lines(self.venv / "pyvenv.cfg"):
            name, _, value = line.partition("=")
            if name.strip() == "home" and Path(value.strip()).is_dir():
                return value.strip()
        return ""

    def _version(self) -> str:
        """The environment's Python, e.g. 3.12, as its packages' folder knows it."""
        for line in _lines(self.venv / "pyvenv.cfg"):
            name, _, value = line.partition("=")
            if name.strip() in ("version", "version_info"):
                return ".".join(value.strip().split(".")[:2])
        return ""


def own_python(project: Project) -> str:
    """The interpreter to make the environment with: never the environment's own."""
    if Path(sys.prefix) == project.venv:
        return getattr(sys, "_base_executable", None) or sys.executable
    return sys.executable


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
