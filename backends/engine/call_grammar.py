"""The grammar that makes a model call a tool: the answer is a block of calls in the way of its generation, with
arguments that the tool's schema describes.

Where the generation's marks are tokens of the vocabulary, the grammar wants these tokens and no spelling of them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from backends.core.phrase import Phrase
from backends.engine.gbnf import Rules, literal
from backends.engine.generation import NamedTool, Tool, ToolChoice
from backends.engine.schema import add_schema
from backends.engine.schema_words import bad
from backends.engine.tools import LONGEST_NAME, Markup

_MOST_CALLS = 8
_KEY = re.compile(rf'[^"<>\s｜]{{1,{LONGEST_NAME}}}')
_LONGEST = 1000  # characters of a text as it is that are counted out
_NO_TEXT = r"\x00\U0000D800-\U0000DFFF\U00110000-\UFFFFFFFF"  # what is no character
_NOTHING: Mapping[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}
_NOT_PLAIN = frozenset(("$ref", "anyOf", "oneOf", "allOf"))
_NOT_RAW = _NOT_PLAIN | {"pattern", "format", "nullable"}


def call_grammar(markup: Markup, tools: Sequence[Tool], choice: ToolChoice, marks: Mapping[str, int]) -> str:
    """GBNF of an answer that calls the named tool once, or any of them, once or several times. `marks`: control tokens
    by their text. InvalidInput `bad_schema`, `grammar_too_large`."""
    return _CallGrammar(markup, marks).text(tools, choice)


class _CallGrammar:
    def __init__(self, markup: Markup, marks: Mapping[str, int]) -> None:
        self._markup, self._marks = markup, marks
        self._rules = Rules()

    def text(self, tools: Sequence[Tool], choice: ToolChoice) -> str:
        named = choice.name if isinstance(choice, NamedTool) else ""
        call = self._rules.add(" | ".join(self._call(tool) for tool in tools if named in ("", tool.name)))
        calls = call
        if not named:
            next_call = self._rules.add(f"{self._ours(self._markup.between)} {call}")
            calls = f"{call} {next_call}{{0,{_MOST_CALLS - 1}}}"
        begin, end = self._ours(self._markup.begin), self._ours(self._markup.end)
        return self._rules.text(f'("\\n" "\\n"?)? {begin} {calls} {end}')

    def _ours(self, text: str) -> str:
        """A text of ours: its control tokens by their ids."""
        parts = re.split(r"(<｜[^｜<>]+｜>|｜DSML｜)", text)
        return " ".join(
            f"<[{self._marks[part]}]>" if n % 2 and part in self._marks else literal(part)
            for n, part in enumerate(parts)
            if part
        )

    def _call(self, tool: Tool) -> str:
        before, after = self._markup.head.split("{name}")
        schema = tool.parameters or _NOTHING
        if not _NOT_PLAIN & set(schema):
            schema = {"type": "object", **schema}
        arguments = " ".join(self._parameters(tool, schema)) if self._markup.block else add_schema(self._rules, schema)
        name = f"{self._ours(before)} {literal(tool.name)} {self._ours(after)}"
        return self._rules.add(f"{name} {arguments} {self._ours(self._markup.tail)}")

    def _parameters(self, tool: Tool, schema: Mapping[str, Any]) -> Iterator[str]:
        """DSML: the required ones, then the others, each at most once."""
        properties, required = schema.get("properties", {}), schema.get("required", ())
        definitions = {key: schema[key] for key in ("$defs", "definitions") if key in schema}
        plain = isinstance(properties, Mapping) and isinstance(required, (list, tuple)) and not _NOT_PLAIN & set(schema)
        if not plain or not all(map(_KEY.fullmatch, properties)) or not set(required) <= set(properties):
            raise bad(
                Phrase(
                    f"this model can only be made to call {tool.name} if its parameters are plain properties",
                    f"仅当 {tool.name} 的参数是普通属性时，才能强制此模型调用它",
                )
            )
        for key in sorted(properties, key=lambda key: key not in required):
            kind = properties[key] if isinstance(properties[key], Mapping) else {}
            raw = self._raw(kind)
            value = raw or add_schema(self._rules, {**kind, **definitions})
            head = self._ours(f'<｜DSML｜parameter name="{key}" string="{"true" if raw else "false"}">')
            rule = self._rules.add(f"{head} {value} {self._ours('</｜DSML｜parameter>')} {literal(chr(10))}")
            yield rule if key in required else f"{rule}?"

    def _raw(self, schema: Mapping[str, Any]) -> str:
        """What stands for a string that is written as it is; empty if the schema wants JSON."""
        if schema.get("type") != "string" or _NOT_RAW & set(schema):
            return ""
        values = [schema["const"]] if "const" in schema else schema.get("enum")
        if values is not None:
            plain = all(isinstance(value, str) and "</" not in value for value in values)
            return self._rules.add(" | ".join(map(literal, values))) if plain and values else ""
        least, most = schema.get("minLength", 0), schema.get("maxLength")
        if least or most is not None:
            bounded = isinstance(least, int) and isinstance(most, int) and 0 <= least <= most <= _LONGEST
            return self._rules.repeated(f"[^<{_NO_TEXT}]", least, most) if bounded and most else ""
        return self._anything()

    def _anything(self) -> str:
        """Any text without the beginning of an end tag."""
        text, opened, slashed = (self._rules.reserve() for _ in range(3))
        self._rules.define(text, f'"" | [^<{_NO_TEXT}] {text} | "<" {opened}')
        self._rules.define(opened, f'"<" {opened} | "/" {slashed} | [^</{_NO_TEXT}] {text}')
        self._rules.define(slashed, f'"<" {opened} | [^<｜{_NO_TEXT}] {text}')
        return text
