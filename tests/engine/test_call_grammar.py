"""A model that has to call a tool calls it, whatever its weights, in every generation's way of writing."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from backends.core.errors import InvalidInput
from backends.engine.call_grammar import call_grammar
from backends.engine.context import Context, ContextOptions
from backends.engine.grammar_sampler import GrammarSampler
from backends.engine.native import Model
from backends.engine.parser import Parser
from backends.engine.protocol import NamedTool, Sampling, Tool, ToolChoice
from backends.engine.sampling import Sampler
from backends.engine.tools import V4, V32, Markup
from tests.kit.ggufs import Script, random_model, scripted_model
from tests.kit.tool_calls import GENERATIONS, Told, spoken, told

CITIES = ["Paris", "北京", 'the "Hague"']
WEATHER = Tool(
    "get_weather",
    "Tells the weather of a city.",
    {
        "type": "object",
        "properties": {
            "city": {"type": "string", "enum": CITIES},
            "days": {"type": "integer", "minimum": 1, "maximum": 14},
            "note": {"type": "string", "maxLength": 12},
            "place": {"$ref": "#/$defs/place"},
        },
        "required": ["days", "city"],
        "additionalProperties": False,
        "$defs": {
            "place": {
                "type": "object",
                "properties": {"inside": {"type": "boolean"}, "code": {"type": "string", "pattern": "^[A-Z]{2}$"}},
                "required": ["inside", "code"],
            }
        },
    },
)
CLOCK = Tool("clock")
ALL = pytest.mark.parametrize("markup", GENERATIONS.values(), ids=GENERATIONS)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Model]:
    path = random_model(tmp_path_factory.mktemp("forced") / "random.gguf")
    model = Model(path, gpu_layers=0, experts_on_cpu=0, progress=lambda _: True)
    yield model
    model.close()


@pytest.fixture(scope="module")
def context(model: Model) -> Iterator[Context]:
    context = Context(model, ContextOptions(context=4096, kv_type="f16", threads=1, batch=16))
    yield context
    context.close()


def forced(model: Model, context: Context, markup: Markup, choice: ToolChoice, seed: int) -> tuple[Told, Parser]:
    """What the model says under the grammar, from nothing but a BOS."""
    grammar = call_grammar(markup, (WEATHER, CLOCK), choice, model.vocabulary.marks)
    sampler = Sampler(model, Sampling(temperature=1.5, top_p=1, seed=seed), grammar)
    sampler.begin_answer()
    parser = Parser("answer", (), (WEATHER.name, CLOCK.name), markup)
    events: list[object] = []
    token = model.vocabulary.bos
    context.cut(0, 0)
    for position in range(context.size):
        context.batch.clear()
        place = context.batch.add(token, position, 0, True)
        assert context.decode()
        token = sampler.sample(context.handle, place)
        assert token not in model.vocabulary.ends
        events += parser.feed(model.vocabulary.piece(token))
        if parser.stopped:
            break
    sampler.close()
    return told(events + parser.finish()), parser


def fits(name: str, arguments: Mapping[str, Any]) -> bool:
    """By the schemas above."""
    if name == CLOCK.name:
        return arguments == {}
    place = arguments.get("place", {"inside": True, "code": "XY"})
    return (
        name == WEATHER.name
        and {"days", "city"} <= set(arguments) <= {"days", "city", "note", "place"}
        and arguments["city"] in CITIES
        and isinstance(arguments["days"], int)
        and 1 <= arguments["days"] <= 14
        and len(arguments.get("note", "")) <= 12
        and isinstance(place["inside"], bool)
        and len(place["code"]) == 2
        and place["code"].isascii()
        and place["code"].isupper()
    )


@ALL
@pytest.mark.parametrize("choice", ["required", NamedTool("get_weather"), NamedTool("clock")])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_random_weights_call(model: Model, context: Context, markup: Markup, choice: ToolChoice, seed: int) -> None:
    said, parser = forced(model, context, markup, choice, seed)
    assert parser.stopped
    assert (said.text, said.dropped) == ("", [])
    assert 1 <= len(said.parsed) == parser.called <= 8
    assert all(fits(name, arguments) for name, arguments in said.parsed)
    if isinstance(choice, NamedTool):
        assert [name for name, _ in said.parsed] == [choice.name]


def allowed(model: Model, grammar: str, text: str, special: bool = True) -> bool:
    """Whether the grammar lets a model say this."""
    sampler = GrammarSampler(model, grammar)
    for token in model.vocabulary.tokenise(text, special=special):
        if not sampler.allows(token):
            sampler.close()
            return False
        sampler.accept(token)
    over = sampler.allows(model.vocabulary.eos)
    sampler.close()
    return over


@ALL
def test_what_a_model_may_say(model: Model, markup: Markup) -> None:
    grammar = call_grammar(markup, (WEATHER, CLOCK), "required", model.vocabulary.marks)
    weather = ("get_weather", {"city": "Paris", "days": 3})
    for text in (spoken(markup, weather), "\n\n" + spoken(markup, weather, ("clock", {}))):
        assert allowed(model, grammar, text)
    for text in (
        "",
        "Hello",
        "Hello" + spoken(markup, weather),
        spoken(markup, weather)[:-1],
        spoken(markup, weather) + "!",
    ):
        assert not allowed(model, grammar, text)
    for other in (("rm_rf", {}), ("clock", {"x": 1}), ("get_weather", {"city": "Rome", "days": 3})):
        assert not allowed(model, grammar, spoken(markup, other))
    assert not allowed(model, call_grammar(markup, (WEATHER, CLOCK), NamedTool("clock"), {}), spoken(markup, weather))


@pytest.mark.parametrize("name", ["r1", "v3.1"])
def test_where_the_marks_are_tokens_they_are_not_spelt(model: Model, name: str) -> None:
    text = spoken(GENERATIONS[name], ("clock", {}))
    marks = model.vocabulary.marks
    assert not allowed(model, call_grammar(GENERATIONS[name], (CLOCK,), "required", marks), text, special=False)
    assert allowed(model, call_grammar(GENERATIONS[name], (CLOCK,), "required", {}), text, special=False)


def test_dsml_is_a_token_where_the_vocabulary_has_it(tmp_path: Path) -> None:
    path = scripted_model(tmp_path / "dsml.gguf", scripts=[Script("a", "b", word="｜DSML｜")])
    model = Model(path, gpu_layers=0, experts_on_cpu=0, progress=lambda _: True)
    token = model.vocabulary.marks["｜DSML｜"]
    grammar = call_grammar(V4, (CLOCK,), "required", model.vocabulary.marks)
    assert f"<[{token}]>" in grammar
    assert "DSML" not in grammar
    assert allowed(model, grammar, spoken(V4, ("clock", {})))
    model.close()


@pytest.mark.parametrize("markup", [V32, V4], ids=["v3.2", "v4"])
@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("", True),
        ("a < b </div> <<x </ < <<//｜ <｜", True),
        ('好\n\t"\\', True),
        ("a </｜DSML｜parameter> b", False),
        ("a </｜", False),
    ],
)
def test_a_text_as_it_is_may_hold_anything_but_its_end(model: Model, markup: Markup, text: str, good: bool) -> None:
    tool = Tool("say", "", {"type": "object", "properties": {"words": {"type": "string"}}, "required": ["words"]})
    grammar = call_grammar(markup, (tool,), "required", {})
    call = spoken(markup, ("say", {"words": text}))
    assert allowed(model, grammar, call, special=False) is good
    if good:
        parser = Parser("answer", (), ("say",), markup)
        assert told(parser.feed(call.encode())).parsed == [("say", {"words": text})]


@pytest.mark.parametrize(
    "parameters",
    [
        {"anyOf": [{"type": "object"}]},
        {"type": "object", "properties": {'a"b': {}}},
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["b"]},
        {"type": "object", "properties": {"a": {"contains": 1}}},
    ],
)
def test_parameters_that_cannot_be_forced(parameters: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as caught:
        call_grammar(V4, (Tool("x", "", parameters),), "required", {})
    assert caught.value.code == "bad_schema"
