"""Schedule, run, postprocess, for ever.

Requests wait in a queue. As many as there are slots are computed together, in one cache: each asks for what it needs,
the token it said last or a part of its prompt; all that goes into one batch, one `decode`, and who gets logits says a
token. Those who speak come first; what is read of prompts beside them is so little that they keep their pace.
"""

import time
from collections.abc import Callable, Set
from collections.abc import Sequence as Many
from functools import partial
from typing import Any

from backends.core.errors import BackendError, Cancelled, EngineError
from backends.core.phrase import Phrase
from backends.core.stream import Stream
from backends.engine import prompts
from backends.engine.abilities import abilities
from backends.engine.adapters import Adapters, Key
from backends.engine.admission import Admission
from backends.engine.context import CacheFull, Context
from backends.engine.figures import EngineFigures, Tally
from backends.engine.groups import Turns
from backends.engine.native import Model
from backends.engine.pace import Pace
from backends.engine.protocol import LONGEST_DRAFT, GenerateEvent, Tool, Turn
from backends.engine.room import Room, sequences
from backends.engine.sequence import PERSON, Job, Sequence
from backends.engine.speculation import Speculation
from backends.engine.states import StateStore
from backends.engine.template import ChatTemplate
from backends.engine.tools import check_tools
from backends.engine.waiting import Change
from backends.engine.warm import Warm


class Scheduler:
    """Lives on the engine's thread, as long as the model is loaded. `device` is what answers are signed with; `aside`:
    bytes of main memory for what is in the way of those who compute."""

    def __init__(
        self,
        model: Model,
        context: Context,
        template: ChatTemplate,
        device: str,
        slice_size: int,
        parallel: int = 1,
        speculation: Speculation | None = None,
        adapters: Adapters | None = None,
        aside: int = 0,
    ) -> None:
        self._model, self._context, self._template = model, context, template
        self._slice, self._adapters = slice_size, adapters
        self._can = abilities(model.architecture)
        self._room = Room(context, self._can, sequences(self._can, parallel), aside)
        shares = self._can.share and self._can.cut
        self._admission = Admission(self._room, context.size, parallel, shares, self._key, device)
        self._waiting, self._turns, self._pace = self._admission.waiting, Turns(), Pace()
        self._batch: list[Sequence] = []  # those who have a part in it
        self._speaking = self._read = 0  # tokens of it: of those who speak, and of prompts
        self._unseen = 0, 0.0  # tokens of prompts in the steps since logits were wanted, and the seconds of these steps
        self._speculation = speculation if self._can.cut else None
        self.tally = Tally()
        self._cramped = False  # there was no room for guesses in the cache
        self._warm: Warm | None = None
        self.stalled = False  # whoever waits, waits for the disk

    @property
    def busy(self) -> bool:
        return bool(self._waiting or self._running)

    def figures(self) -> EngineFigures:
        """Of this moment, without `model` and `work`. Any thread may ask."""
        running = tuple(self._running)
        cells = self._room.cells(running)
        return EngineFigures(None, len(running), len(self._waiting), min(cells, self._context.size), self._context.size)

    @property
    def _running(self) -> list[Sequence]:
        return self._admission.running

    # ---- what is asked for

    def submit(self, job: Job) -> Sequence:
        """Queue a request. InvalidInput (`context_too_long`, `bad_token`, `bad_sampling`) at once where it makes no
        sense. One whose grammar is `wanted`, or whose adapters are `untried`, waits until that is settled."""
        prompt = prompts.read(job.request, self._template, self._model.vocabulary.size, self._context.size)
        sequence = Sequence(job, prompt, self._model, self._context, self._cancelled, self._speculation, self.tally)
        self._waiting.add(sequence)
        if self._adapters is not None and job.request.adapters is not None:
            try:
                sequence.untried = self._adapters.untried(job.request.adapters)
                if not sequence.untried:
                    self._hold(sequence)
            except BackendError as error:
                self._refuse(sequence, error)
        return sequence

    def settle(self, sequence: Sequence, outcome: str | BackendError | Cancelled) -> None:
        """What came of its grammar. Nothing happens if it has gone meanwhile."""
        if sequence not in self._waiting or sequence.over:
            return
        try:
            if not isinstance(outcome, str):
                raise outcome
            sequence.govern(outcome)
        except (BackendError, Cancelled) as error:
            self._refuse(sequence, error)

    def settle_adapters(self, sequence: Sequence, outcome: BackendError | None) -> None:
        """What came of trying its adapters. Nothing happens if it has gone meanwhile."""
        if sequence not in self._waiting or sequence.over or not sequence.untried:
            return
        try:
            if outcome is not None:
                raise outcome
            self._hold(sequence)
        except BackendError as error:
            self._refuse(sequence, error)

    def _hold(self, sequence: Sequence) -> None:
        adapters = sequence.adapters
        if self._adapters is not None and adapters is not None:
            key = sequence.key = self._adapters.hold(adapters)
            sequence.released, sequence.untried = partial(self._adapters.release, key), []

    def _refuse(self, sequence: Sequence, error: Exception) -> None:
        self._waiting.remove(sequence)
        sequence.fail(error)

    def count(self, turns: Many[Turn], tools: Many[Tool] = ()) -> int:
        """The length of a prompt in tokens."""
        check_tools(tools, "auto")
        return len(self._template.prompt(turns, tools=tools).tokens)

    def tokens(self, text: str, *, special: bool) -> tuple[int, ...]:
        """Of a text as it is; `special`: after the model's begin-of-text token, where it wants one."""
        return prompts.tokens(text, self._model.vocabulary, special=special)

    def text(self, tokens: Many[int]) -> str:
        """InvalidInput (`bad_token`) for one that is none."""
        return prompts.text(tokens, self._model.vocabulary)

    def change(self, stream: Stream[Any], call: Callable[[], None]) -> None:
        """Queue something to be done between answers, on this thread. If it never comes to that, the stream ends with
        nothing in it."""
        self._waiting.add(Change(stream, call))

    def answer_now(self, stream: Stream[GenerateEvent]) -> None:
        """Whoever speaks into this stream, or is about to, closes its thinking."""
        for sequence in (*self._running, *self._waiting):
            if isinstance(sequence, Sequence) and sequence.stream is stream:
                sequence.answer_now()

    def forget(self) -> None:
        """Nothing that is in the cache is worth anything any more. Between answers only."""
        self._room.erase(None)

    def keep_warm(self, store: StateStore, identity: str, wake: Callable[[], None]) -> None:
        """Save what was read on the disk, and take it from there. `wake`: let somebody call `step` or `save_one`."""
        self._warm = Warm(store, self._room, self._context, self._can, identity, wake, lambda: self._pace.token_cost)
        self._admission.disk = self._warm

    def save_one(self) -> bool:
        """A small piece of work for when there is nothing else to do. False: there is none."""
        return self._warm is not None and self._warm.save_one()

    def erase(self, labels: Set[str] | None, stream: Stream[None], *, for_good: bool) -> None:
        """Forget what read any of these (None: all), here and on the disk; what is being computed, when it is done.
        `stream` ends then. StorageError out of it."""
        self._room.erase(labels)
        self._template.forget()
        for item in (*self._running, *self._waiting):
            if isinstance(item, Sequence) and (labels is None or not item.labels.isdisjoint(labels)):
                item.erased = True
        if self._warm is not None:
            self._warm.erase(labels, stream, for_good=for_good)
        else:
            stream.close()

    def close(self) -> None:
        """`stop`, and save in a short time what is worth it."""
        self.stop()
        if self._warm is not None:
            self._warm.close()

    def stop(self) -> None:
        """End all answers; those that are not done end as cancelled."""
        for item in (*self._waiting, *self._running):
            self._admission.retire(item)

    def _key(self) -> Key:
        return self._adapters.key if self._adapters is not None else ()

    def _cancelled(self, sequence: Sequence) -> None:
        """On any thread. What is computed for nobody else need not come to its end."""
        if self._running == [sequence]:
            self._context.interrupt()

    # ---- a step

    def step(self) -> bool:
        """False: there was nothing to do."""
        self._context.rearm()
        self._schedule()
        self.stalled = not self._running and bool(self._waiting)
        if not self._running:
            return self.busy
        started = time.perf_counter()
        done, read = self._run()
        generated, decoded = self._postprocess() if done else (0, 0)
        seconds = time.perf_counter() - started
        if done:
            self._learn(seconds)
        self.tally.step(read, generated, decoded, seconds)
        return True

    def _learn(self, seconds: float) -> None:
        """What steps cost. A GPU computes on when nobody wants logits: that is seen only in the step where one does."""
        self._unseen = self._unseen[0] + self._read, self._unseen[1] + seconds
        if not self._context.batch.outputs:
            return
        (read, seconds), self._unseen = self._unseen, (0, 0.0)
        self._pace.learn(self._speaking, read, seconds)
        if self._speculation and not read:
            self._speculation.costs.learn(self._speaking, seconds)
        elif self._speculation and not self._speaking:
            self._speculation.costs.learn_reading(read, seconds)

    def _schedule(self) -> None:
        """Let go of who is done, let in who waits, and gather what is to be computed."""
        for sequence in [s for s in self._running if s.over]:
            self._admission.retire(sequence)
        if self._waiting:
            self._admission.let_in()
        self._batch = self._running
        if self._adapters is not None and self._running:
            key, self._batch = self._turns.of(self._running)
            self._adapters.switch(key)
        for sequence in self._batch:
            sequence.think()
        self._guess()
        self._gather()

    def _guess(self) -> None:
        """What those who speak may say next, to be computed in the same step."""
        if self._speculation is None:
            return
        speaking = [sequence for sequence in self._batch if sequence.pending <= LONGEST_DRAFT]
        count = sum(sequence.pending for sequence in speaking)
        self._speculation.prepare(speaking, count, 0 if self._cramped else self._context.batch.size - count)
        self._cramped = False

    def _gather(self) -> None:
        """Those who speak each get their turn; prompts are read by order, as much as the pace allows."""
        batch = self._context.batch
        batch.clear()
        reading, speaking = list[Sequence](), list[Sequence]()
        for sequence in self._batch:
            if sequence.pending > LONGEST_DRAFT:
                reading.append(sequence)
            else:
                speaking.append(sequence)
                sequence.fill(batch, batch.room)
        self._speaking, most = batch.count, self._slice
        if reading:
            reading.sort(key=lambda sequence: sequence.order)
            if any(other.rank <= reading[0].rank for other in speaking):
                person = any(other.rank == PERSON for other in speaking)
                most = self._pace.slice(most, self._speaking, person=person)
        for sequence in reading:
            most -= sequence.fill(batch, min(most, batch.room))
        self._read = batch.count - self._speaking

    def _run(self) -> tuple[bool, int]:
        """Compute the batch. False: interrupted (who is cancelled goes, the others try again), or failed. And so many
        tokens of prompts were computed."""
        try:
            done = self._context.decode()
        except CacheFull:
            self._cramped = any(sequence.draft for sequence in self._batch)
            self._admission.make_room(urgent=not self._cramped)
            return False, 0
        except RuntimeError as error:
            self._admission.fail(_failed(error))
            return False, 0
        read = 0
        for sequence in self._batch:
            before = sequence.read
            sequence.computed(sequence.asked if done else self._left(sequence))
            read += max(0, sequence.read - before)
            if sequence.held == sequence.milestone:
                self._room.copy(sequence)
        return done, read

    def _left(self, sequence: Sequence) -> int:
        """What a sequence holds after an interruption. A cache that cannot go back has lost it."""
        if not self._can.cut and sequence.asked > sequence.held:
            self._context.cut(sequence.slot, 0)
        return self._context.held(sequence.slot)

    def _postprocess(self) -> tuple[int, int]:
        """Who got logits says a token, or more; how many that were, and those of them that were not the first."""
        generated = decoded = 0
        for sequence in tuple(self._batch):
            if sequence.place >= 0:
                known = len(sequence.tokens)
                try:
                    sequence.hear(self._context)
                except BackendError as error:  # its grammar comes to no good end
                    self._admission.expel(sequence, error)
                said = len(sequence.tokens) - known
                generated += said
                decoded += said if known > sequence.prompt else 0
        return generated, decoded


def _failed(cause: RuntimeError) -> EngineError:
    return EngineError(
        Phrase(f"The engine failed while it computed ({cause}).", f"引擎在计算时出错（{cause}）。"),
        Phrase(
            "Ask again. If it fails again, load the model with a smaller context.",
            "请重试。若仍然失败，请用更小的上下文加载模型。",
        ),
        code="decode_failed",
    )
