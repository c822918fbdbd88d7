"""The words of JSON schemas: which are understood, what two of them say together, what is wrong with others."""

import json
from typing import Any

from backends.core.errors import InvalidInput
from backends.core.phrase import Phrase
from backends.engine.gbnf import MOST_REPETITIONS
from backends.engine.number_rules import Bounds

NOTES = frozenset(
    (
        *("title", "description", "default", "examples", "example", "$schema", "$id", "$comment", "$defs"),
        *("definitions", "deprecated", "readOnly", "writeOnly", "contentMediaType", "contentEncoding"),
        *("discriminator", "strict"),
    )
)
"""They ask nothing of a value."""
_BOUNDS = frozenset(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"))
KINDS = {
    "object": frozenset(("properties", "required", "additionalProperties", "minProperties", "maxProperties")),
    "array": frozenset(("items", "prefixItems", "minItems", "maxItems", "uniqueItems")),
    "string": frozenset(("minLength", "maxLength", "pattern", "format")),
    "number": _BOUNDS,
    "integer": _BOUNDS,
    "boolean": frozenset[str](),
    "null": frozenset[str](),
}
"""What is asked of values of each type."""
KNOWN = NOTES.union(*KINDS.values(), ("type", "enum", "const", "nullable", "anyOf", "oneOf", "allOf", "$ref"))
_FARTHEST = 10**18  # bounds beyond are not counted
_LOWEST = frozenset(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"))
_HIGHEST = frozenset(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"))


def both(key: str, one: Any, other: Any) -> Any:
    """What two schemas say under one keyword, as one."""
    if key in NOTES or one == other:
        return one
    if key == "properties" and isinstance(one, dict) and isinstance(other, dict):
        return one | {name: {"allOf": [one[name], part]} if name in one else part for name, part in other.items()}
    if key in ("required", "allOf") and isinstance(one, list) and isinstance(other, list):
        return [*one, *other]
    if key == "enum" and isinstance(one, list) and isinstance(other, list):
        known = {json.dumps(value, sort_keys=True) for value in other}
        return [value for value in one if json.dumps(value, sort_keys=True) in known]
    if key == "type":
        kinds, others = (kind if isinstance(kind, list) else [kind] for kind in (one, other))
        whole = [part for part in (kinds, others) if "integer" in part] and "number" in (*kinds, *others)
        return [kind for kind in kinds if kind in others] or (["integer"] if whole else [])
    if key in _LOWEST | _HIGHEST and all(isinstance(part, int | float) for part in (one, other)):
        return min(one, other) if key in _LOWEST else max(one, other)
    if key in ("items", "additionalProperties"):
        if False in (one, other) and not (isinstance(one, list) or isinstance(other, list)):
            return False
        if True in (one, other):
            return other if one is True else one
        if isinstance(one, dict) and isinstance(other, dict):
            return {"allOf": [one, other]}
    raise unsupported(f"{key} twice")


def listed(said: dict[str, Any], key: str) -> list[Any]:
    if not isinstance(said[key], list):
        raise bad(Phrase(f"{key} is no list", f"{key} 不是列表"))
    return said[key]


def counts(said: dict[str, Any], lowest: str, highest: str) -> tuple[int, int | None]:
    numbers = []
    for key in (lowest, highest):
        if key not in said:
            numbers.append(0 if key == lowest else None)
            continue
        number = said[key]
        if not is_kind(number, "integer") or number < 0:
            raise bad(Phrase(f"{key} is no count", f"{key} 不是数量"))
        if number > MOST_REPETITIONS:
            raise unsupported(f"{key} above {MOST_REPETITIONS}")
        numbers.append(int(number))
    least, most = numbers
    if most is not None and least > most:
        raise bad(Phrase(f"{lowest} is above {highest}", f"{lowest} 大于 {highest}"))
    return least, most


def bounds(said: dict[str, Any]) -> Bounds:
    """Older drafts say with true that minimum itself is out, newer ones give another number."""
    found: list[tuple[float | None, bool]] = []
    for plain, exclusive, side in (("minimum", "exclusiveMinimum", 1), ("maximum", "exclusiveMaximum", -1)):
        bound, strict = said.get(plain), said.get(exclusive)
        for number in (bound, strict):
            if number is not None and not (isinstance(number, int | float) and abs(number) < _FARTHEST):
                raise bad(Phrase(f"{plain} is no number, or too large", f"{plain} 不是数字，或过大"))
        if isinstance(strict, bool) or strict is None:
            found.append((bound, strict is True))
        elif bound is None or side * strict >= side * bound:
            found.append((strict, True))
        else:
            found.append((bound, False))
    (low, above), (high, below) = found
    return Bounds(low, high, above, below)


def is_kind(value: Any, kind: str) -> bool:
    match kind:
        case "integer":
            return isinstance(value, int | float) and not isinstance(value, bool) and value % 1 == 0
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool)
        case "null":
            return value is None
        case "string":
            return isinstance(value, str)
        case "array":
            return isinstance(value, list)
        case _:
            return isinstance(value, dict)


def shown(part: Any) -> str:
    text = json.dumps(part, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:59]}…"


def unsupported(what: str) -> InvalidInput:
    what = what if len(what) <= 120 else f"{what[:119]}…"
    return bad(Phrase(f"{what} is not supported", f"不支持 {what}"))


def bad(why: Phrase) -> InvalidInput:
    return InvalidInput(
        Phrase(f"The answer cannot be held to this JSON schema: {why.en}.", f"无法按此 JSON 模式约束回答：{why.zh}。"),
        Phrase("Change the schema, or ask for any JSON object.", "请修改模式，或只要求任意 JSON 对象。"),
        code="bad_schema",
    )
