"""From a stream of tokens to reasoning and answer, apart (facts: every generation of DeepSeek writes them so).

1. Where the rendered prompt ends with `<think>` the model begins in its reasoning, after `</think>` in its
   answer; else nobody knows.
2. Unknown: a first `<think>` begins reasoning, anything else the answer. If a `</think>` comes later, all
   that was said so far was reasoning (`ReasoningReclassified`): the template of January 2025, or a lost tag.
3. Text that may be the beginning of a tag or of a stop string is held back, never longer than needed.
4. White space around the two parts is dropped; reasoning that is empty is not there.

Stop strings end the answer, not the reasoning, and are never shown.
"""

import codecs
import re
from collections.abc import Iterator, Sequence
from typing import Literal

from backends.engine.protocol import ReasoningDelta, ReasoningReclassified, TextDelta

Opening = Literal["reasoning", "answer", "unknown"]
Spoken = ReasoningDelta | TextDelta | ReasoningReclassified

_OPEN, _CLOSE = "<think>", "</think>"


class Parser:
    """Feed it the bytes of token after token. After `stopped` there is no more to feed."""

    def __init__(self, opening: Opening, stop: Sequence[str] = ()) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._torn = False  # the decoder holds the beginning of a character
        self._stop = tuple(filter(None, stop))
        starts = re.escape("".join(text[0] for text in (_OPEN, *self._stop)))
        self._needs_care = re.compile(rf"[{starts}]|\s\Z").search
        self._part: Opening = opening
        self._unsure = opening == "unknown"  # a closing tag would still change everything
        self._fresh = True  # nothing of this part was said yet
        self._held = ""
        self.stopped = False
        self.tokens = self.reasoning_tokens = 0  # fed so far

    def feed(self, token: bytes) -> list[Spoken]:
        self.tokens += 1
        if self._part == "reasoning":
            self.reasoning_tokens += 1
        text = self._text(token)
        if text and not (self._held or self._fresh or self._needs_care(text)):
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

    @property
    def thinking(self) -> bool:
        """What comes next is reasoning, as far as is known."""
        return self._part == "reasoning"

    def finish(self) -> list[Spoken]:
        """What was still held back, when there is no next token."""
        self._held += self._decoder.decode(b"", True)
        return [] if self.stopped else list(self._take(final=True))

    def _take(self, final: bool) -> Iterator[Spoken]:
        part = None
        while part != self._part and not self.stopped:
            part = self._part
            if self._fresh:
                self._held = self._held.lstrip()
            if part == "unknown":
                self._decide(final)
            elif part == "reasoning":
                yield from self._reason(final)
            else:
                yield from self._answer(final)

    def _decide(self, final: bool) -> None:
        if self._held.startswith(_OPEN):
            self._held = self._held[len(_OPEN) :]
            self._part, self._unsure = "reasoning", False
        elif self._held and (final or not _OPEN.startswith(self._held)):
            self._part = "answer"

    def _reason(self, final: bool) -> Iterator[Spoken]:
        while self._fresh and self._held.startswith(_OPEN):  # said again, though the prompt ended with it
            self._held = self._held[len(_OPEN) :].lstrip()
        if self._fresh and not final and _OPEN.startswith(self._held):
            return
        text, closed, rest = self._held.partition(_CLOSE)
        if closed:
            said, self._held = text.rstrip(), rest
        else:
            said = (text if final else text[: len(text) - _begun(text, (_CLOSE,))]).rstrip()
            self._held = text[len(said) :]
        if said:
            yield ReasoningDelta(said)
            self._fresh = False
        if closed:
            self._part, self._fresh = "answer", True

    def _answer(self, final: bool) -> Iterator[Spoken]:
        found = [(at, stop) for stop in self._stop if (at := self._held.find(stop)) >= 0]
        closing = self._held.find(_CLOSE) if self._unsure else -1
        if closing >= 0 and all(closing <= at for at, _ in found):
            yield from self._say(self._held[:closing].rstrip())
            if not self._fresh:
                self.reasoning_tokens = self.tokens
                yield ReasoningReclassified()
            self._held = self._held[closing + len(_CLOSE) :].lstrip()
            self._unsure, self._fresh = False, True
            yield from self._answer(final)
        elif found:
            yield from self._say(self._held[: min(found)[0]])
            self._held, self.stopped = "", True
        else:
            awaited = (*self._stop, _CLOSE) if self._unsure else self._stop
            said = len(self._held) - (_begun(self._held, awaited) if awaited and not final else 0)
            if self._unsure and not final:
                said = len(self._held[:said].rstrip())
            yield from self._say(self._held[:said])
            self._held = self._held[said:]

    def _say(self, text: str) -> Iterator[TextDelta]:
        if text:
            self._fresh = False
            yield TextDelta(text)


def _begun(text: str, awaited: Sequence[str]) -> int:
    """The length of the longest end of `text` with which one of the awaited strings begins."""
    longest = max(map(len, awaited)) - 1
    return next((n for n in range(min(longest, len(text)), 0, -1) if any(a.startswith(text[-n:]) for a in awaited)), 0)
