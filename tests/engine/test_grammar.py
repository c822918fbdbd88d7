"""Answers that follow a grammar: valid JSON from models without sense, thinking left alone, bombs that hurt nobody."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from backends.core.cancel import CancelToken
from backends.core.errors import EngineError, InvalidInput
from backends.core.phrase import Phrase
from backends.engine.grammar import Checks, GrammarCheck
from backends.engine.grammar_sampler import GrammarSampler
from backends.engine.loader import NativeEngine
from backends.engine.native import Model
from backends.engine.protocol import (
    Format,
    GenerateRequest,
    Grammar,
    JsonSchema,
    ReasoningDelta,
    Said,
    Sampling,
    TextDelta,
    Turn,
)
from tests.engine.conftest import Load
from tests.kit.answers import hear
from tests.kit.ggufs import ANSWER, R1_JANUARY_TEMPLATE, REASONING, Script, random_model, scripted_model

GREEDY = Sampling(temperature=0)
WORD = {"type": "string", "minLength": 1, "maxLength": 8}
SCHEMAS: list[dict[str, Any]] = [
    {"type": "object", "properties": {"name": WORD, "age": {"type": "integer"}}, "required": ["name", "age"]},
    {"type": "array", "items": {"type": "integer", "minimum": -5, "maximum": 5}, "minItems": 2, "maxItems": 4},
    {"enum": ["晴", "多云", 3, None]},
    {"type": "object", "properties": {"城市": {"enum": ["北京", "上海"]}, "温度": {"type": "number"}}},
    {"properties": {"a": {"properties": {"b": {"type": "boolean"}}, "required": ["b"]}}, "required": ["a"]},
    {"type": "string", "pattern": "^[a-f]{3}-[0-9]{2,5}x$", "title": "a number"},
    {"prefixItems": [{"type": "boolean"}, WORD, {"const": {"k": [1, "二"]}}]},
    {"anyOf": [{"type": "null"}, {"type": "string", "format": "date"}]},
    {"allOf": [{"properties": {"x": WORD}, "required": ["x"]}, {"properties": {"y": WORD}, "required": ["y"]}]},
    {"type": "array", "items": {"properties": {"n": {"type": "null"}}, "required": ["n"]}, "maxItems": 3},
    {"type": "object", "properties": {"id": {"type": "integer"}}, "additionalProperties": False},
    {"type": ["integer", "boolean"]},
]


def ask(word: str = "Hello!", sampling: Sampling = GREEDY, **options: Any) -> GenerateRequest:
    return GenerateRequest([Turn("user", word)], sampling, **options)


@pytest.fixture(scope="module")
def random(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_model(tmp_path_factory.mktemp("models") / "random.gguf")


@pytest.fixture(scope="module")
def check() -> Iterator[GrammarCheck]:
    check = GrammarCheck()
    yield check
    check.close()


# ---- answers


def test_a_model_without_sense_gives_valid_json(engine: NativeEngine, load: Load, random: Path) -> None:
    """A dozen schemas, several at once; nothing but the grammar can make these answers valid."""
    load(random, parallel=4)
    hot = Sampling(temperature=1.5, top_p=1, seed=11)
    streams = [
        engine.generate(ask(sampling=hot, format=JsonSchema(schema), thinking_budget=3, max_tokens=900))
        for schema in SCHEMAS
    ]
    for schema, stream in zip(SCHEMAS, streams, strict=True):
        heard = hear(stream)
        assert heard.finished.finish_reason == "stop", heard.text
        jsonschema.Draft202012Validator(schema).validate(json.loads(heard.text))


@pytest.mark.parametrize("sampling", [GREEDY, Sampling(repeat_penalty=1.2, logit_bias={65: 3.0}), Sampling(mirostat=2)])
def test_a_grammar_binds_every_way_of_sampling(
    engine: NativeEngine, load: Load, random: Path, sampling: Sampling
) -> None:
    load(random)
    heard = hear(
        engine.generate(
            ask(sampling=sampling, format=Grammar('root ::= "是" [0-9]{3} "." | "否。"'), thinking_budget=0)
        )
    )
    assert heard.text == "否。" or (heard.text[0] == "是" and heard.text[1:4].isdigit() and heard.text[4:] == ".")


@pytest.mark.parametrize("format", [Grammar('root ::= "yes" | "no"'), JsonSchema({"enum": ["yes", "no"]})])
def test_the_thinking_is_left_alone(engine: NativeEngine, load: Load, scripted: Path, format: Format) -> None:
    load(scripted)
    heard = hear(engine.generate(ask(format=format)))
    assert heard.reasoning == REASONING
    assert heard.text.strip('"') in ("yes", "no")


def test_what_the_grammar_allows_is_said_as_without_it(engine: NativeEngine, load: Load, scripted: Path) -> None:
    load(scripted)
    heard = hear(engine.generate(ask(format=Grammar("root ::= [^\\x01]*"))))
    assert (heard.reasoning, heard.text) == (REASONING, ANSWER)
    heard = hear(engine.generate(ask("brief", format=Grammar('root ::= "\\n"* [一-龥，。]+'))))
    assert (heard.reasoning, heard.text) == ("", "直接回答，没有思考。")


def test_a_model_that_opens_its_thinking_itself_may_think(engine: NativeEngine, load: Load, tmp_path: Path) -> None:
    """Where nobody knows whether it will, the first token tells; who does not is bound from that token on."""
    silent = Script("", "Right away, without a thought.", word="brief", opens=False)
    load(scripted_model(tmp_path / "january.gguf", template=R1_JANUARY_TEMPLATE, scripts=[silent]))
    form = Grammar('root ::= "yes" | "no"')
    heard = hear(engine.generate(ask(format=form)))
    assert heard.reasoning == REASONING
    assert heard.text in ("yes", "no")
    heard = hear(engine.generate(ask("brief", format=form)))
    assert heard.reasoning == ""
    assert heard.text in ("yes", "no")


def test_a_thinking_that_is_closed_by_force_is_no_part_of_the_answer(
    engine: NativeEngine, load: Load, scripted: Path
) -> None:
    load(scripted)
    heard = hear(engine.generate(ask("endless", format=JsonSchema({"type": "boolean"}), thinking_budget=4)))
    assert heard.text in ("true", "false")
    assert heard.reasoning


def test_an_answer_goes_on_where_it_was_cut_off(engine: NativeEngine, load: Load, random: Path) -> None:
    load(random)
    form = JsonSchema({"type": "object", "properties": {"a": {"enum": [123, 456]}}, "required": ["a"]})
    said = Said("Because.", '{"a": 4', closed=True)
    assert json.loads('{"a": 4' + hear(engine.generate(ask(format=form, said=said))).text) == {"a": 456}
    with pytest.raises(InvalidInput) as caught:
        list(engine.generate(ask(format=form, said=Said("Because.", "[1", closed=True))))
    assert caught.value.code == "bad_grammar"


def test_choices_follow_the_grammar_too(engine: NativeEngine, load: Load, random: Path) -> None:
    load(random, parallel=3)
    request = ask(sampling=Sampling(seed=1), format=JsonSchema({"type": "boolean"}), thinking_budget=0)
    assert {hear(stream).text for stream in engine.generate_choices(request, 3)} <= {"true", "false"}


# ---- log probabilities


@pytest.mark.parametrize("count", [0, 3])
def test_deltas_carry_the_tokens_since_the_last_one(
    engine: NativeEngine, load: Load, scripted: Path, count: int
) -> None:
    load(scripted)
    heard = hear(engine.generate(ask(logprobs=count)))
    said = {ReasoningDelta: "", TextDelta: ""}
    for event in heard.events:
        if isinstance(event, ReasoningDelta | TextDelta):
            said[type(event)] += b"".join(token.text for token in event.logprobs).decode()
            for token in event.logprobs:
                assert -1 < token.logprob <= 0
                assert len(token.top) == count
                assert not count or token.top[0].token == token.token
    assert said[ReasoningDelta].strip() == REASONING
    assert said[TextDelta].strip() == ANSWER
    plain = hear(engine.generate(ask()))
    assert not any(event.logprobs for event in plain.events if isinstance(event, ReasoningDelta | TextDelta))


def test_too_many_rivals_are_refused(engine: NativeEngine, load: Load, scripted: Path) -> None:
    load(scripted)
    with pytest.raises(InvalidInput, match="logprobs"):
        list(engine.generate(ask(logprobs=21)))


# ---- what cannot be


def chain(rules: int, body: str) -> str:
    return "root ::= r0\n" + "".join(body.format(n, n + 1) for n in range(rules)) + f'r{rules} ::= "a"\n'


BOMBS: dict[str, tuple[Format, str]] = {
    "repetitions in repetitions": (Grammar('root ::= (("a"{0,9999}){0,9999})'), "bad_grammar"),
    "repetitions of named ones": (
        Grammar('root ::= x{0,1999}\nx ::= y{0,1999}\ny ::= "a"{0,1999}'),
        "grammar_timeout",
    ),
    "doubling": (Grammar(chain(60, 'r{0} ::= r{1} "x" | r{1} "y"\n')), "grammar_timeout"),
    "parentheses": (Grammar("root ::= " + "(" * 30_000 + '"a"' + ")" * 30_000), "bad_grammar"),
    "a long word, often": (Grammar('root ::= "' + "a" * 60_000 + '"{2000}'), "grammar_too_large"),
    "left recursion": (Grammar('root ::= root "a" | "b"'), "bad_grammar"),
    "too long": (Grammar('root ::= "' + "a" * 70_000 + '"'), "grammar_too_large"),
    "nothing": (Grammar(" \n"), "bad_grammar"),
    "a comment": (Grammar("# nothing"), "bad_grammar"),
    "no root": (Grammar('a ::= "b"'), "bad_grammar"),
    "an unknown rule": (Grammar("root ::= b"), "bad_grammar"),
    "the character 0": (Grammar('root ::= "a\0b"'), "bad_grammar"),
    "half a character": (Grammar('root ::= "\ud800"'), "bad_grammar"),
    "what nobody can say": (Grammar('root ::= "\\x00"'), "bad_grammar"),
    "a schema of a megabyte": (JsonSchema({"enum": ["x" * (1 << 20)]}), "grammar_too_large"),
    "a schema in itself": (JsonSchema({"properties": {"a": {"$ref": "#"}}, "required": ["a"]}), "bad_schema"),
    "a schema elsewhere": (JsonSchema({"$ref": "https://example.com/a.json"}), "bad_schema"),
    "a regular expression": (JsonSchema({"pattern": "^((((a{0,999}){0,999}){0,999}){0,999})$"}), "grammar_timeout"),
    "looking ahead": (JsonSchema({"type": "string", "pattern": "(?=a)"}), "bad_schema"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_a_clear_error(check: GrammarCheck, random: Path, name: str) -> None:
    form, code = BOMBS[name]
    with pytest.raises(InvalidInput) as caught:
        check.compile(form, random, cancel=CancelToken())
    assert caught.value.code == code
    assert caught.value.message.zh != caught.value.message.en


def test_bombs_hurt_nobody_else(engine: NativeEngine, load: Load, scripted: Path) -> None:
    """An answer asked for while one is looked at comes as ever, and so does the next one with a grammar."""
    load(scripted, parallel=2)
    for name in ("repetitions of named ones", "parentheses", "left recursion", "a schema in itself"):
        stream = engine.generate(ask(format=BOMBS[name][0]))
        assert hear(engine.generate(ask())).text == ANSWER
        with pytest.raises(InvalidInput) as caught:
            list(stream)
        assert caught.value.code == BOMBS[name][1]
    assert hear(engine.generate(ask(format=JsonSchema({"type": "boolean"})))).text in ("true", "false")


def test_who_waits_for_a_check_may_go(engine: NativeEngine, load: Load, scripted: Path) -> None:
    load(scripted)
    streams = [engine.generate(ask(format=BOMBS["repetitions of named ones"][0])) for _ in range(3)]
    for stream in streams:
        stream.cancel()
    for stream in streams:
        assert hear(stream).finished.finish_reason == "cancelled"
    assert hear(engine.generate(ask())).text == ANSWER


def test_the_engine_closes_while_grammars_are_checked(engine: NativeEngine, load: Load, scripted: Path) -> None:
    load(scripted)
    streams = [engine.generate(ask(format=BOMBS["doubling"][0])) for _ in range(2)]
    engine.close()
    for stream in streams:
        assert stream.wait(0)


# ---- the check by itself


def test_what_was_seen_is_remembered(random: Path) -> None:
    check = GrammarCheck()
    form, bad = JsonSchema({"type": "boolean"}), Grammar("root ::= a")
    gbnf = check.compile(form, random, cancel=CancelToken())
    with pytest.raises(InvalidInput, match="'a'"):
        check.compile(bad, random, cancel=CancelToken())
    assert check.pid
    check.close()
    assert check.compile(form, random, cancel=CancelToken()) == gbnf
    with pytest.raises(InvalidInput, match="'a'"):
        check.compile(bad, random, cancel=CancelToken())
    assert check.pid is None, "nobody was asked"


def test_a_way_that_only_one_letter_opens_is_walked_too(check: GrammarCheck, random: Path) -> None:
    """Hidden behind a letter among thousands: the check goes where the grammar names a letter."""
    hidden = 'root ::= [^b]{1,30} | "b" x{0,1999}\nx ::= y{0,1999}\ny ::= "c"{0,1999}'
    with pytest.raises(InvalidInput) as caught:
        check.compile(Grammar(hidden), random, cancel=CancelToken())
    assert caught.value.code == "grammar_timeout"


def test_a_file_that_is_no_model_is_told_as_such(check: GrammarCheck, tmp_path: Path) -> None:
    (tmp_path / "no.gguf").write_bytes(b"GGUF" + bytes(100))
    for path in (tmp_path / "no.gguf", tmp_path / "gone.gguf"):
        with pytest.raises(EngineError) as caught:
            check.compile(JsonSchema(), path, cancel=CancelToken())
        assert caught.value.code == "load_failed"


def test_what_goes_wrong_before_the_check_is_told_as_well(random: Path) -> None:
    checks, told = Checks(), list[object]()

    def wanted() -> Format:
        raise InvalidInput(Phrase("No.", "不。"), code="bad_schema")

    checks.start(wanted, random, CancelToken(), told.append)
    checks.close()
    (error,) = told
    assert isinstance(error, InvalidInput)
    assert error.code == "bad_schema"


def test_a_token_that_is_not_allowed_is_not_accepted(random: Path) -> None:
    """llama.cpp would end the process. What ends a text is allowed at its end, and nothing else is."""
    model = Model(random, gpu_layers=0, experts_on_cpu=0, progress=lambda _: True, vocabulary_only=True)
    grammar = GrammarSampler(model, 'root ::= "ab"')
    a, b = (model.vocabulary.tokenise(letter)[0] for letter in "ab")
    assert grammar.allows(a)
    assert not grammar.allows(b)
    assert not any(grammar.allows(end) for end in model.vocabulary.ends)
    grammar.accept(a)
    grammar.accept(b)
    assert not grammar.allows(a)
    assert not any(grammar.allows(mark) for mark in grammar.barred)
    assert all(grammar.allows(end) for end in model.vocabulary.ends)
    grammar.close()
    model.close()
