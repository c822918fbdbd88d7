"""JSON schemas as grammars: what an answer says then is JSON that the schema describes.

Not llama-cpp-python's converter: that one leaves out what it does not know without a word, cannot write a text with a
quote in it, lets line breaks into strings, and grows by itself to any size. Keywords are those of draft 2020-12 and of
OpenAPI that a grammar can say; any other is refused by its name, but for annotations. Narrower than the schema are:

- objects hold their properties in the order of the schema, and no others unless additionalProperties says so;
- oneOf is as anyOf; numbers have at most 16 digits, and no exponent between bounds.

`add_schema` writes into a grammar that holds more than JSON (calls of tools); `$ref` looks into its own schema only.
"""

import json
from collections.abc import Mapping
from typing import Any

from backends.core.phrase import Phrase
from backends.engine import number_rules, pattern_rules
from backends.engine.gbnf import Rules, literal
from backends.engine.grammar_errors import LONGEST_GRAMMAR, too_large
from backends.engine.key_rules import other_keys
from backends.engine.schema_words import (
    KINDS,
    KNOWN,
    NOTES,
    bad,
    both,
    bounds,
    counts,
    is_kind,
    listed,
    shown,
    unsupported,
)

DEEPEST = 64
_DEEPEST_REFERRED = 80  # schemas in each other, those behind $ref too
_MOST_STEPS = 5_000  # schemas looked at, those behind $ref each time

_FORMATS = {"date": "date", "time": "time", "uuid": "uuid"}


def schema_grammar(schema: Mapping[str, Any]) -> str:
    """GBNF. An empty schema is any object. InvalidInput: `bad_schema`, which names what is not understood,
    `grammar_too_large`."""
    rules = Rules()
    return rules.text(add_schema(rules, schema or {"type": "object"}))


def add_schema(rules: Rules, schema: Mapping[str, Any]) -> str:
    """The rule of values that a schema describes. Raises as `schema_grammar` does."""
    return _Writer(rules, measured(schema)).value()


def measured(schema: Any) -> Any:
    """The schema, if it is JSON of a decent size: whoever it comes from."""
    waiting, seen = [(schema, 1)], 0
    while waiting:
        part, depth = waiting.pop()
        seen += 1
        if depth > DEEPEST or seen > LONGEST_GRAMMAR:
            raise too_large()
        if isinstance(part, Mapping):
            waiting += [(value, depth + 1) for value in part.values()]
        elif isinstance(part, list | tuple):
            waiting += [(value, depth + 1) for value in part]
    try:
        text = json.dumps(schema, ensure_ascii=False, allow_nan=False, default=dict)
        size = len(text.encode())
    except (TypeError, ValueError) as error:
        raise bad(Phrase("the schema is not JSON", "模式不是 JSON")) from error
    if size > LONGEST_GRAMMAR:
        raise too_large()
    return json.loads(text)


class _Writer:
    """Of one schema, the `root` of its references."""

    def __init__(self, rules: Rules, root: Any) -> None:
        self._rules, self._root = rules, root
        self._named: dict[str, str] = {}  # rules by reference
        self._steps = self._depth = 0
        self._begun: frozenset[str] = frozenset()  # references that we are in, without a sign written since
        self._needed: frozenset[str] = frozenset()  # … or without a choice to do without

    def value(self) -> str:
        return self._referred("#")

    def _value(self, schema: Any) -> str:
        """A rule for the values of a schema."""
        self._steps += 1
        self._depth += 1
        if self._steps > _MOST_STEPS or self._depth > _DEEPEST_REFERRED:
            raise too_large()
        try:
            return self._written(schema)
        finally:
            self._depth -= 1

    def _written(self, schema: Any) -> str:
        if schema is True:
            return self._rules.json("value")
        if not isinstance(schema, dict):
            raise bad(Phrase(f"{shown(schema)} is no schema", f"{shown(schema)} 不是模式"))
        if (unknown := next((key for key in schema if key not in KNOWN), None)) is not None:
            raise unsupported(shown(unknown))
        said = {key: part for key, part in schema.items() if key not in NOTES}
        if "$ref" in said:
            target = said.pop("$ref")
            return self._value(self._merged(self._target(target), said)) if said else self._referred(target)
        if "allOf" in said:
            merged = {key: part for key, part in said.items() if key != "allOf"}
            for part in listed(said, "allOf"):
                merged = self._merged(merged, part)
            return self._value(merged)
        for key in ("anyOf", "oneOf"):
            if key in said:
                rest = {other: said[other] for other in said if other != key}
                return self._union([self._merged(rest, part) if rest else part for part in listed(said, key)])
        if said.pop("nullable", False):
            return self._union([said, {"type": "null"}])
        if "const" in said or "enum" in said:
            return self._values(said)
        return self._typed(said)

    def _typed(self, said: dict[str, Any]) -> str:
        kinds = said.get("type", [kind for kind, keys in KINDS.items() if kind != "integer" and keys & said.keys()])
        if isinstance(kinds, str):
            kinds = [kinds]
        if not kinds and "type" not in said:
            return self._rules.json("value")
        if (
            not kinds
            or not isinstance(kinds, list)
            or not all(isinstance(kind, str) and kind in KINDS for kind in kinds)
        ):
            raise bad(Phrase(f"type {shown(said['type'])} is unknown", f"未知的类型 {shown(said['type'])}"))
        if len(kinds) > 1:
            return self._union([said | {"type": kind} for kind in kinds])
        (kind,) = kinds
        match kind:
            case "object":
                return self._object(said)
            case "array":
                return self._array(said)
            case "string":
                return self._string(said)
            case "number" | "integer":
                return self._number(said, kind)
            case _:
                return self._rules.json(kind)

    # ---- references, and schemas laid over each other

    def _target(self, reference: Any) -> Any:
        if not isinstance(reference, str) or not (reference == "#" or reference.startswith("#/")):
            raise bad(
                Phrase(
                    f"$ref {shown(reference)} does not point into this schema",
                    f"$ref {shown(reference)} 不指向此模式内部",
                )
            )
        found = self._root
        for step in reference.split("/")[1:]:
            step = step.replace("~1", "/").replace("~0", "~")
            if isinstance(found, list) and step.isascii() and step.isdigit() and int(step) < len(found):
                found = found[int(step)]
            elif isinstance(found, dict) and step in found:
                found = found[step]
            else:
                raise bad(Phrase(f"$ref {shown(reference)} points to nothing", f"$ref {shown(reference)} 指向空处"))
        return found

    def _referred(self, reference: Any) -> str:
        target = self._target(reference)
        if reference in self._begun | self._needed:
            raise bad(
                Phrase(f"$ref {shown(reference)} contains itself without end", f"$ref {shown(reference)} 无限包含自身")
            )
        if reference not in self._named:
            name = self._named[reference] = self._rules.reserve()
            self._rules.define(name, self._within(target, self._begun | {reference}, self._needed | {reference}))
        return self._named[reference]

    def _within(self, schema: Any, begun: frozenset[str], needed: frozenset[str]) -> str:
        kept = self._begun, self._needed
        self._begun, self._needed = begun, needed
        rule = self._value(schema)
        self._begun, self._needed = kept
        return rule

    def _part(self, schema: Any, needed: bool) -> str:
        """A value inside of an object or an array."""
        return self._within(schema, frozenset(), self._needed if needed else frozenset())

    def _union(self, schemas: list[Any]) -> str:
        """Whichever."""
        if not schemas:
            raise bad(Phrase("an alternative without choices", "没有选项的选择"))
        needed = self._needed if len(schemas) == 1 else frozenset[str]()
        ways = [self._within(schema, self._begun, needed) for schema in schemas]
        return self._rules.add(" | ".join(dict.fromkeys(ways)))

    def _merged(self, one: Any, other: Any) -> dict[str, Any]:
        """What both describe."""
        self._steps += 1
        if self._steps > _MOST_STEPS:
            raise too_large()
        parts = []
        for part in (one, other):
            for _ in range(DEEPEST):
                if not (isinstance(part, dict) and "$ref" in part):
                    break
                rest = {key: value for key, value in part.items() if key != "$ref" and key not in NOTES}
                target = self._target(part["$ref"])
                part = self._merged(target, rest) if rest else target
            if part is True:
                part = {}
            if not isinstance(part, dict) or "$ref" in part:
                raise bad(Phrase(f"{shown(part)} is no schema", f"{shown(part)} 不是模式"))
            parts.append(part)
        merged = dict(parts[0])
        for key, value in parts[1].items():
            merged[key] = both(key, merged[key], value) if key in merged else value
        return merged

    # ---- kinds of values

    def _values(self, said: dict[str, Any]) -> str:
        if beside := said.keys() - {"const", "enum", "type"}:
            raise unsupported(f"{min(beside)} beside enum")
        values = [said["const"]] if "const" in said else listed(said, "enum")
        kinds = said.get("type", list(KINDS))
        kinds = kinds if isinstance(kinds, list) else [kinds]
        values = [value for value in values if any(is_kind(value, kind) for kind in kinds)]
        if not values:
            raise bad(Phrase("an enum that allows nothing", "enum 不允许任何值"))
        return self._rules.add(" | ".join(literal(json.dumps(value, ensure_ascii=False)) for value in values))

    def _object(self, said: dict[str, Any]) -> str:
        properties = said.get("properties", {})
        required = said.get("required", [])
        if not isinstance(properties, dict):
            raise bad(Phrase("properties are no object", "properties 不是对象"))
        if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
            raise bad(Phrase("required is no list of names", "required 不是名称列表"))
        more = said.get("additionalProperties", not properties)
        properties = properties | {name: more for name in required if name not in properties}
        if any(properties[name] is False for name in required):
            raise bad(Phrase("a required property is forbidden", "必需的属性被禁止"))
        properties = {name: part for name, part in properties.items() if part is not False}
        least, most = counts(said, "minProperties", "maxProperties")
        if (least or most is not None) and properties:
            raise unsupported("minProperties, maxProperties beside properties")
        ws, comma = self._rules.json("ws"), self._comma()
        if not properties:
            if more is True and not least and most is None:
                return self._rules.json("object")
            pair = self._pair(self._rules.json("string"), more, least > 0) if more is not False else ""
            return self._rules.add(f'"{{" {ws} {self._listed(pair, least, most)} "}}"')
        first, rest = "", ""  # what follows if nothing was said yet, and if something was
        if more is not False:
            pair = self._pair(self._rules.add(other_keys(self._rules, list(properties))), more, False)
            rest = self._rules.add(f"({comma} {pair})*")
            first = f"({pair} {rest})?"
        for name in reversed(properties):
            pair = self._pair(literal(json.dumps(name, ensure_ascii=False)), properties[name], name in required)
            here = f"{pair} {rest}".strip()
            if name in required:
                first, rest = here, f"{comma} {here}"
            else:
                first = f"{here} | {first}" if first else f"({here})?"
                rest = f"({comma} {pair})? {rest}".strip()
            first, rest = self._rules.add(first), self._rules.add(rest)
        return self._rules.add(f'"{{" {ws} {first} {ws} "}}"')

    def _pair(self, key: str, schema: Any, needed: bool) -> str:
        value = self._part(schema, needed)
        return self._rules.add(f'{key} {self._rules.json("ws")} ":" {self._rules.json("ws")} {value}')

    def _comma(self) -> str:
        ws = self._rules.json("ws")
        return self._rules.add(f'{ws} "," {ws}')

    def _array(self, said: dict[str, Any]) -> str:
        if said.get("uniqueItems"):
            raise unsupported("uniqueItems")
        least, most = counts(said, "minItems", "maxItems")
        prefix, items = said.get("prefixItems", []), said.get("items", "prefixItems" not in said)
        if isinstance(items, list):  # the tuples of older drafts
            prefix, items = items, False
        if not isinstance(prefix, list):
            raise bad(Phrase("prefixItems are no list", "prefixItems 不是列表"))
        if most is not None:
            prefix = prefix[:most]
        ws, comma = self._rules.json("ws"), self._comma()
        if not prefix:
            if items is False and least:
                raise bad(Phrase("minItems asks for more than there may be", "minItems 超出允许的数量"))
            if most == 0 or items is False:
                return self._rules.add(f'"[" {ws} "]"')
            item = self._part(items, least > 0)
            return self._rules.add(f'"[" {ws} {self._listed(item, least, most)} "]"')
        body = f" {comma} ".join(self._part(part, True) for part in prefix)
        least, most = max(0, least - len(prefix)), None if most is None else most - len(prefix)
        if items is not False and most != 0:
            item = self._part(items, least > 0)
            body += " " + self._rules.repeated(self._rules.add(f"{comma} {item}"), least, most)
        elif least:
            raise bad(Phrase("minItems asks for more than there may be", "minItems 超出允许的数量"))
        return self._rules.add(f'"[" {ws} {body} {ws} "]"')

    def _listed(self, item: str, least: int, most: int | None) -> str:
        """So many of a rule, with commas between them; white space behind if there are any."""
        ws = self._rules.json("ws")
        if not item or most == 0:
            if least:
                raise bad(Phrase("more is asked for than there may be", "要求的数量超出允许的数量"))
            return ""
        following = self._rules.add(f"{self._comma()} {item}")
        some = f"{item} {self._rules.repeated(following, max(0, least - 1), most and most - 1)} {ws}"
        return some if least else f"({some})?"

    def _string(self, said: dict[str, Any]) -> str:
        least, most = counts(said, "minLength", "maxLength")
        counted = bool(least) or most is not None
        if "pattern" in said:
            if counted:
                raise unsupported("pattern beside minLength or maxLength")
            if not isinstance(said["pattern"], str):
                raise bad(Phrase("pattern is no text", "pattern 不是文本"))
            try:
                inside = pattern_rules.pattern(self._rules, said["pattern"])
            except pattern_rules.NotWritable as error:
                raise unsupported(f"pattern {shown(said['pattern'])} ({error})") from None
        elif counted:
            inside = self._rules.repeated(self._rules.json("char"), least, most)
        elif said.get("format") == "date-time":
            inside = f'{self._rules.json("date")} "T" {self._rules.json("time")}'
        elif isinstance(said.get("format"), str) and said["format"] in _FORMATS:
            inside = self._rules.json(_FORMATS[said["format"]])
        else:
            return self._rules.json("string")
        return self._rules.add(f'"\\"" {inside} "\\""')

    def _number(self, said: dict[str, Any], kind: str) -> str:
        limits = bounds(said)
        if limits.low is None and limits.high is None:
            return self._rules.json(kind)
        try:
            return self._rules.add((number_rules.integers if kind == "integer" else number_rules.numbers)(limits))
        except number_rules.NotWritable:
            raise unsupported(f"{kind} between {limits.low} and {limits.high}") from None
