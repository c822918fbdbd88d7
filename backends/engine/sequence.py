"""One answer in the making: a prompt, what was said so far, and who listens."""

import time
from dataclasses import dataclass, field

from backends.core.stream import Stream
from backends.engine.context import Batch, Context
from backends.engine.native import Model, Vocabulary
from backends.engine.parser import Parser
from backends.engine.protocol import (
    Finished,
    FinishReason,
    GenerateEvent,
    GenerateRequest,
    PromptProgress,
    Timings,
    Usage,
)
from backends.engine.sampling import Sampler
from backends.engine.template import Prompt


@dataclass(frozen=True, slots=True)
class Job:
    """A request on its way to the engine thread, since `submitted` (time.perf_counter)."""

    request: GenerateRequest
    stream: Stream[GenerateEvent] = field(default_factory=lambda: Stream("generate"))
    submitted: float = field(default_factory=time.perf_counter)


class Sequence:
    """`tokens` is the prompt and then what was said; the first `held` of them are in the cache."""

    def __init__(self, job: Job, prompt: Prompt, model: Model, context: Context) -> None:
        request = job.request
        self.stream, self.sampler = job.stream, Sampler(model, request.sampling)
        self.tokens, self._prompt = list(prompt.tokens), len(prompt.tokens)
        self._longest = context.size
        if request.max_tokens is not None:
            self._longest = min(context.size, self._prompt + max(request.max_tokens, 0))
        self._parser = Parser(prompt.opening, request.stop)
        self._piece, self._ends = model.vocabulary.piece, stops(model.vocabulary)
        self.seeded = request.sampling.seed is not None
        self.slot = -1
        self.held = self._cached = 0
        self.asked = 0  # so many tokens will be in the cache when the batch is computed
        self.place = -1  # of its last token in the batch, if that one's logits are wanted
        self.finish_reason: FinishReason | None = "length" if self._longest == self._prompt else None
        self._interrupt = context.interrupt
        self._cancelled = False
        self._forget = self.stream.token.on_cancel(self._cancel)
        self._submitted, self._started, self._first = job.submitted, 0.0, 0.0

    @property
    def over(self) -> bool:
        return self._cancelled or self.finish_reason is not None

    def _cancel(self) -> None:
        self._cancelled = True
        self._interrupt()

    def start(self, slot: int, cached: int) -> None:
        """It is its turn, and the cache holds the first `cached` tokens already."""
        self.slot, self.held, self._cached = slot, cached, cached
        self._started = time.perf_counter()
        self.stream.put(PromptProgress(cached, self._prompt))

    def fill(self, batch: Batch, slice_size: int) -> None:
        """Ask for the next tokens to be computed, as many as there is room for."""
        tokens, place = self.tokens, -1
        if len(tokens) - self.held == 1:
            self.asked, self.place = len(tokens), batch.add(tokens[-1], self.held, self.slot, True)
            return
        self.asked = min(len(tokens), self.held + min(slice_size, batch.room))
        whole = self.asked == len(tokens)
        for position in range(self.held, self.asked):
            place = batch.add(tokens[position], position, self.slot, whole and position == self.asked - 1)
        self.place = place if whole else -1

    def computed(self, held: int) -> None:
        """The cache holds the first `held` tokens now."""
        if self.held < self._prompt:
            self.stream.put(PromptProgress(min(held, self._prompt), self._prompt))
        self.held = held

    def say(self, token: int) -> None:
        """Take the next token: tell what it means, and note if it is the end."""
        if not self._first:
            self._first = time.perf_counter()
        if token in self._ends:
            self.finish_reason = "stop"
            return
        self.tokens.append(token)
        for event in self._parser.feed(self._piece(token)):
            self.stream.put(event)
        if self._parser.stopped:
            self.finish_reason = "stop"
        elif len(self.tokens) >= self._longest:
            self.finish_reason = "length"

    def finish(self, device: str) -> None:
        """Say what was held back and how it went, and end the stream."""
        now = time.perf_counter()
        for event in self._parser.finish():
            self.stream.put(event)
        said, first = len(self.tokens) - self._prompt, self._first or now
        prefilled, prefill = min(self.held, self._prompt) - self._cached, first - (self._started or first)
        decoded, decode = max(0, self.held - self._prompt), now - first
        self.stream.put(
            Finished(
                Usage(self._prompt, said, self._parser.reasoning_tokens, self._cached),
                Timings(
                    prefill_tokens_per_s=prefilled / prefill if prefill > 0 else 0.0,
                    decode_tokens_per_s=decoded / decode if decode > 0 else 0.0,
                    ttft_s=first - self._submitted,
                    total_s=now - self._submitted,
                ),
                self.finish_reason or "cancelled",
                device,
            )
        )
        self.stream.close()
        self._release()

    def fail(self, error: Exception) -> None:
        self.stream.fail(error)
        self._release()

    def _release(self) -> None:
        self._forget()
        self.sampler.close()


def stops(vocabulary: Vocabulary) -> frozenset[int]:
    """End of generation, and what a weak quant says when it runs on: the next turn, the next text."""
    turn = vocabulary.marks.get("<｜User｜>")
    return vocabulary.ends | {vocabulary.eos, vocabulary.bos} | ({turn} if turn is not None else set())
