"""What a command is, and one call of it: what was asked, where, and through whom it speaks."""

import argparse
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from backends.commands.arguments import Parser
from backends.commands.console import Console
from backends.core.cancel import CancelToken
from backends.core.paths import Paths
from backends.core.phrase import Language, Phrase
from backends.core.settings import Settings
from backends.core.stream import Stream
from backends.services import Services

E = TypeVar("E")

DONE, FAILED, MISUSED, INTERRUPTED = 0, 1, 2, 130


@dataclass(frozen=True, slots=True)
class Job:
    """`cwd`: where the person is; relative paths mean that folder, also when the command runs in another process."""

    arguments: argparse.Namespace
    console: Console
    cancel: CancelToken
    paths: Paths
    cwd: Path
    settings: Settings
    owner: Services | None  # None for commands that need no lock
    safe: bool = False  # the last run ended in native code: load on the CPU alone

    @property
    def services(self) -> Services:
        if self.owner is None:
            raise RuntimeError("this command runs without the data folder")
        return self.owner

    @property
    def models_folder(self) -> Path:
        chosen = self.settings.models.folder
        return Path(chosen).expanduser() if chosen else self.paths.models

    def follow(self, stream: Stream[E]) -> Iterator[E]:
        """The events of a stream that ends when the person interrupts, or when nobody reads on."""
        forget = self.cancel.on_cancel(stream.cancel)
        try:
            for events in stream.gulps():
                yield from events
        finally:
            forget()
            stream.cancel()


def typed_path(text: str, job: Job) -> Path:
    """The path that was typed: a relative one means the folder where it was typed; `~` is the home, where there is."""
    path = job.cwd / text
    with contextlib.suppress(RuntimeError):  # no such user, or no home
        path = job.cwd / Path(text).expanduser()
    return path


@dataclass(frozen=True, slots=True)
class Command:
    """`run` gives the exit code: 0, 130 when interrupted; a BackendError makes it 1, WrongUsage 2.

    `needs_owner`: it uses the engine or writes to the data folder, so it runs inside the process that owns both.
    `check` says (WrongUsage) what the grammar cannot.
    """

    name: str
    summary: Phrase
    grammar: Callable[[Language], Parser]
    run: Callable[[Job], int]
    needs_owner: bool
    check: Callable[[argparse.Namespace], None] = lambda _: None
    parts: "tuple[Command, ...]" = ()  # commands of their own behind this one's name: `models search`
