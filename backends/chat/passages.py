"""The answer where there is no model: the passages that come nearest to the question, with their pages.

Kept like any other answer, so that it can be written again once there is a model.
"""

import re
from collections.abc import Iterator

from backends.chat import evidence
from backends.chat.answer import AnswerEvent, AnswerSaved, AnswerStarted, Cited
from backends.chat.draft import Draft
from backends.chat.grounding import Grounding, SourcesFound
from backends.chat.prompts import tongue
from backends.chat.store import ChatStore
from backends.chat.types import Citation, Message, Problem
from backends.core.cancel import CancelToken
from backends.core.errors import BackendError, Cancelled
from backends.core.phrase import Language
from backends.documents.types import Found, SearchRequest
from backends.engine.protocol import TextDelta

_GAP = "\n\n"
_LINES = "  \n"  # lines stay lines: rows of a table, a heading and what is below it
_SIGNS = re.compile(r"[\\`*_\[\]<>#|~&]")
_ITEM = re.compile(r"^(\s*\d{0,9})([-+.)=](?=\s|$|=))")
LONGEST = 1200  # characters of a passage; the rest is a click away


def passages(
    store: ChatStore, grounding: Grounding, conversation_id: int, message_id: int, *, cancel: CancelToken
) -> Iterator[AnswerEvent]:
    """Answer a question that is stored already (or once more, beside the answer `message_id`)."""
    message = store.message(message_id)
    if message.role == "assistant" and message.parent_id is not None:
        message = store.message(message.parent_id)
    reply = store.add_message(conversation_id, "assistant", "", parent=message.id, status="streaming")
    draft = Draft(store, reply)
    try:
        yield AnswerStarted(message.id, reply.id)
        yield from _written(store, grounding, message, reply, draft, cancel)
        yield AnswerSaved(draft.end("done"))
    except (Cancelled, GeneratorExit):
        draft.end("stopped")
        raise
    except BackendError as error:
        yield AnswerSaved(draft.end("failed", Problem.of(error)))
        raise


def _written(
    store: ChatStore, grounding: Grounding, question: Message, reply: Message, draft: Draft, cancel: CancelToken
) -> Iterator[AnswerEvent]:
    found = Found((), False, True, 0)
    request = SearchRequest(question.content, scope=grounding.scope, without=grounding.without)
    for better in grounding.search(request, cancel=cancel):
        found = better
    cancel.check()
    shown = evidence.without_a_model(found)
    store.sourced.save_sources(reply.id, shown.sources)
    yield SourcesFound(shown.sources, searched=found.searched, waiting=found.waiting, chips=found.chips)
    language: Language = "zh" if tongue(question.content) == "zh" else "en"
    text, cited = written(shown, language)
    draft.take(TextDelta(text))
    yield TextDelta(text)
    store.sourced.save_citations(reply.id, cited)
    yield Cited(cited)


def written(shown: evidence.Shown, language: Language) -> tuple[str, tuple[Citation, ...]]:
    """As Markdown, and what it cites: each passage is a quote with its mark; what stands in it is text."""
    blocks, cited, length = [shown.above.to(language)], [], 0
    for source in shown.sources:
        length += len(blocks[-1]) + len(_GAP)
        text = source.text.strip()
        whole = text if len(text) <= LONGEST else text[:LONGEST].rsplit(maxsplit=1)[0] + " …"
        lines = [_plain(line) for line in whole.splitlines() or [""]]
        block = _LINES.join(f"> {line}" for line in lines) + f" [{source.n}]"
        blocks.append(block)
        cited.append(
            Citation(
                *(source.n, source.document_id, source.page, source.start, source.end, source.text),
                *(length, length + len(block), True),
            )
        )
    return _GAP.join((*blocks, shown.below.to(language))), tuple(cited)


def _plain(line: str) -> str:
    """As it was written, whatever Markdown would make of it."""
    return _ITEM.sub(r"\1\\\2", _SIGNS.sub(r"\\\g<0>", line))
