"""What stands around the messages of a file, in the language of the person."""

import time
from dataclasses import dataclass, replace

from backends.chat.export.types import Head, Kept, Manner, Told
from backends.chat.types import EDITED, Source
from backends.core.phrase import Language, Phrase
from backends.governance import labels

UNTITLED = Phrase("Chat", "对话")
CHATS = Phrase("Chats", "全部对话")
YOU = Phrase("You", "您")
ANSWER = Phrase("Answer", "回答")
PASSAGES = Phrase("Passages of documents", "文档原文")
THINKING = Phrase("Thinking", "思考过程")
REFERENCES = Phrase("References", "参考资料")
_ERASED = Phrase("a document that was erased", "已清除的文档")
_UNCONFIRMED = Phrase("not found to say this", "未能证实")
_STOPPED = Phrase("This answer was stopped.", "此回答已被停止。")
_CUT = Phrase("This answer was cut off: its longest length came first.", "此回答已达到最大长度，未写完。")
_EXPORTED = Phrase("Exported from DeskSeek", "由 DeskSeek 导出")


@dataclass(frozen=True, slots=True)
class Said:
    """A message in the words of a file; "" and () for what is not there. `who` wrote it; `about`: when, and where in
    the tree; `remark`: why the text ends early."""

    who: str
    about: str
    label: str
    thinking: str
    text: str
    as_written: bool  # the person's words: no Markdown
    remark: str
    references: tuple[str, ...]


def said(told: Told, number: int, after: int, manner: Manner) -> Said:
    message, language = told.message, manner.language
    by_person = message.role == "user"
    who = (YOU if by_person else ANSWER if told.by_model else PASSAGES).to(language)
    if message.model:
        who = message.model
    about = [moment(message.created)]
    if message.siblings > 1:
        about.append(_variant(number, after, message.position, message.siblings).to(language))
    return Said(
        who,
        " · ".join(about),
        label(told, manner),
        message.reasoning if manner.thinking and not by_person else "",
        message.content,
        by_person,
        "" if by_person else _remark(told).to(language),
        references(told, language),
    )


def label(told: Told, manner: Manner) -> str:
    if not (told.by_model and manner.label):
        return ""
    return (labels.EDITED if told.message.finish_reason == EDITED else labels.ANSWER).to(manner.language)


def without_thinking(one: Said) -> Said:
    return replace(one, thinking="")


def _variant(number: int, after: int, position: int, siblings: int) -> Phrase:
    en, zh = (
        f"message {number}: variant {position} of {siblings}",
        f"消息 {number}：第 {position} 个版本，共 {siblings} 个",
    )
    if after:
        en, zh = f"{en}, follows message {after}", f"{zh}，接消息 {after}"
    return Phrase(en, zh)


def _remark(told: Told) -> Phrase:
    message = told.message
    if message.problem is not None:
        return message.problem.message
    if message.status in ("stopped", "streaming"):
        return _STOPPED
    return _CUT if message.finish_reason == "length" else Phrase("", "")


def references(told: Told, language: Language) -> tuple[str, ...]:
    """The sources that the answer cites (all, if it cites none), each with the pages and what is quoted."""
    cited = {one.n for one in told.citations}
    return tuple(_reference(told, one, language) for one in told.sources if one.n in cited or not cited)


def _reference(told: Told, source: Source, language: Language) -> str:
    quotes = [one for one in told.citations if one.n == source.n and one.document_id == source.document_id]
    pages = sorted({one.page for one in quotes if one.page} or {source.page} - {0})
    words = [source.title or source.name or _ERASED.to(language)]
    if source.label:
        words.append(source.label)
    if pages:
        listed = ", ".join(map(str, pages))
        words.append(f"第 {listed} 页" if language == "zh" else f"p. {listed}")
    line = f"[{source.n}] " + (", " if language == "en" else "，").join(words)
    said = []
    for one in dict.fromkeys((" ".join(one.quote.split()), one.verified) for one in quotes if one.quote):
        quoted = f"“{one[0]}”"
        said.append(quoted if one[1] is not False else f"{quoted} ({_UNCONFIRMED.to(language)})")
    colon = ": " if language == "en" else "："
    return line + (colon + " ".join(said) if said else "")


def title(kept: Kept, language: Language) -> str:
    return kept.conversation.title or UNTITLED.to(language)


def made_on(head: Head) -> str:
    return f"{_EXPORTED.to(head.manner.language)} · {moment(head.made)}"


def moment(seconds: float) -> str:
    """In the time of this computer. The C library knows no year 40,000, and Windows none before 1970."""
    try:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
    except (OverflowError, OSError, ValueError):
        return "?"
