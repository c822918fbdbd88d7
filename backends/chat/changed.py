"""One thing in the place of another, where a sentence runs along a passage."""

from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import pairwise

from backends.chat.claims import Claim, Token
from backends.chat.names import among

_ALIKE = 0.5  # of a sentence's content in matching runs: a copy, in which one changed word stands out
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
    如果 若 如 倘若 假如
    共有 共 一共 总共 有
    一个 一座 一种 一名 一位 个 座 种 名 位
    发生 爆发
    该 此 这 其 本
"""
_BEFORE_NOUNS = frozenset(
    ("the", "a", "an", "our", "its", "their", "his", "her", "this", "these", "of", "for", "in", "on")
)
_LIGHT = frozenset("应须要请会将需再先即便就让")  # of a Chinese verb: what it must or may, others look after
_SAME_AS = {word: n for n, group in enumerate(_SAME.splitlines()[1:]) for word in group.split()}


def changed(said: Claim, window: Claim, *, single: bool = True) -> bool:
    """Where the sentence runs along the passage: something else in the place of a number, a name, a Chinese word; a
    negation put in or left out. `single`: the stretch is one sentence, within which words may have moved."""
    if said.once(_neighbours).isdisjoint(window.once(_neighbours)):
        return False
    ours = [token for token in said.tokens if token.kind != "stop"]
    theirs = [token for token in window.tokens if token.kind != "stop"]
    begins = _begins(window.tokens)
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
            end = next((n for n in range(c + 1, d) if n in begins), d)
            other = theirs[c:end][: len(mine) + 1]  # what stands at the same place; the passage goes on
        elif after and not before:
            start = next((n for n in range(d, c, -1) if n in begins), c)
            other = theirs[start:d][-len(mine) - 1 :]
        gone = [token for token in other if token.content and not among(token, only_ours)]
        come = [token for token in mine if token.content and not among(token, only_theirs)]
        if not gone and not come:
            continue  # the same words in another order
        new = [token for token in mine if token.content and not among(token, other)]
        lost = {token.kind for token in gone if token.strong}
        new = [token for token in new if token.kind in lost or not among(token, only_theirs)]
        old = [token for token in other if token.content and not among(token, mine)]
        if new and old and (held or alike) and _another(new, old, mine, other, alike=alike, held=held):
            return True
        if alike and held and _noun(ours, a, b, new) and _noun(theirs, c, d, old):
            return True
    return False


def _begins(tokens: Sequence[Token]) -> frozenset[int]:
    """Before which of the tokens, the stops left out, a clause begins."""
    stops = [place for place, token in enumerate(tokens) if token.kind == "stop"]
    return frozenset(place - number for number, place in enumerate(stops) if tokens[place].key in ",;:.。!?")


def _neighbours(tokens: Sequence[Token]) -> frozenset[tuple[str, str]]:
    words = [token.key for token in tokens if token.kind != "stop"]
    return frozenset(pairwise(words))


def _noun(tokens: Sequence[Token], a: int, b: int, words: Sequence[Token]) -> bool:
    """A word after "the", "of the", "in": a thing, for which another is another."""
    if not any(token.kind == "word" for token in words):
        return False
    before = tokens[a - 1].key if a else ""
    return before in _BEFORE_NOUNS or any(token.key in _BEFORE_NOUNS for token in tokens[a : b - 1])


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
    date = _date(ours) if _date(ours) == _date(theirs) else ()
    mine = [_measured(token) for token in _undated(ours, date) if token.kind == kind]
    other = [_measured(token) for token in _undated(theirs, date) if token.kind == kind]
    common = {key for key in mine if mine.count(key) == 1 == other.count(key)}
    for unit in {unit for _, unit in common}:
        one = [key for key in mine if key in common and key[1] == unit]
        two = [key for key in other if key in common and key[1] == unit]
        moved = [key for (key, _), (there, _) in zip(one, two, strict=True) if key != there]
        if sum(not _beside(key, ours, moved) & _beside(key, theirs, moved) for key in moved) > 1:
            return True
    return False


def _undated(tokens: Sequence[Token], date: Sequence[str]) -> list[Token]:
    """Without a date, which may stand at either end of a sentence."""
    return [token for token in tokens if token.key not in date]


def _date(tokens: Sequence[Token]) -> tuple[str, ...]:
    """A month and the numbers after it, if there is one month."""
    months = [place for place, token in enumerate(tokens) if token.key.startswith("#m")]
    if len(months) != 1:
        return ()
    after = tokens[months[0] + 1 : months[0] + 3]
    return (tokens[months[0]].key, *(token.key for token in after if token.kind == "number"))


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


def _stand_for_each_other(one: str, two: str) -> bool:
    one, two = (("".join(c for c in text if c not in _LIGHT)) for text in (one, two))
    if not one or not two:
        return True
    if one in _SAME_AS and _SAME_AS[one] == _SAME_AS.get(two):
        return True
    for mine, group in _SAME_AS.items():  # 建立 and 成立 differ in one character
        if one and one in mine and any(two and two in other for other, g in _SAME_AS.items() if g == group):
            return True
    return False
