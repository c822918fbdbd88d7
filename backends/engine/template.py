"""From a conversation to the tokens of a prompt, without ever mixing text and control tokens (SEC-47).

The model's own chat template is rendered with a *slot* in the place of each message: a string that looks
to the template like the message (it may search, cut and strip it) but writes an unguessable mark. The
rendered text is then taken apart at the marks. What the template wrote is read with control tokens; what
was in a slot is tokenised as plain text, so that a document with `<｜Assistant｜>` in it cannot speak as
the assistant. Plain text on both sides of a slot is tokenised together with it, as the model learnt it.
"""

import functools
import re
import threading
from array import array
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from backends.core.errors import EngineError
from backends.core.phrase import Phrase
from backends.engine.generation import Said, Tool, Turn
from backends.engine.manners import Manners, asked, messages, offered
from backends.engine.native import Vocabulary
from backends.engine.slots import Slots, TemplateFailed, Written
from backends.engine.tools import R1, Markup, generation

Opening = Literal["reasoning", "answer", "unknown"]

_THINK, _END_THINK = "<think>", "</think>"
_SHORT, _KEPT = 64, 2_000_000  # characters

_DEEPSEEK = (
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}{{ m.content }}"
    "{% elif m.role == 'user' %}<｜User｜>{{ m.content }}"
    "{% else %}<｜Assistant｜>{{ m.content }}{{ eos_token }}{% endif %}{% endfor %}<｜Assistant｜>"
)
_CHATML = """{% for m in messages %}<|im_start|>{{ m.role }}
{{ m.content }}<|im_end|>
{% endfor %}<|im_start|>assistant
"""
_LLAMA3 = """{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>

{{ m.content }}<|eot_id|>{% endfor %}<|start_header_id|>assistant<|end_header_id|>

"""
_PLAIN = """{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}{{ m.content }}

{% elif m.role == 'user' %}User: {{ m.content }}

{% else %}Assistant: {{ m.content }}{{ eos_token }}{% endif %}{% endfor %}Assistant:"""


@dataclass(frozen=True, slots=True)
class Prompt:
    tokens: list[int]
    opening: Opening  # where the model goes on: inside its reasoning, in its answer, or nobody knows
    begun: bool = False  # something of that was said before: an answer that was cut off goes on
    markup: Markup = R1  # how it writes tool calls


@dataclass(frozen=True, slots=True)
class Rendered:
    """A prompt that is not tokenised yet: what the template wrote, and texts from outside."""

    pieces: Sequence[Written | str]
    opening: Opening
    begun: bool = False


class ChatTemplate:
    """A model's template, or a plain one that its vocabulary hints at where the file has none.

    EngineError (`template_failed`) if the template is broken or cannot take these messages.
    """

    def __init__(self, source: str | None, vocabulary: Vocabulary) -> None:
        from backends.engine.sandbox import Sandbox  # and with it jinja2, which nobody needs before the first load

        self._vocabulary = vocabulary
        self._lock, self._sandbox = threading.Lock(), Sandbox()
        source = source or _without_template(vocabulary)
        with _told():
            self._template = self._sandbox.load(source)
        self._markup = generation(source)
        self._known: OrderedDict[str, array[int]] = OrderedDict()  # what was tokenised last
        self._known_size = 0
        self._constants = {
            "bos_token": vocabulary.text(vocabulary.bos),
            "eos_token": vocabulary.text(vocabulary.eos),
        }
        marks = sorted(vocabulary.marks, key=len, reverse=True)
        self._marks = re.compile("|".join(map(re.escape, marks)) or "(?!)")
        breaking = [
            mark for mark in marks if mark in vocabulary.added and re.fullmatch(r"[<\[｜].+[>\]｜]", mark, re.DOTALL)
        ]
        self._breaks = re.compile("|".join(f"(?<={re.escape(m[0])})(?={re.escape(m[1:])})" for m in breaking) or "(?!)")

    def prompt(
        self,
        turns: Sequence[Turn],
        thinking: bool | None = None,
        effort: str = "",
        tools: Sequence[Tool] = (),
        said: Said | None = None,
    ) -> Prompt:
        """Tokens up to where the model is to speak. `thinking` and `effort` are passed on to templates that have such
        a switch."""
        return self.tokenise(self.render(turns, thinking, effort, tools, said))

    def render(
        self,
        turns: Sequence[Turn],
        thinking: bool | None = None,
        effort: str = "",
        tools: Sequence[Tool] = (),
        said: Said | None = None,
    ) -> Rendered:
        """What is to be tokenised. Any thread may ask, one at a time gets its answer; it may take a second."""
        slots = Slots()
        with self._lock, _told():
            with_tools = bool(tools) or any(turn.tool_calls or turn.role == "tool" for turn in turns)
            manners = self._manners if with_tools else Manners()
            variables: dict[str, Any] = {
                "messages": messages(turns, tools, slots, self._markup, manners),
                "add_generation_prompt": True,
            }
            if thinking is not None:
                variables |= {"thinking": thinking, "enable_thinking": thinking}
            if effort:
                variables["reasoning_effort"] = slots.give(effort)
            if tools and manners.describes:
                variables["tools"] = offered(tools, slots)
            pieces = slots.apart(self._rendered(variables))
        opening = _opening(pieces[-1])
        return Rendered(pieces, opening) if said is None else _continued(pieces, opening, said)

    def tokenise(self, rendered: Rendered) -> Prompt:
        tokens: list[int] = []
        for run in self._runs(rendered.pieces):
            tokens += [run] if isinstance(run, int) else self._plain(run)
        return Prompt(self._begun(tokens), rendered.opening, rendered.begun, self._markup)

    @functools.cached_property
    def _manners(self) -> Manners:
        return asked(self._rendered)

    def _rendered(self, variables: dict[str, Any]) -> str:
        return self._sandbox.render(self._template, variables | self._constants)

    def _runs(self, pieces: Sequence[Written | str]) -> Iterator[int | str]:
        """Control tokens of the template, and the plain text between them."""
        text = ""
        for piece in pieces:
            if isinstance(piece, str):
                text += piece
                continue
            end = 0
            for match in self._marks.finditer(piece.text):
                yield text + piece.text[end : match.start()]
                yield self._vocabulary.marks[match.group()]
                text, end = "", match.end()
            text += piece.text[end:]
        yield text

    def forget(self) -> None:
        """Keep nothing of what was tokenised."""
        self._known.clear()
        self._known_size = 0

    def _plain(self, text: str) -> Iterable[int]:
        """Tokenise without control tokens, which takes some 12 µs a token; what a conversation says again with each
        question is remembered."""
        if len(text) < _SHORT:
            return self._cut(text)
        tokens = self._known.pop(text, None)
        if tokens is None:
            tokens = array("i", self._cut(text))
            self._known_size += len(text)
        self._known[text] = tokens
        while self._known_size > _KEPT:
            self._known_size -= len(self._known.popitem(last=False)[0])
        return tokens

    def _cut(self, text: str) -> Iterator[int]:
        """`<think>` and its like, which makers add as ordinary tokens, are recognised by llama.cpp in any text: they
        are cut in two first."""
        for part in self._breaks.split(text):
            yield from self._vocabulary.tokenise(part)

    def _begun(self, tokens: list[int]) -> list[int]:
        """With exactly one BOS, where the model has one."""
        bos = self._vocabulary.bos
        while tokens[:2] == [bos, bos]:
            del tokens[0]
        if self._vocabulary.add_bos and tokens[:1] != [bos]:
            tokens.insert(0, bos)
        return tokens


def _without_template(vocabulary: Vocabulary) -> str:
    for mark, template in (("<｜User｜>", _DEEPSEEK), ("<|im_start|>", _CHATML), ("<|start_header_id|>", _LLAMA3)):
        if mark in vocabulary.marks:
            return template
    return _PLAIN


def _opening(last: Written | str) -> Opening:
    text = last.text.rstrip() if isinstance(last, Written) else ""
    if text.endswith(_THINK):
        return "reasoning"
    return "answer" if text.endswith(_END_THINK) else "unknown"


def _continued(pieces: Sequence[Written | str], opening: Opening, said: Said) -> Rendered:
    """With what was said already, and the tags that belong there, in the way this generation spaces them."""
    more: list[Written | str] = []
    last = pieces[-1]
    spaced = isinstance(last, Written) and last.text.endswith("\n")
    if opening == "unknown" and said.reasoning:
        more.append(Written(f"{_THINK}\n"))
        opening, spaced = "reasoning", True
    if opening == "reasoning":
        more.append(said.reasoning)
        if not said.closed and not said.text:
            return Rendered([*pieces, *more], opening, bool(said.reasoning))
        more.append(Written(f"\n{_END_THINK}\n\n" if spaced else _END_THINK))
    if not said.closed and not said.text:
        return Rendered(pieces, opening)
    return Rendered([*pieces, *more, said.text], "answer", bool(said.text))


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (TemplateFailed, RecursionError) as error:
        why = "the messages are nested too deeply" if isinstance(error, RecursionError) else error
        raise EngineError(
            Phrase(
                f"The chat template in this model's file does not work: {why}.",
                f"该模型文件中的对话模板无法使用：{why}。",
            ),
            Phrase("Use another file of this model.", "请换用该模型的其他文件。"),
            code="template_failed",
        ) from error
