"""Requests that are being answered now, for whoever looks on, and a way to end one.

The event loop changes them; any thread may look.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from backends.api.calls import Call, State

__all__ = ["LiveCall", "LiveCalls", "Moved"]


@dataclass(slots=True)
class Moved:
    """Bytes of HTTP that programs sent here, and that they were sent: headers too, TLS not. Grows on the event loop
    alone."""

    received: int = 0
    sent: int = 0


@dataclass(frozen=True, slots=True)
class LiveCall:
    """A request as it stands. Times in seconds."""

    id: str
    key_name: str
    method: str
    route: str
    model: str
    state: State
    at: float  # since 1970
    seconds: float  # so long it takes already
    prompt_tokens: int
    completion_tokens: int  # so far; as pieces of text until the answer is whole


class LiveCalls:
    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        """`changed` is called, on the event loop, when one begins, changes its state, or ends: it returns at once."""
        self._changed = changed
        self._lock = threading.Lock()
        self._calls: dict[str, Call] = {}

    def __len__(self) -> int:
        return len(self._calls)

    def began(self, call: Call) -> None:
        with self._lock:
            self._calls[call.id] = call
        call.on_change = lambda _: self._changed()
        self._changed()

    def ended(self, call: Call) -> None:
        with self._lock:
            self._calls.pop(call.id, None)
        call.on_change = None
        self._changed()

    def all(self) -> tuple[LiveCall, ...]:
        """The oldest first; only those whose key is known."""
        with self._lock:
            calls = [call for call in self._calls.values() if call.caller is not None]
        now = time.monotonic()
        return tuple(_seen(call, now) for call in calls)

    def cancel(self, call_id: str) -> bool:
        """End it as if its client had gone. False if it is over."""
        with self._lock:
            call = self._calls.get(call_id)
        if call is not None:
            call.token.cancel()
        return call is not None

    def cancel_key(self, key_id: str) -> int:
        """End all of a key that opens nothing any more; how many."""
        with self._lock:
            calls = [call for call in self._calls.values() if call.caller and call.caller.key_id == key_id]
        for call in calls:
            call.token.cancel()
        return len(calls)


def _seen(call: Call, now: float) -> LiveCall:
    route, caller = call.route, call.caller
    return LiveCall(
        call.id,
        caller.name if caller else "",
        route.method if route else "",
        route.path if route else "",
        call.model,
        call.state,
        call.at,
        now - call.started,
        call.prompt_tokens,
        max(call.completion_tokens, call.pieces),
    )
