"""Whether a passage says what a sentence says, by what can be checked without understanding it.

`True` only if one stretch of the passage (at most three sentences) has every number of the sentence (with its unit),
every name, the same negations at the same words, and at least 0.6 of its content words; and where the two are nearly
the same words, no number, name or Chinese word in the place of another. `None` where the languages differ and what
could be checked (numbers, part numbers, Latin names) holds, or where there is nothing to check.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from backends.chat.claims import Claim, Token, claim
from backends.chat.sentences import sentences
from backends.documents.words import language

ENOUGH = 0.6  # of the content words
_STRETCH = 3  # sentences
_ALIKE = 0.5  # of a sentence's content in matching runs: a copy, in which one changed word stands out
_NEAR = 3  # content words after a negation that it surely speaks of ...
_CLAUSE = 16  # ... and that it may speak of, where the order of words differs
_AROUND = 2  # content words on each side of a number or name that tell what it is of
_SHORT = 4  # tokens put in or left out: small enough to be a change, not another clause
_LONG = 24  # tokens for which others may be put

_SAME = """  words that stand for each other; anything else in the place of another is another
    成立 建立 创立 创建 设立 创办
    位于 坐落于 坐落 地处
    开始 始于 起于
    称为 称作 叫做 叫作 称
    大约 约 大概 左右 约为
    包括 包含 含有 涵盖
    超过 多于 高于 逾
    低于 少于 不足
    因为 由于 因
    担任 出任 任
    出生 诞生 生
    去世 逝世 病逝 死
    发布 公布 宣布 颁布
    发行 推出 出版
    增加 增长 上升 提高 上涨
    减少 下降 降低 下跌
    获得 取得 得到 荣获 获
    使用 采用 运用 用
    目前 现在 当前 如今
    主要 主
    认为 指出 表示
    属于 属
    导致 造成 引起 致
    制造 生产 制作
    以及 和 与 及 并
    是 为 乃 系
    共有 共 一共 总共 有
    一个 一座 一种 一名 一位 个 座 种 名 位
    发生 爆发
    该 此 这 其 本
"""
_SAME_AS = {word: n for n, group in enumerate(_SAME.splitlines()[1:]) for word in group.split()}


@dataclass(frozen=True, slots=True)
class Support:
    """`start` and `end`: the stretch of the passage that comes nearest, also of what is not `verified`."""

    verified: bool | None
    start: int
    end: int
    covered: float = 0.0


def support(sentence: str, passage: str) -> Support:
    said = claim(sentence)
    places = list(sentences(passage))
    if not said.content or not places:
        return Support(None, 0, len(passage))
    if _languages_differ(sentence, passage):
        return Support(_elsewhere(said, claim(passage, beginning=False)), 0, len(passage))
    best = Support(False, *places[0])
    pieces = [claim(passage[start:end]) for start, end in places]
    words = frozenset(token.key for piece in (said, *pieces) for token in piece.tokens if token.kind == "word")
    said, pieces = said.lowered(words), [piece.lowered(words) for piece in pieces]
    for size in range(1, _STRETCH + 1):
        for first in range(len(places) - size + 1):
            window = Claim(tuple(token for piece in pieces[first : first + size] for token in piece.tokens))
            covered = _covered(said, window)
            place = places[first][0], places[first + size - 1][1]
            if covered >= ENOUGH and _holds(said, window, single=size == 1):
                return Support(True, *place, covered)
            if covered > best.covered + 0.05 * (size > 1):
                best = Support(False, *place, covered)
        if size == 1 and any(_changed(said, piece) for piece in pieces):
            return best
    return best


def _languages_differ(sentence: str, passage: str) -> bool:
    one, other = language(sentence), language(passage)
    return bool(one and other) and one != other


def _elsewhere(said: Claim, passage: Claim) -> bool | None:
    """In another language: only numbers in figures and names in figures and Latin letters can be missing."""
    there = {number.value for number in passage.numbers}
    if any(number.value not in there for number in said.numbers if not number.spelled):
        return False
    latin = any(token.key.isascii() and token.kind in ("name", "word") for token in passage.tokens)
    mixed = any(token.kind == "han" for token in said.tokens)  # Latin words in a Chinese sentence are copied ones
    for name in said.names:
        copied = any(c.isdigit() for c in name.key) or (mixed and latin and name.key.isascii())
        if copied and not _named(name, passage):
            return False
    return None


# ---- what is covered


def _covered(said: Claim, window: Claim) -> float:
    """Share of the content words that the stretch has. Chinese characters count in pairs, half if alone."""
    points = 0.0
    tokens = said.tokens
    content = 0
    for place, token in enumerate(tokens):
        if not token.content:
            continue
        content += 1
        if token.kind != "han":
            points += token.key in window.keys or (token.kind == "name" and _named(token, window))
            continue
        beside = [tokens[n] for n in (place - 1, place + 1) if 0 <= n < len(tokens) and len(tokens[n].key) == 1]
        before = place > 0 and tokens[place - 1].key + token.key in window.pairs
        after = place + 1 < len(tokens) and token.key + tokens[place + 1].key in window.pairs
        if before or after or not any(one.kind in ("han", "part", "not") for one in beside):
            points += token.key in window.keys
        else:
            points += 0.5 * (token.key in window.keys)
    return points / content


def _holds(said: Claim, window: Claim, *, single: bool) -> bool:
    return (
        all(_counted(number.value, number.unit, window) for number in said.numbers)
        and all(_named(name, window) for name in said.names)
        and _negated_alike(said, window)
        and not _changed(said, window, single=single)
    )


def _counted(value: str, unit: str, window: Claim) -> bool:
    """There with the same unit. One that has none there may share that of the number after it ("10 to 20 km"), or have
    it in its column's head, if no other number has that unit."""
    for place, token in enumerate(window.tokens):
        other = token.quantity
        if other is None or other.value != value:
            continue
        if unit == other.unit or not unit:
            return True
        if not other.unit and unit not in ("%", "pp"):
            after = next((one for one in window.tokens[place + 1 : place + 4] if one.content), None)
            shared = after is not None and after.quantity is not None and after.quantity.unit == unit
            if shared or all(one.unit != unit for one in window.numbers):
                return True
    return False


def _named(name: Token, window: Claim) -> bool:
    """Present as a word of any kind; Syria stands for Syrian; initials for what they stand for."""
    if name.key in window.keys:
        return True
    words = [token for token in window.tokens if token.kind in ("name", "word")]
    if any(_related(name.key, token.key) for token in words):
        return True
    return _stands_for(name.key, window.tokens)


def _stands_for(name: str, tokens: Sequence[Token]) -> bool:
    """Initials: OAPEC of the Organization of Arab Petroleum Exporting Countries."""
    if not (3 <= len(name) <= 7 and name.isascii() and name.isalpha()):
        return False
    return name in "".join(token.key[0] if token.kind == "name" else " " for token in tokens if token.kind != "part")


def _related(one: str, other: str) -> bool:
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


# ---- negations


def _scopes(tokens: Sequence[Token], most: int = _NEAR) -> list[tuple[str, ...]]:
    """Of each negation: the content words after it, the nearest first."""
    found: list[tuple[str, ...]] = []
    for place, token in enumerate(tokens):
        if token.kind != "not":
            continue
        after: list[str] = []
        room = 2 * most  # a Chinese word has about two characters
        for other in tokens[place + 1 :]:
            if other.kind == "stop" or room <= 0:
                break
            if other.content:
                after.append(other.key)
                room -= 1 if other.kind == "han" else 2
        if not after:  # "He did not."
            after = [other.key for other in reversed(tokens[:place]) if other.content][:_NEAR]
        found.append(tuple(after))
    return found


def _negated_alike(said: Claim, window: Claim) -> bool:
    ours, theirs = _scopes(said.tokens), _scopes(window.tokens)
    far_ours, far_theirs = _scopes(said.tokens, _CLAUSE), _scopes(window.tokens, _CLAUSE)
    for near, far in zip(ours, far_ours, strict=True):
        by_theirs = any(_overlap(far, other) for other in theirs)
        if not by_theirs and not any(_overlap(near, other) for other in far_theirs):
            return False
    for near, far in zip(theirs, far_theirs, strict=True):
        there = [key for key in near if key in said.keys]
        if not there or len(there) < min(2, len(near)):
            continue
        if any(_overlap(near, other) for other in far_ours) or any(_overlap(far, other) for other in ours):
            continue
        if _together(there[:2], said.tokens):
            return False
    return True


def _overlap(one: Sequence[str], other: Sequence[str]) -> bool:
    """They speak of the same: one word, or two Chinese characters."""
    common = set(one) & set(other)
    characters = all(len(key) == 1 for key in (*one, *other))
    return len(common) >= (2 if characters and min(len(one), len(other)) > 1 else 1)


def _together(keys: Sequence[str], tokens: Sequence[Token]) -> bool:
    """The words stand near each other, in this order."""
    content = [token.key for token in tokens if token.content]
    if len(keys) == 1:
        return keys[0] in content
    first, second = keys
    return any(one == first and second in content[place + 1 : place + 1 + _NEAR] for place, one in enumerate(content))


# ---- one thing in the place of another


def _changed(said: Claim, window: Claim, *, single: bool = True) -> bool:
    """Where the sentence runs along the passage: something else in the place of a number, a name, a Chinese word; a
    negation put in or left out. `single`: the stretch is one sentence, within which words may have moved."""
    ours = [token for token in said.tokens if token.kind != "stop"]
    theirs = [token for token in window.tokens if token.kind != "stop"]
    matcher = SequenceMatcher(None, [token.key for token in ours], [token.key for token in theirs], autojunk=False)
    steps = matcher.get_opcodes()
    in_runs = sum(
        sum(token.content for token in ours[a:b]) for step, a, b, _, _ in steps if step == "equal" and b - a > 1
    )
    alike = in_runs >= _ALIKE * max(1, len(said.content))
    if not alike and in_runs < 2:
        return False
    if alike and any(_exchanged(kind, ours, theirs) for kind in ("number", "name")):
        return True
    apart = [(ours[a:b], theirs[c:d]) for step, a, b, c, d in steps if step != "equal"]
    only_ours = [token for mine, _ in apart for token in mine]
    only_theirs = [token for _, other in apart for token in other] if single else []
    turned = any(map(_negative, only_ours)) != any(_negative(token) for _, other in apart for token in other)
    if alike and single and _too_often(only_ours, only_theirs):
        return True
    for number, (step, a, b, c, d) in enumerate(steps):
        if step == "equal":
            continue
        mine, other = ours[a:b], theirs[c:d]
        before = number > 0 and steps[number - 1][0] == "equal"
        after = number + 1 < len(steps) and steps[number + 1][0] == "equal"
        held = before and after
        if held and turned and max(len(mine), len(other)) <= _SHORT and any(map(_negative, (*mine, *other))):
            return True
        if step != "replace":
            continue
        if before and not after:
            other = other[: len(mine) + 1]  # what stands at the same place; the passage goes on
        elif after and not before:
            other = other[-len(mine) - 1 :]
        gone = [token for token in other if token.content and not _among(token, only_ours)]
        come = [token for token in mine if token.content and not _among(token, only_theirs)]
        if not gone and not come:
            continue  # the same words in another order
        new = [token for token in mine if token.content and not _among(token, other)]
        lost = {token.kind for token in gone if token.strong}
        new = [token for token in new if token.kind in lost or not _among(token, only_theirs)]
        old = [token for token in other if token.content and not _among(token, mine)]
        if new and old and (held or alike) and _another(new, old, mine, other, alike=alike, held=held):
            return True
    return False


def _negative(token: Token) -> bool:
    return token.kind == "not" or token.key in ("不", "没", "无", "未", "非")


def _too_often(only_ours: Sequence[Token], only_theirs: Sequence[Token]) -> bool:
    """A number that the passage does not have once more, while it has another that the sentence lacks."""
    mine = [token.key for token in only_ours if token.kind == "number"]
    other = [token.key for token in only_theirs if token.kind == "number"]
    return any(mine.count(key) > other.count(key) for key in mine) and any(key not in mine for key in other)


def _exchanged(kind: str, ours: Sequence[Token], theirs: Sequence[Token]) -> bool:
    """Numbers of one unit, or names, that both have once stand in another order; at least two have lost their words,
    which they would have kept if the clauses alone had changed places."""
    mine = [_measured(token) for token in ours if token.kind == kind]
    other = [_measured(token) for token in theirs if token.kind == kind]
    common = {key for key in mine if mine.count(key) == 1 == other.count(key)}
    for unit in {unit for _, unit in common}:
        one = [key for key in mine if key in common and key[1] == unit]
        two = [key for key in other if key in common and key[1] == unit]
        moved = [key for (key, _), (there, _) in zip(one, two, strict=True) if key != there]
        if sum(not _beside(key, ours, moved) & _beside(key, theirs, moved) for key in moved) > 1:
            return True
    return False


def _beside(key: str, tokens: Sequence[Token], others: Sequence[str]) -> set[str]:
    """The words next to it, that are not next to the others too."""

    def around(one: str) -> set[str]:
        place = next(place for place, token in enumerate(content) if token.key == one)
        near = content[max(0, place - _AROUND) : place] + content[place + 1 : place + 1 + _AROUND]
        return {token.key for token in near if token.kind != "number"}

    content = [token for token in tokens if token.content]
    return around(key) - {word for other in others if other != key for word in around(other)}


def _measured(token: Token) -> tuple[str, str]:
    return token.key, token.quantity.unit if token.quantity else ""


def _another(
    new: Sequence[Token],
    old: Sequence[Token],
    mine: Sequence[Token],
    other: Sequence[Token],
    *,
    alike: bool,
    held: bool,
) -> bool:
    """Whether `new` stands in the place of `old` and is something else."""
    if len(other) > _LONG:
        return False
    for kind in ("number", "name"):
        if any(token.kind == kind for token in new) and any(token.kind == kind for token in old):
            return True
    if not alike:
        return held and any(token.strong for token in new) and any(token.strong for token in old)
    if any(token.strong for token in (*new, *old)):
        return True
    if any(token.kind == "han" for token in new):
        return not _stand_for_each_other("".join(one.key for one in mine), "".join(one.key for one in other))
    return False


def _among(token: Token, others: Sequence[Token]) -> bool:
    if token.kind == "name" and _stands_for(token.key, others):
        return True
    return any(token.key == other.key or (token.kind == "name" and _related(token.key, other.key)) for other in others)


def _stand_for_each_other(one: str, two: str) -> bool:
    if one in _SAME_AS and _SAME_AS[one] == _SAME_AS.get(two):
        return True
    for mine, group in _SAME_AS.items():  # 建立 and 成立 differ in one character
        if one and one in mine and any(two and two in other for other, g in _SAME_AS.items() if g == group):
            return True
    return False
