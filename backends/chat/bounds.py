"""At least, at most: on which side of a number the truth may lie."""

import re
from collections.abc import Sequence
from functools import cache

from backends.chat.claims import Token
from backends.chat.clauses import Flat, latin

_NEAR = 8  # tokens before and after a number that may say so
_TIME = ("d", "week", "month", "year", "h", "min", "s")
_MEASURED = "(?:小时|分钟|平方|公里|工作|周岁|公斤|[个天日岁米元年月分人件名周页度]){0,3}"


@cache
def _patterns() -> tuple["re.Pattern[str]", ...]:
    most = latin(
        "at most/up to/no more than/not more than/not exceed/not exceeding/no longer than/not longer than/less than/"
        "notafter/fewer than/lower than/below/under/maximum of/a maximum/not over/not above/shorter than/younger than/"
        "within"
    )
    least = latin(
        "at least/no less than/not less than/no fewer than/more than/greater than/higher than/above/over/exceed/"
        "exceeding/minimum of/a minimum/longer than/older than/upwards of/not under/not below"
    )
    return (
        re.compile(
            rf"(?:{most}|不超过|不多于|不高于|不大于|不满|最多|至多|不足|低于|少于|小于|未满|最长)"
            r"(?: the | a | |[约为在到用使可以])*$"
        ),
        re.compile(
            rf"(?:{least}|不少于|不低于|不小于|至少|最少|起码|超过|多于|高于|大于|逾|满|最短)"
            r"(?: the | a | |[约为在到用使可以要需])*$"
        ),
        re.compile(rf"^ ?{_MEASURED}(?:以下|以内|之内|及以下)|^ or (?:less|fewer|under|below) "),
        re.compile(rf"^ ?{_MEASURED}(?:以上|及以上|之上|[余多])|^ or (?:more|over|above|abov) "),
    )


_EXACT, _MOST, _LEAST, _OVER = frozenset((0,)), frozenset((-1,)), frozenset((1,)), frozenset((0, 1))


def bound(tokens: Sequence[Token], place: int) -> frozenset[int]:
    """-1: at most the number at `place`, or less than it; 1: at least; 0: the number itself; both of what may be
    either: "over 12 years"."""
    most, least, most_after, least_after = _patterns()
    quantity = tokens[place].quantity
    before = Flat(tokens[max(0, place - _NEAR) : place]).text
    after = Flat(tokens[place + 1 : place + _NEAR]).text
    if most.search(before) or most_after.search(after):
        return _MOST
    found = least.search(before)
    lasting = quantity is not None and quantity.unit in _TIME
    if found and lasting and found.group().split()[:1] == ["over"]:
        return _OVER
    return _LEAST if found or least_after.search(after) else _EXACT


def bounds_differ(said: Sequence[Token], there: Sequence[Token]) -> bool:
    """A number of the sentence that the passage has with other bounds only."""
    found: dict[str, set[int]] = {}
    for place, token in enumerate(there):
        if token.kind == "number":
            found.setdefault(token.key, set()).update(bound(there, place))
    return any(
        token.kind == "number" and token.key in found and not bound(said, place) & found[token.key]
        for place, token in enumerate(said)
    )


def bounded(tokens: Sequence[Token]) -> set[str]:
    """The numbers that bound something."""
    return {token.key for place, token in enumerate(tokens) if token.kind == "number" and 0 not in bound(tokens, place)}
