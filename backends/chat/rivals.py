"""Who or what a word of a sentence is said of: a rival is another of its kind in the passage that fits there better.

    "The chair is elected for two years."   The passage: "The chair is elected for four years. The treasurer … two …"

"two years" stands in the passage, but "four years" stands there among more of the words that the sentence has around
it. The same holds for names, for words with an opposite (rise and fall, before and after, all and some), and for two
numbers or names that the sentence has both: they must fit better where they are than exchanged.
"""

from collections.abc import Mapping, Sequence

from backends.chat.claims import Claim, Token
from backends.chat.clauses import SUBORDINATE
from backends.chat.mixed import mixed
from backends.chat.names import related
from backends.chat.opposites import sides

_FAR = 24  # steps that a context reaches: a word takes two, a Chinese character one
_BREAK = 3  # steps that a comma takes
_MARGIN = 1.05  # a rival fits so many times better
_LEAD = 0.02  # ... and so much more
_MOVED = 1.3  # words that have changed places fit so many times better where the others stand
_INSTEAD, _INSTEAD_LEAD = 1.5, 0.3
_PLACE = 0.25  # with less in common around it, the sentence is built otherwise: nothing is in the place of another
_COMPARING = ("than", "比", "较")
_TIMES = ("day", "month", "year")
_CLAUSES = SUBORDINATE | {"and", "or", "但", "而", "并", "且", "却", "也"}
_ARTICLES = frozenset(("the", "a", "an", "our", "its", "their", "his", "her", "this"))
_PREPOSITIONS = frozenset(("for", "of", "in", "on", "at", "about", "with"))
_PLACED = frozenset(("at", "in", "on", "from", "under", "near"))
_SENTENCE_ENDS = frozenset(".!?。！？")
_LINKS = frozenset(("from", "to", "by", "between", "at", "of", "in", "由", "从", "至", "到", "为", "被", "比", "than"))

Context = Mapping[str, float]


def rivalled(said: Claim, window: Claim) -> bool:
    """Whether another number, name or opposite of the passage is what the sentence should have said."""
    ours, theirs = said.once(_Places), window.once(_Places)
    return (
        _by_another(ours, theirs)
        or _exchanged(ours, theirs)
        or _opposed(ours, theirs)
        or _moved(ours, theirs)
        or _misplaced(ours, theirs)
        or _negation_moved(ours, theirs)
        or mixed(said.tokens, window.tokens, ours.times)
    )


class _Places:
    """The contexts of a row of tokens, each made when it is asked for."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens = tokens
        self._contexts: dict[tuple[int, int], Context] = {}
        self._beside: dict[tuple[int, int], tuple[Context, Context]] = {}
        self.of: dict[str, list[int]] = {}
        for place, token in enumerate(tokens):
            self.of.setdefault(token.key, []).append(place)
        self.sides = sides(tokens)
        self.kinds = _kinds(tokens)
        self.strong = _groups(tokens)
        times = (token.key for token, kind in zip(tokens, self.kinds, strict=True) if kind[1] in _TIMES)
        self.times = frozenset(times)

    def context(self, place: int, width: int = 1) -> Context:
        if (place, width) not in self._contexts:
            before, after = self.beside(place, width)
            self._contexts[place, width] = {
                key: max(before.get(key, 0.0), after.get(key, 0.0)) for key in (*before, *after)
            }
        return self._contexts[place, width]

    def beside(self, place: int, width: int) -> tuple[Context, Context]:
        """What stands before and what after it."""
        if (place, width) not in self._beside:
            before: dict[str, float] = {}
            after: dict[str, float] = {}
            self._walk(place - 1, -1, before)
            self._walk(place + width, 1, after)
            self._beside[place, width] = before, after
        return self._beside[place, width]

    def _walk(self, at: int, step: int, found: dict[str, float]) -> None:
        distance = 0
        first = True
        while 0 <= at < len(self.tokens) and distance < _FAR:
            token = self.tokens[at]
            if token.kind == "stop":
                if token.key in _SENTENCE_ENDS:
                    return
                distance += _BREAK if token.key in ",;()、" else 0
            elif token.key in _CLAUSES or token.key in _COMPARING:
                distance += _BREAK
            elif token.content:
                han = token.kind == "han"
                distance += 1 if han else 2
                weight = (1.0 if han else 2.0) / (1 + distance)
                found[token.key] = max(found.get(token.key, 0.0), weight)
            elif first and step < 0 and token.key in _LINKS:
                found["<" + token.key] = 0.5
            first = first and token.kind == "stop"
            at += step


def _fit(one: Context, other: Context, without: Sequence[str] = ()) -> float:
    if len(other) < len(one):
        one, other = other, one
    return sum(min(weight, other[key]) for key, weight in one.items() if key in other and key not in without)


def _groups(tokens: Sequence[Token]) -> list[tuple[int, int]]:
    """Start and end of each number, and of each row of names: Mount Averell."""
    found: list[tuple[int, int]] = []
    for place, token in enumerate(tokens):
        if token.kind == "name" and found and found[-1][1] == place and tokens[place - 1].kind == "name":
            found[-1] = found[-1][0], place + 1
        elif token.strong:
            found.append((place, place + 1))
    return found


def _fit_beside(one: tuple[Context, Context], other: tuple[Context, Context], without: Sequence[str]) -> float:
    return _fit(one[0], other[0], without) + _fit(one[1], other[1], without)


def _kinds(tokens: Sequence[Token]) -> list[tuple[str, str]]:
    """Of what each may take the place: a number of one with its unit, a name of a name; months, the days beside them
    and years are of their own kinds."""
    found = [(token.kind, _number_kind(token) if token.quantity is not None else "") for token in tokens]
    for place, (_, kind) in enumerate(found):
        if kind == "month" and place + 1 < len(found) and found[place + 1] == ("number", ""):
            found[place + 1] = "number", "day"
    return found


def _loose(kind: tuple[str, str]) -> tuple[str, str]:
    """A day, a year and a bare number may be exchanged."""
    return (kind[0], "") if kind[1] in ("day", "year") else kind


def _number_kind(token: Token) -> str:
    if token.quantity is None or token.key.startswith("#m"):
        return "month"
    value, unit = token.quantity.value, token.quantity.unit
    return "year" if not unit and len(value) == 4 and value.isdecimal() and "1500" <= value <= "2100" else unit


def _by_another(ours: _Places, theirs: _Places) -> bool:
    for first, end in ours.strong:
        token = ours.tokens[first]
        keys = {one.key for one in ours.tokens[first:end]}
        around = ours.context(first, end - first)
        own = [group for group in theirs.strong if keys & {one.key for one in theirs.tokens[slice(*group)]}]
        fits = [_fit(around, theirs.context(a, b - a)) for a, b in own]
        if not fits:
            continue
        best = max(fits)
        for a, b in theirs.strong:
            others = [one.key for one in theirs.tokens[a:b]]
            if theirs.kinds[a] != ours.kinds[first] or any(key in ours.of for key in others):
                continue
            if token.kind == "name" and any(related(key, one) for key in others for one in ours.of):
                continue  # said otherwise
            if token.kind == "name" and any(_has_its_part(ours, first, theirs, c, a) for c, _ in own):
                continue
            if _fit(around, theirs.context(a, b - a)) > best * _MARGIN + _LEAD:
                return True
    return False


def _has_its_part(ours: _Places, first: int, theirs: _Places, own: int, rival: int) -> bool:
    """Within one clause the name has the part that the sentence gives it, and the rival another: it begins it, or it
    follows the same preposition, which the rival does not."""
    low, high = sorted((own, rival))
    if any(_breaks(token) for token in theirs.tokens[low:high]):
        return False
    if _begins(ours.tokens, first) and _begins(theirs.tokens, own):
        return True
    mine = _preposition(ours.tokens, first)
    return bool(mine) and mine == _preposition(theirs.tokens, own) != _preposition(theirs.tokens, rival)


def _breaks(token: Token) -> bool:
    return token.key in _CLAUSES or (token.kind == "stop" and (token.key in ",;:()" or token.key in _SENTENCE_ENDS))


def _begins(tokens: Sequence[Token], place: int) -> bool:
    """Nothing but numbers stands before it in its clause."""
    for token in reversed(tokens[:place]):
        if _breaks(token):
            return True
        if token.content and token.kind != "number":
            return False
    return True


def _preposition(tokens: Sequence[Token], place: int) -> str:
    before = tokens[place - 1].key if place else ""
    if before in _ARTICLES and place > 1:
        before = tokens[place - 2].key
    return before if before in _PLACED else ""


def _exchanged(ours: _Places, theirs: _Places) -> bool:
    """Two of a kind fit better where the other stands."""
    there: dict[str, list[tuple[int, int]]] = {}
    for a, b in theirs.strong:
        there.setdefault(theirs.tokens[a].key, []).append((a, b))
    both = [(a, b) for a, b in ours.strong if ours.tokens[a].key in there and len(ours.of[ours.tokens[a].key]) == 1]
    for number, one in enumerate(both):
        for two in both[number + 1 :]:
            if _loose(ours.kinds[one[0]]) != _loose(ours.kinds[two[0]]):
                continue
            keys = [token.key for a, b in (one, two) for token in ours.tokens[a:b]]

            def fit(here: tuple[int, int], key: str, keys: Sequence[str] = keys) -> float:
                around = ours.context(here[0], here[1] - here[0])
                return max(_fit(around, theirs.context(a, b - a), keys) for a, b in there[key])

            a, b = ours.tokens[one[0]].key, ours.tokens[two[0]].key
            stay, swap = fit(one, a) + fit(two, b), fit(one, b) + fit(two, a)
            if swap > stay * _MARGIN + _LEAD:
                return True
    return False


def _opposed(ours: _Places, theirs: _Places) -> bool:
    """A word with an opposite, where the passage has the opposite, and fits better there or has nothing else."""
    for place, width, pair, side in ours.sides:
        around = ours.context(place, width)
        same = [_fit(around, theirs.context(at, w)) for at, w, p, s in theirs.sides if p == pair and s == side]
        other = [_fit(around, theirs.context(at, w)) for at, w, p, s in theirs.sides if p == pair and s != side]
        if other and max(other) > max(same, default=0.0) * _MARGIN + 0.1:
            return True
    return False


# ---- words that have changed places


def _moved(ours: _Places, theirs: _Places) -> bool:
    """Two rows of words stand in the other order, with something that both have between them, and each fits better
    where the other stands: adds A and drops B, adds B and drops A."""
    tiles = _tiles(ours, theirs)
    for number, (a, b, at) in enumerate(tiles):
        for c, d, then in tiles[number + 1 :]:
            if then >= at:
                continue
            ours_between = {token.key for token in ours.tokens[b:c] if _between(token)}
            theirs_between = {token.key for token in theirs.tokens[then + d - c : at] if _between(token)}
            if not ours_between & theirs_between:
                continue
            keys = [token.key for token in (*ours.tokens[a:b], *ours.tokens[c:d])]
            one, two = ours.context(a, b - a), ours.context(c, d - c)
            first, second = theirs.context(at, b - a), theirs.context(then, d - c)
            stay = _fit(one, first, keys) + _fit(two, second, keys)
            swap = _fit(one, second, keys) + _fit(two, first, keys)
            if swap > stay * _MOVED + _LEAD:
                return True
    return False


def _misplaced(ours: _Places, theirs: _Places) -> bool:
    """A row of words of the passage, where it has others that the sentence lacks and that fit much better."""
    gaps = _gaps(ours, theirs)
    tiles = _tiles(ours, theirs)
    directed = {place for place, *_ in ours.sides}
    for number, (a, b, at) in enumerate(tiles):
        if b - a == 1 and a in directed:
            continue
        if any(token.kind == "number" for token in ours.tokens[a:b]):
            continue  # what the sentence lacks has no number, so it is none's rival
        if number == 0 and len(tiles) > 1 and _ended(theirs.tokens[at : tiles[1][2]]):
            continue  # of whom it speaks, which the passage has named before
        around = ours.beside(a, b - a)
        size = sum(token.content for token in ours.tokens[a:b])
        keys = [token.key for token in ours.tokens[a:b]]
        own = max(
            _fit(ours.context(a, b - a), theirs.context(at, b - a))
            for at in theirs.of[keys[0]]
            if [token.key for token in theirs.tokens[at : at + b - a]] == keys
        )
        if own < _PLACE:
            continue
        for c, d in gaps:
            if d - c > 2 * size + 2 or (_modifies(theirs.tokens, c) and _follows(theirs.tokens, c, at, at + b - a)):
                continue
            if _fit_beside(around, theirs.beside(c, d - c), keys) > own * _INSTEAD + _INSTEAD_LEAD:
                return True
    return False


def _modifies(tokens: Sequence[Token], place: int) -> bool:
    """Words after "for the", "of", "in", "and": they say more of what stands before them, or of somebody besides."""
    before = [token.key for token in tokens[max(0, place - 3) : place]]
    while before and before[-1] in _ARTICLES:
        before.pop()
    return bool(before) and before[-1] in (_PREPOSITIONS | {"and"})


def _follows(tokens: Sequence[Token], place: int, begin: int, end: int) -> bool:
    """The content word before `place` is one of the row from `begin` to `end`."""
    before = next((n for n in range(place - 1, -1, -1) if tokens[n].content or tokens[n].kind == "stop"), -1)
    return begin <= before < end


def _ended(tokens: Sequence[Token]) -> bool:
    return any(token.kind == "stop" and (token.key == "," or token.key in _SENTENCE_ENDS) for token in tokens)


def _gaps(ours: _Places, theirs: _Places) -> list[tuple[int, int]]:
    """Rows of words that the sentence lacks: start and end."""
    found: list[tuple[int, int]] = []
    for place, token in enumerate(theirs.tokens):
        if not token.content or token.kind == "number" or token.key in ours.of:
            continue
        if found and all(not one.content and one.kind != "stop" for one in theirs.tokens[found[-1][1] : place]):
            found[-1] = found[-1][0], place + 1
        else:
            found.append((place, place + 1))
    return found


def _between(token: Token) -> bool:
    return token.content or token.key in _COMPARING


def _tiles(ours: _Places, theirs: _Places) -> list[tuple[int, int, int]]:
    """Rows of words that both have, from left to right, the longest there is: start, end, and where there."""
    found: list[tuple[int, int, int]] = []
    place = 0
    while place < len(ours.tokens):
        token = ours.tokens[place]
        best, where = 0, 0
        for at in theirs.of.get(token.key, ()) if token.content else ():
            size = 1
            while (
                place + size < len(ours.tokens)
                and at + size < len(theirs.tokens)
                and ours.tokens[place + size].key == theirs.tokens[at + size].key
                and ours.tokens[place + size].kind != "stop"
            ):
                size += 1
            if size > best:
                best, where = size, at
        if best > (token.kind == "han"):
            found.append((place, place + best, where))
        place += max(1, best)
    return found


def _negation_moved(ours: _Places, theirs: _Places) -> bool:
    """Not A but B, where the passage says A but not B."""
    mine, other = _negated(ours.tokens), _negated(theirs.tokens)
    for here in mine - other:
        for there in other - mine:
            if here in theirs.of and there in ours.of and _apart(ours, here, there):
                return True
    return False


def _negated(tokens: Sequence[Token]) -> set[str]:
    """The first content word after each negation."""
    found: set[str] = set()
    for place, token in enumerate(tokens):
        if token.kind == "not":
            after = next((one.key for one in tokens[place + 1 : place + 6] if one.content), None)
            found |= {after} if after else set()
    return found


def _apart(ours: _Places, one: str, other: str) -> bool:
    """In different clauses."""
    first, last = sorted((ours.of[one][0], ours.of[other][0]))
    return any(token.kind == "stop" or token.key in _CLAUSES for token in ours.tokens[first:last])
