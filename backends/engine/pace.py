"""How much of the waiting prompts is read in one step, so that running answers keep their pace.

A step costs `base + token_cost * tokens`; both are learnt from the steps as they go, those of late count most.

Matrices are multiplied in tiles of 16 rows: on a CPU 16 rows take no longer than 8 do, and 20 half as long again
(`python -m tests.bench rows`). So the tokens of a step, those who speak included, are a multiple of 16. Attention has
tiles, too, of 64 rows, and goes row by row where there are fewer: behind 4,000 tokens (`rows --behind 4000`) 64 rows
take 1.5 s on one thread, 63 take 3.3 s and 32 take 1.7 s. Threads share these tiles out by rows and heads, in four
parts each: of 64 rows and twelve heads they cut every third tile in two, and both halves take as long as a whole one;
128 come out even. So it is a multiple of 64, and two of them, where that does not take too long; what a token costs in
such steps is learnt apart from what it costs in smaller ones.
"""

_TILE, _ATTENTION, _EVEN = 16, 64, 128  # rows
_PERSON, _PERSON_MOST = 0.25, 0.35  # seconds of a step, beside the answer that a person reads; and for a whole tile
_OTHERS, _OTHERS_MOST = 1.2, 2.0  # beside those that only programs wait for
_LONGER = 2.5  # or so much longer than a step of those who speak alone
_WORTH = 2  # a whole tile may take so many times as long as the smallest slice, which reads a quarter of it
_LEAST = 8  # tokens; a prompt gets on, however slow the machine
_MEMORY = 0.2  # weight of the newest step


class Pace:
    """Seconds in, tokens out."""

    def __init__(self) -> None:
        self._base = self._large = self._small = 0.0

    def learn(self, decoded: int, read: int, seconds: float) -> None:
        """A step computed one token (or a draft) of each who speaks, `decoded` in all, and `read` of prompts."""
        if not read:
            self._base = _blend(self._base, seconds)
        elif read >= _LEAST:
            cost = max(seconds - (self._base if decoded else 0), 0) / read
            if decoded + read >= _ATTENTION:
                self._large = _blend(self._large, cost)
            else:
                self._small = _blend(self._small, cost)

    @property
    def token_cost(self) -> float:
        """Of a prompt's token in a large step, 0 while nobody knows."""
        return self._large or self._small

    def slice(self, most: int, speaking: int, *, person: bool) -> int:
        """How many tokens of prompts, at most so many, to read beside the tokens of those who speak; `person`: among
        them is one whose answer a person reads."""
        usual, longest = (_PERSON, _PERSON_MOST) if person else (_OTHERS, _OTHERS_MOST)
        seconds, longest = (max(limit, _LONGER * self._base) - self._base for limit in (usual, longest))
        large, small = self._large or self._small, self._small or self._large
        least, tile, even = (-(-(speaking + _LEAST) // size) * size for size in (_TILE, _ATTENTION, _EVEN))
        if not large:
            return min(most, tile - speaking)
        rows = (speaking + int(seconds / large)) // _ATTENTION * _ATTENTION
        if rows < even and (even - speaking) * large <= longest:
            rows = even
        elif rows < tile:
            worth = _WORTH * (self._base + (least - speaking) * small) - self._base
            few = min((speaking + int(seconds / small)) // _TILE * _TILE, tile - _TILE)
            rows = tile if (tile - speaking) * large <= max(longest, worth) else max(least, few)
        return min(most, rows - speaking)


def _blend(old: float, new: float) -> float:
    return old + _MEMORY * (new - old) if old else new
