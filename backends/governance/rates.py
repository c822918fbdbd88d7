"""How much a key may ask for in a minute: requests, and tokens (of prompts that were computed, and of answers)."""

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from backends.governance.access import Caller

__all__ = ["Rates"]

MINUTE = 60.0


@dataclass(slots=True)
class _Spent:
    requests: deque[float] = field(default_factory=deque)
    tokens: deque[tuple[float, int]] = field(default_factory=deque)
    total: int = 0  # of `tokens`


class Rates:
    """The last minute of every key that has a limit. Any thread may use it. `clock`: seconds, monotonic."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._spent: dict[str, _Spent] = {}

    def admit(self, caller: Caller) -> int:
        """0: it may ask, and that counts. Else the whole seconds, 1 to 60, after which it may."""
        if not caller.requests_per_minute and not caller.tokens_per_minute:
            return 0
        with self._lock:
            spent, now = self._recent(caller.key_id), self._clock()
            waits = [0.0]
            if 0 < caller.requests_per_minute <= len(spent.requests):
                waits.append(spent.requests[-caller.requests_per_minute] + MINUTE - now)
            if 0 < caller.tokens_per_minute <= spent.total:
                waits.append(self._until_free(spent, caller.tokens_per_minute) + MINUTE - now)
            if max(waits) > 0:
                return max(1, min(60, math.ceil(max(waits))))
            spent.requests.append(now)
            return 0

    def spend(self, caller: Caller, tokens: int) -> None:
        """What a request of it has cost, once that is known."""
        if caller.tokens_per_minute and tokens > 0:
            with self._lock:
                spent = self._recent(caller.key_id)
                spent.tokens.append((self._clock(), tokens))
                spent.total += tokens

    @staticmethod
    def _until_free(spent: _Spent, limit: int) -> float:
        """The time of the spending after whose end less than the limit is left."""
        left = spent.total
        for when, tokens in spent.tokens:
            left -= tokens
            if left < limit:
                return when
        return 0.0

    def _recent(self, key_id: str) -> _Spent:
        spent, since = self._spent.setdefault(key_id, _Spent()), self._clock() - MINUTE
        while spent.requests and spent.requests[0] <= since:
            spent.requests.popleft()
        while spent.tokens and spent.tokens[0][0] <= since:
            spent.total -= spent.tokens.popleft()[1]
        return spent
