"""The tool calls of an answer, read as they come.

A call is told when its tool is known to be offered (`ToolCallStarted`) and then as its arguments come, as JSON that is
right as far as it goes; the brace that closes it is told when the call is complete. What turns out not to be a call is
given back as the text it was, and what was told of it is void (`ToolCallDropped`).

The markers' inner spaces may be spelt as weak quants and distills do. A call whose arguments are complete counts even
without its end marker. Nothing depends on where tokens end.
"""

import secrets
from collections.abc import Collection, Generator, Iterator

from backends.engine.generation import ToolCallDelta, ToolCallDropped, ToolCallStarted
from backends.engine.json_stream import JsonStream, quoted
from backends.engine.tools import (
    CALL_BEGIN,
    CALL_END,
    CALLS_BEGIN,
    CALLS_END,
    LONGEST_NAME,
    OUTPUTS,
    SEPARATOR,
    Markup,
    spellings,
)

_Text = Generator[None, None, str]
Called = ToolCallStarted | ToolCallDelta | ToolCallDropped

_CALLS_BEGINS, _CALL_BEGINS = spellings(CALLS_BEGIN), spellings(CALL_BEGIN)
_CALL_ENDS, _SEPARATORS = spellings(CALL_END), spellings(SEPARATOR)
_OVER = spellings(CALLS_END, *OUTPUTS)  # who goes on to make up the results has called

_INVOKE, _INVOKED = '<｜DSML｜invoke name="', "</｜DSML｜invoke>"
_PARAMETER, _PARAMETER_END = '<｜DSML｜parameter name="', "</｜DSML｜parameter>"
_AS_TEXT, _AS_JSON = '" string="true">', '" string="false">'
_BLOCK_ENDS = ("</｜DSML｜function_calls>", "</｜DSML｜tool_calls>")


class _NoCallError(Exception):
    """What was said is not a call."""


class Calls:
    """Reads from the marker that begins the calls on. `index`: of the next call in this answer.

    `over`: it reads no more; `rest` is then what was not read, after `undone`, which turned out to be text. `closed`:
    the model said that these were its calls. `complete` calls were made.
    """

    def __init__(self, markup: Markup, names: Collection[str], index: int) -> None:
        self._openers, self._names = markup.openers, names
        self.index, self.complete = index, 0
        self.over = self.closed = False
        self.rest = ""
        self._read: list[str] = []  # since the last complete call
        self._started = False
        self._final = False
        self._events: list[Called] = []
        self._steps = self._run(self._invokes() if markup.block else self._marked())

    @property
    def undone(self) -> str:
        return "".join(self._read)

    def feed(self, text: str, final: bool) -> list[Called]:
        self.rest += text
        self._final = final
        self.over = next(self._steps, self) is self
        events, self._events = self._events, []
        return events

    def _run(self, steps: Iterator[None]) -> Iterator[None]:
        try:
            yield from steps
        except _NoCallError:
            if self._started:
                self._events.append(ToolCallDropped(self.index))
                self.index += 1
        else:
            self._read.clear()

    # ---- R1, V3.1

    def _marked(self) -> Iterator[None]:
        if (yield from self._found(*_CALLS_BEGINS)):
            yield from self._space()
        if not (yield from self._found(*_CALL_BEGINS)):
            raise _NoCallError
        while True:
            yield from self._call()
            yield from self._space()
            if (yield from self._found(*_OVER)) or self._breaks_off(*_OVER):
                self.closed = True
                return
            if not (yield from self._found(*_CALL_BEGINS)):
                return

    def _call(self) -> Iterator[None]:
        name = (yield from self._until(*_SEPARATORS)).strip()
        yield from self._found(*_SEPARATORS)
        yield from self._space()
        if name == "function" and self.rest[:1] not in ("{", "`"):  # R1's way
            name = (yield from self._until("\n", "{", "`")).strip()
        self._check(name)
        yield from self._space()
        if (yield from self._found("```")):
            yield from self._found("json")
            yield from self._space()
        if self.rest[:1] != "{":
            raise _NoCallError
        self._start(name)
        yield from self._json(kept=1)
        yield from self._space()
        if (yield from self._found("```")):
            yield from self._space()
        ended = (yield from self._found(*_CALL_ENDS)) or (yield from self._ahead(*_OVER, *_CALL_BEGINS))
        if not ended and not self._breaks_off(*_CALL_ENDS, *_OVER):
            raise _NoCallError
        self._complete("}")

    # ---- V3.2, V4

    def _invokes(self) -> Iterator[None]:
        yield from self._found(*self._openers)
        while True:
            yield from self._space()
            if (yield from self._found(_INVOKE)):
                yield from self._invoke()
            elif not self.complete:
                raise _NoCallError
            else:
                self.closed = bool((yield from self._found(*_BLOCK_ENDS))) or self._breaks_off(*_BLOCK_ENDS)
                return

    def _invoke(self) -> Iterator[None]:
        name = yield from self._until('"')
        if not (yield from self._found('">')):
            raise _NoCallError
        self._check(name)
        self._start(name)
        between = "{"
        while True:
            yield from self._space()
            if (yield from self._found(_INVOKED)):
                self._complete("{}" if between == "{" else "}")
                return
            if not (yield from self._found(_PARAMETER)):
                raise _NoCallError
            key = yield from self._until('"')
            kind = yield from self._found(_AS_TEXT, _AS_JSON)
            if not kind:
                raise _NoCallError
            self._tell(f'{between}"{quoted(key)}": ')
            between = ", "
            yield from self._text() if kind == _AS_TEXT else self._value()

    def _text(self) -> Iterator[None]:
        """A string that is written as it is."""
        self._tell('"')
        while (at := self.rest.find(_PARAMETER_END)) < 0:
            self._tell(quoted(self._eat(len(self.rest) - dangling(self.rest, (_PARAMETER_END,)))))
            yield from self._more()
        self._tell(quoted(self._eat(at)))
        self._eat(len(_PARAMETER_END))
        self._tell('"')

    def _value(self) -> Iterator[None]:
        yield from self._space()
        yield from self._json()
        yield from self._space()
        if not (yield from self._found(_PARAMETER_END)):
            raise _NoCallError

    # ---- what both are made of

    def _json(self, kept: int = 0) -> Iterator[None]:
        """A JSON value; the last `kept` characters of it are not told."""
        stream = JsonStream()
        while True:
            told, used = stream.take(self.rest, self._final)
            self._eat(used)
            self._tell(told[: len(told) - kept] if stream.done else told)
            if stream.done:
                return
            if stream.broken:
                raise _NoCallError
            yield from self._more()

    def _until(self, *ends: str) -> _Text:
        """What comes before the first of `ends`: a name, so it is not long."""
        while True:
            places = [at for end in ends if (at := self.rest.find(end)) >= 0]
            if places and min(places) <= LONGEST_NAME:
                return self._eat(min(places))
            if places or len(self.rest) > LONGEST_NAME + max(map(len, ends)):
                raise _NoCallError
            yield from self._more()

    def _found(self, *texts: str) -> _Text:
        """Take one of `texts` if it is there; says which, or says nothing."""
        text = yield from self._ahead(*texts)
        self._eat(len(text))
        return text

    def _ahead(self, *texts: str) -> _Text:
        while True:
            found = next((text for text in texts if self.rest.startswith(text)), "")
            if found or self._final or not any(text.startswith(self.rest) for text in texts):
                return found
            yield

    def _breaks_off(self, *texts: str) -> bool:
        """The answer ends here, maybe in the middle of one of these, which is then taken."""
        ends = self._final and any(text.startswith(self.rest) for text in texts)
        if ends:
            self._eat(len(self.rest))
        return ends

    def _space(self) -> Iterator[None]:
        while True:
            self._eat(len(self.rest) - len(self.rest.lstrip()))
            if self.rest or self._final:
                return
            yield

    def _more(self) -> Iterator[None]:
        if self._final:
            raise _NoCallError
        yield

    def _eat(self, count: int) -> str:
        text, self.rest = self.rest[:count], self.rest[count:]
        if text:
            self._read.append(text)
        return text

    # ---- what is told

    def _check(self, name: str) -> None:
        if name not in self._names:
            raise _NoCallError

    def _start(self, name: str) -> None:
        self._started = True
        self._events.append(ToolCallStarted(self.index, f"call_{secrets.token_hex(12)}", name))

    def _tell(self, text: str) -> None:
        if text:
            self._events.append(ToolCallDelta(self.index, text))

    def _complete(self, end: str) -> None:
        self._tell(end)
        self._started = False
        self._read.clear()
        self.index += 1
        self.complete += 1


def dangling(text: str, awaited: Collection[str]) -> int:
    """The length of the longest end of `text` with which one of the awaited strings begins."""
    longest = max(map(len, awaited)) - 1
    return next((n for n in range(min(longest, len(text)), 0, -1) if any(a.startswith(text[-n:]) for a in awaited)), 0)
