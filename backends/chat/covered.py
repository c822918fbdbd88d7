"""How much of a sentence a stretch of a passage has, found piece by piece: what two pieces have, both together have."""

from collections.abc import Sequence

from backends.chat.claims import Claim, Token
from backends.chat.names import related, stands_for


class Covering:
    """Bits stand for the content words of one sentence. Chinese characters count whole in pairs, half if alone."""

    def __init__(self, said: Claim, pieces: Sequence[Claim]) -> None:
        self._size = len(said.content)
        self._names: dict[Token, int] = {}
        self._keys: dict[str, int] = {}
        self._pairs: dict[str, int] = {}
        self._alone = 0  # what counts whole without the character beside it
        bit = 1
        for place, token in enumerate(said.tokens):
            if not token.content:
                continue
            self._keys[token.key] = self._keys.get(token.key, 0) | bit
            if token.kind == "name":
                self._names[token] = self._names.get(token, 0) | bit
            beside = [said.tokens[n] for n in (place - 1, place + 1) if 0 <= n < len(said.tokens)]
            if token.kind == "han":
                for pair in (beside[0].key + token.key if place else "", token.key + beside[-1].key):
                    self._pairs[pair] = self._pairs.get(pair, 0) | bit
            if token.kind != "han" or not any(
                len(one.key) == 1 and one.kind in ("han", "part", "not") for one in beside
            ):
                self._alone |= bit
            bit <<= 1
        self._found = [self._in(piece) for piece in pieces]

    def _in(self, piece: Claim) -> tuple[int, int]:
        """What counts whole, and what half or whole."""
        there = paired = 0
        for key in self._keys.keys() & piece.keys:
            there |= self._keys[key]
        for name, bits in self._names.items():
            if bits & ~there and named(name, piece):
                there |= bits
        for pair in self._pairs.keys() & piece.pairs:
            paired |= self._pairs[pair]
        return there & (paired | self._alone), there

    def shares(self, piece: int) -> bool:
        return self._found[piece][1] > 0

    def share(self, first: int, size: int) -> float:
        """0 to 1, of the stretch of `size` pieces."""
        whole = half = 0
        for one, other in self._found[first : first + size]:
            whole |= one
            half |= other
        return (whole.bit_count() + 0.5 * (half & ~whole).bit_count()) / self._size


def named(name: Token, window: Claim) -> bool:
    """Present as a word of any kind; Syria stands for Syrian; initials for what they stand for."""
    if name.key in window.keys:
        return True
    if any(related(name.key, word) for word in window.once(_by_beginning).get(name.key[:4], ())):
        return True
    return stands_for(name.key, window.tokens)


def _by_beginning(tokens: Sequence[Token]) -> dict[str, list[str]]:
    """Names and words by their first four letters, which related ones have alike."""
    found: dict[str, list[str]] = {}
    for token in tokens:
        if token.kind in ("name", "word"):
            found.setdefault(token.key[:4], []).append(token.key)
    return found
