"""Tool calls come out of an answer in every generation's way of writing, however the text is cut into tokens."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.engine.json_stream import JsonStream
from backends.engine.parser import Opening, Parser
from backends.engine.protocol import ToolCallDelta, ToolCallStarted
from backends.engine.tools import R1, V4, V31, V32, Markup
from tests.kit.tool_calls import GENERATIONS, Told, spoken, told

TOOLS = ("get_weather", "add")
WEATHER = ("get_weather", {"city": "Zürich 北京", "days": 3})
ADD = ("add", {"a": [1, {"b": None}], "note": 'a "quote", a \\ and a </tag>\n<｜x', "exact": -1.5e3})
ALL = pytest.mark.parametrize("markup", GENERATIONS.values(), ids=GENERATIONS)
DSML = pytest.mark.parametrize("markup", [V32, V4], ids=["v3.2", "v4"])
MARKED = pytest.mark.parametrize("markup", [R1, V31], ids=["r1", "v3.1"])


def read(
    markup: Markup,
    tokens: Sequence[bytes],
    opening: Opening = "answer",
    stop: Sequence[str] = (),
    tools: Sequence[str] = TOOLS,
) -> tuple[Told, Parser]:
    parser = Parser(opening, stop, tools, markup)
    events: list[object] = []
    for token in tokens:
        events += parser.feed(token)
        if parser.stopped:
            break
    return told(events + parser.finish()), parser


def heard(markup: Markup, text: str, opening: Opening = "answer", stop: Sequence[str] = ()) -> Told:
    """Whole and byte by byte it is the same."""
    whole, _ = read(markup, [text.encode()], opening, stop)
    bytewise, _ = read(markup, [bytes([byte]) for byte in text.encode()], opening, stop)
    whole.ids = bytewise.ids = []
    assert whole == bytewise
    return whole


@ALL
def test_calls_come_out_with_their_arguments(markup: Markup) -> None:
    told_ = heard(markup, "Let me look.\n\n" + spoken(markup, WEATHER, ADD) + "<｜tool▁outputs▁begin｜>made up")
    assert told_.text == "Let me look."
    assert told_.parsed == [WEATHER, ADD]


@ALL
def test_after_its_calls_the_answer_is_over(markup: Markup) -> None:
    said, parser = read(markup, [spoken(markup, WEATHER).encode(), b"And so on"])
    assert parser.stopped
    assert parser.called == 1
    assert (said.text, said.parsed) == ("", [WEATHER])


@ALL
def test_calls_after_thinking(markup: Markup) -> None:
    told_ = heard(markup, "Hm, a call.</think>\n\n" + spoken(markup, WEATHER), "reasoning")
    assert (told_.reasoning, told_.text, told_.parsed) == ("Hm, a call.", "", [WEATHER])


@ALL
def test_a_call_without_arguments(markup: Markup) -> None:
    assert heard(markup, spoken(markup, ("add", {}))).parsed == [("add", {})]


@ALL
def test_every_call_has_an_id_of_its_own(markup: Markup) -> None:
    ids = read(markup, [spoken(markup, WEATHER, WEATHER).encode()])[0].ids
    assert len(set(ids)) == 2
    assert all(id_.startswith("call_") and len(id_) == 29 for id_ in ids)


@ALL
def test_arguments_stream(markup: Markup) -> None:
    parser = Parser("answer", (), TOOLS, markup)
    text = spoken(markup, ("add", {"note": "one two three"}))
    begin, _, end = text.partition("two")
    (started, *first) = parser.feed(begin.encode())
    assert isinstance(started, ToolCallStarted)
    assert started.name == "add"
    second = parser.feed(b"two ")
    assert second == [ToolCallDelta(0, "two ")]
    third = parser.feed(end[1:].encode())
    json_text = "".join(event.text for event in [*first, *second, *third] if isinstance(event, ToolCallDelta))
    assert json.loads(json_text) == {"note": "one two three"}


@ALL
def test_without_tools_the_markers_are_text(markup: Markup) -> None:
    text = spoken(markup, WEATHER)
    said, parser = read(markup, [text.encode()], tools=())
    assert (said.text, said.calls, parser.stopped) == (text, [], False)


@ALL
@pytest.mark.parametrize("end", [" So.", ""])
def test_a_tool_that_is_not_offered_is_text(markup: Markup, end: str) -> None:
    text = spoken(markup, ("rm_rf", {"path": "/"})) + end
    assert heard(markup, "I do. " + text) == Told(text="I do. " + text)


@ALL
def test_what_was_not_finished_is_text(markup: Markup) -> None:
    text = spoken(markup, ("get_weather", {"city": "Paris", "days": 12}))
    for length in range(len(text)):
        cut = text[:length]
        told_ = heard(markup, "Hello " + cut)
        if told_.calls:  # all there but the end markers
            assert told_.parsed == [("get_weather", {"city": "Paris", "days": 12})]
            assert told_.text == "Hello"
        else:
            assert told_.text == "Hello " + cut
        assert not any(is_json(arguments) for _, arguments in told_.dropped)


@ALL
def test_a_broken_call_does_not_take_the_good_one_along(markup: Markup) -> None:
    good, bad = spoken(markup, WEATHER), spoken(markup, ("add", {"a": [1]})).replace("[1]", "[1,}")
    told_ = heard(markup, bad + good)
    assert told_.parsed == [WEATHER]
    assert told_.text == bad
    assert len(told_.dropped) == 1
    both = spoken(markup, WEATHER, ("rm_rf", {}))
    told_ = heard(markup, both)
    assert told_.parsed == [WEATHER]
    assert "rm_rf" in told_.text
    assert "get_weather" not in told_.text


@MARKED
@pytest.mark.parametrize(
    "text",
    [
        "<｜tool▁call▁begin｜>function<｜tool▁sep｜>add\n```json\n{ARGS}\n```<｜tool▁call▁end｜>",
        "<｜tool▁calls▁begin｜>\n<｜tool▁call▁begin｜>add<｜tool▁sep｜>{ARGS}<｜tool▁call▁end｜>\n<｜tool▁calls▁end｜>",
        "<｜tool_calls_begin｜><｜tool_call_begin｜>function<｜tool_sep｜>add\n```json\n{ARGS}\n```<｜tool_call_end｜>",
        "<｜tool calls begin｜><｜tool call begin｜>add<｜tool sep｜>```\n{ARGS}```<｜tool call end｜>",
        "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>add{ARGS}<｜tool▁calls▁end｜>",
        "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>add<｜tool▁sep｜>{ARGS}<｜tool▁outputs▁begin｜>",
        "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>add<｜tool▁sep｜>{ARGS}",
    ],
)
def test_models_are_careless(markup: Markup, text: str) -> None:
    arguments = '{"note": "line\nbreak <｜tool▁call▁end｜>", "a" : [ ] }'
    told_ = heard(markup, text.replace("{ARGS}", arguments))
    assert told_.parsed == [("add", {"note": "line\nbreak <｜tool▁call▁end｜>", "a": []})]
    assert told_.text == ""


@DSML
@pytest.mark.parametrize(
    "parameter",
    [
        '<｜DSML｜parameter name="a" string="false">[1,</｜DSML｜parameter>',
        '<｜DSML｜parameter name="a" string="false">Paris</｜DSML｜parameter>',
        '<｜DSML｜parameter name="a" string="false">1 2</｜DSML｜parameter>',
        '<｜DSML｜parameter name="a">1</｜DSML｜parameter>',
        "<｜DSML｜other>1</｜DSML｜other>",
        "just words",
    ],
)
def test_a_parameter_that_is_none(markup: Markup, parameter: str) -> None:
    text = markup.begin + '<｜DSML｜invoke name="add">\n' + parameter + "\n" + markup.tail + markup.end
    told_ = heard(markup, text)
    assert (told_.calls, told_.text) == ([], text)


@DSML
def test_dsml_goes_from_thinking_to_a_call(markup: Markup) -> None:
    told_ = heard(markup, "I call it now.\n\n" + spoken(markup, WEATHER), "reasoning")
    assert (told_.reasoning, told_.text, told_.parsed) == ("I call it now.", "", [WEATHER])


@DSML
def test_dsml_that_is_only_thought_of_stays_a_thought(markup: Markup) -> None:
    thought = f'I could write {markup.begin}<｜DSML｜invoke name="add">\n, but no.'
    told_ = heard(markup, f"{thought}</think>Done {markup.begin}", "reasoning")
    assert told_ == Told(reasoning=thought, text=f"Done {markup.begin}", dropped=[("add", "")])


@MARKED
def test_calls_in_the_thoughts_of_r1_are_thoughts(markup: Markup) -> None:
    thought = "I could say " + spoken(markup, WEATHER)
    told_ = heard(markup, thought + "</think>No.", "reasoning")
    assert told_ == Told(reasoning=thought, text="No.")


def test_a_lost_think_tag_and_calls() -> None:
    told_ = heard(R1, "Well.\n</think>\n\n" + spoken(R1, WEATHER), "unknown")
    assert (told_.reasoning, told_.text, told_.parsed) == ("Well.", "", [WEATHER])


@ALL
def test_stop_strings_do_not_cut_arguments(markup: Markup) -> None:
    told_ = heard(markup, "Now: " + spoken(markup, ("add", {"note": "a STOP b"})), stop=["STOP", "\n\n"])
    assert told_.parsed == [("add", {"note": "a STOP b"})]
    assert heard(markup, "Now STOP " + spoken(markup, WEATHER), stop=["STOP"]) == Told(text="Now ")
    text = spoken(markup, ("rm_rf", {"note": "a STOP b"}))
    assert heard(markup, text, stop=["STOP"]).text == text.partition("STOP")[0]


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.text(st.characters(exclude_characters='"<', exclude_categories=["Cs"]), min_size=1, max_size=9)


@given(st.data())
def test_any_arguments_come_through_however_they_are_cut(data: st.DataObject) -> None:
    markup = data.draw(st.sampled_from(list(GENERATIONS.values())))
    arguments = data.draw(st.dictionaries(KEYS, JSON_VALUES, max_size=4))
    whole = data.draw(st.sampled_from(["", "Hm.\n\n"])) + spoken(markup, ("add", arguments), WEATHER)
    text = whole.encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=12)))
    tokens = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    said, _ = read(markup, tokens)
    assert said.parsed == [("add", arguments), WEATHER]


@given(st.data())
def test_any_mess_is_read_the_same_however_it_is_cut(data: st.DataObject) -> None:
    markup = data.draw(st.sampled_from(list(GENERATIONS.values())))
    parts = [
        markup.begin, markup.end, *(markup.head.replace("{name}", name) for name in ("add", "no")), markup.tail,
        '{"a": 1}', "{}", '{"a": "', '"}', "```", "\n", " ", "x", "</think>", "<think>",
        "STOP", "<", "<｜", "｜>", "好", "\\",
        '<｜DSML｜parameter name="k" string="true">', '<｜DSML｜parameter name="k" string="false">',
        "</｜DSML｜parameter>", "<｜tool▁sep｜>", "function",
    ]  # fmt: skip
    opening: Opening = data.draw(st.sampled_from(["reasoning", "answer", "unknown"]))
    text = "".join(data.draw(st.lists(st.sampled_from(parts), max_size=14))).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=10)))
    tokens = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    cut, bytewise = (read(markup, each, opening, ["STOP"])[0] for each in (tokens, [bytes([byte]) for byte in text]))
    cut.ids = bytewise.ids = []
    assert cut == bytewise
    assert all(is_json(arguments) for _, arguments in cut.calls)


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


@given(JSON_VALUES, st.data())
def test_json_is_taken_piece_by_piece(value: Any, data: st.DataObject) -> None:
    text = json.dumps(value, ensure_ascii=data.draw(st.booleans()), indent=data.draw(st.sampled_from([None, 1])))
    assert streamed(text, data) == (text, True)


@given(st.text('{}[]",:0123-+.eE \\untrfalse\n\x01"', max_size=12), st.data())
def test_only_json_is_taken(text: str, data: st.DataObject) -> None:
    told_, done = streamed(text, data)
    if done:
        json.loads(told_)
    else:
        stripped = text.lstrip(" \n")
        assert not any(is_json(stripped[:end]) for end in range(1, len(stripped) + 1)) or stripped[0] in "-0123"


def streamed(text: str, data: st.DataObject) -> tuple[str, bool]:
    stream, said, rest = JsonStream(), "", ""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
    for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True):
        rest += text[a:b]
        part, used = stream.take(rest, b == len(text))
        said, rest = said + part, rest[used:]
    return said, stream.done and not stream.broken
