"""What a grammar made of a schema says is what the schema describes; what it cannot say is told by its name.

Walked is the grammar itself, in llama.cpp, over a vocabulary without weights: any token that it allows, by a seed.
"""

import json
import math
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.core.errors import InvalidInput
from backends.engine.grammar_sampler import GrammarSampler
from backends.engine.native import Model
from backends.engine.number_rules import Bounds, NotWritable, integers, numbers
from backends.engine.schema import schema_grammar
from tests.kit.ggufs import Shape, random_model

NODE = {
    "type": "object",
    "properties": {"v": {"type": "integer"}, "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}},
    "required": ["v", "next"],
    "additionalProperties": False,
}
SCHEMAS: dict[str, dict[str, Any]] = {
    "anything": {},
    "object": {"type": "object"},
    "person": {
        "type": "object",
        "properties": {
            "name": {"type": "string", "maxLength": 12},
            "age": {"type": "integer", "minimum": 0, "maximum": 120},
            "score": {"type": "number", "minimum": 0, "maximum": 1},
            "tags": {"type": "array", "items": {"enum": ["a", 'with "quotes"', "back\\slash", "行\n"]}, "maxItems": 3},
        },
        "required": ["name", "tags"],
    },
    "nested": {
        "properties": {"a": {"properties": {"b": {"properties": {"c": {"type": "boolean"}}, "required": ["c"]}}}},
        "required": ["a"],
    },
    "chinese": {
        "type": "object",
        "properties": {
            "城市": {"type": "string", "minLength": 2, "maxLength": 6},
            "天气": {"enum": ["晴", "阴", "雨"]},
        },
        "required": ["城市", "天气"],
        "additionalProperties": False,
    },
    "array": {"type": "array", "items": {"type": ["integer", "null"]}, "minItems": 2, "maxItems": 4},
    "tuple": {"prefixItems": [{"type": "integer"}, {"const": "x"}], "items": False},
    "constant": {"const": {"deep": [1, 2.5, None, True, "中"]}},
    "one of": {"oneOf": [{"type": "integer", "exclusiveMinimum": 5}, {"type": "string", "format": "date"}]},
    "merged": {
        "allOf": [{"$ref": "#/$defs/a"}, {"properties": {"y": {"type": "boolean"}}, "required": ["y"]}],
        "$defs": {"a": {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}},
    },
    "more": {
        "type": "object",
        "properties": {"id": {"type": "integer"}},
        "required": ["id"],
        "additionalProperties": {"type": "boolean"},
    },
    "map": {"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 1, "maxProperties": 2},
    "list": {"$ref": "#/$defs/node", "$defs": {"node": NODE}},
    "pattern": {"type": "string", "pattern": r"^[A-Z]{2,3}-\d{1,4}(\.[^,\"]|x?)$"},
    "within": {"type": "string", "pattern": "[0-9]"},
    "time": {"type": "string", "format": "date-time"},
    "choice": {"anyOf": [{"type": "boolean"}, {"enum": [1, "1", None]}]},
    "negative": {"type": "number", "exclusiveMaximum": -3, "minimum": -70},
    "long": {"type": "string", "minLength": 1500, "maxLength": 3000},
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Model]:
    path = tmp_path_factory.mktemp("schema") / "words.gguf"
    random_model(path, shape=Shape(layers=1, width=64, heads=2, vocabulary=400))
    model = Model(path, gpu_layers=0, experts_on_cpu=0, progress=lambda _: True, vocabulary_only=True)
    yield model
    model.close()


def words(model: Model, gbnf: str, seed: int) -> str:
    """A text that the grammar describes, with a liking for what ends it."""
    random = np.random.default_rng(seed)
    grammar = GrammarSampler(model, gbnf, credit=60)
    ids, said = np.arange(model.vocabulary.size, dtype=np.int32), b""
    closing = [model.vocabulary.tokenise(sign)[0] for sign in '"}]']
    plain = [model.vocabulary.piece(token).isascii() for token in ids.tolist()]  # bytes at random are not always UTF-8
    while len(said) < 20_000:
        allowed = ids[grammar.among(ids, np.zeros(len(ids), np.float32))]
        if set(allowed.tolist()) & model.vocabulary.ends:
            break
        allowed = allowed[np.take(plain, allowed)] if np.take(plain, allowed).any() else allowed
        ending = [token for token in closing if token in allowed]
        token = int(random.choice(ending if ending and random.random() < 0.4 else allowed))
        grammar.accept(token)
        said += model.vocabulary.piece(token)
    grammar.close()
    return said.decode()


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_gives_what_it_describes(model: Model, name: str) -> None:
    schema = SCHEMAS[name]
    gbnf = schema_grammar(schema)
    for seed in range(3 if name == "long" else 12):
        value = json.loads(words(model, gbnf, seed))
        jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker()).validate(value)
        assert schema or isinstance(value, dict)


@pytest.mark.parametrize(
    ("schema", "named"),
    [
        ({"not": {}}, "not"),
        ({"type": "array", "uniqueItems": True}, "uniqueItems"),
        ({"type": "number", "multipleOf": 3}, "multipleOf"),
        ({"properties": {"a": {"if": {}, "then": {}}}}, "if"),
        ({"patternProperties": {"^a": {}}}, "patternProperties"),
        ({"type": "thing"}, "thing"),
        ({"type": []}, "type"),
        ({"type": {"a": 1}}, "type"),
        ({"type": "string", "pattern": "(?=a)"}, "(?=a)"),
        ({"type": "string", "pattern": r"(a)\1"}, r"\\1"),
        ({"type": "string", "pattern": "a{99999999}"}, "99999999"),
        ({"type": "string", "pattern": "(" * 500 + ")" * 500}, "groups"),
        ({"type": "string", "pattern": "a" * 1001}, "1000"),
        ({"type": "string", "pattern": "[z-a]"}, "range"),
        ({"type": "string", "pattern": "a", "minLength": 3}, "minLength"),
        ({"type": "string", "maxLength": 10**9}, "maxLength"),
        ({"type": "string", "minLength": -1}, "minLength"),
        ({"type": "array", "minItems": 5, "maxItems": 3}, "minItems"),
        ({"type": "number", "minimum": 0.5}, "0.5"),
        ({"type": "integer", "minimum": 7, "maximum": 3}, "7"),
        ({"type": "integer", "minimum": 10**400}, "minimum"),
        ({"enum": []}, "enum"),
        ({"$ref": "https://example.com/schema.json"}, "example.com"),
        ({"$ref": "other.json#/a"}, "other.json"),
        ({"$ref": "#/$defs/none"}, "none"),
        ({"$ref": "#"}, "without end"),
        ({"anyOf": [{"$ref": "#"}, {"type": "null"}]}, "without end"),
        ({"properties": {"a": {"$ref": "#"}}, "required": ["a"]}, "without end"),
        ({"allOf": [{"type": "string", "pattern": "a"}, {"pattern": "b"}]}, "pattern"),
        ({"properties": [1]}, "properties"),
        ({"required": "a"}, "required"),
        ({"const": math.nan}, "JSON"),
        ({"const": {1, 2}}, "JSON"),
        ({"properties": {"a": 5}}, "5"),
        ({"anyOf": 3}, "anyOf"),
    ],
)
def test_what_a_grammar_cannot_say_is_told_by_its_name(schema: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        schema_grammar(schema)
    assert caught.value.code == "bad_schema"
    assert named in caught.value.message.en
    assert re.search("[一-鿿]", caught.value.message.zh)


def deep(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(levels):
        schema = {"items": schema}
    return schema


LAUGHS = {
    f"a{n}": {"properties": {"l": {"$ref": f"#/$defs/a{n + 1}"}, "r": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}, {}]}}}
    for n in range(40)
} | {"a40": {"type": "object"}}


@pytest.mark.parametrize(
    "schema",
    [
        deep(5000),
        {"enum": ["x" * (1 << 20)]},
        {"enum": list(range(70_000))},
        {"$ref": "#/$defs/a0", "$defs": {f"a{n}": {"$ref": f"#/$defs/a{n + 1}"} for n in range(500)} | {"a500": {}}},
        {"properties": {"a": {"allOf": [{"$ref": "#/$defs/a0"}] * 2}}, "$defs": LAUGHS},
    ],
)
def test_schemas_have_bounds(schema: dict[str, Any]) -> None:
    """Deep, long, chained, and one that doubles at each level."""
    with pytest.raises(InvalidInput) as caught:
        schema_grammar(schema)
    assert caught.value.code == "grammar_too_large"


KEYS = st.sampled_from(
    [
        *("type", "enum", "const", "anyOf", "allOf", "oneOf", "$ref", "properties", "required", "items", "prefixItems"),
        *("minItems", "maxItems", "minLength", "maxLength", "pattern", "minimum", "maximum", "exclusiveMinimum"),
        *("additionalProperties", "nullable", "format", "title", "a", "$defs"),
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
NEARLY = st.recursive(
    st.sampled_from([{}, True, False, {"type": "string"}, {"type": ["integer", "null"]}, {"$ref": "#"}, {"const": 1}]),
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "properties": st.dictionaries(st.text(max_size=3), inner, max_size=3),
            "required": st.lists(st.text(max_size=2), max_size=2),
            "anyOf": st.lists(inner, min_size=1, max_size=3),
            "allOf": st.lists(inner, max_size=2),
            "items": inner,
            "minItems": st.integers(0, 3000),
            "maxItems": st.integers(0, 70000),
            "additionalProperties": inner,
            "pattern": st.text("ab^$()[]{}|*+?\\.,-1", max_size=8),
            "minimum": st.integers(-(10**19), 10**19) | st.floats(),
            "exclusiveMaximum": st.booleans() | st.integers(),
            "enum": st.lists(JSON, max_size=3),
        },
    ),
    max_leaves=8,
)


@given(st.dictionaries(KEYS, JSON, max_size=4) | NEARLY.filter(lambda schema: isinstance(schema, dict)))
@settings(max_examples=300, deadline=None)
def test_any_schema_is_a_grammar_or_a_clear_error(model: Model, schema: Any) -> None:
    """Whatever comes out, llama.cpp reads it."""
    gbnf = code = ""
    try:
        gbnf = schema_grammar(schema)
    except InvalidInput as error:
        code = error.code
    if gbnf:
        GrammarSampler(model, gbnf, credit=60).close()
    else:
        assert code in ("bad_schema", "grammar_too_large")


LIMIT = st.none() | st.integers(-1200, 1200)


def reads(rule: str, text: str) -> bool:
    """Of rules that hold nothing but literals, classes and groups: a regular expression says the same."""
    expression = re.sub(r'"([^"]*)"', lambda found: re.escape(found[1]), rule).replace(" ", "")
    return re.fullmatch(expression, text) is not None


@given(LIMIT, LIMIT, st.booleans(), st.booleans(), st.integers(-1300, 1300), st.integers(0, 99))
@settings(max_examples=400, deadline=None)
def test_numbers_lie_between_their_bounds(
    low: int | None, high: int | None, above: bool, below: bool, number: int, cents: int
) -> None:
    exact = number + (cents if number > 0 else -cents) / 100
    for rules, value, text in ((integers, number, str(number)), (numbers, exact, f"{exact:.2f}")):
        over = low is None or (value > low if above else value >= low)
        under = high is None or (value < high if below else value <= high)
        try:
            rule = rules(Bounds(low, high, above, below))
        except NotWritable:
            rule = "[]"
        assert (rule != "[]" and reads(rule, text)) == (over and under) or text == "-0.00"
