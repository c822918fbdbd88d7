"""The values of an import, looked at one by one: nothing of a wrong kind or size comes into `chats.db`."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from backends.chat.export.pulled import broken
from backends.chat.export.types import Titled
from backends.chat.options import Options
from backends.chat.rows import TIMINGS_FIELDS, USAGE_FIELDS, sound
from backends.chat.sourced import ConversationScope, ScopeKind
from backends.chat.types import Author, Citation, Source, Status
from backends.core.errors import Problem
from backends.core.phrase import Phrase
from backends.engine.protocol import Timings, Usage

_MOST = 2**53  # what a number of JSON holds exactly, everywhere
_LATEST = 253_402_300_799.0  # the end of the year 9999
_LONGEST_TITLE = 10_000  # characters


@dataclass(frozen=True, slots=True)
class Fields:
    """An object of the file. `where` it stands, for who is told what is wrong with it. A key that is not there, or is
    null, has its usual value."""

    said: Mapping[str, Any]
    where: Phrase

    @classmethod
    def of(cls, value: Any, where: Phrase) -> "Fields":
        if not isinstance(value, dict):
            raise broken(Phrase(f"{where.en} is no object", f"{where.zh}不是对象"))
        return cls(value, where)

    def text(self, name: str, usual: str = "") -> str:
        value = self._get(name, usual)
        if not isinstance(value, str):
            raise self.wrong(name)
        return sound(value)

    def flag(self, name: str) -> bool:
        value = self._get(name, False)
        if not isinstance(value, bool):
            raise self.wrong(name)
        return value

    def whole(self, name: str, usual: int = 0, least: int = 0) -> int:
        value = self._get(name, usual)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= _MOST:
            raise self.wrong(name)
        return value

    def number(self, name: str, usual: float = 0.0, most: float = float(_MOST)) -> float:
        value = self._get(name, usual)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.wrong(name)
        if not (isinstance(value, int) or math.isfinite(value)) or not 0 <= value <= most:
            raise self.wrong(name)
        return float(value)

    def moment(self, name: str, usual: float) -> float:
        return self.number(name, usual, _LATEST)

    def choice(self, name: str, choices: tuple[str, ...], usual: str) -> Any:
        value = self._get(name, usual)
        if value not in choices:
            raise self.wrong(name)
        return value

    def listed(self, name: str) -> list[Any]:
        value = self._get(name, [])
        if not isinstance(value, list):
            raise self.wrong(name)
        return value

    def inner(self, name: str) -> "Fields | None":
        value = self._get(name, None)
        return None if value is None else Fields.of(value, self._inside(name))

    def each(self, name: str) -> "list[Fields]":
        return [Fields.of(one, self._inside(name)) for one in self.listed(name)]

    def wrong(self, name: str) -> Exception:
        return broken(Phrase(f"{self.where.en} has a {name} that makes no sense", f"{self.where.zh}的 {name} 无效"))

    def _inside(self, name: str) -> Phrase:
        return Phrase(f"{self.where.en}, {name}", f"{self.where.zh}的 {name}")

    def _get(self, name: str, usual: Any) -> Any:
        value = self.said.get(name)
        return usual if value is None else value


@dataclass(frozen=True, slots=True)
class ConversationRead:
    title: str
    renamed: int  # as `chats.db` has it
    created: float
    updated: float
    pinned: bool
    archived: bool
    options: str
    scope: ConversationScope
    shown: int


@dataclass(frozen=True, slots=True)
class MessageRead:
    """`id`, `parent` (0: none) as the file numbers them."""

    id: int
    parent: int
    role: Author
    content: str
    reasoning: str
    status: Status
    model: str
    device: str
    finish_reason: str
    problem: Problem | None
    usage: Usage | None
    timings: Timings | None
    reasoning_s: float
    created: float
    updated: float
    sources: tuple[Source, ...]
    citations: tuple[Citation, ...]


def conversation_read(fields: Fields, now: float, *, same_home: bool) -> ConversationRead:
    titled = fields.choice("titled_by", get_args(Titled), "question")
    created = fields.moment("created", now)
    options, scope = fields.inner("options"), _scope(fields.inner("scope"))
    return ConversationRead(
        " ".join(fields.text("title").split())[:_LONGEST_TITLE],
        get_args(Titled).index(titled),
        created,
        fields.moment("updated", created),
        fields.flag("pinned"),
        fields.flag("archived"),
        _options(options).to_json() if options else "{}",
        scope if same_home else ConversationScope(),
        fields.whole("shown"),
    )


def message_read(fields: Fields, now: float, *, same_home: bool) -> MessageRead:
    role: Author = fields.choice("role", get_args(Author), "")
    status = fields.choice("status", get_args(Status), "done")
    created = fields.moment("created", now)
    content, person = fields.text("content"), role == "user"
    sources = tuple(_source(one, same_home) for one in fields.each("sources"))
    if len({one.n for one in sources}) < len(sources):
        raise fields.wrong("sources")
    return MessageRead(
        fields.whole("id", least=1),
        fields.whole("parent"),
        role,
        content,
        "" if person else fields.text("reasoning"),
        "stopped" if status == "streaming" else status,
        fields.text("model"),
        fields.text("device"),
        fields.text("finish_reason"),
        _problem(fields.inner("problem")),
        _usage(fields.inner("usage")),
        _timings(fields.inner("timings")),
        fields.number("reasoning_s"),
        created,
        fields.moment("updated", created),
        sources,
        tuple(_citation(one, len(content), same_home) for one in fields.each("citations")),
    )


def _options(fields: Fields) -> Options:
    def sensible(value: Any) -> bool:
        return not isinstance(value, int | float) or (abs(value) <= _MOST and math.isfinite(value))

    said = {name: sound(value) if isinstance(value, str) else value for name, value in fields.said.items()}
    return Options.of({name: value for name, value in said.items() if sensible(value)})


def _scope(fields: Fields | None) -> ConversationScope:
    """What was given to a conversation does not come along."""
    if fields is None:
        return ConversationScope()
    kind = fields.choice("kind", get_args(ScopeKind), "off")
    ids = fields.listed("ids")
    if not all(isinstance(one, int) and not isinstance(one, bool) and abs(one) <= _MOST for one in ids):
        raise fields.wrong("ids")
    return ConversationScope() if kind == "dropped" else ConversationScope(kind, tuple(ids))


def _problem(fields: Fields | None) -> Problem | None:
    if fields is None:
        return None
    return Problem(fields.text("code"), _phrase(fields, "message"), _phrase(fields, "hint"))


def _phrase(fields: Fields, name: str) -> Phrase:
    said = fields.listed(name) or ["", ""]
    if len(said) != 2 or not all(isinstance(one, str) for one in said):
        raise fields.wrong(name)
    return Phrase(sound(said[0]), sound(said[1]))


def _usage(fields: Fields | None) -> Usage | None:
    return None if fields is None else Usage(*(fields.whole(name) for name in USAGE_FIELDS))


def _timings(fields: Fields | None) -> Timings | None:
    return None if fields is None else Timings(*(_rate(fields, name) for name in TIMINGS_FIELDS))


def _rate(fields: Fields, name: str) -> Any:
    return None if fields.said.get(name) is None else fields.number(name)


def _document(fields: Fields, same_home: bool) -> int:
    """The number of a document of another data folder must never mean one of this: it is below zero here."""
    number = fields.said.get("document_id", 0)
    if isinstance(number, bool) or not isinstance(number, int) or abs(number) > _MOST:
        raise fields.wrong("document_id")
    return number if same_home else -abs(number)


def _source(fields: Fields, same_home: bool) -> Source:
    pages = fields.listed("pages")
    for pair in pages:
        if not (isinstance(pair, list) and len(pair) == 2 and all(_place(one) for one in pair)):
            raise fields.wrong("pages")
    return Source(
        fields.whole("n"),
        _document(fields, same_home),
        fields.text("title"),
        fields.text("name"),
        fields.whole("page"),
        fields.text("label"),
        fields.whole("start"),
        fields.whole("end"),
        fields.text("text"),
        fields.text("known_as"),
        tuple((offset, page) for offset, page in pages),
    )


def _place(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST


def _citation(fields: Fields, length: int, same_home: bool) -> Citation:
    start, end = fields.whole("sentence_start"), fields.whole("sentence_end")
    if not start <= end <= length:
        raise fields.wrong("sentence_end")
    verified = fields.said.get("verified")
    return Citation(
        fields.whole("n"),
        _document(fields, same_home),
        fields.whole("page"),
        fields.whole("start"),
        fields.whole("end"),
        fields.text("quote"),
        start,
        end,
        None if verified is None else fields.flag("verified"),
    )
