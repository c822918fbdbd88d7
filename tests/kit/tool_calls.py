"""Tool calls as models write them, and what a reader of a stream of events makes of them."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from backends.engine.protocol import (
    ReasoningDelta,
    ReasoningReclassified,
    TextDelta,
    ToolCallDelta,
    ToolCallDropped,
    ToolCallStarted,
)
from backends.engine.tools import R1, V4, V31, V32, Markup

GENERATIONS = {"r1": R1, "v3.1": V31, "v3.2": V32, "v4": V4}


def spoken(markup: Markup, *calls: tuple[str, dict[str, Any]]) -> str:
    """Calls as this generation writes them."""
    texts = []
    for name, arguments in calls:
        text = markup.head.replace("{name}", name)
        if markup.block:
            for key, value in arguments.items():
                raw = isinstance(value, str)
                said = value if raw else json.dumps(value, ensure_ascii=False)
                kind = "true" if raw else "false"
                text += f'<｜DSML｜parameter name="{key}" string="{kind}">{said}</｜DSML｜parameter>\n'
        else:
            text += json.dumps(arguments, ensure_ascii=False)
        texts.append(text + markup.tail)
    return markup.begin + markup.between.join(texts) + markup.end


@dataclass
class Told:
    """What a reader has in the end. `calls`: name and arguments as JSON text; `dropped` ones are not among them."""

    reasoning: str = ""
    text: str = ""
    calls: list[tuple[str, str]] = field(default_factory=list)
    dropped: list[tuple[str, str]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)

    @property
    def parsed(self) -> list[tuple[str, Any]]:
        return [(name, json.loads(arguments)) for name, arguments in self.calls]


def told(events: Iterable[object]) -> Told:
    heard, calls = Told(), {}
    for event in events:
        match event:
            case ReasoningDelta(text):
                heard.reasoning += text
            case TextDelta(text):
                heard.text += text
            case ReasoningReclassified():
                heard.reasoning, heard.text = heard.reasoning + heard.text, ""
            case ToolCallStarted(index, id_, name):
                assert index == len(calls)
                calls[index] = (name, "")
                heard.ids.append(id_)
            case ToolCallDelta(index, text):
                assert index == len(calls) - 1
                calls[index] = (calls[index][0], calls[index][1] + text)
            case ToolCallDropped(index):
                assert index == len(calls) - 1
                heard.dropped.append(calls[index])
                calls[index] = None
            case _:
                pass
    heard.calls = [call for call in calls.values() if call]
    return heard
