"""Schedule, run, postprocess, for ever.

Requests wait in a queue. A running sequence asks for what it needs computed: a slice of its prompt, or the
token it said last; all that fits goes into one batch, one `decode`, and who gets logits says a token. There
is one slot now; more of them change the numbers here, not the story.

A change of the model itself waits in the same queue: it comes when those before it have their answers, and those
behind it wait for it.

A slot keeps its tokens in the cache after the answer: the next prompt takes over what it shares with them.
"""

from collections import deque
from collections.abc import Callable
from collections.abc import Sequence as Many
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from backends.core.errors import BackendError, Cancelled, EngineError, InvalidInput
from backends.core.phrase import Phrase
from backends.core.stream import Stream
from backends.engine.abilities import abilities
from backends.engine.context import Context
from backends.engine.native import Model
from backends.engine.protocol import Turn
from backends.engine.sequence import Job, Sequence
from backends.engine.template import ChatTemplate, Prompt

SLOTS = 1


@dataclass(frozen=True, slots=True)
class Change:
    """Something to be done while nobody's answer is computed. What `call` raises of ours comes out of the stream."""

    stream: Stream[Any]
    call: Callable[[], None]

    @property
    def over(self) -> bool:
        return self.stream.cancelled

    def make(self) -> None:
        try:
            self.call()
        except (BackendError, Cancelled) as error:
            self.stream.fail(error)


class Scheduler:
    """Lives on the engine's thread, as long as the model is loaded. `device` is what answers are signed with."""

    def __init__(self, model: Model, context: Context, template: ChatTemplate, device: str, slice_size: int) -> None:
        self._model, self._context, self._template = model, context, template
        self._device, self._slice = device, slice_size
        self._can_cut = abilities(model.architecture).cut
        self._waiting: deque[Sequence | Change] = deque()
        self._running: list[Sequence] = []
        self._cached: list[list[int]] = [[] for _ in range(SLOTS)]  # tokens of each slot that are in the cache

    @property
    def busy(self) -> bool:
        return bool(self._waiting or self._running)

    def submit(self, job: Job) -> None:
        """Queue a request. InvalidInput (`context_too_long`) at once if its prompt does not fit."""
        prompt = self._template.prompt(job.request.turns, job.request.thinking)
        self._check(prompt)
        self._waiting.append(Sequence(job, prompt, self._model, self._context))

    def count(self, turns: Many[Turn]) -> int:
        """The length of a prompt in tokens."""
        return len(self._template.prompt(turns).tokens)

    def change(self, stream: Stream[Any], call: Callable[[], None]) -> None:
        """Queue something to be done between answers, on this thread. If it never comes to that, the stream ends with
        nothing in it."""
        self._waiting.append(Change(stream, call))

    def forget(self) -> None:
        """Nothing that is in the cache is worth anything any more. Between answers only."""
        for slot in range(SLOTS):
            self._context.cut(slot, 0)
            self._cached[slot] = []

    def stop(self) -> None:
        """End all answers; those that are not done end as cancelled."""
        for item in (*self._waiting, *self._running):
            self._retire(item)

    def step(self) -> bool:
        """False: there was nothing to do."""
        self._context.rearm()
        self._schedule()
        if not self._running:
            return self.busy
        if self._run():
            self._postprocess()
        return True

    def _schedule(self) -> None:
        """Let go of who is done, let in who waits, and gather what is to be computed."""
        for item in (*self._running, *self._waiting):
            if item.over:
                self._retire(item)
        while self._waiting and len(self._running) < SLOTS:
            first = self._waiting[0]
            if isinstance(first, Change) and self._running:
                break
            self._waiting.popleft()
            if isinstance(first, Change):
                first.make()
            else:
                self._admit(first)
        batch = self._context.batch
        batch.clear()
        for sequence in self._running:
            sequence.fill(batch, self._slice)

    def _admit(self, sequence: Sequence) -> None:
        """Give a sequence a free slot, and what that holds already of the sequence's prompt.

        Not if it has a seed: who sets one wants the same answer again, and a prompt that is computed in other
        batches differs in the last digits.
        """
        slot = min(set(range(SLOTS)) - {other.slot for other in self._running})
        same = takewhile(lambda pair: pair[0] == pair[1], zip(self._cached[slot], sequence.tokens[:-1], strict=False))
        shared = sum(1 for _ in same) if self._can_cut and not sequence.seeded else 0
        if not self._context.cut(slot, shared):
            self._context.cut(slot, shared := 0)
        sequence.start(slot, shared)
        self._running.append(sequence)

    def _run(self) -> bool:
        """Compute the batch. False: interrupted (who is cancelled goes, the others try again), or failed."""
        try:
            done = self._context.decode()
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
                sequence.say(sequence.sampler.sample(self._context.handle, sequence.place))

    def _retire(self, sequence: Sequence | Change) -> None:
        if isinstance(sequence, Change):
            self._waiting.remove(sequence)
            sequence.stream.close()
            return
        (self._waiting if sequence.slot < 0 else self._running).remove(sequence)
        if sequence.slot >= 0:
            self._cached[sequence.slot] = sequence.tokens[: sequence.held]
        sequence.finish(self._device)

    def _fail(self, cause: RuntimeError) -> None:
        error = EngineError(
            Phrase(f"The engine failed while it computed ({cause}).", f"引擎在计算时出错（{cause}）。"),
            Phrase(
                "Ask again. If it fails again, load the model with a smaller context.",
                "请重试。若仍然失败，请用更小的上下文加载模型。",
            ),
            code="decode_failed",
        )
        for sequence in self._running:
            sequence.fail(error)
            self._context.cut(sequence.slot, 0)
            self._cached[sequence.slot] = []
        self._running.clear()

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
