"""How much of the waiting prompts is read in one step, so that running answers keep their pace.

A step costs `base + token_cost * tokens`; both are learnt from the steps as they go, those of late count most.

Matrices are multiplied in tiles of 16 rows: on a CPU 16 rows take no longer than 8 do, and 20 half as long again
(`python -m tests.bench rows`). So the tokens of a step, those who speak included, are a multiple of 16.
"""

_TARGET, _LONGER = 0.08, 2.5  # seconds that a step takes at most, or so much longer than for those who speak alone
_LEAST = 8  # tokens; a prompt gets on, however slow the machine
_MEMORY = 0.2  # weight of the newest step
_TILE = 16  # rows


class Pace:
    """Seconds in, tokens out."""

    def __init__(self) -> None:
        self._base = self._token_cost = 0.0

    def learn(self, decoded: int, read: int, seconds: float) -> None:
        """A step computed one token (or a draft) of each who speaks, `decoded` in all, and `read` of prompts."""
        if not read:
            self._base = _blend(self._base, seconds)
        elif read >= _LEAST:
            self._token_cost = _blend(self._token_cost, max(seconds - (self._base if decoded else 0), 0) / read)

    @property
    def token_cost(self) -> float:
        """Of a prompt's token in a large step, 0 while nobody knows."""
        return self._token_cost

    def slice(self, most: int, speaking: int) -> int:
        """How many tokens of prompts, at most so many, to read beside the tokens of those who speak."""
        rows = 4 * _TILE
        if self._token_cost:
            seconds = max(_TARGET, _LONGER * self._base) - self._base
            rows = (speaking + int(seconds / self._token_cost)) // _TILE * _TILE
        least = -(-(speaking + _LEAST) // _TILE) * _TILE
        return min(most, max(least, rows) - speaking)


def _blend(old: float, new: float) -> float:
    return old + _MEMORY * (new - old) if old else new
