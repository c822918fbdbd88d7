"""Names that are the same although they are written differently."""

from collections.abc import Sequence

from backends.chat.claims import Token


def stands_for(name: str, tokens: Sequence[Token]) -> bool:
    """Initials: OAPEC of the Organization of Arab Petroleum Exporting Countries."""
    if not (3 <= len(name) <= 7 and name.isascii() and name.isalpha()):
        return False
    return name in "".join(token.key[0] if token.kind == "name" else " " for token in tokens if token.kind != "part")


def related(one: str, other: str) -> bool:
    """The country and its people: Syria, Syrian, Syrians; Japan, Japanese."""
    if one == other:
        return True
    short, long = sorted((one, other), key=len)
    if len(short) < 4 or any(c.isdigit() for c in long):
        return False
    if long.startswith(short):
        return long[len(short) :] in ("s", "n", "ns", "an", "ans", "ian", "ians", "ese", "ish", "es")
    stem = short[:-1]
    return len(stem) >= 4 and long.startswith(stem) and long[len(stem) :] in ("ian", "ians", "an", "ans", "ese", "ish")


def among(token: Token, others: Sequence[Token]) -> bool:
    if token.kind == "name" and stands_for(token.key, others):
        return True
    return any(token.key == other.key or (token.kind == "name" and related(token.key, other.key)) for other in others)
