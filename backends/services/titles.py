"""Conversations are named by the model that has just answered, when it has nothing else to do.

with services.titles.held(): ...                        # an answer is on its way: nothing is named until it is done

A title is background work of a few tokens, without thinking, from the beginnings of the question and the answer alone.
The next question ends it at once. Nothing is loaded for it, and where it would push what is kept of a conversation out
of the cache, the question's title stays.
"""

import contextlib
import logging
import threading
from collections.abc import Iterator

from backends.chat.answer import label
from backends.chat.prompts import filled, tongue
from backends.chat.store import ChatStore
from backends.chat.titles import one_line, spoken_title
from backends.chat.types import Message
from backends.core.cancel import CancelToken
from backends.core.errors import BackendError, Cancelled
from backends.core.stream import Runner, Stream
from backends.engine.protocol import Finished, GenerateRequest, Sampling, TextDelta, Turn
from backends.services.descent import within
from backends.services.foundation import Foundation

log = logging.getLogger(__name__)

LONGEST = 16  # tokens of a title
_QUESTION, _ANSWER = 400, 200  # characters that it is made of
_PROMPT = 512  # tokens that they are at most, with all around them
_LATEST = 3  # conversations that may still be named


class TitleServices:
    """Its thread: `titles`."""

    def __init__(self, foundation: Foundation, chats: ChatStore) -> None:
        self._base, self._chats = foundation, chats
        self._runner = Runner("titles")
        self._lock = threading.Lock()
        self._answers = 0
        self._closed = False
        self._naming: Stream[int] | None = None
        self._tried: set[int] = set()

    def close(self) -> None:
        with self._lock:
            self._closed = True
        self._runner.close()

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """While an answer is on its way. When the last one is done, what has no title yet is named."""
        with self._lock:
            self._answers += 1
            naming, self._naming = self._naming, None
        if naming is not None:
            naming.cancel()
        try:
            yield
        finally:
            with self._lock:
                self._answers -= 1
            self.name()

    def name(self) -> Stream[int] | None:
        """Name the last conversations that are called by their question yet; their ids come as they are named. None:
        not now."""
        if not self._base.settings.current.chat.name_chats or self._base.engine.model is None:
            return None
        with self._lock:
            if self._answers or self._closed:
                return None
            self._naming = self._runner.start(self._name)
            return self._naming

    def _name(self, *, cancel: CancelToken) -> Iterator[int]:
        for conversation_id in self._chats.untitled(_LATEST):
            if conversation_id in self._tried or self._base.engine.answers:
                continue
            try:
                title = self._title(conversation_id, cancel)
                cancel.check()
            except Cancelled:
                return
            except BackendError as error:
                log.info("conversation %d has no title: %s", conversation_id, error)
                return
            self._tried.add(conversation_id)
            if title and self._chats.give_title(conversation_id, title):
                self._base.changed("chats")
                yield conversation_id

    def _title(self, conversation_id: int, cancel: CancelToken) -> str:
        """ "" if the model says none, or if there is no room for it."""
        branch = self._chats.messages(conversation_id)
        question = next((one.content for one in branch if one.role == "user"), "")
        answer = next((one.content for one in branch if one.role == "assistant" and one.content), "")
        if not question or not answer or not self._fits(branch):
            return ""
        written = tongue(question)
        asked = {"question": one_line(question, _QUESTION), "answer": one_line(answer, _ANSWER)}
        request = GenerateRequest(
            [Turn("user", filled("title", written, **asked))],
            Sampling(temperature=0.0),
            max_tokens=LONGEST,
            thinking=False,
            thinking_budget=0,
            priority="background",
            labels=frozenset({label(conversation_id)}),
        )
        said, whole = "", False
        for event in within(self._base.engine.generate(request), cancel):
            if isinstance(event, TextDelta):
                said += event.text
            elif isinstance(event, Finished):
                whole = event.finish_reason == "stop"
        said = said.rpartition("</think>")[2]  # some close it once more
        return spoken_title(said, chinese=written == "zh", whole=whole)

    def _fits(self, branch: tuple[Message, ...]) -> bool:
        """Beside all that the cache may hold of the conversation."""
        loaded = self._base.engine.model
        if loaded is None or not branch:
            return False
        usage = branch[-1].usage
        held = usage.prompt_tokens + usage.completion_tokens if usage else 0
        return held + _PROMPT + LONGEST < loaded.context
