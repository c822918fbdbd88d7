"""Who did it to whom: two that have changed places around what both texts have between them.

"The bank lent the cooperative …" is not "The cooperative lent the bank …"; 青湖比白湖深 is not 白湖比青湖深. Where
one of the two texts is in the passive (was … by, 被), they must have changed places. And whose: 王芳的导师 is not
陈静的导师.
"""

import re
from collections.abc import Sequence
from functools import cache

from backends.chat.claims import Claim, Token
from backends.chat.clauses import Flat, clauses, keys, latin
from backends.chat.names import related, stands_for

_ALIKE = 0.5  # of a clause's words in a clause of the passage: they are compared
_MERGED = 0.75  # of a clause's words in the sentence: it says that clause, too
_LINKS = frozenset("给向对比把将被由从至使让令替代")
_FROM = frozenset(("to", "from", "against", "than", "toward", "towards"))
_BE = frozenset(("is", "are", "was", "were", "be", "been", "being"))

_AFTER_AGENT = frozenset(
    ("in", "on", "at", "as", "for", "to", "from", "with", "together", "after", "before", "during", "since", "until")
) | {"when", "while", "who", "which"}
_SUBJECT = 8  # tokens at most before "was"

Tile = tuple[int, int, int]
"""Start and end of a row of tokens in the one text, and where it begins in the other."""


def roles_changed(said: Claim, window: Claim) -> bool:
    places = window.once(clauses)
    theirs = [window.tokens[a:b] for a, b in places]
    there = [keys(clause) for clause in theirs]
    if _of_another_owner(said.tokens, window.tokens) or _by_another(said.tokens, window.tokens):
        return True
    for a, b in clauses(said.tokens):
        ours = said.tokens[a:b]
        mine = keys(ours)
        common = [len(mine & clause) for clause in there]
        most = max(common, default=0)
        if most < _ALIKE * len(mine) or most < 2:
            continue
        near = [clause for clause, number in zip(theirs, common, strict=True) if number == most]
        if all(_exchanged(ours, clause) or _one_character(ours, clause) for clause in near):
            return True
        last = [place for place, number in zip(places, common, strict=True) if number == most][-1]
        later = [clause for clause, (c, _) in zip(there, places, strict=True) if c >= last[1]]
        merged = any(len(mine & clause) >= _MERGED * len(clause) for clause in later)
        if any(_other_head(ours, clause, window.tokens) for clause in near):
            return True
        if not merged and _named_later(ours, window.tokens, last):
            return True
    return False


def _other_head(ours: Sequence[Token], clause: Sequence[Token], tokens: Sequence[Token]) -> bool:
    """It begins with what the passage has nowhere, where the clause begins with what the sentence has not."""
    mine, other = _head(ours), _head(clause)
    return bool(mine and other) and not mine & keys(tokens) and not other & keys(ours) and not _same_name(mine, tokens)


def _head(tokens: Sequence[Token]) -> frozenset[str]:
    """The first content word, or two Chinese characters."""
    first = next((n for n, token in enumerate(tokens) if token.content and not _when(tokens, n)), None)
    if first is None or tokens[first].kind == "number":
        return frozenset()
    return keys(tokens[first : first + 2] if tokens[first].kind == "han" else tokens[first : first + 1])


def _when(tokens: Sequence[Token], place: int) -> bool:
    """此前, 其后, 曾, 已: nothing of which the rest is said."""
    key = tokens[place].key
    return key in ("曾", "已") or (key in ("前", "后") and place > 0 and tokens[place - 1].key in ("此", "其"))


def _same_name(head: frozenset[str], tokens: Sequence[Token]) -> bool:
    words = [token.key for token in tokens if token.kind in ("name", "word")]
    return any(related(one, word) for one in head for word in words) or any(stands_for(one, tokens) for one in head)


def _named_later(ours: Sequence[Token], tokens: Sequence[Token], clause: tuple[int, int]) -> bool:
    """What the sentence begins with, is in the passage only after the clause that says the rest: that is not of it.
    "In 2011 it won the prize, which had gone to the Trio": not "The Trio won the prize"."""
    here = keys(tokens[slice(*clause)])
    first = next((n for n, token in enumerate(ours) if token.content and token.kind != "number"), None)
    if first is None:
        return False
    head = ours[first : first + 2]
    said = keys(head if head[0].kind == "han" else head[:1])
    if not said or said & here:
        return False
    before, after = keys(tokens[: clause[0]]), keys(tokens[clause[1] :])
    return said <= after and not said & before


def _exchanged(ours: Sequence[Token], theirs: Sequence[Token]) -> bool:
    tiles = [tile for tile in _tiles(ours, theirs) if _thing(ours[tile[0] : tile[1]])]
    turned = _passive(ours) != _passive(theirs)
    for number, (a, b, at) in enumerate(tiles):
        for c, d, then in tiles[number + 1 :]:
            inverted = then < at
            between = _between(ours[b:c])
            there = _between(theirs[then + d - c : at] if inverted else theirs[at + b - a : then])
            shared = between & there
            if inverted and not turned and shared and not any(_voice_differs(ours, theirs, key) for key in shared):
                return True
            if turned and not inverted and _agent(ours, theirs, (a, b, at), (c, d, then)):
                return True
    return _other_case(ours, theirs)


def _voice_differs(ours: Sequence[Token], theirs: Sequence[Token], key: str) -> bool:
    """ "were enrolled" where the passage has "enrolled"."""
    return _suffers(ours, key) != _suffers(theirs, key)


def _suffers(tokens: Sequence[Token], key: str) -> bool:
    places = (place for place, token in enumerate(tokens) if token.key == key and token.kind == "word")
    return any(token.key in _BE for place in places for token in tokens[max(0, place - 2) : place])


def _thing(tokens: Sequence[Token]) -> bool:
    """No number or date alone, and more than one Chinese character."""
    content = [token for token in tokens if token.content]
    if all(token.kind == "number" for token in content):
        return False
    return len(content) > 1 or content[0].kind != "han" or content[0].key in "甲乙丙丁戊"


def _between(tokens: Sequence[Token]) -> frozenset[str]:
    found = {token.key for token in tokens if (token.content and token.kind != "number") or token.key in _LINKS}
    return frozenset(found | ({"than"} & {token.key for token in tokens}))


@cache
def _voice() -> "re.Pattern[str]":
    return re.compile(
        rf"(?:{latin('/'.join(sorted(_BE)))}) (?:\S+ ){{1,8}}?by (?!#)|被(?![子褥套])|(?<=[^自理])由(?=[^于此])"
    )


def _passive(tokens: Sequence[Token]) -> bool:
    return _voice().search(Flat(tokens).text) is not None


def _agent(ours: Sequence[Token], theirs: Sequence[Token], one: Tile, two: Tile) -> bool:
    """Of two in the same order, one of the texts says that the second did it: "by", 被."""
    (a, b, at), (c, _, then) = one, two
    for tokens, first, second in ((ours, b, c), (theirs, at + b - a, then)):
        if not _passive(tokens):  # "damage caused by": whose doing that is, is not what has been turned
            continue
        between = tokens[first:second]
        last = next((token for token in reversed(between) if token.key not in ("the", "a", "an")), None)
        if last is not None and last.key in ("by", "被"):
            return True
        if any(token.key == "被" for token in between) and not any(
            token.key == "被" for token in (theirs if tokens is ours else ours)
        ):
            return True
    return False


def _other_case(ours: Sequence[Token], theirs: Sequence[Token]) -> bool:
    """What the sentence begins with, stands in the passage after "to", "from" or "than" alone."""
    first = next((place for place, token in enumerate(ours) if token.content), None)
    if first is None or ours[first].kind not in ("name", "word") or any(token.key in _FROM for token in ours[:first]):
        return False
    places = [place for place, token in enumerate(theirs) if token.key == ours[first].key]
    return bool(places) and all(_after_link(theirs, place) for place in places)


def _after_link(tokens: Sequence[Token], place: int) -> bool:
    for token in reversed(tokens[max(0, place - 3) : place]):
        if token.key in _FROM:
            return True
        if token.content and token.kind != "name":
            return False
    return False


def _tiles(ours: Sequence[Token], theirs: Sequence[Token]) -> list[Tile]:
    """Rows that both have, the longest first to be taken, none of them twice; in the order of `ours`."""
    found: list[Tile] = []
    free_ours, free_theirs = [True] * len(ours), [True] * len(theirs)
    rows: list[tuple[int, int, int]] = []  # how many, where, where there
    for a, token in enumerate(ours):
        if not token.content:
            continue
        for at, other in enumerate(theirs):
            if other.key == token.key and not (
                a and at and ours[a - 1].key == theirs[at - 1].key and ours[a - 1].content
            ):
                size = 1
                while a + size < len(ours) and at + size < len(theirs) and ours[a + size].key == theirs[at + size].key:
                    size += 1
                rows.append((size, a, at))
    for size, a, at in sorted(rows, key=lambda row: (-row[0], row[1])):
        while size and not (free_ours[a] and free_theirs[at]):
            size, a, at = size - 1, a + 1, at + 1
        taken = 0
        while taken < size and free_ours[a + taken] and free_theirs[at + taken]:
            taken += 1
        while taken and not ours[a + taken - 1].content:
            taken -= 1
        if taken and ours[a].content:
            found.append((a, a + taken, at))
            free_ours[a : a + taken] = [False] * taken
            free_theirs[at : at + taken] = [False] * taken
    return sorted(found)


def _one_character(ours: Sequence[Token], theirs: Sequence[Token]) -> bool:
    """One Chinese character stands for another, with two on each side that are the same: 李崇文战死, 李崇武战死."""
    there = "".join(token.key if token.kind == "han" else " " for token in theirs)
    here = "".join(token.key if token.kind == "han" else " " for token in ours)
    for place in range(2, len(here) - 2):
        around = here[place - 2 : place], here[place + 1 : place + 3]
        if " " in here[place - 2 : place + 3] or here[place - 2 : place + 3] in there:
            continue
        if re.search(re.escape(around[0]) + "[^ ]" + re.escape(around[1]), there):
            return True
    return False


# ---- the passive


def active(claim: Claim) -> Claim:
    """ "The prize was won by Ada in 1843" as "Ada won the prize in 1843", clause by clause: both compare alike."""
    if not any(token.key == "by" for token in claim.tokens):
        return claim
    tokens = list(claim.tokens)
    for a, b in clauses(tokens):
        tokens[a:b] = _active(tokens[a:b])
    return Claim(tuple(tokens))


def _active(tokens: list[Token]) -> list[Token]:
    by = next((n for n, token in enumerate(tokens) if token.key == "by"), 0)
    be = next((n for n in range(by - 1, 0, -1) if tokens[n].key in _BE), 0)
    verb = next((n for n in range(be + 1, by) if tokens[n].kind == "word"), 0)
    if not be or not verb or any(token.kind == "not" for token in tokens[:by]) or tokens[verb - 1].key in _FROM:
        return tokens
    end = next((n for n in range(by + 1, len(tokens)) if tokens[n].key in _AFTER_AGENT), len(tokens))
    agent = tokens[by + 1 : end]
    if not any(token.kind == "name" for token in agent) or agent[0].kind == "number" or be > _SUBJECT:
        return tokens
    return [*agent, *tokens[verb : verb + 1], *tokens[:be], *tokens[verb + 1 : by], *tokens[end:]]


# ---- whose


def _by_another(ours: Sequence[Token], theirs: Sequence[Token]) -> bool:
    """退款由财务科办理 where the passage has 退款由督查科办理."""
    mine, there = Flat(ours).text, Flat(theirs).text
    return any(
        re.search(f"{what}[由被]", there) and not re.search(f"{what}[由被][^ ]{{0,8}}{who}", there)
        for what, who in re.findall(r"([\u3400-\u9fff]{2})[由被]([\u3400-\u9fff]{2})", mine)
    )


def _of_another_owner(ours: Sequence[Token], theirs: Sequence[Token]) -> bool:
    """X的导师 where the passage has Y的导师 and never X导师, and both are in both."""
    mine, there = Flat(ours).text, Flat(theirs).text
    for match in re.finditer(r"([\u3400-\u9fff]{2})的([\u3400-\u9fff]{2})", mine):
        owner, owned = match.groups()
        is_it = re.search(rf"{owned}[\u3400-\u9fff]{{0,2}}{owner}", there)  # 他的学生鲁一鸣: who that is, not whose
        if is_it and not re.search(rf"{owner}的?[\u3400-\u9fff]{{0,2}}{owned}", there):
            return True
        owners = re.findall(rf"([\u3400-\u9fff]{{2}})的[\u3400-\u9fff]{{0,2}}{owned}", there)
        if not owners or owner in owners or owner not in there or owner + owned in there:
            continue
        if any(one in mine for one in owners):
            return True
    return False
