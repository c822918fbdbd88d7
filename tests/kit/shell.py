"""The real command line: `python -m backends …` in a process of its own, with its own data folder."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120  # seconds until a process that hangs fails its test


@dataclass
class Outcome:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one object that standard output is."""
        assert self.out.endswith("\n")
        return json.loads(self.out)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass
class Shell:
    """A person at a command line with this data folder."""

    home: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    cwd: Path = ROOT
    started: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    def run(self, *argv: str, stdin: str | bytes | None = None) -> Outcome:
        data = stdin.encode() if isinstance(stdin, str) else stdin
        process = self.start(*argv, stdin=subprocess.DEVNULL if data is None else subprocess.PIPE)
        return finish(process, data)

    def start(self, *argv: str, stdin: int = subprocess.DEVNULL) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(
            [sys.executable, "-m", "backends", *argv],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self._environment(),
            cwd=self.cwd,
            bufsize=0,  # a line read early must not take the next ones along
        )
        self.started.append(process)
        return process

    def in_terminal(self, *argv: str) -> str:
        """What a person sees who types this into a terminal (POSIX); it must end well."""
        import pty

        ours, theirs = pty.openpty()
        environment = self._environment() | {"TERM": "xterm-256color", "LC_ALL": "en_US.UTF-8"}
        process = subprocess.Popen(
            [sys.executable, "-m", "backends", *argv],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment,
            cwd=self.cwd,
        )
        os.close(theirs)
        said = bytearray()
        while True:
            try:
                piece = os.read(ours, 4096)
            except OSError:  # what Linux says when the other side has closed
                break
            if not piece:
                break
            said += piece
        os.close(ours)
        assert process.wait(PATIENCE) == 0, said.decode()
        return said.decode()

    def _environment(self) -> dict[str, str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG"))}
        environment |= {"PYTHONPATH": str(ROOT), "DESKSEEK_HOME": str(self.home), "LANG": "en_US.UTF-8"}
        environment |= {"HOME": str(self.home), "OLLAMA_MODELS": str(self.home / "none")}  # no models of other programs
        return environment | dict(self.environment)

    def close(self) -> None:
        """End what a failed test left running."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
            finish(process)
        self.started.clear()


def finish(process: "subprocess.Popen[bytes]", data: bytes | None = None) -> Outcome:
    """What it came to when it has ended."""
    if process.stdout is None or process.stdout.closed:
        process.wait(PATIENCE)
        return Outcome(process.returncode, "", "")
    out, err = process.communicate(data, timeout=PATIENCE)
    return Outcome(process.returncode, out.decode(), err.decode())


def interrupt(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGINT)


def read_until(process: "subprocess.Popen[bytes]", words: bytes) -> None:
    """Read its output, line by line, until one holds these words."""
    assert process.stdout is not None
    for line in process.stdout:
        if words in line:
            return
    raise AssertionError(f"it ended before it said {words!r}: {finish(process)}")


def until_some_came(pull: "subprocess.Popen[bytes]") -> None:
    """Read what a download says until it has bytes on its disk: what a server has sent need not have been read yet."""
    assert pull.stderr is not None
    for line in pull.stderr:
        if re.search(rb"[1-9]\d*%", line):
            return
    raise AssertionError(f"it ended before a byte was there: {finish(pull)}")
