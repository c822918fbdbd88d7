"""The tools of a request, and how each generation of DeepSeek writes calls of them.

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
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from backends.core.errors import InvalidInput
from backends.core.phrase import Phrase
from backends.engine.generation import GenerateRequest, NamedTool, Tool, ToolChoice

MOST_TOOLS = 128
LONGEST_NAME = 128  # characters, of a tool or a parameter
_NAME = re.compile(rf"[\w./:-]{{1,{LONGEST_NAME}}}")
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


def offered(request: GenerateRequest) -> tuple[Tool, ...]:
    """The tools that the model is told of and may call."""
    return () if request.tool_choice == "none" else request.tools


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


def _bad(why: str, why_zh: str) -> InvalidInput:
    return InvalidInput(
        Phrase(f"The tools of this request cannot be used: {why}.", f"此请求中的工具无法使用：{why_zh}。"),
        Phrase("Correct the request.", "请修正请求。"),
        code="bad_tool",
    )
