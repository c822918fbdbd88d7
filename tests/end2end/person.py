"""A person at the computer: starts the app, looks, presses, types, comes back the next day.

    home = Home(tmp_path)
    with home.start() as window:
        window.sees("Welcome to DeskSeek")
        window.presses("Download and start")

Each start is a real process with the real window (`windowed.py`). Words are plain text, or a compiled regular
expression.
"""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from backends.core.paths import Paths
from tests.kit.shell import ROOT, Shell

HERE = Path(__file__).parent
LOOK_EVERY_MS = 15
PATIENCE = 60.0  # seconds that a person waits for something before it counts as broken
SLOWEST = 240.0  # seconds in which a process must have its window, and must have ended
HANGS = 900.0  # seconds without an answer after which the window counts as hung; it says itself when patience ends
NO_COMPLAINTS = (
    "This plugin does not support ",  # the offscreen platform, of every window
    "sys:1: ResourceWarning: unclosed file <_io.TextIOWrapper name='/dev/null'",  # llama_cpp
)

T = TypeVar("T")
Words = str | re.Pattern[str]


@dataclass(frozen=True)
class Ending:
    """How a process ended. `complaints`: what it wrote to standard error. `threads`: those that it left behind.
    `windows`: the kinds of those that had come onto the screen."""

    code: int
    complaints: list[str]
    threads: list[str]
    windows: list[str]


CLEAN = Ending(0, [], [], ["MainWindow"])


@dataclass
class Home:
    """One data folder, and the app that lives there."""

    folder: Path
    platform: str = "offscreen:configfile=desk.json"
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def paths(self) -> Paths:
        return Paths.under(self.folder)

    @property
    def shell(self) -> Shell:
        """The command line beside the window."""
        return Shell(self.folder, self.environment)

    def has(self, model: Path, context: int = 16_384, *, named: bool = True, **engine: object) -> None:
        """One that is there already, with this context in tokens. It computes with one thread, which a busy machine
        hardly slows down; `engine`: other settings of that group. Not `named`: chats are called by their question."""
        self.paths.make()
        os.link(model, self.paths.models / model.name)
        settings = {"models": {"context": context}, "engine": {"threads": 1, "try_first": False, **engine}}
        settings |= {} if named else {"chat": {"name_chats": False}}
        (self.paths.config / "settings.json").write_text(json.dumps(settings))

    def start(self, *files: Path, dies: str = "", how: str = "kill", machine: Path | None = None) -> "Window":
        """Double-click. `dies`: it will end in native code, in this work, by a `kill` or an `abort`. `machine`: the
        root of a file system whose /proc and /sys the monitor reads."""
        fate = ["--dies", dies, "--how", how] if dies else []
        fate += ["--root", str(machine)] if machine else []
        with socket.create_server(("127.0.0.1", 0)) as door:
            port = door.getsockname()[1]
            process = self._run(str(HERE / "windowed.py"), str(port), *fate, *map(str, files))
            return Window(process, _call_of(process, door))

    def start_again(self, *files: Path) -> Ending:
        """Double-click while it is open."""
        return _ending(self._run("-m", "app", *map(str, files)))

    def _run(self, *arguments: str) -> "subprocess.Popen[str]":
        environment = {name: text for name, text in os.environ.items() if not name.startswith(("LC_", "LANG"))}
        environment |= {"PYTHONPATH": str(ROOT), "DESKSEEK_HOME": str(self.folder), "LANG": "en_US.UTF-8"}
        environment |= {"HOME": str(self.folder), "OLLAMA_MODELS": str(self.folder / "none")}
        environment |= {"QT_QPA_PLATFORM": self.platform, **self.environment}
        command = [sys.executable, "-W", "default::ResourceWarning", *arguments]
        return subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=environment,
            cwd=HERE,
        )


class Window:
    """What the person has on the screen. Whatever is asked for is waited for; what does not come fails the test."""

    def __init__(self, process: "subprocess.Popen[str]", connection: socket.socket) -> None:
        self.process = process
        self._connection = connection
        self._answers = connection.makefile("rb")

    def __enter__(self) -> "Window":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self._hang_up()
        self.process.communicate()

    # ---- what the person does

    def sees(self, *words: Words) -> str:
        """Waits until all of them are on the page; the whole page at that moment."""
        return self._ask("see", shown=[_pattern(one) for one in words])

    def sees_no_more(self, *words: Words) -> str:
        return self._ask("see", gone=[_pattern(one) for one in words])

    @property
    def page(self) -> str:
        return self._ask("see")

    def until(self, there: Callable[[], T]) -> T:
        """Looks on until this gives something: what cannot be seen in the window, on the disk say."""
        for _ in range(int(PATIENCE * 1000 / LOOK_EVERY_MS)):
            if found := there():
                return found
            self._ask("look_on")
        raise AssertionError(f"it did not come; on the page was:\n{self.page}")

    def presses(self, name: Words) -> str:
        """The button with this text or name, with the mouse; the whole page as it is then at once."""
        return self._ask("press", name=_pattern(name))

    def chooses(self, row: str) -> None:
        """A row of a list, with the mouse."""
        self._ask("choose", row=row)

    def clicks_into(self, name: str) -> None:
        """The field with this name."""
        self._ask("focus", name=name)

    def types(self, text: str) -> None:
        """Where the cursor is; what is not ASCII comes from an input method."""
        self._ask("type", text=text)

    def composes(self, *preedits: str, typed: str = "") -> None:
        """With an input method: what it holds, one after the other, and what it types at the end."""
        self._ask("compose", preedits=preedits, typed=typed)

    def strikes(self, key: str) -> None:
        """One key, by Qt's name for it."""
        self._ask("strike", key=key)

    def asks(self, question: str) -> None:
        """Writes, and strikes Enter once the button beside it can be pressed."""
        self.types(question)
        self._ask("find_enabled", name="Send|发送")
        self.strikes("Return")

    def drops(self, *paths: Path) -> None:
        """Files from the desktop on the window."""
        self._ask("drop", paths=[str(path) for path in paths])

    def clicks(self, name: Words) -> None:
        """What has this name for those who cannot see it."""
        self._ask("click", name=_pattern(name))

    def follows(self, n: int, which: int = 0) -> None:
        """The mark of source `n` in an answer: the so-manieth of them on the page, from 0."""
        self._ask("follow", link=f"source:{n}", number=which)

    def opens(self, name: Words) -> None:
        """The menu or the dialog of the system behind a button."""
        self._ask("open", name=_pattern(name))

    def picks(self, entry: Words, behind: Words) -> None:
        """An entry of the menu behind a button."""
        self.opens(behind)
        self._ask("pick", name=_pattern(entry))

    def stands_on(self, page: int, lit: str) -> None:
        """The document that is looked at, with these words lit and in sight; page 0: it has no pages."""
        self._ask("stand", page=page, lit=_pattern("".join(lit.split())))

    def minimizes(self) -> None:
        self._ask("minimize")

    def is_in_front(self) -> None:
        self._ask("be_in_front")

    def is_asked(self, least: int, most: int | None = None) -> None:
        """The engine has so many answers to give, to the person and to others."""
        self._ask("be_asked", least=least, most=least if most is None else most)

    def has_a_model(self) -> None:
        """It is loaded."""
        self._ask("have_a_model")

    def is_hammered(self, programs: int) -> None:
        """By so many programs that ask its engine again and again; 0: they stop, and each has its last answer."""
        self._ask("be_hammered", programs=programs)

    def was_even(self, steps: int, answers: int) -> None:
        """The answer got a token in each of the engine's steps, also where programs spoke beside it, and where they
        read: at least so many of both, until each had so many answers."""
        self._ask("have_been_even", steps=steps, answers=answers)

    def is_followed(self, *, closely: bool) -> None:
        """`closely`: its engine makes one step for each of our looks and none while we do not look, so that nothing
        passes unseen."""
        self._ask("follow_closely", closely=closely)

    # ---- the end

    def is_closed(self) -> Ending:
        """By the cross in its corner."""
        self._ask("close")
        return self.ends()

    def ends(self) -> Ending:
        """Waits until it has ended by itself."""
        ending = _ending(self.process)
        self._hang_up()
        return ending

    def aborts(self) -> Ending:
        """In native code: ggml gives up, as it does when a card is out of memory."""
        with contextlib.suppress(ConnectionError):
            self._say("abort")
        return self.ends()

    def is_killed(self) -> None:
        """kill -9"""
        self.process.kill()
        self.ends()

    # ---- inside

    def _ask(self, do: str, **arguments: Any) -> str:
        answer = b""
        with contextlib.suppress(ConnectionError):
            self._say(do, **arguments)
            answer = self._answers.readline()
        if not answer:
            raise AssertionError(f"it ended while somebody wanted to {do} {arguments}: {self.ends()}")
        told = json.loads(answer)
        page = "\n".join(told["texts"])
        assert told["done"], f"could not {do} {arguments} in {told['windows']}; on the page was:\n{page}"
        return page

    def _say(self, do: str, **arguments: Any) -> None:
        wish = {"do": do, "with": arguments, "patience": PATIENCE}
        self._connection.settimeout(HANGS)
        self._connection.sendall(json.dumps(wish).encode() + b"\n")

    def _hang_up(self) -> None:
        self._answers.close()
        self._connection.close()


def _call_of(process: "subprocess.Popen[str]", door: socket.socket) -> socket.socket:
    """The connection that its window makes. One that has not come may be slow, but not dead."""
    door.settimeout(1)
    for _ in range(int(SLOWEST)):
        ended = process.poll() is not None
        with contextlib.suppress(TimeoutError):
            return door.accept()[0]
        if ended:
            break
    process.kill()
    out, err = process.communicate()
    raise AssertionError(f"no window came: {out!r} {err!r}")


def _ending(process: "subprocess.Popen[str]") -> Ending:
    try:
        out, err = process.communicate(timeout=SLOWEST)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise AssertionError("it did not end") from None
    complaints = [line for line in err.splitlines() if line.strip() and not line.startswith(NO_COMPLAINTS)]
    told = json.loads(out.splitlines()[-1]) if out.strip() else {"threads": [], "windows": []}
    return Ending(process.returncode, complaints, told["threads"], told["windows"])


def _pattern(words: Words) -> str:
    return re.escape(words) if isinstance(words, str) else words.pattern
