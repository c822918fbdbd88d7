"""Guessing ahead: several tokens are computed in one step, and as many of them stand as the model would have said.

The guesses (the draft) go into the batch behind the last token. At each place the sequence's own sampler chain draws
as it would without them; the first token that differs ends the draft, and the cache behind it is cut. So what is said,
and how likely, is the same as without. Drafts come from the text itself (`lookup.py`, where an answer quotes its
prompt) and else from a small model (`drafting.py`).

How long a draft is, or that there is none, follows from what is expected of it: with `p` the share of guesses of this
kind that came true lately, `k` tokens bring p + p² + … + pᵏ more of them, in a step that costs what steps of so many
tokens cost lately; the rate decides. Whether the text's own guesses come true is seen without computing them, so a
draft is made as soon as it pays and not before. The costs are tried again now and then.
"""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Protocol

from backends.engine.drafting import DraftModel, Want
from backends.engine.lookup import Lookup
from backends.engine.protocol import LONGEST_DRAFT

_LENGTHS = (1, 2, 3, 4, 6, 8, 11, LONGEST_DRAFT)  # of drafts
_GAIN = 1.05  # a draft has to be better than none by so much
_LIKELY = 0.7  # share of right guesses from which costs that forbid drafts are tried again
_PROBE_EVERY = 100  # of such steps
_PROBES = (4, 8, 2)  # lengths of those tries, by turns

# kinds of guesses: how many tokens before them agree (0, 1 and 2 only where a quote is taken up again), or the model's
_MODEL = 7
_KINDS = (0, 1, 1, 2, 3, 3, 4, 4, 4, 5)  # by agreeing tokens
_LONG, _LONG_FROM = 6, 24
_PRIORS = (0.2, 0.3, 0.3, 0.5, 0.7, 0.85, 0.95, 0.7)
_WEIGHT = 4  # guesses that the prior counts for
_MEMORY = 48  # guesses, after which older ones count half


class Acceptance:
    """The share of right guesses of each kind; begins with what others found."""

    def __init__(self, priors: Sequence[float] = _PRIORS) -> None:
        self._right = [prior * _WEIGHT for prior in priors]
        self._all = [float(_WEIGHT)] * len(priors)

    def of(self, kind: int) -> float:
        return self._right[kind] / self._all[kind]

    @property
    def shares(self) -> list[float]:
        return [right / tried for right, tried in zip(self._right, self._all, strict=True)]

    def learn(self, kind: int, right: int, wrong: int) -> None:
        if self._all[kind] > _MEMORY:
            self._right[kind] /= 2
            self._all[kind] /= 2
        self._right[kind] += right
        self._all[kind] += right + wrong


class Costs:
    """Seconds of a step by the number of its tokens, learnt from steps in which nobody's prompt is read.

    Between sizes that were seen it is a straight line. Larger ones are thought as cheap as can be, so that they are
    tried: a token more costs no less than one of a prompt. (On a processor 2 to 12 tokens may cost as much as computed
    one by one, and 16 less than half of that; on a GPU they are nearly free.)
    """

    _SIZES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192)  # upper ends of groups
    _UNKNOWN = 0.15  # of the first token, for each further one, while no prompt was read
    _FIRST = 3  # steps of a size of which the quickest counts: kernels are compiled, machines wake up
    _PROMPT = 64  # tokens of one, computed at once, that tell what one costs

    def __init__(self) -> None:
        self._seen: dict[int, list[float]] = {}  # group: mean size, seconds, steps
        self._sizes: list[float] = []
        self._seconds: list[float] = []
        self._read = 0.0  # seconds for a token of a prompt

    def learn(self, tokens: int, seconds: float) -> None:
        group = bisect_left(self._SIZES, tokens)
        found = self._seen.get(group)
        if found is None:
            self._seen[group] = [float(tokens), seconds, 1.0]
        else:
            found[0] += 0.2 * (tokens - found[0])
            if found[2] < self._FIRST:
                found[1] = min(found[1], seconds)
            else:  # a step that others held up says little
                found[1] += (0.3 if seconds < found[1] else 0.1) * (min(seconds, 2 * found[1]) - found[1])
            found[2] += 1
        points = sorted(self._seen.values())
        self._sizes, self._seconds = [point[0] for point in points], [point[1] for point in points]

    def learn_reading(self, tokens: int, seconds: float) -> None:
        """A step that computed nothing but prompts."""
        if tokens >= self._PROMPT:
            each = seconds / tokens
            self._read = min(each, self._read + 0.3 * (each - self._read)) if self._read else each

    def of(self, tokens: int) -> float:
        sizes, seconds = self._sizes, self._seconds
        if not sizes:
            return 1 + self._UNKNOWN * (tokens - 1)
        each = self._read or self._UNKNOWN * seconds[0] / (1 + self._UNKNOWN * (sizes[0] - 1))
        if tokens >= sizes[-1]:
            of_first = seconds[0] + each * (tokens - sizes[0])
            return max(seconds[-1], min(of_first, seconds[-1] + each * (tokens - sizes[-1])))
        if tokens <= sizes[0]:
            return max(seconds[0] - each * (sizes[0] - tokens), each)
        at = max(1, bisect_left(sizes, tokens))
        slope = (seconds[at] - seconds[at - 1]) / (sizes[at] - sizes[at - 1])
        return max(seconds[at - 1] + slope * (tokens - sizes[at - 1]), seconds[0] / 2)


class Drafter:
    """Of one answer. `tokens` is the list that it grows; drafts end before a token of `ends`."""

    def __init__(self, tokens: list[int], ends: frozenset[int], shared: "Speculation") -> None:
        self.tokens, self._ends, self._shared = tokens, ends, shared
        self._lookup = Lookup(tokens) if shared.lookup else None
        self._acceptance = Acceptance(shared.acceptance.shares)
        self._kind = -1
        self._expected: list[int] = []
        self._since = 0
        self._offer: list[int] = []
        self.drafted = self.accepted = 0

    def guess(self, most: int, step: "Step") -> bool:
        """Guess from the text, at most so many tokens. False: it says nothing, or nothing that pays."""
        self._offer, self._since, self._kind = [], len(self.tokens), -1
        lookup = self._lookup
        if lookup is None or lookup.look() < 0:
            return False
        self._kind = _LONG if lookup.matched >= _LONG_FROM else _KINDS[min(lookup.matched, len(_KINDS) - 1)]
        self._expected = lookup.expected(LONGEST_DRAFT)
        share = self._acceptance.of(self._kind)
        length = step.length(share, most) or (self._shared.probe(min(most, step.room)) if share >= _LIKELY else 0)
        step.book(share, length)
        self._propose(self._expected[:length])
        return bool(self._offer)

    def wanted(self, most: int, step: "Step", each: float) -> int:
        """How many tokens of the small model are worth the `each` seconds that they cost."""
        share = self._acceptance.of(_MODEL)
        length = step.length(share, most, each) or self._shared.probe(min(most, step.room))
        step.book(share, length)
        return length

    def propose(self, guesses: list[int]) -> None:
        """Of the small model."""
        self._kind, self._expected = _MODEL, guesses
        self._propose(guesses)

    def _propose(self, guesses: list[int]) -> None:
        ends = self._ends
        at = next((n for n, token in enumerate(guesses) if token in ends), len(guesses))
        self._offer = guesses[:at]

    def take(self, most: int) -> list[int]:
        """What is to be computed in this step behind the last token, at most so many."""
        offer, self._offer = self._offer[:most], []
        return offer

    def judge(self, drafted: int) -> None:
        """The answer has grown, after a step with so many tokens of the offer."""
        said = self.tokens[self._since : self._since + LONGEST_DRAFT]
        right = next((n for n, (one, other) in enumerate(zip(said, self._expected, strict=False)) if one != other), -1)
        wrong = int(right >= 0)
        if right < 0:
            right = min(len(said), len(self._expected))
        self.drafted += drafted
        self.accepted += min(right, drafted)
        if self._kind >= 0:
            self._acceptance.learn(self._kind, right, wrong)
            self._shared.acceptance.learn(self._kind, right, wrong)
        self._kind = -1

    def close(self) -> None:
        """The answer is over, or gives up its place."""
        if self._shared.model is not None:
            self._shared.model.leave(self)


class Answer(Protocol):
    """Somebody who speaks."""

    drafter: Drafter | None

    @property
    def guessable(self) -> int:
        """So many tokens may be guessed."""
        ...

    @property
    def over(self) -> bool: ...


class Step:
    """What the next step brings and costs. `room`: tokens that may come to the `tokens` that it computes anyway."""

    def __init__(self, costs: Costs, tokens: int, room: int) -> None:
        self._costs, self._tokens, self.room = costs, tokens, room
        self._expected = float(tokens)

    def length(self, share: float, most: int, each: float = 0.0) -> int:
        """Of the best draft, at most so many tokens."""
        best, length = self._expected / self._costs.of(self._tokens) * _GAIN, 0
        for k in _LENGTHS:
            k = min(k, most, self.room)
            if k <= length:
                break
            rate = (self._expected + _brings(share, k)) / (self._costs.of(self._tokens + k) + k * each)
            if rate > best:
                best, length = rate, k
        return length

    def book(self, share: float, length: int) -> None:
        self._tokens += length
        self.room -= length
        self._expected += _brings(share, length)


def _brings(share: float, length: int) -> float:
    return length if share >= 1 else share * (1 - share**length) / (1 - share)


class Speculation:
    """Of one model: what was learnt, and the small model if there is one."""

    def __init__(self, lookup: bool = True, model: DraftModel | None = None, costs: Costs | None = None) -> None:
        self.lookup, self.model = lookup, model
        self.costs, self.acceptance = costs or Costs(), Acceptance()
        self._forbidden = 0

    def drafter(self, tokens: list[int], ends: frozenset[int]) -> Drafter | None:
        return Drafter(tokens, ends, self) if self.lookup or self.model else None

    def prepare(self, answers: Sequence[Answer], computed: int, room: int) -> None:
        """Let everybody make an offer for the next step, which computes so many tokens anyway and has room for so many
        more."""
        step, rest = Step(self.costs, computed, room), []
        for answer in answers:
            most, drafter = answer.guessable, answer.drafter
            if drafter is not None and most > 0 and not drafter.guess(most, step):
                rest.append((answer, drafter))
        if self.model is None or not rest:
            return
        wants, drafters = [], []
        for answer, drafter in rest:
            if length := drafter.wanted(answer.guessable, step, self.model.each):
                wants.append(Want(drafter, drafter.tokens, length, answer))
                drafters.append(drafter)
        if wants:
            for drafter, guesses in zip(drafters, self.model.drafts(wants), strict=True):
                drafter.propose(guesses)

    def probe(self, most: int) -> int:
        """A draft's length though it seems not to pay, now and then."""
        self._forbidden += 1
        turn, due = divmod(self._forbidden, _PROBE_EVERY)
        return min(_PROBES[turn % len(_PROBES)], most) if not due else 0

    def close(self) -> None:
        if self.model is not None:
            self.model.close()
