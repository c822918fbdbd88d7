"""Schedule, run, postprocess, for ever.

Requests wait in a queue. As many as there are slots are computed together, in one cache: each asks for what it needs,
the token it said last or a part of its prompt; all that goes into one batch, one `decode`, and who gets logits says a
token. Those who speak come first; what is read of prompts beside them is so little that they keep their pace.

When the cache is full, what idle answers left goes first; then the youngest of the least urgent gives its place up
until there is room again.
"""

import time
from collections.abc import Callable, Set
from collections.abc import Sequence as Many
from typing import Any

from backends.core.errors import EngineError, InvalidInput
from backends.core.phrase import Phrase
from backends.core.stream import Stream
from backends.engine.abilities import abilities
from backends.engine.context import CacheFull, Context
from backends.engine.native import Model
from backends.engine.pace import Pace
from backends.engine.protocol import LONGEST_DRAFT, GenerateEvent, GenerateRequest, Turn
from backends.engine.room import Found, Room, sequences
from backends.engine.sequence import Job, Sequence
from backends.engine.speculation import Speculation
from backends.engine.states import StateStore
from backends.engine.template import ChatTemplate, Prompt
from backends.engine.tools import offered
from backends.engine.waiting import Change, Waiting
from backends.engine.warm import Warm

_LONG = 64  # tokens; so much of a prompt that another one is reading is worth waiting for
_FOR_OTHERS = Phrase("It makes room for a more urgent answer.", "为更紧急的回答让出位置。")
_FOR_ROOM = Phrase("The context is full: it goes on when others are done.", "上下文已满：其他回答完成后继续。")


class Scheduler:
    """Lives on the engine's thread, as long as the model is loaded. `device` is what answers are signed with."""

    def __init__(
        self,
        model: Model,
        context: Context,
        template: ChatTemplate,
        device: str,
        slice_size: int,
        parallel: int = 1,
        speculation: Speculation | None = None,
    ) -> None:
        self._model, self._context, self._template = model, context, template
        self._device, self._slice, self._parallel = device, slice_size, parallel
        can = abilities(model.architecture)
        self._room = Room(context, can, sequences(can, parallel))
        self._can_share = can.share and can.cut
        self._speculation = speculation if can.cut else None
        self._cramped = False  # there was no room for guesses in the cache
        self._pace = Pace()
        self._waiting = Waiting()
        self._running: list[Sequence] = []
        self._warm: Warm | None = None
        self.stalled = False  # whoever waits, waits for the disk
        self._ended = 0  # answers, so far
        self._crowded = -1  # `_ended`, when somebody had to give up its place for room

    @property
    def busy(self) -> bool:
        return bool(self._waiting or self._running)

    # ---- what is asked for

    def submit(self, job: Job) -> None:
        """Queue a request. InvalidInput (`context_too_long`, `bad_token`) at once if its prompt does not fit."""
        prompt = self._prompt(job.request)
        self._check(prompt)
        self._waiting.add(Sequence(job, prompt, self._model, self._context, self._cancelled, self._speculation))

    def count(self, turns: Many[Turn]) -> int:
        """The length of a prompt in tokens."""
        return len(self._template.prompt(turns).tokens)

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
        self._room.clear()

    def keep_warm(self, store: StateStore, identity: str, wake: Callable[[], None]) -> None:
        """Save what was read on the disk, and take it from there. `wake`: let somebody call `step` or `save_one`."""
        can = abilities(self._model.architecture)
        self._warm = Warm(store, self._room, self._context, can, identity, wake, lambda: self._pace.token_cost)

    def save_one(self) -> bool:
        """A small piece of work for when there is nothing else to do. False: there is none."""
        return self._warm is not None and self._warm.save_one()

    def erase(self, labels: Set[str] | None, stream: Stream[None]) -> None:
        """Forget what read any of these (None: all), here and on the disk; what is being computed, when it is done.
        `stream` ends then. StorageError out of it."""
        self._room.erase(labels)
        for item in (*self._running, *self._waiting):
            if isinstance(item, Sequence) and (labels is None or not item.labels.isdisjoint(labels)):
                item.erased = True
        if self._warm is not None:
            self._warm.erase(labels, stream)
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
            self._retire(item)

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
        if self._run():
            self._postprocess()
            seconds = time.perf_counter() - started
            self._pace.learn(self._speaking, self._read, seconds)
            if self._speculation and not self._read:
                self._speculation.costs.learn(self._speaking, seconds)
        return True

    def _schedule(self) -> None:
        """Let go of who is done, let in who waits, and gather what is to be computed."""
        for sequence in [s for s in self._running if s.over]:
            self._retire(sequence)
        if self._waiting:
            self._let_in()
        for sequence in self._running:
            sequence.think()
        self._guess()
        self._gather()

    def _guess(self) -> None:
        """What those who speak may say next, to be computed in the same step."""
        if self._speculation is None:
            return
        speaking = [sequence for sequence in self._running if sequence.pending <= LONGEST_DRAFT]
        count = sum(sequence.pending for sequence in speaking)
        self._speculation.prepare(speaking, count, 0 if self._cramped else self._context.batch.size - count)
        self._cramped = False

    def _gather(self) -> None:
        """Those who speak each get their turn; prompts are read by order, as much as the pace allows."""
        batch = self._context.batch
        batch.clear()
        reading: list[Sequence] = []
        for sequence in self._running:
            if sequence.pending > LONGEST_DRAFT:
                reading.append(sequence)
            else:
                sequence.fill(batch, batch.room)
        self._speaking = batch.count
        most = self._slice
        if reading and self._speaking:
            reading.sort(key=lambda sequence: sequence.order)
            keep = any(s.rank <= reading[0].rank for s in self._running if s.place >= 0)
            most = self._pace.slice(most) if keep else most
        for sequence in reading:
            most -= sequence.fill(batch, min(most, batch.room))
        self._read = batch.count - self._speaking

    def _run(self) -> bool:
        """Compute the batch. False: interrupted (who is cancelled goes, the others try again), or failed."""
        try:
            done = self._context.decode()
        except CacheFull:
            self._cramped = any(sequence.draft for sequence in self._running)
            if not self._room.evict() and not self._cramped:
                self._give_way()
            return False
        except RuntimeError as error:
            self._fail(error)
            return False
        for sequence in self._running:
            sequence.computed(sequence.asked if done else self._context.held(sequence.slot))
        return done

    def _postprocess(self) -> None:
        """Who got logits says a token."""
        for sequence in self._running:
            if sequence.place >= 0:
                sequence.hear(self._context)

    # ---- who comes and who goes

    def _let_in(self) -> None:
        if self._warm is not None:
            self._warm.settle()
        for item in self._waiting:
            if item.over:
                self._retire(item)
        while (change := self._waiting.change) and not self._running:
            self._waiting.remove(change)
            change.make()
        for sequence in self._waiting.next:
            if len(self._running) == self._parallel and not self._make_place(sequence):
                break
            found = self._find(sequence)
            if self._reads_it_already(sequence, found):
                continue
            if self._warm is not None and self._warm.waits(sequence, found.shared, self._cells):
                continue
            if not self._fits(sequence, found):
                break
            self._admit(sequence, found)
        self._waiting.tell()

    def _find(self, sequence: Sequence) -> Found:
        """What the cache holds of a sequence's prompt.

        Not if it has a seed: who sets one wants the same answer again, and a prompt that is computed in other
        batches, or lies elsewhere in the cache, differs in the last digits.
        """
        live = self._running
        if sequence.seeded:
            live = [other for other in live if other.family == sequence.family >= 0]
            if len(live) == len(self._running):
                self._room.clear()
            idle = False
        else:
            idle = True
        return self._room.find(sequence.tokens, sequence.key, live, idle=idle)

    def _reads_it_already(self, sequence: Sequence, found: Found) -> bool:
        """Somebody who is no less urgent reads what this one begins with: then that is not computed twice."""
        if not self._can_share:
            return False
        return any(
            other.reading
            and other.rank <= sequence.rank
            and other.key == sequence.key
            and (not sequence.seeded or other.family == sequence.family >= 0)
            and other.shares(sequence.tokens) > max(other.held, found.shared) + _LONG
            for other in self._running
        )

    def _fits(self, sequence: Sequence, found: Found) -> bool:
        """There is room for it, or it may take somebody's. Who had to go for want of room waits until one is done."""
        if not self._running:
            return True
        if sequence.paused and self._crowded == self._ended:
            return False
        if any(other.rank > sequence.rank for other in self._running):
            return True
        used = sum(len(other.tokens) - other.shared for other in self._running)
        return used + len(sequence.tokens) - found.shared + len(self._running) < self._context.size

    @property
    def _cells(self) -> int:
        """Of the cache, that nobody computes in."""
        return self._context.size - sum(len(other.tokens) for other in self._running)

    def _make_place(self, sequence: Sequence) -> bool:
        """Background work gives its slot to whoever waits for an answer."""
        young = max(self._running, key=lambda other: other.order)
        if young.rank < 2 or sequence.rank == 2:
            return False
        self._pause(young, _FOR_OTHERS)
        return True

    def _admit(self, sequence: Sequence, found: Found) -> None:
        if self._warm is not None:
            sequence.restored = self._warm.restored(sequence, found)
        slot, shared = self._room.take(found)
        self._waiting.remove(sequence)
        sequence.start(slot, shared)
        self._running.append(sequence)

    def _pause(self, sequence: Sequence, why: Phrase) -> None:
        self._running.remove(sequence)
        self._room.leave(sequence, sequence.prompt)
        sequence.pause(why)
        self._waiting.add(sequence)

    def _give_way(self) -> None:
        """The cache is full of running answers: the youngest of the least urgent waits for better times."""
        young = max(self._running, key=lambda other: other.order)
        if len(self._running) == 1:
            young.finish_reason = "length"
            return
        self._crowded = self._ended
        self._pause(young, _FOR_ROOM)

    def _retire(self, item: Sequence | Change) -> None:
        if isinstance(item, Change):
            self._waiting.remove(item)
            item.stream.close()
            return
        if item.slot >= 0:
            self._running.remove(item)
            self._room.leave(item, item.prompt)
            self._ended += 1
        else:
            self._waiting.remove(item)
        item.finish(self._device)

    def _fail(self, cause: RuntimeError) -> None:
        error = EngineError(
            Phrase(f"The engine failed while it computed ({cause}).", f"引擎在计算时出错（{cause}）。"),
            Phrase(
                "Ask again. If it fails again, load the model with a smaller context.",
                "请重试。若仍然失败，请用更小的上下文加载模型。",
            ),
            code="decode_failed",
        )
        self._room.reset(sequence.slot for sequence in self._running)
        for sequence in self._running:
            sequence.fail(error)
        self._running.clear()

    def _prompt(self, request: GenerateRequest) -> Prompt:
        if not request.tokens:
            return self._template.prompt(
                request.turns, request.thinking, request.effort, offered(request), request.said
            )
        size = self._model.vocabulary.size
        for token in request.tokens:
            if not 0 <= token < size:
                raise InvalidInput(
                    Phrase(
                        f"There is no token {token}: this model has {size}.",
                        f"不存在 token {token}：该模型共有 {size} 个。",
                    ),
                    code="bad_token",
                )
        return Prompt(list(request.tokens), "answer")

    def _check(self, prompt: Prompt) -> None:
        needed, room = len(prompt.tokens), self._context.size
        if needed >= room:
            raise InvalidInput(
                Phrase(
                    f"This conversation needs {needed} tokens, but the context holds {room}.",
                    f"此对话需要 {needed} 个 token，但上下文只能容纳 {room} 个。",
                ),
                Phrase(
                    "Shorten the message, start a new conversation, or load the model with a larger context.",
                    "请缩短消息、新建对话，或用更大的上下文加载模型。",
                ),
                code="context_too_long",
            )
