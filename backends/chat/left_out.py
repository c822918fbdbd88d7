"""What a sentence leaves out of the passage, or puts in, without which the rest says something else.

"It may cause drowsiness" is not "It causes drowsiness"; "no alcohol unless a doctor agrees" is not "no alcohol"; "only
members who joined before 2010 may vote" is not "members may vote". Looked for in the clauses that the sentence takes
its words from.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from backends.chat.bounds import bounded, bounds_differ
from backends.chat.claims import Claim, Token
from backends.chat.clauses import Flat, clauses, keys, latin, whole_sentences

_USED = 0.5  # of a clause's words, or of the sentence's: the clause is what it speaks of
_ONLY_OF = 2  # words after "only" that it restricts
_LIGHT = frozenset("第条款章项作以按予进行应须需必均才") | {"given", "give", "made", "make"}
_MODALS = frozenset(("shall", "may", "must", "can", "will", "should", "is", "are"))
_WHEN = re.compile(r"^ ?[\u3400-\u9fff]{2,8}?[时后前](?![间期刻速长代任面来者])")  # 开封后, 未开封时
_EACH = frozenset(("a", "an", "per", "every", "each", "in"))  # after "once": how often
_OMITTED_HAN = 1  # characters that a rule may lose


def _re(english: str, han: str) -> "re.Pattern[str]":
    return re.compile(f"(?:{latin(english)})|(?:{han})" if english else han)


@dataclass(frozen=True)
class _Marks:
    """Patterns of words which a sentence has if the passage has them, and the other way round."""

    both_ways: tuple["re.Pattern[str]", ...]
    lost: tuple["re.Pattern[str]", ...]
    only: "re.Pattern[str]"
    before: "re.Pattern[str]"  # a condition that follows its mark
    when: "re.Pattern[str]"  # ... or a time, at the beginning of a clause
    after: "re.Pattern[str]"  # ... or stands before it in its clause
    but_for: "re.Pattern[str]"
    rule: "re.Pattern[str]"
    must: "re.Pattern[str]"
    may: "re.Pattern[str]"
    to_come: "re.Pattern[str]"
    done: "re.Pattern[str]"
    even: "re.Pattern[str]"
    focus: "re.Pattern[str]"


@cache
def _marks() -> _Marks:
    denied = _re(
        "deny/denies/denied/denying/dispute/disputed/refuted/false that/untrue/doubt", "否认|驳斥|质疑|怀疑|不实|谣言"
    )
    doubtful = _re(
        "may/might/could/possibly/possible/probably/probable/perhaps/maybe/very like/most like/is like/are like/"
        "like to/apparently/allegedly/alleged/reportedly/seem/seemed/appears to/appear to/appeared to/suspect/"
        "suspected/presumed/presumably/estimate/estimated/expect/expected/forecast/predict/predicted/believe/believed/assume/assumed/"
        "claim/claimed/suppose/supposedly/rumoured/rumour/plan/planned/plan to/propose/proposed/intend/intended/"
        "aims to/aim to/hope/hoped/tentatively/in principle/consider/potentially/potential/would/should",
        "可能|或许|也许|恐怕|似乎|疑似|估计|预计|预期|预测|据称|据说|传闻|有望|声称|自称|认为|相信|推测|计划|规划|(?<![模虚比])拟|打算|"
        "建议|提议|希望|力争|争取|未必|不一定|大概率|倾向于|考虑|潜在|暂定|应该",
    )
    part = _re(
        "some/few/half/part of/partly/partially/mostly/mainly/largely/hardly/hardly any/rarely/seldom/sometimes/"
        "occasionally/often/usually/generally/typically/normally/almost/nearly/most of/several/a minority/a majority",
        "大多|多数|部分|一些|有些|少数|几乎|通常|一般(?!公|纳)|往往|有时|偶尔|很少|半数|大部|绝大|不少|某些|个别",
    )
    return _Marks(
        both_ways=(denied,),
        lost=(doubtful, part),
        only=_re("only/solely/exclusively", "(?<!不)仅(?!仅)|(?<!不)(?:只(?![要是不])|唯一|唯有|独有)"),
        before=_re(
            "if/unless/provided/provided that/providing/assuming/subject to/as long as/in case/so long as/on condition/"
            "except/except for/excluding/apart from/other than/with the exception/without/once/insofar as/"
            "depending on/pending/until",
            "如(?=[果若遇获有经需能未果])|(?<=[ ,])若|倘|假如|假设|除非|"
            "除(?!了|以|法|尘)|只有|只要|一旦|未经|须经|凡(?=[^尔])|视.{1,8}而定",
        ),
        when=re.compile(
            rf"^(?:{latin('if/unless/provided/once/when/after/before/while/until/as long as/in case')})|"
            rf"^ ?(?:如[果若]|若|倘|一旦|除非|只要|凡)|{_WHEN.pattern}|^ ?[\u3400-\u9fff]{{2,10}}的 ?$"
        ),
        after=_re(
            "",
            "除外|例外|以外|之外|情况下|的话|为前提|为条件|为限|前提下|(?<=[过于到达满无未有]).{0,12}时(?= ,)|"
            "(?:同意|批准|许可|授权|通过)(?:之?后|时|才|方)",
        ),
        but_for=_re(
            "unless/except/excluding/apart from/other than/exception/without", "除非|除(?!了|以|法|尘)|除外|例外|未经"
        ),
        rule=_re(
            "must/shall/may/can/could/cannot/be allowed/are allowed/is allowed/allowed/permit/permitted/prohibit/"
            "prohibited/forbidden/banned/required/free/entitled/obliged/have to/has to/need to/should",
            "不得|必须|必需|务必|须|应当|应(?![用对急答邀付收变届])|可以|不可|不能|禁止|严禁|免费|免票|免(?=[运费税除])|有权|无权|"
            "可(?=[退享申在免获拍])|才能|不准|不许|需(?=[要在向经提])",
        ),
        must=_re("must/shall/have to/has to/required/obliged", "必须|务必|须|应当|不得不"),
        may=_re("may/can/could/might/allowed/permitted/free to", "可以|可(?=[在退享申免获])|允许|有权|自愿"),
        to_come=_re(
            "will/plan to/plan/going to/is to/are to/due to/scheduled/intend/propose",
            "(?<![即])将(?!军|士|领|近|来)|计划|拟|预计|打算|即将|有望",
        ),
        done=_re("was/were/had/did/already/has been/have been", "已经?|(?<![为除到])了(?!解)|曾"),
        even=_re("even if/even though/even when/regardless/whether or", "即使|哪怕|无论|不论|不管|就算|即便"),
        focus=_re("because/merely/simply/just", "因为|由于|单纯"),
    )


def left_out(said: Claim, window: Claim) -> bool:
    """Whether what the sentence drops or adds changes what it says."""
    if bounds_differ(said.tokens, window.tokens):
        return True
    ours = _Said(said)
    used = False
    for begin, end in whole_sentences(window.tokens):
        sentence = _Sentence(window.tokens[begin:end], ours)
        if not any(sentence.used):
            continue
        used = True
        if _conditions(ours, sentence) or _weakened(ours, sentence) or _rule(ours, sentence):
            return True
    return used and (
        _added(ours, Flat(window.tokens), negated=any(token.kind == "not" for token in window.tokens))
        or any(_bound_elsewhere(said.tokens[a:b], window.tokens) for a, b in whole_sentences(said.tokens))
    )


class _Said:
    def __init__(self, said: Claim) -> None:
        self.tokens = said.tokens
        self.flat = Flat(said.tokens)
        self.keys = keys(said.tokens)
        self.alone = said.keys

    def has(self, pattern: "re.Pattern[str]") -> bool:
        return pattern.search(self.flat.text) is not None

    def share(self, tokens: Sequence[Token]) -> float:
        """How much of the tokens it has, too; 1 if they say nothing."""
        there = keys([token for token in tokens if token.kind != "not"])
        return len(there & self.keys) / len(there) if there else 1.0

    def lacks(self, tokens: Sequence[Token]) -> list[Token]:
        """Content words, and characters of which it has neither pair."""
        found: list[Token] = []
        for place, token in enumerate(tokens):
            if not token.content or (token.kind != "han" and token.key in self.alone):
                continue
            pairs = [tokens[n].key + tokens[n + 1].key for n in (place - 1, place) if 0 <= n < len(tokens) - 1]
            if token.kind != "han" or not (any(pair in self.keys for pair in pairs) or token.key in self.alone):
                found.append(token)
        return found


class _Sentence:
    """A sentence of the passage; `used[n]`: whether its clause n is what the other sentence speaks of."""

    def __init__(self, tokens: Sequence[Token], ours: _Said) -> None:
        self.tokens = tokens
        self.clauses = clauses(tokens)
        self.used = [self.uses(ours, tokens[a:b]) for a, b in self.clauses]

    def uses(self, ours: _Said, tokens: Sequence[Token]) -> bool:
        there = keys(tokens)
        common = len(there & ours.keys)
        return common > 0 and (common >= _USED * len(there) or common >= _USED * len(ours.keys))

    def clause_of(self, place: int) -> int:
        return next((n for n, (a, b) in enumerate(self.clauses) if a <= place < b), -1)


def _conditions(ours: _Said, there: _Sentence) -> bool:
    marks = _marks()
    flat = Flat(there.tokens)
    han = any(token.kind == "han" for token in there.tokens)
    found: list[tuple[int, int, int, bool]] = []  # clause, start and end of the condition, whether all of its clause
    for first, last in flat.finds(marks.before):
        if there.tokens[first].key == "once" and there.tokens[last : last + 1] and there.tokens[last].key in _EACH:
            continue
        n = there.clause_of(first)
        if n >= 0:
            a, b = there.clauses[n]
            whole = not any(token.content for token in there.tokens[a:first])
            found.append((n, last if not han else first, b, whole))
    for first, _ in flat.finds(marks.after):
        n = there.clause_of(first)
        if n >= 0:
            found.append((n, *there.clauses[n], True))
    for n, begin, end, whole in found:
        near = [n] if not whole else [n - 1, n + 1] if n else list(range(1, len(there.clauses)))
        if not any(0 <= m < len(there.used) and there.used[m] for m in near):
            continue
        condition = there.tokens[begin:end]
        if ours.share(condition) < _USED:
            return True
        if marks.but_for.search(Flat(there.tokens[max(0, begin - 2) : end]).text) and not (
            ours.has(marks.but_for) or any(token.kind == "not" for token in ours.tokens)
        ):
            return True
    return False


def _weakened(ours: _Said, there: _Sentence) -> bool:
    """A doubt, a part of all, a restriction, or the reason that a negation speaks of, is gone."""
    marks = _marks()
    for n, (a, b) in enumerate(there.clauses):
        if not there.used[n]:
            continue
        tokens = there.tokens[a:b]
        flat = Flat(tokens)
        if n and len(keys(there.tokens[slice(*there.clauses[n - 1])])) <= 4:  # "分析师估计，": what others say
            flat = Flat(there.tokens[there.clauses[n - 1][0] : b])
        text = re.sub(r" may(?= )", " ", flat.text) if ours.has(marks.may) else flat.text  # "may borrow": can
        if any(pattern.search(text) and not ours.has(pattern) for pattern in (*marks.lost, *marks.both_ways)):
            return True
        for _, last in Flat(tokens).finds(marks.only):
            if ours.has(marks.only):
                break
            restricted = [token for token in tokens[last:] if token.content]
            size = _ONLY_OF * (2 if restricted and restricted[0].kind == "han" else 1)
            if ours.lacks(restricted[:size]):
                return True
        if any(token.kind == "not" for token in tokens):
            after = next(place for place, token in enumerate(tokens) if token.kind == "not")
            rest = Flat(tokens[after:])
            for _, last in rest.finds(marks.focus):
                if ours.share(tokens[after + last :]) < _USED:
                    return True
        if marks.must.search(flat.text) and ours.has(marks.may) and not ours.has(marks.must):
            return not marks.may.search(flat.text)
        if marks.may.search(flat.text) and ours.has(marks.must) and not ours.has(marks.may):
            return not marks.must.search(flat.text)
        if marks.to_come.search(flat.text) and not marks.done.search(flat.text):
            return ours.has(marks.done) and not ours.has(marks.to_come)
    return False


def _rule(ours: _Said, there: _Sentence) -> bool:
    """A rule is said whole: whom it binds, and when. And a bound that something holds for."""
    marks = _marks()
    new = len(_Said(Claim(tuple(there.tokens))).lacks(ours.tokens))
    parts = [part for clause in there.clauses for part in _predicates(there.tokens, *clause)]
    for a, b in parts:
        tokens = there.tokens[a:b]
        if not there.uses(ours, tokens):
            continue
        if any(key not in ours.alone for key in bounded(tokens)):
            return True
        if not marks.rule.search(Flat(tokens).text):
            continue
        lost = [token for token in ours.lacks(tokens) if token.key not in _LIGHT]
        if tokens[0].key == "第" or (len(tokens) > 1 and tokens[1].key in ("条", "款", "章")):
            lost = [token for token in lost if token.key not in ("条", "款", "章", "项", tokens[0].key)]  # its number
        if a == 0 and tokens[0].quantity is not None and not tokens[0].quantity.unit and "." in tokens[0].key:
            lost = [token for token in lost if token is not tokens[0]]  # 12.1 The Supplier shall ...
        han = sum(token.kind == "han" for token in lost)
        if han - new > _OMITTED_HAN or len(lost) - han - new > 0:
            return True
    return False


def _predicates(tokens: Sequence[Token], a: int, b: int) -> list[tuple[int, int]]:
    """ "the buyer may cancel" and "shall be refunded" of "the buyer may cancel and shall be refunded"."""
    found: list[tuple[int, int]] = []
    for place in range(a + 1, b - 1):
        if tokens[place].key == "and" and tokens[place + 1].key in _MODALS:
            found.append((a, place))
            a = place + 1
    return [*found, (a, b)]


def _bound_elsewhere(ours: Sequence[Token], window: Sequence[Token]) -> bool:
    """The passage has the condition of the sentence, but in a sentence that says something else of it. "They keep for a
    year; once opened, eat them within a month": not "once opened, they keep for a year"."""
    pattern = _marks().when
    pieces = clauses(ours)
    if pieces and (head := next(Flat(ours[slice(*pieces[0])]).finds(_WHEN), None)) is not None:
        a, b = pieces[0]
        if a + head[1] < b:
            pieces[0:1] = [(a, a + head[1]), (a + head[1], b)]
    here = [n for n, (a, b) in enumerate(pieces) if pattern.search(Flat(ours[a:b]).text)]
    if len(here) != 1 or len(pieces) < 2:
        return False
    condition = keys(ours[slice(*pieces[here[0]])])
    asked = Flat(ours[slice(*pieces[here[0]])]).text.strip()
    rest = keys([token for n, (a, b) in enumerate(pieces) if n not in here for token in ours[a:b]])
    with_it = [
        there
        for a, b in whole_sentences(window)
        if (pattern.search(flat := Flat(window[a:b]).text) or asked in flat)
        and len(condition & (there := keys(window[a:b]))) > _USED * len(condition)
    ]
    return bool(condition and rest and with_it) and all(len(rest & there) < _USED * len(rest) for there in with_it)


def _added(ours: _Said, there: Flat, *, negated: bool) -> bool:
    """A restriction or a condition that the passage has not."""
    marks = _marks()
    return (
        (ours.has(marks.only) and not marks.only.search(there.text))
        or (ours.has(marks.even) and not marks.even.search(there.text))
        or (ours.has(marks.but_for) and not marks.but_for.search(there.text) and not negated)
        or any(ours.has(pattern) and not pattern.search(there.text) for pattern in marks.both_ways)
    )
