"""From a stream of tokens to reasoning, answer and tool calls (facts: every generation of DeepSeek writes them so).

1. Where the rendered prompt ends with `<think>` the model begins in its reasoning, after `</think>` in its
   answer; else nobody knows.
2. Unknown: a first `<think>` begins reasoning, anything else the answer. If a `</think>` comes later, all
   that was said so far was reasoning (`ReasoningReclassified`): the template of January 2025, or a lost tag.
3. Text that may be the beginning of a tag, of a call or of a stop string is held back, never longer than needed.
4. White space around the parts is dropped; reasoning that is empty is not there.
5. Where tools are offered, a marker in the answer begins calls (calls.py). With DSML it does so in the reasoning too:
   these models go on to a call without `</think>`; R1's and V3.1's calls in their reasoning are thoughts.
6. What turns out not to be a call is text of the part it came in. After a block of calls the answer is over.

Stop strings end the answer, not the reasoning, and are never shown; a call's arguments may hold them.
"""

import codecs
import re
from collections.abc import Collection, Iterator, Sequence
from typing import Literal

from backends.engine.calls import Called, Calls, dangling
from backends.engine.protocol import ReasoningDelta, ReasoningReclassified, TextDelta
from backends.engine.tools import R1, Markup

Opening = Literal["reasoning", "answer", "unknown"]
Spoken = ReasoningDelta | TextDelta | ReasoningReclassified | Called

_OPEN, _CLOSE = "<think>", "</think>"


class Parser:
    """Feed it the bytes of token after token. After `stopped` there is no more to feed."""

    def __init__(
        self,
        opening: Opening,
        stop: Sequence[str] = (),
        tools: Collection[str] = (),
        markup: Markup = R1,
        begun: bool = False,
    ) -> None:
        """`tools`: names of those that may be called. `begun`: the part it is in goes on after something was said."""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._torn = False  # the decoder holds the beginning of a character
        self._stop = tuple(filter(None, stop))
        starts = re.escape("".join(text[0] for text in (_OPEN, *self._stop)))
        self._needs_care = re.compile(rf"[{starts}]|\s\Z").search
        self._part: Opening = opening
        self._unsure = opening == "unknown"  # a closing tag would still change everything
        self._fresh = not begun  # nothing of this part was said yet
        self._held = ""
        self._tools, self._markup = tools, markup
        self._openers = markup.openers if tools else ()
        self._calls: Calls | None = None  # they are being read
        self._gap = ""  # white space before them
        self._plain = 0  # so many characters of what is held are no call
        self._index = 0
        self.called = 0  # complete tool calls
        self.stopped = False
        self.stop = ""  # what stopped it, if it was one of `stop`
        self.tokens = self.reasoning_tokens = 0  # fed so far

    @property
    def thinking(self) -> bool:
        """What comes next is reasoning, as far as is known."""
        return self._part == "reasoning"

    @property
    def unsure(self) -> bool:
        """Nothing was said yet, and nobody knows whether the model thinks first."""
        return self._part == "unknown"

    @property
    def calling(self) -> bool:
        """In the middle of tool calls."""
        return self._calls is not None

    def feed(self, token: bytes) -> list[Spoken]:
        self.tokens += 1
        if self._part == "reasoning":
            self.reasoning_tokens += 1
        text = self._text(token)
        if text and not (self._held or self._fresh or self._calls or self._needs_care(text)):
            return [ReasoningDelta(text) if self._part == "reasoning" else TextDelta(text)]
        self._held += text
        return list(self._take(final=False))

    def _text(self, token: bytes) -> str:
        if not self._torn:
            try:
                return token.decode()
            except UnicodeDecodeError:
                self._torn = True
        text = self._decoder.decode(token)
        self._torn = bool(self._decoder.getstate()[0])
        return text

    def finish(self) -> list[Spoken]:
        """What was still held back, when there is no next token."""
        self._held += self._decoder.decode(b"", True)
        return [] if self.stopped else list(self._take(final=True))

    def _take(self, final: bool) -> Iterator[Spoken]:
        part = None
        while part != self._part and not self.stopped:
            if self._calls:
                yield from self._call(self._calls, final)
            if self._calls or self.stopped:
                return
            part = self._part
            if self._fresh:
                self._cut(len(self._held) - len(self._held.lstrip()))
            if part == "unknown":
                self._decide(final)
            elif part == "reasoning":
                yield from self._reason(final)
            else:
                yield from self._answer(final)
            if self._calls:
                part = None

    def _decide(self, final: bool) -> None:
        if self._held.startswith(_OPEN):
            self._cut(len(_OPEN))
            self._part, self._unsure = "reasoning", False
        elif self._held and (final or not _OPEN.startswith(self._held)):
            self._part = "answer"

    def _reason(self, final: bool) -> Iterator[Spoken]:
        while self._fresh and self._held.startswith(_OPEN):  # said again, though the prompt ended with it
            self._cut(len(_OPEN))
            self._cut(len(self._held) - len(self._held.lstrip()))
        if self._fresh and not final and _OPEN.startswith(self._held):
            return
        openers = self._openers if self._markup.block else ()
        closing = self._held.find(_CLOSE)
        call = self._opened(openers, closing)
        end = call if call >= 0 else closing
        if end >= 0:
            text = self._held[:end].rstrip()
        else:
            text = (
                self._held if final else self._held[: len(self._held) - dangling(self._held, (_CLOSE, *openers))]
            ).rstrip()
        yield from self._say(self._cut(len(text)), ReasoningDelta)
        if call >= 0:
            self._begin(call - len(text))
        elif closing >= 0:
            self._cut(closing - len(text) + len(_CLOSE))
            self._part, self._fresh = "answer", True

    def _answer(self, final: bool) -> Iterator[Spoken]:
        stops = [at for stop in self._stop if (at := self._held.find(stop)) >= 0]
        closing = self._held.find(_CLOSE) if self._unsure else -1
        end = min([*stops, closing] if closing >= 0 else stops, default=-1)
        call = self._opened(self._openers, end)
        if call >= 0:
            text = self._held[:call].rstrip()
            yield from self._say(self._cut(len(text)))
            self._begin(call - len(text))
        elif end < 0:
            awaited = (*self._stop, *self._openers, *((_CLOSE,) if self._unsure else ()))
            said = len(self._held) - (dangling(self._held, awaited) if awaited and not final else 0)
            if (self._unsure or self._openers) and not final:
                said = len(self._held[:said].rstrip())
            yield from self._say(self._cut(said))
        elif end == closing:
            yield from self._say(self._cut(closing).rstrip())
            if not self._fresh:
                self.reasoning_tokens = self.tokens
                yield ReasoningReclassified()
            self._cut(len(_CLOSE))
            self._cut(len(self._held) - len(self._held.lstrip()))
            self._unsure, self._fresh = False, True
            yield from self._answer(final)
        else:
            self.stop = next(stop for stop in self._stop if self._held.startswith(stop, end))
            yield from self._say(self._cut(end))
            self._held, self.stopped = "", True

    # ---- calls

    def _opened(self, openers: Sequence[str], end: int) -> int:
        """Where calls begin, before `end` if that is not negative; -1: nowhere."""
        places = [at for opener in openers if (at := self._held.find(opener, self._plain)) >= 0]
        return min((at for at in places if end < 0 or at < end), default=-1)

    def _begin(self, gap: int) -> None:
        self._gap = self._cut(gap)
        self._calls = Calls(self._markup, self._tools, self._index)

    def _call(self, calls: Calls, final: bool) -> Iterator[Spoken]:
        """Read on. In the reasoning only up to `</think>`: a call that is not over there was a thought."""
        text, closed, rest = self._held, "", ""
        if self._part == "reasoning":
            text, closed, rest = self._held.partition(_CLOSE)
            if not closed and not final and (more := dangling(text, (_CLOSE,))):
                text, rest = text[:-more], text[-more:]
        self._held, self._plain = closed + rest, 0
        complete = calls.complete
        yield from calls.feed(text, final or bool(closed))
        self.called += calls.complete - complete
        if calls.complete:
            self._gap, self._fresh = "", True
        if not calls.over:
            return
        undone = self._gap + calls.undone
        self._held = undone + calls.rest + self._held
        self._plain = len(undone)
        self._index, self._calls = calls.index, None
        if calls.closed:
            self._held, self.stopped = "", True

    # ---- what is held

    def _cut(self, count: int) -> str:
        """Take so much from the beginning of what is held."""
        text, self._held = self._held[:count], self._held[count:]
        self._plain = max(0, self._plain - count)
        return text

    def _say(self, text: str, kind: type[ReasoningDelta] | type[TextDelta] = TextDelta) -> Iterator[Spoken]:
        if text:
            self._fresh = False
            yield kind(text)
