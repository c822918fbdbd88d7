"""What of a conversation fits the model's context, before its question is sent.

for fit in services.fitting.fit(conversation_id, "What is being written", scope): ...      # one event, the last
services.fitting.fit(None, "The first question", ConversationScope("all"))                  # not begun

It is the arithmetic of the answer itself (`chat.prompt`, `chat.grounding`), with what is being written in the place of
the question. What a search will find is not known before: room is kept for it, by the usual length of a passage.
"""

from collections.abc import Callable, Iterator, Sequence

from backends.chat import prompt
from backends.chat.fit import Fit, rough
from backends.chat.grounding import (
    Grounding,
    before_search,
    kept_for_history,
    read_whole,
    room_for_sources,
)
from backends.chat.options import Options
from backends.chat.sourced import ConversationScope
from backends.chat.store import ChatStore
from backends.chat.types import Message
from backends.core.cancel import CancelToken
from backends.core.errors import Cancelled, InvalidInput, Problem, Unavailable
from backends.core.stream import Runner, Stream
from backends.engine.protocol import Engine, LoadedModel, Turn
from backends.models.types import CatalogModel
from backends.services.answering import AnswerServices
from backends.services.grounding import GroundingServices

__all__ = ["FittingServices"]

_WORDS = 60  # characters by which a turn is known
_SAMPLE = 4000  # characters of a document from which the length of its passages in tokens is guessed
_SAMPLED = 3  # documents
_USUAL = Options()


class FittingServices:
    """Its thread: `fitting`. Nothing is counted while no model is loaded."""

    def __init__(
        self, engine: Engine, chats: ChatStore, grounding: GroundingServices, answering: AnswerServices
    ) -> None:
        self._engine, self._chats, self._grounding, self._answering = engine, chats, grounding, answering
        self._runner = Runner("fitting")

    def close(self) -> None:
        self._runner.close()

    def fit(
        self, conversation_id: int | None, text: str, scope: ConversationScope, options: Options = _USUAL
    ) -> Stream[Fit]:
        """`scope` and `options`: of a conversation that has not begun (None); others have their own."""
        return self._runner.start(self._fit, conversation_id, text, scope, options)

    def _fit(
        self, conversation_id: int | None, text: str, scope: ConversationScope, options: Options, *, cancel: CancelToken
    ) -> Iterator[Fit]:
        cancel.check()
        loaded = self._engine.model
        if loaded is None:
            yield Fit(rough(text), exact=False)
            return
        try:
            yield self._measured(loaded, conversation_id, text, scope, options, cancel)
        except Unavailable:  # the model has just gone
            yield Fit(rough(text), exact=False)

    def _measured(
        self,
        loaded: LoadedModel,
        conversation_id: int | None,
        text: str,
        scope: ConversationScope,
        options: Options,
        cancel: CancelToken,
    ) -> Fit:
        context = loaded.context
        if len(text) > context * prompt.CHARACTERS_PER_TOKEN:  # it need not be counted
            return Fit(rough(text), exact=False, problem=_too_long(rough(text), context))
        tokens = self._length(text, cancel)
        organised = self._chats.organised
        if conversation_id is not None:
            options = organised.options(conversation_id)
        if options.model and (own := self._answering.usual(options).model) is not None and own.path != loaded.path:
            return Fit(tokens)  # another model answers here, and its context is not known before it is loaded
        before = self._chats.messages(conversation_id) if conversation_id is not None else ()
        grounding = (
            self._grounding.of(conversation_id) if conversation_id is not None else self._grounding.of_new(scope)
        )
        manner = self._answering.manner(options, grounding)
        branch = (*before, _question(text))
        counted = prompt.counting(self._engine, cancel)
        sources = _Sources(grounding, branch, context, counted, cancel, manner.model)

        def count(turns: Sequence[Turn]) -> int:
            return counted(turns) + sources.reserved

        try:
            built = prompt.build(
                sources.messages,
                context=context,
                model=manner.model,
                instructions=manner.instructions,
                count=count,
                lead=sources.lead,
            )
        except InvalidInput as error:
            if error.code != "context_too_long":
                raise
            return Fit(tokens, problem=Problem.of(error))
        said = {message.id: " ".join(message.content.split())[:_WORDS] for message in before}
        gone = [one for one in built.left_out if one in said]
        return Fit(
            tokens,
            left_out=len(gone),
            first=said[gone[0]] if gone else "",
            last=said[gone[-1]] if gone else "",
            not_whole=sources.not_whole,
            passages=sources.passages,
            wanted=sources.wanted,
        )

    def _length(self, text: str, cancel: CancelToken) -> int:
        """In tokens, the template aside."""
        stream = self._engine.tokenize(text)
        forget = cancel.on_cancel(stream.cancel)
        try:
            for tokens in stream:
                return len(tokens)
        finally:
            forget()
        raise Cancelled


class _Sources:
    """What is known of a question's sources before anything is searched."""

    def __init__(
        self,
        grounding: Grounding | None,
        branch: Sequence[Message],
        context: int,
        count: prompt.Count,
        cancel: CancelToken,
        model: CatalogModel | None,
    ) -> None:
        self.messages, self.lead, self.reserved = list(branch), "", 0
        self.not_whole: tuple[str, ...] = ()
        self.passages: int | None = None
        self.wanted = 0
        if grounding is None:
            return

        def tokens(text: str) -> int:
            cancel.check()
            return count([Turn("user", text)])

        question = branch[-1].content
        room = room_for_sources(question, context, model, tokens)
        whole = read_whole(grounding, question, room, context, tokens)
        self.messages = (whole or before_search(question)).messages(branch)
        if whole is not None:
            self.lead = whole.lead
            return
        room = max(0, room - kept_for_history(branch[:-1], context, count))
        store, limits = grounding.store, grounding.limits
        documents = [store.document(one) for one in store.visible(grounding.scope)]
        if len(documents) <= limits.whole:
            self.not_whole = tuple(one.title or one.name for one in documents)
        each = _length_of_passage(grounding, tokens)
        there = sum(one.passages for one in documents)
        self.wanted = min(limits.passages, there)
        self.passages = min(self.wanted, room // each) if each else None
        self.reserved = min(room, each * min(there, limits.passages + 2 * limits.neighbours * limits.widened))


def _length_of_passage(grounding: Grounding, tokens: Callable[[str], int]) -> int:
    """In tokens, of the first documents; 0: there is none."""
    store, lengths = grounding.store, []
    for one in tuple(store.visible(grounding.scope))[:_SAMPLED]:
        document = store.document(one)
        sample = store.text(one, 0, _SAMPLE)
        if document.passages and sample:
            lengths.append(tokens(sample) * document.characters // (len(sample) * document.passages))
    return max(1, sum(lengths) // len(lengths)) if lengths else 0


def _too_long(tokens: int, context: int) -> Problem | None:
    try:
        prompt.require_some_room(tokens, context)
    except InvalidInput as error:
        return Problem.of(error)
    return None


def _question(text: str) -> Message:
    return Message(0, 0, None, "user", text, "", "done", "", "", "", None, None, None, 0.0, 0.0, 0.0, 1, 1)
