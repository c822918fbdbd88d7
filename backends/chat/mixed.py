"""Whether a clause of a sentence is put together from two of the passage that speak of different things."""

from collections.abc import Sequence

from backends.chat.claims import Token
from backends.chat.clauses import SENTENCE_ENDS, SUBORDINATE, clauses, keys

_LEAST = 2  # words of a clause that is looked at
_LINKS = frozenset("为是的了于在与和及")


def mixed(ours: Sequence[Token], theirs: Sequence[Token], when: frozenset[str]) -> bool:
    """A clause that is one of the passage but for its beginning, which comes from another: who or what it is said of
    there, is not what the sentence says it of. "Managers may …" where the passage has "Staff may …, managers …"."""
    places = clauses(theirs, SUBORDINATE)
    heads = [theirs[a:b] for a, b in places]
    there_keys = [keys(tokens) for tokens in heads]
    every_there = [there_keys[n] | {token.key for token in tokens if token.content} for n, tokens in enumerate(heads)]
    every = keys(ours)
    for a, b in clauses(ours, SUBORDINATE):
        mine = keys(ours[a:b])
        if len(mine) < _LEAST:
            continue
        said = [n for n, clause in enumerate(there_keys) if _says(mine, clause)]
        if said and all(_of_its_own(theirs, places, n, _before(ours[a:b], there_keys[n]) - when, every) for n in said):
            return True
        common = [len(mine & clause) for clause in there_keys]
        most = max(common, default=0)
        last = [token.key for token in ours[a:b] if token.content][-1]
        content = {token.key for token in ours[a:b] if token.content} - when
        for n, (tokens, number) in enumerate(zip(heads, common, strict=True)):
            if number < most or 2 * number < len(mine):
                continue
            there = [token.key for token in tokens if token.content]
            foreign = (mine - there_keys[n] - when) | (content - set(there))
            elsewhere = [key for key in foreign if any(key in one for m, one in enumerate(every_there) if m != n)]
            if not elsewhere or _goes_on(theirs, places, n, frozenset(elsewhere), mine):
                break
            if _head_lacks(tokens, every) or (last in elsewhere and there[-1] not in content):
                return True
    return False


def _says(mine: frozenset[str], clause: frozenset[str]) -> bool:
    """Half of the clause, and a number of it."""
    common = mine & clause
    return 2 * len(common) > len(clause) and any(key[0] == "#" for key in common)


def _before(tokens: Sequence[Token], clause: frozenset[str]) -> frozenset[str]:
    """What the tokens begin with until they say what the clause says."""
    for place, token in enumerate(tokens):
        pair = token.key + (tokens[place + 1].key if place + 1 < len(tokens) else "")
        if token.content and (token.key in clause or (token.kind == "han" and pair in clause)):
            return keys(tokens[:place])
    return frozenset()


def _of_its_own(
    tokens: Sequence[Token], places: Sequence[tuple[int, int]], n: int, subject: frozenset[str], mine: frozenset[str]
) -> bool:
    """Clause n goes on from another of its sentence, which it is of and of which `mine` lacks something, while the
    subject comes from another sentence. 营业收入8亿元，同比增长11%；净利润6亿元: not 净利润同比增长11%."""
    begin = max((at + 1 for at in range(places[n][0]) if _ends(tokens[at])), default=0)
    end = min((at for at in range(places[n][1], len(tokens)) if _ends(tokens[at])), default=len(tokens))
    before = {key for key in keys(tokens[begin : places[n][0]]) if key[0] != "#"}
    here = keys(tokens[begin:end]) | {token.key for token in tokens[begin:end]}
    there = keys([*tokens[:begin], *tokens[end:]])
    lacking = [key for key in before - mine if key[0] not in _LINKS and key[-1] not in _LINKS]
    return bool(lacking) and any(key in there and key not in here for key in subject)


def _ends(token: Token) -> bool:
    return token.kind == "stop" and (token.key in SENTENCE_ENDS or token.key == ";")


def _goes_on(
    tokens: Sequence[Token], places: Sequence[tuple[int, int]], n: int, foreign: frozenset[str], mine: frozenset[str]
) -> bool:
    """What is foreign to clause n comes from one after it in the same sentence that is whole in `mine`: it is of the
    same subject, or brings its own. 公园横跨三省，总面积约2.2万平方公里: 公园总面积约2.2万平方公里."""
    if _head_lacks(tokens[slice(*places[n])], mine):
        return False
    for a, b in places[n + 1 :]:
        if any(map(_ends, tokens[places[n][1] : a])):
            return False
        there = keys(tokens[a:b])
        whole = there | {token.key for token in tokens[a:b] if token.content}
        if foreign <= whole and there <= mine:
            return True
    return False


def _head_lacks(tokens: Sequence[Token], mine: frozenset[str]) -> bool:
    """The clause begins with what the sentence has not: a word, or two Chinese characters."""
    content = [place for place, token in enumerate(tokens) if token.content]
    first = content[0]
    if tokens[first].kind != "han":
        return tokens[first].key not in mine and tokens[first].kind != "number"
    pair = tokens[first].key + (tokens[first + 1].key if first + 1 < len(tokens) else "")
    return len(pair) == 2 and pair not in mine
