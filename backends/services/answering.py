"""Answers of conversations: each by its own model, in its own manner, in its turn.

for event in services.answering.regenerate(conversation_id, question_id): ...
services.answering.usual(options)                       # what holds where they say nothing
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

from backends.chat.answer import AnswerAsked, AnswerEvent, Manner, ModelChosen, go_on, regenerate
from backends.chat.grounding import Grounding
from backends.chat.options import Options, Usual
from backends.chat.passages import passages
from backends.chat.store import ChatStore
from backends.core.cancel import CancelToken
from backends.core.errors import NotFound
from backends.core.stream import Runner, Stream
from backends.core.turns import Turns
from backends.engine.protocol import MOST_PARALLEL, Finished, LoadedModel, LoadEvent
from backends.models.types import CatalogModel, LocalModel
from backends.services.foundation import Foundation
from backends.services.grounding import GroundingServices
from backends.services.loading import LoadingServices, within
from backends.services.titles import TitleServices

__all__ = ["AnswerServices"]


class AnswerServices:
    """Its threads: `chat`, as many as the engine answers at once."""

    def __init__(
        self,
        foundation: Foundation,
        chats: ChatStore,
        loading: LoadingServices,
        grounding: GroundingServices,
        turns: Turns,
        titles: TitleServices,
    ) -> None:
        self._base, self._chats, self._loading = foundation, chats, loading
        self._grounding, self._turns, self._titles = grounding, turns, titles
        self._runner = Runner("chat", MOST_PARALLEL)
        self._own: tuple[LocalModel, LoadedModel] | None = None  # asked for by a conversation, and what came of it

    def close(self) -> None:
        self._runner.close()

    def regenerate(
        self, conversation_id: int, message_id: int, without: frozenset[str] = frozenset()
    ) -> Stream[AnswerEvent | LoadEvent]:
        """Answer a question that is stored already, or once more beside the old answer `message_id`. `without`: keys of
        what the question says of its documents and is not to be taken for it.

        The conversation's own model is loaded first if another one is; else the usual one if none is.
        """
        return self._runner.start(self._answer, regenerate, conversation_id, message_id, without)

    def go_on(self, conversation_id: int, message_id: int) -> Stream[AnswerEvent | LoadEvent]:
        """Write on an answer that was cut off, from its last word. Loads as `regenerate` does."""
        return self._runner.start(self._answer, go_on, conversation_id, message_id)

    def usual(self, options: Options) -> Usual:
        """What holds where these say nothing. Reads the list of models: not on the thread of the window."""
        named = self._named(options)
        model = self._loading.default_model()
        known = self._known(named or model)
        chat, sampling = self._base.settings.current.chat, Options().sampling(known)
        there = Options(
            instructions=chat.system_prompt,
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            top_k=sampling.top_k,
            min_p=sampling.min_p,
            repeat_penalty=sampling.repeat_penalty,
            thinking_budget=chat.thinking_budget,
        )
        gone = bool(options.model) and named is None
        return Usual(there, model, known is not None, gone, named or self._answers(model))

    def manner(self, options: Options, grounding: Grounding | None = None) -> Manner:
        """How the loaded model answers a conversation with these options."""
        model, chat = self._loading.catalog_model(), self._base.settings.current.chat
        budget = chat.thinking_budget if options.thinking_budget is None else options.thinking_budget
        return Manner(
            model,
            options.sampling(model),
            chat.system_prompt if options.instructions is None else options.instructions,
            options.max_tokens,
            budget or None,
            grounding,
        )

    def _answer(
        self,
        task: Callable[..., Iterator[AnswerEvent]],
        conversation_id: int,
        message_id: int,
        without: frozenset[str] = frozenset(),
        *,
        cancel: CancelToken,
    ) -> Iterator[AnswerEvent | LoadEvent]:
        """The turn is given on as soon as the engine has the question: then no other load comes before it.

        Without any model on this computer, a conversation that uses documents is answered with their passages."""
        engine = self._base.engine
        grounding = self._grounding.of(conversation_id, without)
        if grounding is not None and engine.model is None and self._loading.default_model() is None:
            yield from passages(self._chats, grounding, conversation_id, message_id, cancel=cancel)
            return
        with self._titles.held(), ExitStack() as turn:
            turn.enter_context(self._turns.mine(cancel))
            options = self._chats.organised.options(conversation_id)
            yield from self._have(options, cancel)
            manner = self.manner(options, grounding)
            for event in task(self._chats, engine, manner, conversation_id, message_id, cancel=cancel):
                if isinstance(event, AnswerAsked):
                    turn.close()
                elif isinstance(event, Finished):
                    self._loading.note_answer(event)
                yield event

    def _have(self, options: Options, cancel: CancelToken) -> Iterator[ModelChosen | LoadEvent]:
        """The model that these name; the usual one if they name none, or one that is there no more.

        Whoever names none is content with the one that is loaded, unless it came for another conversation alone."""
        engine = self._base.engine
        engine.touch()
        named = self._named(options)
        wanted = named or self._loading.default_model()
        if wanted is None or (named is None and not self._is_anothers()):
            if options.model:
                yield ModelChosen(self._name_of_loaded() or (wanted.name if wanted else ""), gone=options.model)
            yield from self._loading.ensure(cancel)
            return
        yield ModelChosen(wanted.name, gone=options.model if named is None else "")
        if not self._is_loaded(wanted):
            yield from within(self._loading.have(wanted), cancel)
            if named is not None and engine.model is not None:
                self._own = (named, engine.model)

    def _named(self, options: Options) -> LocalModel | None:
        if not options.model:
            return None
        here = self._base.library.models()
        usable = (one for one in here if one.kind == "chat" and one.current and not one.problem.en)
        return next((one for one in usable if one.id == options.model), None)

    def _is_loaded(self, model: LocalModel) -> bool:
        """Also where a smaller one had to be loaded in its place: it is not tried again for each question."""
        loaded = self._base.engine.model
        if loaded is None:
            return False
        instead = self._own is not None and self._own[1] == loaded and self._own[0].path == model.path
        return loaded.path == model.path or instead

    def _is_anothers(self) -> bool:
        loaded, usual = self._base.engine.model, self._loading.default_model()
        came = loaded is not None and self._own is not None and self._own[1] == loaded
        return came and usual is not None and not self._is_loaded(usual)

    def _answers(self, usual: LocalModel | None) -> LocalModel | None:
        """Who names none. None: it is not known among those on this computer."""
        loaded = self._base.engine.model
        if loaded is None or self._is_anothers():
            return usual
        return next((one for one in self._base.library.models() if one.path == loaded.path), None)

    def _name_of_loaded(self) -> str:
        loaded = self._base.engine.model
        here = self._base.library.models() if loaded is not None else ()
        return next((one.name for one in here if loaded is not None and one.path == loaded.path), "")

    def _known(self, model: LocalModel | None) -> CatalogModel | None:
        try:
            return self._base.catalog.find(model.catalog_id) if model and model.catalog_id else None
        except NotFound:
            return None
