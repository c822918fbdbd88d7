"""One request from its first byte to its last: who asks, in which dialect, its cost, whether it is still wanted.

The guard makes it; a handler finds it by `of(request)`, tells it the streams that work for it, and the log reads it.
"""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from backends.api.routes import Dialect, Route
from backends.core.cancel import CancelToken
from backends.core.stream import Stream
from backends.engine.protocol import Usage
from backends.governance.access import Caller

State = Literal["waiting", "loading", "reading", "writing", "done"]
KEY = "deskseek.call"  # in the scope of an ASGI request


@dataclass(slots=True)
class Call:
    """`token` is cancelled when the client has gone, or the person has had enough; all times by the monotonic clock."""

    route: Route | None  # None: an unknown path
    caller: Caller | None = None  # None until it is known
    client_id: str = ""  # what the client calls it, for the log alone
    id: str = field(default_factory=lambda: f"req_{secrets.token_hex(12)}")
    started: float = field(default_factory=time.monotonic)
    at: float = field(default_factory=time.time)  # seconds since 1970, to be shown
    token: CancelToken = field(default_factory=CancelToken)
    state: State = "waiting"
    model: str = ""
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    pieces: int = 0  # of answers, that were told so far: hardly fewer than their tokens
    reasoning_tokens: int = 0
    first_token: float | None = None  # seconds after `started`
    status: int = 0
    asked: str = ""  # texts, kept only where the person wishes it
    answered: str = ""
    on_change: Callable[["Call"], None] | None = None

    @property
    def dialect(self) -> Dialect:
        return self.route.dialect if self.route else "openai"

    @property
    def scope_caller(self) -> Caller:
        assert self.caller is not None
        return self.caller

    def enter(self, state: State) -> None:
        if self.state != state:
            self.state = state
            self.changed()

    def changed(self) -> None:
        if self.on_change is not None:
            self.on_change(self)

    def said_something(self) -> None:
        """Its first token is there."""
        if self.first_token is None:
            self.first_token = time.monotonic() - self.started
            self.enter("writing")

    def count(self, usage: Usage) -> None:
        """What one of its answers has cost. The prompt of several answers is read once, and counted once."""
        self.prompt_tokens = max(self.prompt_tokens, usage.prompt_tokens)
        self.cached_tokens = max(self.cached_tokens, usage.cached_tokens)
        self.completion_tokens += usage.completion_tokens
        self.reasoning_tokens += usage.reasoning_tokens

    @contextmanager
    def following(self, *streams: Stream[Any]) -> Iterator[None]:
        """While inside, who is not wanted any more stops these."""
        forget = [self.token.on_cancel(stream.cancel) for stream in streams]
        try:
            yield
        finally:
            for each in forget:
                each()


def of(request: Any) -> Call:
    """The call that this web request is."""
    return request.scope[KEY]
