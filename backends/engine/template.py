"""From a conversation to the tokens of a prompt, without ever mixing text and control tokens (SEC-47).

The model's own chat template is rendered with a *slot* in the place of each message: a string that looks
to the template like the message (it may search, cut and strip it) but writes an unguessable mark. The
rendered text is then taken apart at the marks. What the template wrote is read with control tokens; what
was in a slot is tokenised as plain text, so that a document with `<｜Assistant｜>` in it cannot speak as
the assistant. Plain text on both sides of a slot is tokenised together with it, as the model learnt it.
"""

import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from backends.core.errors import EngineError
from backends.core.phrase import Phrase
from backends.engine.native import Vocabulary
from backends.engine.protocol import Turn

Opening = Literal["reasoning", "answer", "unknown"]

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


class TemplateFailed(Exception):
    """The template is broken, refuses these messages, or wants more than it may have. The text says what."""


@dataclass(frozen=True, slots=True)
class Prompt:
    tokens: list[int]
    opening: Opening  # where the model goes on: inside its reasoning, in its answer, or nobody knows


class ChatTemplate:
    """A model's template, or a plain one that its vocabulary hints at where the file has none.

    EngineError (`template_failed`) if the template is broken or cannot take these messages.
    """

    def __init__(self, source: str | None, vocabulary: Vocabulary) -> None:
        from backends.engine.sandbox import Sandbox  # and with it jinja2, which nobody needs before the first load

        self._vocabulary = vocabulary
        self._sandbox = Sandbox()
        with _told():
            self._template = self._sandbox.load(source or _without_template(vocabulary))
        marks = sorted(vocabulary.marks, key=len, reverse=True)
        self._marks = re.compile("|".join(map(re.escape, marks)) or "(?!)")
        breaking = [
            mark for mark in marks if mark in vocabulary.added and re.fullmatch(r"[<\[].+[>\]]", mark, re.DOTALL)
        ]
        self._breaks = re.compile("|".join(f"(?<={re.escape(m[0])})(?={re.escape(m[1:])})" for m in breaking) or "(?!)")

    def prompt(self, turns: Sequence[Turn], thinking: bool | None = None) -> Prompt:
        """Tokens up to where the model is to speak. `thinking` is passed on to templates that have a switch."""
        slots = _Slots()
        variables: dict[str, object] = {
            "messages": [{"role": turn.role, "content": slots.give(turn.content)} for turn in turns],
            "add_generation_prompt": True,
            "bos_token": self._vocabulary.text(self._vocabulary.bos),
            "eos_token": self._vocabulary.text(self._vocabulary.eos),
        }
        if thinking is not None:
            variables |= {"thinking": thinking, "enable_thinking": thinking}
        with _told():
            pieces = slots.apart(self._sandbox.render(self._template, variables))
        tokens: list[int] = []
        for run in self._runs(pieces):
            tokens += [run] if isinstance(run, int) else self._plain(run)
        return Prompt(self._begun(tokens), _opening(pieces[-1]) if isinstance(pieces[-1], _Written) else "unknown")

    def _runs(self, pieces: "Sequence[_Written | str]") -> Iterator[int | str]:
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

    def _plain(self, text: str) -> Iterator[int]:
        """Tokenise without control tokens. `<think>` and its like, which makers add as ordinary tokens, are
        recognised by llama.cpp even so: they are cut in two first."""
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


def _opening(last: "_Written") -> Opening:
    text = last.text.rstrip()
    if text.endswith("<think>"):
        return "reasoning"
    return "answer" if text.endswith("</think>") else "unknown"


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except TemplateFailed as error:
        raise EngineError(
            Phrase(
                f"The chat template in this model's file does not work: {error}.",
                f"该模型文件中的对话模板无法使用：{error}。",
            ),
            Phrase("Use another file of this model.", "请换用该模型的其他文件。"),
            code="template_failed",
        ) from error


@dataclass(frozen=True, slots=True)
class _Written:
    """Text that the template itself wrote."""

    text: str


class _Slots:
    """The texts that stand outside of one rendering."""

    def __init__(self) -> None:
        self._nonce = secrets.token_hex(12)
        self._texts: list[str] = []
        self._given = 0

    def give(self, text: str) -> "_Slot":
        """A slot for a message."""
        self._given += len(text)
        return self.take(text)

    def take(self, text: str) -> "_Slot":
        """A slot for a message or for a part of one."""
        self._texts.append(text)
        return _Slot(f"\ue000{self._nonce}.{len(self._texts) - 1}\ue001", text, self.take)

    def apart(self, rendered: str) -> "list[_Written | str]":
        """What the template wrote and what the slots hold, by turns; the template has the first and the last word."""
        parts = re.split(f"\ue000{self._nonce}\\.(\\d+)\ue001", rendered)
        written, numbers = parts[::2], [int(number) for number in parts[1::2]]
        if re.search(f"{self._nonce}|[\ue000\ue001]", "".join(written)):
            raise TemplateFailed("it cuts a message in the middle")
        if sum(len(self._texts[number]) for number in numbers) > 4 * self._given:
            raise TemplateFailed("it repeats the messages too often")
        pieces: list[_Written | str] = [_Written(written[0])]
        for number, following in zip(numbers, written[1:], strict=True):
            pieces += [self._texts[number], _Written(following)]
        return pieces


class _Slot(str):
    """Writes its mark, and answers for its text: what is cut out of the text is a slot again."""

    __slots__ = ("_take", "_text")
    _text: str
    _take: "Callable[[str], _Slot]"

    def __new__(cls, mark: str, text: str, take: "Callable[[str], _Slot]") -> "_Slot":
        slot = super().__new__(cls, mark)
        slot._text, slot._take = text, take
        return slot

    def __getattribute__(self, name: str) -> Any:
        """The methods of str, asked of the text."""
        if name.startswith("_"):
            return super().__getattribute__(name)
        method = getattr(self._text, name)

        def ask(*arguments: Any) -> Any:
            return self._kept(method(*(a._text if isinstance(a, _Slot) else a for a in arguments)))

        ask.__name__, ask.__self__ = name, self  # type: ignore[attr-defined]
        return ask

    def _kept(self, answer: Any) -> Any:
        if isinstance(answer, str):
            return self._take(answer)
        return [self._kept(item) for item in answer] if isinstance(answer, (list, tuple)) else answer

    def __contains__(self, part: object) -> bool:
        return str(part) in self._text

    def __len__(self) -> int:
        return len(self._text)

    def __eq__(self, other: object) -> bool:
        return self._text == (other._text if isinstance(other, _Slot) else other)

    def __hash__(self) -> int:
        return hash(self._text)

    def __getitem__(self, index: Any) -> "_Slot":
        return self._take(self._text[index])

    def __iter__(self) -> Iterator[str]:
        return map(self._take, self._text)
