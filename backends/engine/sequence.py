"""One answer in the making: a prompt, what was said so far, and who listens."""

import time
from collections.abc import Callable
from collections.abc import Sequence as Many
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Literal

from backends.core.phrase import Phrase
from backends.core.stream import Stream
from backends.engine.adapters import Key
from backends.engine.context import Batch, Context
from backends.engine.figures import Tally
from backends.engine.grammar import grammar_wanted
from backends.engine.grammar_errors import dead_end
from backends.engine.native import Model, Vocabulary
from backends.engine.parser import Parser, Spoken
from backends.engine.prefix import common
from backends.engine.protocol import (
    LONGEST_DRAFT,
    Adapter,
    Finished,
    FinishReason,
    GenerateEvent,
    GenerateRequest,
    OpeningUnknown,
    Paused,
    Priority,
    PromptProgress,
    ReasoningDelta,
    Resumed,
    TextDelta,
    ThinkingClosed,
    Timings,
    TokenLogprob,
    Usage,
)
from backends.engine.sampling import Sampler
from backends.engine.sampling_checks import check_logprobs
from backends.engine.speculation import Speculation
from backends.engine.template import Prompt
from backends.engine.thinking import Thinking, kept_for_answer
from backends.engine.tools import offered

PERSON = 0  # a rank
_RANKS: dict[Priority, int] = {"person": PERSON, "api": 1, "background": 2}
_NUMBERS = count()


@dataclass(frozen=True, slots=True)
class Job:
    """A request on its way to the engine thread, since `submitted` (time.perf_counter). Jobs of one `family` are
    choices of one answer: they share their prompt even where seeds forbid it to others."""

    request: GenerateRequest
    stream: Stream[GenerateEvent] = field(default_factory=lambda: Stream("generate"))
    submitted: float = field(default_factory=time.perf_counter)
    number: int = field(default_factory=lambda: next(_NUMBERS))
    family: int = -1


class Sequence:
    """`tokens` is the prompt and then what was said; the first `held` of them are in the cache, in `slot`.

    A step asks it for what it wants computed (`think`, `fill`), tells it what came of it (`computed`), and lets it
    take the next token, or several, from the logits (`hear`).
    """

    def __init__(
        self,
        job: Job,
        prompt: Prompt,
        model: Model,
        context: Context,
        cancelled: Callable[["Sequence"], None],
        speculation: Speculation | None = None,
        tally: Tally | None = None,
    ) -> None:
        request, self._tally = job.request, tally or Tally()
        check_logprobs(request.logprobs)
        self._model, self._request = model, request
        self.stream, self.sampler = job.stream, Sampler(model, request.sampling, context=context.size)
        self._rivals, self._logprobs = request.logprobs, list[TokenLogprob]()
        self.wanted = grammar_wanted(request, prompt.markup, model.vocabulary.marks)  # it waits for that
        self.tokens, self.prompt = list(prompt.tokens), len(prompt.tokens)
        self.rank, self.family = _RANKS[request.priority], job.family if job.family >= 0 else job.number
        self.order = (self.rank, job.number)  # who is served first
        self.key: Key = ()  # of the adapters it is computed with
        self.untried: list[Adapter] = []  # it waits until these were tried
        self.adapters = request.adapters  # its own; None: those that are on for all, when its turn comes
        self.released: Callable[[], None] = lambda: None  # told when it is over, however that came
        self.labels, self._keeps, self.erased = request.labels, request.keep, False
        self.seeded = request.sampling.seed is not None
        self._longest = context.size
        if request.max_tokens is not None:
            self._longest = min(context.size, self.prompt + max(request.max_tokens, 0))
        names = [tool.name for tool in offered(request)]
        self._parser = Parser(prompt.opening, request.stop, names, prompt.markup, prompt.begun)
        self._piece = model.vocabulary.piece
        self._ends = frozenset[int]() if request.ignore_end else stops(model.vocabulary)
        self.slot = -1
        self.held = self.shared = self._cached = 0  # shared: what was there when its turn came
        self.restored = 0  # of them from the disk
        self.asked = 0  # so many tokens will be in the cache when the batch is computed
        self.milestone = 0  # so much of its prompt is computed first, for a copy of that
        self.place = -1  # of its last token in the batch, if that one's logits are wanted
        self.draft: list[int] = []  # guesses behind it, in the batch at the places that follow
        # Who sets a seed wants the same answer again, and what is guessed depends on how quick the machine is.
        self.drafter = speculation.drafter(self.tokens, self._ends) if speculation and not self.seeded else None
        most = self._longest - self.prompt
        kept = 0 if request.ignore_end else kept_for_answer(most, request.max_tokens)
        spent = len(model.vocabulary.tokenise(request.said.reasoning)) if request.said else 0
        self._thinking = Thinking(model.vocabulary, request.thinking_budget, spent, kept)
        self.paused = False
        self.finish_reason: FinishReason | None = "length" if self._longest == self.prompt else None
        self._cancelled = False
        self._told = cancelled
        self._forget = self.stream.token.on_cancel(self._cancel)
        self._submitted, self._started, self._first = job.submitted, 0.0, 0.0

    @property
    def over(self) -> bool:
        return self._cancelled or self.finish_reason is not None

    @property
    def settled(self) -> bool:
        """Nothing has to be looked at any more before its turn comes."""
        return self.wanted is None and not self.untried

    @property
    def pending(self) -> int:
        """Tokens that are not in the cache yet."""
        return len(self.tokens) - self.held

    @property
    def read(self) -> int:
        """So much of its prompt is in the cache."""
        return min(self.held, self.prompt)

    @property
    def reading(self) -> bool:
        """Its prompt is not in the cache yet."""
        return self.held < self.prompt

    @property
    def keep(self) -> int:
        """So many of its tokens are worth a place on the disk: no other prompt repeats what it thought."""
        return 0 if not self._keeps else self.prompt if self._parser.reasoning_tokens else len(self.tokens)

    def shares(self, tokens: Many[int]) -> int:
        """So much of another prompt will be in the cache when its own one is read."""
        return min(common(self.tokens, tokens), self.prompt, len(tokens) - 1)

    def _cancel(self) -> None:
        self._cancelled = True
        self._told(self)

    def govern(self, grammar: str) -> None:
        """What the answer has to follow, and may. InvalidInput (`bad_grammar`): what was said of it does not."""
        self.sampler.close()
        self.sampler = Sampler(self._model, self._request.sampling, grammar, context=self._longest)
        self.wanted = None
        if self._parser.thinking:
            return
        vocabulary, said = self._model.vocabulary, self._request.said
        self.sampler.begin_answer(unless=vocabulary.marks.get("<think>") if self._parser.unsure else None)
        if not all(self.sampler.force(token) for token in vocabulary.tokenise(said.text if said else "")):
            raise dead_end()

    # ---- its turn comes, and may go again

    def start(self, slot: int, cached: int, milestone: int = 0) -> None:
        """It is its turn, and the cache holds the first `cached` tokens already."""
        self.slot, self.held, self.shared, self.milestone = slot, cached, cached, milestone
        if self.paused:
            self.paused = False
            self.stream.put(Resumed())
        if not self._started:
            self._started, self._cached = time.perf_counter(), cached
            self._tally.started(cached)
            if self._parser.unsure:
                self.stream.put(OpeningUnknown())
        if self.reading:
            self.stream.put(PromptProgress(cached, self.prompt))

    def pause(self, why: Phrase) -> None:
        """Its slot is taken from it. It keeps its tokens, and goes on with another `start`."""
        self.paused = True
        self.slot, self.held, self.place = -1, 0, -1
        self.stream.put(Paused(why))
        if self.drafter is not None:
            self.drafter.close()

    # ---- a step

    def think(self) -> None:
        """Close the thinking, if it is time to: the tokens that do so are computed as if it had said them."""
        if (by := self._thought_enough) is None:
            return
        closing = self._thinking.closing(self.tokens[self.prompt :], self._longest - len(self.tokens))
        for token in closing:
            self.sampler.force(token)  # before a grammar's turn comes: these are no part of the answer
        for token in closing:
            self._take(token)
        if closing:
            self.stream.put(ThinkingClosed(by))

    @property
    def _thought_enough(self) -> Literal["budget", "person"] | None:
        if not self._parser.thinking or self._parser.calling:
            return None
        return self._thinking.due(self._parser.reasoning_tokens, self._longest - len(self.tokens))

    @property
    def guessable(self) -> int:
        """So many tokens may be guessed behind the last one, which is to be computed now."""
        if self.drafter is None or self.pending != 1 or self.over:
            return 0
        return min(LONGEST_DRAFT, self._longest - len(self.tokens) - 1)

    def fill(self, batch: Batch, most: int) -> int:
        """Ask for the next tokens to be computed, at most so many; says how many."""
        pending, count = self.pending, min(self.pending, most)
        if self.held < self.milestone:
            count = min(count, self.milestone - self.held)
        self.asked, self.place = self.held + count, -1
        self.draft = []
        if count == 1:
            place = batch.add(self.tokens[self.held], self.held, self.slot, pending == 1)
        elif count:
            place = batch.add_slice(self.tokens[self.held : self.asked], self.held, self.slot, count == pending)
        else:
            return 0
        if count == pending:
            self.place = place
        if pending == 1 and self.drafter is not None:
            self.draft = self.drafter.take(most - 1)
            for token in self.draft:
                batch.add(token, self.asked, self.slot, True)
                self.asked += 1
        return count

    def computed(self, held: int) -> None:
        """The cache holds the first `held` tokens now."""
        if self.held < self.prompt:
            self.stream.put(PromptProgress(min(held, self.prompt), self.prompt))
        self.held = held

    def hear(self, context: Context) -> None:
        """Take the next token from the logits; and as long as the guesses behind it were right, the next ones."""
        known, draft = len(self.tokens), self.draft
        try:
            for n in range(len(draft) + 1):
                token = self.sampler.sample(context.handle, self.place + n)
                if self._rivals is not None and token not in self._ends:
                    self._logprobs.append(self.sampler.logprobs(context.handle, self.place + n, token, self._rivals))
                self.say(token)
                if self.over or self._thought_enough or n == len(draft) or token != draft[n]:
                    break
        finally:
            if draft:
                self.held = known + common(draft, self.tokens[known:])
                if self.held < self.asked:
                    context.cut(self.slot, self.held)
        if self.drafter is not None:
            self.drafter.judge(len(draft))

    def say(self, token: int) -> None:
        """Take the next token: tell what it means, and note if it is the end."""
        if not self._first:
            self._first = time.perf_counter()
            self._tally.spoke(self._first - self._submitted)
        if token in self._ends:
            self.finish_reason = "stop"
            return
        self._take(token)
        if self._parser.stopped:
            self.finish_reason = "stop"
        elif len(self.tokens) >= self._longest:
            self.finish_reason = "length"

    def _take(self, token: int) -> None:
        self.tokens.append(token)
        thinking = self._parser.thinking
        for event in self._parser.feed(self._piece(token)):
            self._tell(event)
        if thinking and not self._parser.thinking:
            self._logprobs.clear()  # those of the mark that closes it
            self.sampler.begin_answer(spaced=True)

    def _tell(self, event: Spoken) -> None:
        if self._logprobs and isinstance(event, ReasoningDelta | TextDelta):
            event = replace(event, logprobs=tuple(self._logprobs))
            self._logprobs.clear()
        self.stream.put(event)

    def answer_now(self) -> None:
        """Close the thinking, and go on to the answer."""
        self._thinking.answer_now()

    # ---- the end

    def finish(self, device: str) -> None:
        """Say what was held back and how it went, and end the stream."""
        now = time.perf_counter()
        self._tally.ended()
        for event in self._parser.finish():
            self._tell(event)
        if self.finish_reason == "stop" and self._parser.called:
            self.finish_reason = "tool_calls"
        said, first = len(self.tokens) - self.prompt, self._first or now
        prefilled, prefill = max(0, min(self.held, self.prompt) - self._cached), first - (self._started or first)
        decoded, decode = max(0, self.held - self.prompt), now - first
        self.stream.put(
            Finished(
                Usage(self.prompt, said, self._parser.reasoning_tokens, self._cached),
                Timings(
                    prefill_tokens_per_s=prefilled / prefill if prefill > 0 else 0.0,
                    decode_tokens_per_s=decoded / decode if decode > 0 else 0.0,
                    ttft_s=first - self._submitted,
                    total_s=now - self._submitted,
                    drafted=self.drafter.drafted if self.drafter else 0,
                    accepted=self.drafter.accepted if self.drafter else 0,
                    restored=self.restored,
                ),
                self.finish_reason or "cancelled",
                device,
                self._parser.stop,
            )
        )
        self.stream.close()
        self._release()

    def fail(self, error: Exception) -> None:
        self.stream.fail(error)
        self._release()

    def _release(self) -> None:
        self._forget()
        self.released()
        self.sampler.close()
        if self.drafter is not None:
            self.drafter.close()


def stops(vocabulary: Vocabulary) -> frozenset[int]:
    """End of generation, and what a weak quant says when it runs on: the next turn, the next text."""
    turn = vocabulary.marks.get("<｜User｜>")
    return vocabulary.ends | {vocabulary.eos, vocabulary.bos} | ({turn} if turn is not None else set())
