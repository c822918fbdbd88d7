"""Which turns the model gets: the active branch within the context, and nothing cut in silence.

- Only answers go back to the model, never its thinking (facts 6.3, rule 6).
- Failed answers and empty messages are left out; a question that was refused for its length too. Two
  questions in a row then become one turn, so that the roles always alternate.
- Publishers who want no system turn (R1 and its distills) get the instructions at the head of the first question.
- When the conversation is too long, whole exchanges are left out, the oldest first, until a typical answer
  has room; `Prompt.left_out` names them. A last question too long by itself is an error with both numbers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from backends.chat.types import Message
from backends.core.cancel import CancelToken
from backends.core.errors import Cancelled, InvalidInput
from backends.core.phrase import Phrase
from backends.engine.protocol import Engine, Turn
from backends.models.types import CatalogModel

Count = Callable[[Sequence[Turn]], int]

TYPICAL_THINKING_ANSWER = 4096  # tokens; 3,000 is the typical one (facts 3.4)
TYPICAL_ANSWER = 1024
SHORTEST_ANSWER = 256
CHARACTERS_PER_TOKEN = 16  # more than any prose: what is longer than this times the context need not be counted


@dataclass(frozen=True, slots=True)
class Prompt:
    """What goes to the engine, its length in tokens, and the ids of the messages that did not fit, oldest first."""

    turns: tuple[Turn, ...]
    tokens: int
    left_out: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Exchange:
    """A question and what came back, or a question alone."""

    messages: tuple[int, ...]
    turns: tuple[Turn, ...]

    @property
    def characters(self) -> int:
        return sum(len(turn.content) for turn in self.turns)


def counting(engine: Engine, cancel: CancelToken) -> Count:
    """The engine's count, waited for. Raises Cancelled."""

    def count(turns: Sequence[Turn]) -> int:
        stream = engine.count_tokens(turns)
        forget = cancel.on_cancel(stream.cancel)
        try:
            for tokens in stream:
                return tokens
        finally:
            forget()
        raise Cancelled

    return count


def build(
    messages: Sequence[Message],
    *,
    context: int,
    model: CatalogModel | None,
    instructions: str,
    count: Count,
    lead: str = "",
) -> Prompt:
    """The prompt for the last message of `messages`, a question. `count` is the engine's: tokens, template included.
    `lead`: what the conversation is about, before its first question (documents); it is never left out."""
    exchanges = _exchanges(messages)
    limit = context - room_for_answer(context, model)

    def turns_without(number: int) -> tuple[Turn, ...]:
        turns = _merged(exchanges[number:])
        if lead:
            turns[0] = Turn(turns[0].role, f"{lead}\n\n{turns[0].content}")
        return with_instructions(turns, model, instructions)

    def measured(number: int) -> Prompt:
        turns = turns_without(number)
        left_out = tuple(id for exchange in exchanges[:number] for id in exchange.messages)
        return Prompt(turns, count(turns), left_out)

    last = len(exchanges) - 1
    low = _surely_too_long(exchanges, context)
    best = measured(low)
    if best.tokens <= limit:
        return best
    alone = best if low == last else measured(last)
    if alone.tokens > limit:
        require_some_room(alone.tokens, context)
        return alone
    best, high = alone, last  # `low` does not fit, `high` does: close in on the border
    while high - low > 1:
        middle = (low + high) // 2
        candidate = measured(middle)
        if candidate.tokens <= limit:
            best, high = candidate, middle
        else:
            low = middle
    return best


def _exchanges(messages: Sequence[Message]) -> list[_Exchange]:
    exchanges: list[_Exchange] = []
    for message in messages:
        content = message.content.strip()
        if message.role == "user":
            if content:
                exchanges.append(_Exchange((message.id,), (Turn("user", content),)))
        elif exchanges and _was_refused(message):
            exchanges.pop()
        elif exchanges and content and message.status != "failed":
            question = exchanges.pop()
            turns = (*question.turns, Turn("assistant", content))
            exchanges.append(_Exchange((*question.messages, message.id), turns))
    return exchanges


def _was_refused(message: Message) -> bool:
    return message.problem is not None and message.problem.code == "context_too_long"


def _merged(exchanges: Sequence[_Exchange]) -> list[Turn]:
    turns: list[Turn] = []
    for turn in (turn for exchange in exchanges for turn in exchange.turns):
        if turns and turns[-1].role == turn.role:
            turns[-1] = Turn(turn.role, f"{turns[-1].content}\n\n{turn.content}")
        else:
            turns.append(turn)
    return turns


def with_instructions(turns: Sequence[Turn], model: CatalogModel | None, instructions: str) -> tuple[Turn, ...]:
    """`turns`, headed by the instructions in the way that the model's publisher wants it."""
    instructions = instructions.strip()
    if not instructions:
        return tuple(turns)
    if model is None or model.system_prompt:
        return (Turn("system", instructions), *turns)
    return (Turn("user", f"{instructions}\n\n{turns[0].content}"), *turns[1:])


def room_for_answer(context: int, model: CatalogModel | None) -> int:
    """Tokens kept for the answer. A file that the catalogue does not know is taken for one that thinks."""
    if model is None or model.reasoning:
        return min(TYPICAL_THINKING_ANSWER, context // 2)
    return min(TYPICAL_ANSWER, context // 4)


def _surely_too_long(exchanges: Sequence[_Exchange], context: int) -> int:
    """How many of the oldest exchanges need not even be counted, so that an endless conversation costs no more."""
    room = context * CHARACTERS_PER_TOKEN
    for index in range(len(exchanges) - 1, -1, -1):
        room -= exchanges[index].characters
        if room < 0:
            return min(index + 1, len(exchanges) - 1)
    return 0


def require_some_room(tokens: int, context: int) -> None:
    """InvalidInput `context_too_long`, with both numbers, if so long a question leaves no room for an answer."""
    longest = context - min(SHORTEST_ANSWER, context // 8)
    if tokens > longest:
        raise InvalidInput(
            Phrase(
                f"The question is {tokens:,} tokens long; with the context of {context:,} it may have {longest:,}.",
                f"问题长度为 {tokens:,} 个 token；当前上下文为 {context:,}，问题最多 {longest:,} 个。",
            ),
            Phrase(
                "Shorten it, or load the model with a larger context (Settings, Models).",
                "请缩短问题，或以更大的上下文加载模型（设置 → 模型）。",
            ),
            code="context_too_long",
        )
