"""`python -m backends.engine.child`: the process in which llama.cpp does what may end it (backends/core/child.py).

A task takes a request and yields answers, plain JSON both. It is imported when it is asked for, so that a child that
only measures starts in the time that takes.
"""

import functools
import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from backends.core.child import LAST_WORDS, Task, serve
from backends.engine import native

MODULE = "backends.engine.child"
TASKS = {  # what is asked for by "do": module and function in this room
    "ready": ("dry_run", "ready"),
    "measure": ("dry_run", "measure"),
    "vocabulary": ("grammar_walk", "vocabulary"),
    "grammar": ("grammar_walk", "check"),
    "quantise": ("quantise", "write"),
    "try": ("tried", "load"),
    "try adapters": ("tried", "adapters"),
    "devices": ("lost", "devices"),
    "engine": ("told", "engine"),
    "try embedder": ("embedder_trial", "tried"),
}


def main() -> None:
    serve({name: _task(module, function) for name, (module, function) in TASKS.items()})


def _task(module: str, function: str) -> Task:
    def run(request: dict[str, Any]) -> Iterator[Mapping[str, Any]]:
        _load_llama()
        return getattr(importlib.import_module(f"backends.engine.{module}"), function)(request)

    return run


@functools.cache
def _load_llama() -> None:
    native.load_light()
    native.write_aborts_to(Path(LAST_WORDS).absolute())


if __name__ == "__main__":
    main()
