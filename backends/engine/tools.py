"""How each generation of DeepSeek writes tool calls, and the grammar that makes a model write one.

R1    <｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>name
      ```json
      {…}
      ```<｜tool▁call▁end｜><｜tool▁calls▁end｜>
V3.1  <｜tool▁calls▁begin｜><｜tool▁call▁begin｜>name<｜tool▁sep｜>{…}<｜tool▁call▁end｜><｜tool▁calls▁end｜>
V3.2  <｜DSML｜function_calls>
      <｜DSML｜invoke name="name">
      <｜DSML｜parameter name="key" string="true">as it is</｜DSML｜parameter>
      <｜DSML｜parameter name="key" string="false">JSON</｜DSML｜parameter>
      </｜DSML｜invoke>
      </｜DSML｜function_calls>
V4    the same with `tool_calls`
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from backends.core.errors import InvalidInput
from backends.core.phrase import Phrase
from backends.engine.generation import NamedTool, Tool, ToolChoice

SchemaRules = Callable[[Mapping[str, Any], str], str]
"""(schema, name) -> GBNF lines that define the rule `name`; other rules of theirs begin with `name-`."""

MOST_TOOLS = 128
LONGEST_NAME = 128  # characters, of a tool or a parameter
_MOST_CALLS = 8  # of one answer that a grammar makes
_NAME = re.compile(rf"[\w./:-]{{1,{LONGEST_NAME}}}")
_KEY = re.compile(rf'[^"<>\s｜]{{1,{LONGEST_NAME}}}')
_LONGEST = 1000  # characters of a bounded string that a grammar counts out
_SPELLINGS = ("▁", "_", " ", "\\_")  # of the mark's inner spaces, by models that spell the marks out

CALLS_BEGIN, CALLS_END = "<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"
CALL_BEGIN, CALL_END = "<｜tool▁call▁begin｜>", "<｜tool▁call▁end｜>"
SEPARATOR = "<｜tool▁sep｜>"
OUTPUTS = ("<｜tool▁outputs▁begin｜>", "<｜tool▁output▁begin｜>")


def spellings(*marks: str) -> tuple[str, ...]:
    """A mark as it is, and as weak quants and distills spell it."""
    return tuple(dict.fromkeys(mark.replace("▁", space) for mark, space in product(marks, _SPELLINGS)))


@dataclass(frozen=True, slots=True)
class Markup:
    """A generation's way of writing calls. `head` holds `{name}`. `block`: the DSML generations' word, else empty."""

    begin: str
    end: str
    head: str
    tail: str
    between: str = ""
    block: str = ""

    @property
    def openers(self) -> tuple[str, ...]:
        """What an answer that calls a tool goes on with."""
        if self.block:
            return ("<｜DSML｜function_calls>", "<｜DSML｜tool_calls>")
        return spellings(CALLS_BEGIN, CALL_BEGIN)


R1 = Markup(
    CALLS_BEGIN,
    CALLS_END,
    f"{CALL_BEGIN}function{SEPARATOR}{{name}}\n```json\n",
    f"\n```{CALL_END}",
    between="\n",
)
V31 = Markup(CALLS_BEGIN, CALLS_END, f"{CALL_BEGIN}{{name}}{SEPARATOR}", CALL_END)
V32, V4 = (
    Markup(
        f"<｜DSML｜{block}>\n",
        f"</｜DSML｜{block}>",
        '<｜DSML｜invoke name="{name}">\n',
        "</｜DSML｜invoke>\n",
        block=block,
    )
    for block in ("function_calls", "tool_calls")
)


def generation(template: str | None) -> Markup:
    """What a chat template makes a model write; R1's way where it says nothing of tools."""
    source = template or ""
    if "DSML" in source:
        return V32 if "function_calls" in source else V4
    return V31 if SEPARATOR in source and "```json" not in source else R1


def check_tools(tools: Sequence[Tool], choice: ToolChoice) -> None:
    """InvalidInput (`bad_tool`) if a tool cannot be offered, or one is to be called that is not offered."""
    names = [tool.name for tool in tools]
    if len(names) > MOST_TOOLS:
        raise _bad(f"there are more than {MOST_TOOLS} of them", f"数量超过 {MOST_TOOLS} 个")
    for tool in tools:
        if not _NAME.fullmatch(tool.name):
            raise _bad(f"{tool.name[:80]!r} is not a name", f"{tool.name[:80]!r} 不是有效的名称")
        if names.count(tool.name) > 1:
            raise _bad(f"{tool.name} is there twice", f"{tool.name} 重复出现")
        if tool.parameters.get("type", "object") != "object":
            raise _bad(f"the parameters of {tool.name} are no object", f"{tool.name} 的参数不是对象")
    if isinstance(choice, NamedTool) and choice.name not in names:
        raise _bad(
            f"{choice.name[:80]!r} is to be called and is not among them", f"要求调用的 {choice.name[:80]!r} 不在其中"
        )
    if choice == "required" and not names:
        raise _bad("one is to be called and there is none", "要求调用工具，但没有提供任何工具")


def described(markup: Markup, tools: Sequence[tuple[str, str, str]]) -> str:
    """What a model is told of tools (name, description, parameters as JSON) where its template does not do it: the
    words of DeepSeek V3.1."""
    head, tail = markup.head.replace("{name}", "tool_call_name"), markup.tail
    lines = ["## Tools\nYou have access to the following tools:\n"]
    lines += [f"### {name}\nDescription: {about}\n\nParameters: {parameters}\n" for name, about, parameters in tools]
    lines.append(
        "IMPORTANT: ALWAYS adhere to this exact format for tool use:\n"
        f"{markup.begin}{head}tool_call_arguments{tail}{{additional_tool_calls}}{markup.end}\n\n"
        "Where:\n\n"
        "- `tool_call_name` must be an exact match to one of the available tools\n"
        "- `tool_call_arguments` must be valid JSON that strictly follows the tool's Parameters Schema\n"
        "- For multiple tool calls, chain them directly without separators or spaces"
    )
    return "\n".join(lines)


def written(markup: Markup, calls: Sequence[tuple[str, str]]) -> str:
    """Calls (name, arguments as JSON) as a model writes them, for templates that do not."""
    each = [markup.head.replace("{name}", name) + arguments + markup.tail for name, arguments in calls]
    return markup.begin + markup.between.join(each) + markup.end


# ---- forced calls


def forced(
    markup: Markup, tools: Sequence[Tool], choice: ToolChoice, marks: Mapping[str, int], rules: SchemaRules
) -> str:
    """GBNF of an answer that calls one of the tools, or the named one. `marks`: control tokens by their text, which
    the grammar then asks for by id: nothing else is one of them."""
    named = choice.name if isinstance(choice, NamedTool) else ""
    offered = [tool for tool in tools if not named or tool.name == named]
    grammar = _Grammar(marks, rules)
    alternatives = [grammar.call(markup, number, tool) for number, tool in enumerate(offered)]
    between = f"{grammar.text(markup.between)} call" if markup.between else "call"
    more = "" if named else f" ({between}){{0,{_MOST_CALLS - 1}}}"
    grammar.lines += [
        f"call ::= {' | '.join(alternatives)}",
        f'root ::= ("\\n" "\\n"?)? {grammar.text(markup.begin)} call{more} {grammar.text(markup.end)}',
    ]
    return "\n".join(reversed(grammar.lines)) + "\n"


class _Grammar:
    def __init__(self, marks: Mapping[str, int], rules: SchemaRules) -> None:
        self._marks, self._rules = marks, rules
        self.lines: list[str] = []

    def text(self, text: str) -> str:
        """A text of ours: control tokens by their ids."""
        parts = re.split(r"(<｜[^｜<>]+｜>|｜DSML｜)", text)
        return " ".join(
            f"<[{self._marks[part]}]>" if part in self._marks and n % 2 else _literal(part)
            for n, part in enumerate(parts)
            if part
        )

    def call(self, markup: Markup, number: int, tool: Tool) -> str:
        before, after = markup.head.split("{name}")
        schema = tool.parameters or {"type": "object", "properties": {}, "additionalProperties": False}
        if markup.block:
            arguments = " ".join(self._parameters(f"call-{number}", tool, schema))
        else:
            arguments = f"call-{number}-json"
            self.lines.append(self._rules(schema, arguments))
        name = self.text(before) + " " + _literal(tool.name) + " " + self.text(after)
        self.lines.append(f"call-{number} ::= {name} {arguments} {self.text(markup.tail)}")
        return f"call-{number}"

    def _parameters(self, prefix: str, tool: Tool, schema: Mapping[str, Any]) -> Iterator[str]:
        """DSML: the required ones, then the others, each at most once."""
        properties, required = schema.get("properties", {}), schema.get("required", ())
        definitions = {key: schema[key] for key in ("$defs", "definitions") if key in schema}
        if set(schema) & {"$ref", "anyOf", "oneOf", "allOf"} or not all(map(_KEY.fullmatch, properties)):
            raise _bad(
                f"the parameters of {tool.name} must be plain properties for this model to be made to call it",
                f"要强制此模型调用 {tool.name}，其参数必须是普通属性",
            )
        for number, key in enumerate(sorted(properties, key=lambda key: key not in required)):
            kind = properties[key] if isinstance(properties[key], Mapping) else {}
            rule = f"{prefix}-{number}"
            raw = self._raw(kind, rule)
            if not raw:
                self.lines.append(self._rules({**kind, **definitions}, f"{rule}-json"))
            head = f'<｜DSML｜parameter name="{key}" string="{"true" if raw else "false"}">'
            tail = self.text("</｜DSML｜parameter>\n")
            self.lines.append(f"{rule} ::= {self.text(head)} {raw or f'{rule}-json'} {tail}")
            yield rule if key in required else f"{rule}?"

    def _raw(self, schema: Mapping[str, Any], rule: str) -> str:
        """What stands for a string that is written as it is; empty if the schema wants JSON."""
        if schema.get("type") != "string" or set(schema) & {"pattern", "format", "anyOf", "oneOf", "allOf", "$ref"}:
            return ""
        values = [schema["const"]] if "const" in schema else schema.get("enum")
        if values is not None:
            plain = all(isinstance(value, str) and "</" not in value for value in values)
            return "(" + " | ".join(map(_literal, values)) + ")" if plain and values else ""
        least, most = schema.get("minLength", 0), schema.get("maxLength")
        if least or most is not None:
            bounded = isinstance(least, int) and isinstance(most, int) and least <= most <= _LONGEST
            return f"[^<]{{{least},{most}}}" if bounded else ""
        self.lines += [  # anything without the beginning of an end tag
            f'{rule}-text ::= "" | [^<] {rule}-text | "<" {rule}-open',
            f'{rule}-open ::= "<" {rule}-open | "/" {rule}-slash | [^</] {rule}-text',
            f'{rule}-slash ::= "<" {rule}-open | [^<｜] {rule}-text',
        ]
        return f"{rule}-text"


def _literal(text: str) -> str:
    def escaped(match: "re.Match[str]") -> str:
        named = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
        return named.get(match.group()) or f"\\x{ord(match.group()):02X}"

    return '"' + re.sub(r'["\\\x00-\x1f\x7f]', escaped, text) + '"'


def _bad(why: str, why_zh: str) -> InvalidInput:
    return InvalidInput(
        Phrase(f"The tools of this request cannot be used: {why}.", f"此请求中的工具无法使用：{why_zh}。"),
        Phrase("Correct the request.", "请修正请求。"),
        code="bad_tool",
    )
