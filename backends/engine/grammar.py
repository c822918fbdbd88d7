"""Whether a grammar is fit for the engine: compiled and tried in a child process first (SEC-09).

llama.cpp expands repetitions, looks for recursion and follows every way at once; none of it can be stopped, and some of
it ends the process. So a grammar is first read there, on a thread with less stack than the engine's, put to all tokens
of the model's vocabulary, and walked for a while along tokens that it allows, above all those that it names
(grammar_walk.py): what blows up does so there, and is killed. What was seen once is remembered.
"""

import hashlib
import json
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path

from backends.core.cancel import CancelToken
from backends.core.child import Child, ChildDied
from backends.core.errors import BackendError, Cancelled, EngineError, InvalidInput
from backends.core.kept_child import KeptChild
from backends.core.phrase import Phrase
from backends.engine.asked import stopped
from backends.engine.generation import Format, GenerateRequest, Grammar, NamedTool, ToolChoice
from backends.engine.grammar_errors import LONGEST_GRAMMAR, refused, too_large, too_slow
from backends.engine.tools import Markup, offered

IDLE = 30.0  # seconds after which the child is let go
PATIENCE = 60.0  # seconds for a child to start and to read a vocabulary
TIME = 2.0  # seconds of the processor for a grammar: on a busy computer it has as many as elsewhere

_KEPT = 128  # results
_FORGIVEN = 60.0  # seconds after which a grammar that was too slow is tried again: perhaps the computer was busy
_MOST_ELEMENTS = 500_000  # characters of literals and classes, repetitions written out

_MOST_TIMES = 2000
_PARTS = re.compile(
    r"""\#[^\r\n]*|"(?:\\.|[^"\\])*"|\[(?:\\.|[^\]\\])*\]|\{\s*(\d{1,99})\s*(,\s*(\d{0,99})\s*)?\}|\S""", re.DOTALL
)


class GrammarCheck:
    """May be asked by any thread; one grammar is tried after the other. The child is kept for the next one."""

    def __init__(self, *, module: str = "backends.engine.child", idle: float = IDLE) -> None:
        self._child = KeptChild(module, idle)
        self._known: OrderedDict[bytes, tuple[str | BackendError, float]] = OrderedDict()

    def compile(self, format: Format | str, model: Path, *, cancel: CancelToken) -> str:
        """GBNF that the engine may use with the vocabulary of this model; of a format, or of GBNF that we wrote.

        InvalidInput: `bad_grammar`, `bad_schema`, `grammar_too_large`, `grammar_timeout`. EngineError `load_failed`,
        `engine_crashed` if the vocabulary cannot be read.
        """
        question = _question(format)
        key = _digest(question, model)
        with self._child.mine(cancel) as child:
            found = self._recalled(key)
            if found is None:
                found = self._tried(child, question, model, cancel)
                self._known[key] = (found, time.monotonic())
                if len(self._known) > _KEPT:
                    self._known.popitem(last=False)
        if isinstance(found, BackendError):
            raise type(found)(found.message, found.hint, found.code)
        return found

    def close(self) -> None:
        """Let the child go now."""
        self._child.close()

    @property
    def pid(self) -> int | None:
        """Of the child that waits for grammars."""
        return self._child.pid

    def _recalled(self, key: bytes) -> str | BackendError | None:
        found, since = self._known.get(key, (None, 0.0))
        if isinstance(found, BackendError) and found.code == "grammar_timeout":
            return found if time.monotonic() - since < _FORGIVEN else None
        return found

    @staticmethod
    def _tried(child: Child, question: dict[str, str], model: Path, cancel: CancelToken) -> str | BackendError:
        path = str(model.absolute())
        try:
            for _ in child.ask({"do": "vocabulary", "path": path}, cancel=cancel, timeout=PATIENCE):
                pass
        except ChildDied as died:
            raise _crashed(model, died) from died
        try:
            asked = {"do": "grammar", "path": path, **question}
            (answer,) = child.ask(asked, cancel=cancel, timeout=PATIENCE, work=TIME)
        except ChildDied as died:
            return too_slow() if died.said.startswith("no answer in time") else refused(f"llama.cpp broke off, {died}")
        except InvalidInput as error:
            return error
        return answer["gbnf"]


Wanted = Callable[[], Format | str]
"""Made where it may take its time."""


def grammar_wanted(request: GenerateRequest, markup: Markup, marks: Mapping[str, int]) -> Wanted | None:
    """What the answer has to follow: a call of a tool if there has to be one, else the format; None: nothing."""
    choice, form = request.tool_choice, request.format
    if choice == "required" or isinstance(choice, NamedTool):
        return lambda: _calls(request, choice, markup, marks)
    return None if form is None else lambda: form


def _calls(request: GenerateRequest, choice: ToolChoice, markup: Markup, marks: Mapping[str, int]) -> str:
    from backends.engine.call_grammar import call_grammar  # with its schemas, for the few that need them

    return call_grammar(markup, offered(request), choice, marks)


class Checks:
    """Grammars are checked on threads of their own, while the engine goes on."""

    def __init__(self, check: GrammarCheck | None = None) -> None:
        self._check = check or GrammarCheck()
        self._threads: set[threading.Thread] = set()

    def start(
        self,
        wanted: Wanted,
        model: Path,
        cancel: CancelToken,
        done: Callable[[str | BackendError | Cancelled], None],
    ) -> None:
        """`done` is told the grammar, or what is wrong, on that thread."""

        def run() -> None:
            outcome: str | BackendError | Cancelled = stopped()
            try:
                outcome = self._check.compile(wanted(), model, cancel=cancel)
            except (BackendError, Cancelled) as error:
                outcome = error
            finally:  # through a bug of ours too: nobody shall wait for ever
                self._threads.discard(threading.current_thread())
                done(outcome)

        thread = threading.Thread(target=run, name="grammar", daemon=True)
        self._threads.add(thread)
        thread.start()

    def close(self) -> None:
        """When all of them are cancelled."""
        for thread in tuple(self._threads):
            thread.join()
        self._check.close()


def _question(format: Format | str) -> dict[str, str]:
    """What the child is asked; sizes are looked at before anything is done with it."""
    if isinstance(format, str):
        return {"gbnf": format}
    if not isinstance(format, Grammar):
        from backends.engine.schema import measured

        return {"schema": json.dumps(measured(format.schema))}
    try:
        size = len(format.gbnf.encode())
    except UnicodeEncodeError:
        raise refused("it is no text") from None
    if size > LONGEST_GRAMMAR:
        raise too_large()
    check_text(format.gbnf)
    return {"gbnf": format.gbnf}


def check_text(gbnf: str) -> None:
    """What can be told of a grammar by looking. InvalidInput (`bad_grammar`, `grammar_too_large`)."""
    if "\0" in gbnf or not gbnf.strip():
        raise refused("it is empty, or holds the character 0")
    total = last = 0
    for part in _PARTS.finditer(gbnf):
        sign = part[0]
        if sign.startswith("#"):
            continue
        if part[1]:
            times = max(int(part[1]), int(part[3] or 0))
            if times > _MOST_TIMES:  # llama.cpp would take it for boundless, without a word
                raise refused(f"it repeats a part more than {_MOST_TIMES} times")
            total += last * times
        else:
            last = len(sign)
            total += last
        if total > _MOST_ELEMENTS:
            raise too_large()


def _digest(question: dict[str, str], model: Path) -> bytes:
    try:
        status = model.stat()
        file = [str(model.absolute()), status.st_size, status.st_mtime_ns]
    except OSError:
        file = [str(model.absolute())]
    return hashlib.sha256(json.dumps([question, file]).encode()).digest()


def _crashed(model: Path, died: ChildDied) -> EngineError:
    return EngineError(
        Phrase(
            f"llama.cpp broke off while it read {model.name} ({died}).",
            f"llama.cpp 读取 {model.name} 时中断（{died}）。",
        ),
        code="engine_crashed",
    )
