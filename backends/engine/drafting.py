"""A small model that guesses ahead for a large one, with the same vocabulary.

It reads what the large one reads, in slices of its own, and says greedily what it thinks comes next, for all answers in
one batch. It stops where it is not sure itself. What it says is verified by the large one (`speculation.py`), so that
it can make an answer quicker or slower, and never another one.
"""

import math
import time
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from backends.core.cancel import CancelToken
from backends.core.phrase import Phrase
from backends.engine import native
from backends.engine.abilities import abilities
from backends.engine.context import Context, ContextOptions
from backends.engine.prefix import common
from backends.engine.protocol import LONGEST_DRAFT, LoadRequest

_SURE = 0.4  # probability under which a guess is not worth a place in the large batch
_SLICE = 256  # tokens of a prompt that are read between two steps of the large model
_MEMORY = 0.2  # weight of the newest guess in what one costs
_FAILURES = 3  # of the engine, then it is left alone
_SPARE = 128  # ids by which vocabularies of one family differ: rows that fill up a tensor
_SAMPLE = 4096  # pieces that are compared


class Answer(Protocol):
    @property
    def over(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Want:
    """`most` tokens behind `tokens` of an answer, unless it is over. `reader` is the same from call to call."""

    reader: Hashable
    tokens: list[int]
    most: int
    answer: Answer


@dataclass(slots=True)
class _Slot:
    known: list[int]  # tokens in the cache
    agreed: int = 0  # so many of them are the reader's for sure
    reader: Hashable = None


class DraftModel:
    """Lives on the engine's thread, with the model it guesses for. `vocabulary`: how many tokens that one has."""

    def __init__(self, model: native.Model, context: Context, vocabulary: int, readers: int) -> None:
        self._model, self._context = model, context
        self._rows, self._vocabulary = model.vocabulary.size, vocabulary
        self._slots = [_Slot([]) for _ in range(readers)]
        self._failures = 0
        self.each = 0.0
        """Seconds a guess costs."""

    def drafts(self, wants: Sequence[Want]) -> list[list[int]]:
        """For each the tokens it thinks come next; none while it still reads."""
        drafts: list[list[int]] = [[] for _ in wants]
        if self._failures >= _FAILURES:
            return drafts
        try:
            self._draft(wants, drafts)
        except RuntimeError:
            self._failures += 1
            self._context.clear()
            for slot in self._slots:
                slot.known, slot.agreed = [], 0
            return [[] for _ in wants]
        return drafts

    def _draft(self, wants: Sequence[Want], drafts: list[list[int]]) -> None:
        batch = self._context.batch
        batch.clear()
        readers = [want.reader for want in wants]
        speaking: list[tuple[int, int, int]] = []  # want, slot, place
        for n, want in enumerate(wants):
            number = self._slot(want, readers)
            slot, room = self._slots[number], min(batch.room - (len(wants) - n), _SLICE)
            pending = want.tokens[slot.agreed : slot.agreed + max(room, 1)]
            if not self._has_room(len(pending) + len(wants) * LONGEST_DRAFT, readers):
                continue
            whole = slot.agreed + len(pending) == len(want.tokens)
            place = batch.add_slice(pending, slot.agreed, number, whole)
            slot.known += pending
            slot.agreed = len(slot.known)
            if whole:
                speaking.append((n, number, place))
        if batch.count:
            self._context.decode()
        while speaking:
            began, going = time.perf_counter(), []
            batch.clear()
            for n, number, place in speaking:
                token, sure = self._best(place)
                if sure < _SURE or token >= self._vocabulary or wants[n].answer.over:
                    continue
                drafts[n].append(token)
                if len(drafts[n]) < wants[n].most:
                    slot = self._slots[number]
                    going.append((n, number, batch.add(token, len(slot.known), number, True)))
                    slot.known.append(token)
            if going:
                self._context.decode()
                spent = time.perf_counter() - began
                self.each += _MEMORY * (spent - self.each) if self.each else spent
            speaking = going

    def _has_room(self, needed: int, readers: Sequence[Hashable]) -> bool:
        """There are so many free cells, if need be those of who is not asked for now."""
        if sum(len(slot.known) for slot in self._slots) + needed > self._context.size:
            for number, slot in enumerate(self._slots):
                if slot.reader not in readers:
                    self._context.cut(number, 0)
                    slot.known, slot.agreed = [], 0
        return sum(len(slot.known) for slot in self._slots) + needed <= self._context.size

    def _slot(self, want: Want, readers: Sequence[Hashable]) -> int:
        """The sequence that reads this answer, with what it knows of it already; the last token is always read again,
        for what comes behind it."""
        number = next((n for n, slot in enumerate(self._slots) if slot.reader is want.reader), -1)
        if number < 0:
            free = [n for n, slot in enumerate(self._slots) if slot.reader is None or slot.reader not in readers]
            shared = {n: common(self._slots[n].known, want.tokens) for n in free}
            number = max(free, key=lambda n: shared[n])
            self._slots[number].reader, self._slots[number].agreed = want.reader, shared[number]
        slot, tokens = self._slots[number], want.tokens
        agreed, most = min(slot.agreed, len(tokens) - 1), min(len(slot.known), len(tokens) - 1)
        while agreed < most and slot.known[agreed] == tokens[agreed]:
            agreed += 1
        if agreed < len(slot.known):
            self._context.cut(number, agreed)
            del slot.known[agreed:]
        slot.agreed = agreed
        return number

    def _best(self, place: int) -> tuple[int, float]:
        """The likeliest token at a place of the batch, and its probability."""
        from backends.engine import logits  # brings numpy

        values = logits.logits_at(native.library().llama, self._context.handle, place, self._rows)
        best = int(values.argmax())
        return best, math.exp(float(values[best]) - logits.log_total(values))

    def leave(self, reader: Hashable) -> None:
        """What was read for this answer stays until another one needs the place."""
        for slot in self._slots:
            if slot.reader is reader:
                slot.reader = None

    def close(self) -> None:
        self._context.close()
        self._model.close()


def load_draft(
    request: LoadRequest, model: native.Model, context: Context, threads: int, cancel: CancelToken
) -> tuple[DraftModel | None, tuple[Phrase, ...]]:
    """The draft model of a request, beside the model it is for. One that does not suit or cannot be loaded is left out,
    and a note says so. Raises Cancelled, and leaves nothing behind then."""
    if request.draft is None:
        return None, ()
    if not abilities(model.architecture).cut:
        return None, (_left_out(request, "this model cannot take back what it computed", "该模型无法撤回已计算的内容"),)
    try:
        small = _load(request, cancel)
    except native.LoadFailed:
        cancel.check()
        return None, (_left_out(request, "it cannot be loaded", "无法加载"),)
    done = False
    try:
        cancel.check()
        unsuited = _unsuited(model, small)
        if unsuited is not None:
            return None, (_left_out(request, unsuited.en, unsuited.zh),)
        try:
            size = min(context.size, small.context_train)
            options = ContextOptions(
                size, "f16", threads, request.batch, sequences=request.parallel, outputs=request.parallel
            )
            made = Context(small, options)
        except native.LoadFailed:
            return None, (_left_out(request, "there is not enough memory for it", "内存不足"),)
        done = True
        return DraftModel(small, made, model.vocabulary.size, request.parallel), ()
    finally:
        if not done:
            small.close()


def _load(request: LoadRequest, cancel: CancelToken) -> native.Model:
    """On the GPU where the large one is, as far as there is room."""
    assert request.draft is not None
    if not request.draft.is_file():
        raise native.LoadFailed
    for layers in (0,) if request.gpu_layers == 0 else (-1, 0):
        try:
            return native.Model(
                request.draft, gpu_layers=layers, experts_on_cpu=0, progress=lambda _: not cancel.cancelled
            )
        except native.LoadFailed:
            if layers == 0 or cancel.cancelled:
                raise
    raise native.LoadFailed


def _unsuited(model: native.Model, small: native.Model) -> Phrase | None:
    """Why the small model's tokens are not the large one's (the checks of llama.cpp's common/speculative.cpp)."""
    if not abilities(small.architecture).cut:
        return Phrase("its kind of model cannot take back what it computed", "此类模型无法撤回已计算的内容")
    one, other = model.vocabulary, small.vocabulary
    same = (
        _kind(model) == _kind(small)
        and (one.add_bos, one.bos, one.eos) == (other.add_bos, other.bos, other.eos)
        and abs(one.size - other.size) <= _SPARE
    )
    if same:
        both = min(one.size, other.size)
        sample = {*range(0, both, both // _SAMPLE + 1), *(t for t in one.marks.values() if t < both)}
        same = all(one.piece(token) == other.piece(token) for token in sample)
    return None if same else Phrase("its vocabulary is another one", "词表不同")


def _kind(model: native.Model) -> Any:
    llama = native.library().llama
    return llama.llama_vocab_type(llama.llama_model_get_vocab(model.handle))


def _left_out(request: LoadRequest, why: str, why_zh: str) -> Phrase:
    assert request.draft is not None
    return Phrase(
        f"Answers come without the draft model {request.draft.name}: {why}.",
        f"回答时不使用草稿模型 {request.draft.name}：{why_zh}。",
    )
