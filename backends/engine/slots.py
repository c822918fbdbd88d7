"""Places for texts from outside in what a template writes (SEC-47).

A *slot* looks to the template like the text it stands for (it may be searched, cut, stripped, compared, written as
JSON) but writes an unguessable mark. The rendered text is taken apart at the marks, and what was in a slot never
becomes a control token.
"""

import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_REPEATS = 4  # a text may be written so often
_WORK = 32  # so many times its size may be made of the texts while a template cuts and strips them ...
_ROOM = 4_000_000  # ... and so many characters besides


class TemplateFailed(Exception):
    """The template is broken, refuses these messages, or wants more than it may have. The text says what."""


@dataclass(frozen=True, slots=True)
class Written:
    """Text that the template itself wrote."""

    text: str


class Slots:
    """The texts that stand outside of one rendering."""

    def __init__(self) -> None:
        self._nonce = secrets.token_hex(12)
        self._texts: list[str] = []
        self._given = self._made = 0

    def give(self, text: str) -> str:
        """A slot for a text from outside."""
        self._given += len(text)
        return self.take(text) if text else ""

    def give_all(self, value: Any) -> Any:
        """The same value (JSON), with a slot for every text in it, keys too."""
        if isinstance(value, str):
            return self.give(value)
        if isinstance(value, Mapping):
            return {self.give(str(key)): self.give_all(item) for key, item in value.items()}
        return [self.give_all(item) for item in value] if isinstance(value, (list, tuple)) else value

    def take(self, text: str) -> "Slot":
        """A slot for a text, for a part of one or for what the template made of it."""
        self._made += len(text)
        if self._made > _WORK * self._given + _ROOM:
            raise TemplateFailed("the template makes too much of the messages")
        self._texts.append(text)
        return Slot(f"\ue000{self._nonce}.{len(self._texts) - 1}\ue001", text, self)

    def apart(self, rendered: str) -> "list[Written | str]":
        """What the template wrote and what the slots hold, by turns; the template has the first and the last word."""
        parts = re.split(f"\ue000{self._nonce}\\.(\\d+)\ue001", rendered)
        written, numbers = parts[::2], [int(number) for number in parts[1::2]]
        if re.search(f"{self._nonce}|[\ue000\ue001]", "".join(written)):
            raise TemplateFailed("it cuts a message in the middle")
        if sum(len(self._texts[number]) for number in numbers) > _REPEATS * self._given:
            raise TemplateFailed("it repeats the messages too often")
        pieces: list[Written | str] = [Written(written[0])]
        for number, following in zip(numbers, written[1:], strict=True):
            pieces += [self._texts[number], Written(following)]
        return pieces


class Slot(str):
    """Writes its mark, and answers for its text: what is cut out of the text is a slot again."""

    __slots__ = ("_slots", "_text")
    _text: str
    _slots: Slots

    def __new__(cls, mark: str, text: str, slots: Slots) -> "Slot":
        slot = super().__new__(cls, mark)
        slot._text, slot._slots = text, slots
        return slot

    def __getattribute__(self, name: str) -> Any:
        """The methods of str, asked of the text."""
        if name.startswith("_"):
            return super().__getattribute__(name)
        method = getattr(self._text, name)

        def ask(*arguments: Any) -> Any:
            return self._kept(method(*(a._text if isinstance(a, Slot) else a for a in arguments)))

        ask.__name__, ask.__self__ = name, self  # type: ignore[attr-defined]
        return ask

    def _kept(self, answer: Any) -> Any:
        if isinstance(answer, str):
            return self._slots.take(answer)
        return [self._kept(item) for item in answer] if isinstance(answer, (list, tuple)) else answer

    def __contains__(self, part: object) -> bool:
        return str(part) in self._text

    def __len__(self) -> int:
        return len(self._text)

    def __eq__(self, other: object) -> bool:
        return self._text == (other._text if isinstance(other, Slot) else other)

    def __hash__(self) -> int:
        return hash(self._text)

    def __getitem__(self, index: Any) -> "Slot":
        return self._slots.take(self._text[index])

    def __iter__(self) -> Iterator[str]:
        return map(self._slots.take, self._text)


def bare(value: Any) -> tuple[Any, Slots | None]:
    """A value with the texts in place of their slots, and whose slots they were, if there were any."""
    if isinstance(value, Slot):
        return value._text, value._slots
    if isinstance(value, Mapping):
        pairs = [(bare(key), bare(item)) for key, item in value.items()]
        owner = next((slots for pair in pairs for _, slots in pair if slots is not None), None)
        return {key: item for (key, _), (item, _) in pairs}, owner
    if isinstance(value, (list, tuple)):
        items = [bare(item) for item in value]
        return [item for item, _ in items], next((slots for _, slots in items if slots is not None), None)
    return value, None
