"""What the model gets to read: the active branch, within the context, by the publisher's rules."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.chat import prompt
from backends.chat.types import Author, Message, Problem, Status
from backends.core.errors import InvalidInput
from backends.core.phrase import Phrase
from backends.engine.protocol import Turn
from backends.models.types import CatalogModel, Shape

REFUSED = Problem("context_too_long", Phrase("Too long.", "太长。"))
BROKEN = Problem("engine_failed", Phrase("Broken.", "出错。"))


def message(id: int, role: Author, content: str, status: Status = "done", problem: Problem | None = None) -> Message:
    return Message(
        id, 1, id - 1 or None, role, content, "thinking that must not go back", status, "", "", "", problem, None, None,
        0.0, 0.0, 0.0, 1, 1,
    )  # fmt: skip


def model(*, system_prompt: bool = True, reasoning: bool = True) -> CatalogModel:
    shape = Shape("qwen2", 28, 1536, 8960, 12, 2, 128, 128, 151936, 131072)
    return CatalogModel(
        "m", "M", Phrase("", ""), "r", 1.5, 1.5, shape, "MIT", 35, 1.5, reasoning, 0.6, 0.95, system_prompt, ()
    )


def words(turns: Sequence[Turn]) -> int:
    """A tokenizer that can be computed by eye: a word is a token, and each turn costs one more."""
    return sum(1 + len(turn.content.split()) for turn in turns)


def built(
    messages: list[Message], *, context: int = 1000, of: CatalogModel | None = None, instructions: str = ""
) -> prompt.Prompt:
    return prompt.build(messages, context=context, model=of, instructions=instructions, count=words)


def contents(turns: Sequence[Turn]) -> list[tuple[str, str]]:
    return [(turn.role, turn.content) for turn in turns]


def test_questions_and_answers_alternate_and_no_thinking_goes_back() -> None:
    made = built([message(1, "user", " Q1 "), message(2, "assistant", "\n\nA1"), message(3, "user", "Q2")])
    assert contents(made.turns) == [("user", "Q1"), ("assistant", "A1"), ("user", "Q2")]
    assert (made.tokens, made.left_out) == (6, ())


def test_failed_and_empty_answers_are_left_out_and_their_questions_joined() -> None:
    made = built(
        [
            message(1, "user", "Q1"),
            message(2, "assistant", "half an ans", "failed", BROKEN),
            message(3, "user", "again please"),
            message(4, "assistant", "  \n", "stopped"),
            message(5, "user", "and now?"),
        ]
    )
    assert contents(made.turns) == [("user", "Q1\n\nagain please\n\nand now?")]


def test_an_answer_that_was_stopped_counts_as_far_as_it_came() -> None:
    made = built(
        [message(1, "user", "Q1"), message(2, "assistant", "One, two", "stopped"), message(3, "user", "Go on")]
    )
    assert contents(made.turns)[1] == ("assistant", "One, two")


def test_a_question_refused_for_its_length_does_not_come_back() -> None:
    long = "word " * 5000
    made = built(
        [
            message(1, "user", "Q1"),
            message(2, "assistant", "A1"),
            message(3, "user", long),
            message(4, "assistant", "", "failed", REFUSED),
            message(5, "user", "Q2"),
        ]
    )
    assert contents(made.turns) == [("user", "Q1"), ("assistant", "A1"), ("user", "Q2")]
    assert made.left_out == ()


def test_instructions_stand_where_the_publisher_wants_them() -> None:
    messages = [message(1, "user", "Q1"), message(2, "assistant", "A1"), message(3, "user", "Q2")]
    with_system = built(messages, of=model(), instructions=" Be short. ")
    assert contents(with_system.turns)[:2] == [("system", "Be short."), ("user", "Q1")]
    without = built(messages, of=model(system_prompt=False), instructions="Be short.")
    assert contents(without.turns) == [("user", "Be short.\n\nQ1"), ("assistant", "A1"), ("user", "Q2")]
    unknown = built(messages, of=None, instructions="Be short.")
    assert unknown.turns[0].role == "system"


def test_instructions_move_to_the_first_question_that_is_still_there() -> None:
    old = "old " * 600
    messages = [message(1, "user", old), message(2, "assistant", "A1"), message(3, "user", "Q2")]
    made = built(messages, of=model(system_prompt=False), instructions="Be short.")
    assert contents(made.turns) == [("user", "Be short.\n\nQ2")]
    assert made.left_out == (1, 2)


def test_the_oldest_exchanges_go_until_a_typical_answer_has_room() -> None:
    messages = []
    for number in range(10):
        messages.append(message(2 * number + 1, "user", "q " * 49))
        messages.append(message(2 * number + 2, "assistant", "a " * 49))
    messages.append(message(21, "user", "q " * 49))
    made = built(messages, context=1000, of=model())
    assert made.tokens == 450  # half of the context is kept for the answer
    assert made.left_out == tuple(range(1, 13))
    roomy = built(messages, context=1000, of=model(reasoning=False))
    assert roomy.tokens == 750  # a model that does not think needs less room
    assert roomy.left_out == tuple(range(1, 7))


def test_no_more_is_left_out_than_must_be() -> None:
    messages = [message(1, "user", "q " * 300), message(2, "assistant", "a"), message(3, "user", "q " * 196)]
    assert built(messages, context=1000, of=model()).left_out == ()  # 301 + 2 + 197 = 500 = half
    messages[2] = message(3, "user", "q " * 197)
    assert built(messages, context=1000, of=model()).left_out == (1, 2)


def test_a_long_question_may_use_the_room_of_the_answer_but_not_all_of_it() -> None:
    assert built([message(1, "user", "q " * 874)], context=1000).tokens == 875
    with pytest.raises(InvalidInput) as caught:
        built([message(1, "user", "q " * 1875)], context=1000)
    error = caught.value
    assert error.code == "context_too_long"
    for text in (error.message.en, error.message.zh):
        assert "1,876" in text
        assert "1,000" in text


def test_a_hundred_thousand_turns_are_not_counted_one_by_one() -> None:
    messages = [message(n, "user" if n % 2 else "assistant", f"text number {n} " * 10) for n in range(1, 20_002)]
    counted: list[int] = []

    def count(turns: Sequence[Turn]) -> int:
        counted.append(len(turns))
        return words(turns)

    made = prompt.build(messages, context=2000, model=model(), instructions="", count=count)
    assert 800 < made.tokens <= 1000
    assert len(counted) < 12
    assert sum(counted) < 3000
    assert len(made.turns) + len(made.left_out) == len(messages)


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60), st.sampled_from(["done", "stopped", "failed"]))),
    st.integers(40, 1200),
    st.booleans(),
)
def test_whatever_the_conversation(exchanges: list[tuple[int, int, Status]], context: int, system_prompt: bool) -> None:
    messages: list[Message] = []
    for question, reply, status in exchanges:
        messages.append(message(len(messages) + 1, "user", "q " * question))
        messages.append(message(len(messages) + 1, "assistant", "a " * reply, status))
    last = message(len(messages) + 1, "user", "the question itself")
    made = built([*messages, last], context=context, of=model(system_prompt=system_prompt), instructions="Do so.")
    assert made.turns[-1].content.endswith("the question itself")
    roles = [turn.role for turn in made.turns if turn.role != "system"]
    assert roles == ["user" if index % 2 == 0 else "assistant" for index in range(len(roles))]
    assert made.tokens == words(made.turns)
    assert made.tokens <= max(context - context // 2, 10)
    assert list(made.left_out) == sorted(made.left_out)
    read = "".join(turn.content for turn in made.turns).count("q") + sum(
        text.content.count("q") for text in messages if text.id in made.left_out
    )
    assert read == sum(question for question, *_ in exchanges) + 1
