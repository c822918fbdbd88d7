"""`run.py test`: everything that must be true of a commit, each tool run to its end, the tests last."""

import os
import subprocess
from collections.abc import Sequence

from backends.core.phrase import Phrase
from installers.project import Project
from installers.words import say

_LINT_IMPORTS = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
CHECKS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("ruff check", ("-m", "ruff", "check", ".")),
    ("ruff format", ("-m", "ruff", "format", "--check", ".")),
    ("pyright", ("-m", "pyright")),
    ("lint-imports", ("-c", _LINT_IMPORTS)),
)
TESTS = ("pytest", ("-m", "pytest"))
MOST_WORKERS = 4


def check(project: Project, words: Sequence[str] = ()) -> int:
    """0 when all passed, else 1. With `words`, pytest alone, with them as its arguments, and its exit code.

    The tests need no display: unless another platform is asked for, Qt draws into memory. All of them run in as many
    processes as there are cores, a file's in one; the engine's threads then give the processor away while they wait
    (OMP_WAIT_POLICY), or each process would wait for the others' idle threads.
    """
    environment = {"QT_QPA_PLATFORM": "offscreen", "OMP_WAIT_POLICY": "passive", **os.environ}
    if words:
        return _run(project, (*TESTS[1], *words), environment)
    failed: list[str] = []
    workers = ("-n", str(min(os.cpu_count() or 1, MOST_WORKERS)), "--dist", "loadfile", "--durations", "30")
    for name, arguments in (*CHECKS, (TESTS[0], (*TESTS[1], *workers))):
        say(Phrase(f"--- {name}", f"--- {name}"))
        if _run(project, arguments, environment):
            failed.append(name)
    if failed:
        say(Phrase(f"Failed: {', '.join(failed)}", f"未通过：{'、'.join(failed)}"))
    return 1 if failed else 0


def _run(project: Project, arguments: Sequence[str], environment: dict[str, str]) -> int:
    command = [str(project.python), "-P", *arguments]
    return subprocess.run(command, check=False, cwd=project.root, env=environment).returncode
