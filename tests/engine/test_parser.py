"""Reasoning and answer come apart, however the text is cut into tokens."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.engine.parser import Opening, Parser
from backends.engine.protocol import ReasoningDelta, ReasoningReclassified, TextDelta


def heard(opening: Opening, tokens: Sequence[bytes], stop: Sequence[str] = ()) -> tuple[str, str]:
    """What a reader has in the end: reasoning and answer."""
    parser = Parser(opening, stop)
    events = []
    for token in tokens:
        events += parser.feed(token)
        if parser.stopped:
            break
    reasoning, answer = "", ""
    for event in events + parser.finish():
        match event:
            case ReasoningDelta(text):
                reasoning += text
            case TextDelta(text):
                answer += text
            case ReasoningReclassified():
                reasoning, answer = reasoning + answer, ""
    return reasoning, answer


def bytewise(text: str) -> list[bytes]:
    return [bytes([byte]) for byte in text.encode()]


@pytest.mark.parametrize(
    ("opening", "text", "reasoning", "answer"),
    [
        ("reasoning", "Hm.\n</think>\n\nYes.", "Hm.", "Yes."),
        ("reasoning", "<think>\nHm.</think>Yes.", "Hm.", "Yes."),
        ("reasoning", "\n\n</think>\n\nYes.", "", "Yes."),
        ("reasoning", "Never closed </thin", "Never closed </thin", ""),
        ("reasoning", "a < b </thi b </think> 好", "a < b </thi b", "好"),
        ("answer", "\n\nYes </think> is a tag, <think> too.", "", "Yes </think> is a tag, <think> too."),
        ("unknown", "\n<think>\nHm.\n</think>\nYes.", "Hm.", "Yes."),
        ("unknown", "<think></think>Yes.", "", "Yes."),
        ("unknown", "Just an answer, a < b.", "", "Just an answer, a < b."),
        ("unknown", "Hm, well.\n</think>\n\nYes.", "Hm, well.", "Yes."),
        ("unknown", "</think>\nYes </think>.", "", "Yes </think>."),
        ("unknown", "<thin", "", "<thin"),
        ("unknown", "", "", ""),
    ],
)
def test_every_way_a_model_thinks(opening: Opening, text: str, reasoning: str, answer: str) -> None:
    assert heard(opening, [text.encode()]) == (reasoning, answer)
    assert heard(opening, bytewise(text)) == (reasoning, answer)


@given(st.data())
def test_where_tokens_end_does_not_matter(data: st.DataObject) -> None:
    words = ["<think>", "</think>", "<", "think>", "</", " ", "\n", "好", "STOP", "ST", "OP", "x", "💡"]
    text = "".join(data.draw(st.lists(st.sampled_from(words), max_size=12))).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    tokens = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    openings: list[Opening] = ["reasoning", "answer", "unknown"]
    opening = data.draw(st.sampled_from(openings))
    assert heard(opening, tokens, ["STOP"]) == heard(opening, bytewise(text.decode()), ["STOP"])


def test_a_stop_string_over_token_borders_is_never_shown() -> None:
    parser = Parser("answer", ["</s>", "END"])
    assert parser.feed(b"one E") == [TextDelta("one ")]
    assert parser.feed(b"N") == []
    assert parser.feed(b"OUGH <") == [TextDelta("ENOUGH ")]
    assert parser.feed("/s好 E".encode()) == [TextDelta("</s好 ")]
    assert parser.feed(b"ND and more") == []
    assert parser.stopped
    assert parser.stop == "END"
    assert parser.finish() == []


def test_a_stop_string_ends_the_answer_not_the_reasoning() -> None:
    assert heard("reasoning", [b"a\n\nb\n</think>\n\nc\n\nd"], ["\n\n"]) == ("a\n\nb", "c")


def test_text_is_held_back_no_longer_than_needed() -> None:
    parser = Parser("reasoning")
    assert parser.feed(b"a <") == [ReasoningDelta("a")]
    assert parser.feed(b"/th") == []
    assert parser.feed(b"at") == [ReasoningDelta(" </that")]


def test_what_goes_on_keeps_its_space() -> None:
    assert Parser("reasoning", begun=True).feed(b" think") == [ReasoningDelta(" think")]
    assert Parser("answer", begun=True).feed(b"\n- two") == [TextDelta("\n- two")]
    assert Parser("answer").feed(b"\n- one") == [TextDelta("- one")]


def test_tokens_of_the_reasoning_are_counted() -> None:
    parser = Parser("unknown")
    for token in (b"Hm", b", well", b"</think>", b"Yes"):
        parser.feed(token)
    assert (parser.tokens, parser.reasoning_tokens) == (4, 3)


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert heard("answer", [b"a\xff", "好".encode()[:2], b"b"]) == ("", "a\ufffd\ufffdb")
    assert heard("answer", ["好".encode()[:2]]) == ("", "\ufffd")
