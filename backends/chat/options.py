"""What a conversation is answered with, where it differs from the settings, and what there is to know of each part."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal

from backends.core.errors import InvalidInput
from backends.core.phrase import Phrase
from backends.engine.generation import Sampling
from backends.engine.sampling_checks import bounds
from backends.models.types import CatalogModel, LocalModel

LONGEST_INSTRUCTIONS = 20_000  # characters, as in the settings
_LONGEST_MODEL = 300  # characters of an id
_MOST_TOKENS = 1_000_000


@dataclass(frozen=True, slots=True)
class Options:
    """None, and "" for the model: as the settings and the model's publisher have it. `model`: the id of one on this
    computer. `instructions`: "" is none. In tokens: `thinking_budget` (0: no limit), `max_tokens` of an answer."""

    model: str = ""
    instructions: str | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    repeat_penalty: float | None = None
    seed: int | None = None
    max_tokens: int | None = None
    thinking_budget: int | None = None

    def differing(self) -> dict[str, Any]:
        """What is not as usual, by its name."""
        plain = asdict(Options())
        return {name: value for name, value in asdict(self).items() if value != plain[name]}

    def to_json(self) -> str:
        """Only what differs."""
        return json.dumps(self.differing(), ensure_ascii=False)

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> "Options":
        """What is known of `said`; a field of another kind or an unknown one is left out."""
        known = {one.name for one in fields(cls)}
        return cls(**{name: value for name, value in said.items() if name in known and _suits(name, value)})

    def over(self, below: "Options") -> "Options":
        """These, and where they say nothing, `below`."""
        return replace(below, **self.differing())

    def sampling(self, model: CatalogModel | None) -> Sampling:
        """Over the publisher's values, or the neutral ones where the catalogue does not know the model."""
        publisher = Sampling(temperature=model.temperature, top_p=model.top_p) if model else Sampling()
        return replace(publisher, **{name: value for name, value in self.differing().items() if name in _SAMPLING})

    def check(self) -> None:
        """BadOption, which names the first that cannot be."""
        for name, value in self.differing().items():
            option(name).check(value)


@dataclass(frozen=True, slots=True)
class Usual:
    """What holds where a conversation's options say nothing. `options`: of the settings and the publisher; None there
    is no limit, and for the seed a new one each time. `model`: the one of the settings, None if there is none;
    `published`: temperature and top-p are the publisher's of the one that answers. `gone`: the model that the options
    name is not here. `answers`: the one that would answer now, the options' own, the loaded or the usual one."""

    options: Options = field(default_factory=Options)
    model: LocalModel | None = None
    published: bool = False
    gone: bool = False
    answers: LocalModel | None = None


class BadOption(InvalidInput):
    """The value of `name` cannot be."""

    default_code = "bad_option"

    def __init__(self, name: str, message: Phrase) -> None:
        super().__init__(message, Phrase("Nothing was changed.", "未作任何更改。"))
        self.name = name


Kind = Literal["model", "paragraph", "number", "integer"]


@dataclass(frozen=True, slots=True)
class Option:
    """One of them as a person sees it. `minimum` and `maximum` are inclusive, of a text in characters."""

    name: str
    kind: Kind
    label: Phrase
    help: Phrase
    minimum: float
    maximum: float

    def check(self, value: object) -> None:
        """BadOption. NaN is within nothing."""
        if self.kind in ("model", "paragraph"):
            fits = isinstance(value, str) and len(value) <= self.maximum and _is_plain(value, self.kind == "paragraph")
        else:
            kinds = (int,) if self.kind == "integer" else (int, float)
            fits = isinstance(value, kinds) and not isinstance(value, bool) and self.minimum <= value <= self.maximum
        if not fits:
            raise BadOption(self.name, self._wanted())

    def parse(self, text: str) -> float | int:
        """The number that somebody has typed; BadOption."""
        typed = text.strip().replace(",", "." if self.kind == "number" else "").replace("，", "")
        try:
            value = int(typed) if self.kind == "integer" else float(typed)
        except ValueError as error:
            raise BadOption(self.name, self._wanted()) from error
        self.check(value)
        return value

    def _wanted(self) -> Phrase:
        if self.kind in ("model", "paragraph"):
            most = f"{int(self.maximum):,}"
            return Phrase(
                f"“{self.label.en}” takes a text of at most {most} characters, without control characters.",
                f"“{self.label.zh}”应为不超过 {most} 个字符的文字，不含控制字符。",
            )
        whole = self.kind == "integer"
        low, high = _shown(self.minimum), _shown(self.maximum)
        return Phrase(
            f"“{self.label.en}” takes a {'whole ' if whole else ''}number from {low} to {high}.",
            f"“{self.label.zh}”应为 {low} 到 {high} 之间的{'整数' if whole else '数'}。",
        )


def _sampled(name: str, kind: Kind, label: Phrase, help: Phrase) -> Option:
    return Option(name, kind, label, help, *bounds(name))


OPTIONS = (
    Option(
        "model",
        "model",
        Phrase("Model", "模型"),
        Phrase("It is loaded when this conversation asks.", "本对话提问时加载。"),
        1,
        _LONGEST_MODEL,
    ),
    Option(
        "instructions",
        "paragraph",
        Phrase("Instructions", "指令"),
        Phrase(
            "What the model should know or do in this conversation (the system prompt).",
            "模型在本对话中应知道或遵守的内容（系统提示词）。",
        ),
        0,
        LONGEST_INSTRUCTIONS,
    ),
    _sampled(
        "temperature",
        "number",
        Phrase("Temperature", "温度"),
        Phrase("0: always the likeliest word. Higher: more varied.", "0 表示总取最可能的词，越高越多样。"),
    ),
    _sampled(
        "top_p",
        "number",
        Phrase("Top-p", "Top-p"),
        Phrase(
            "Only the likeliest words, which together have this share. 1: all of them.",
            "只在累计概率达到此值的词中选择。1 表示全部。",
        ),
    ),
    _sampled(
        "top_k",
        "integer",
        Phrase("Top-k", "Top-k"),
        Phrase("Only so many of the likeliest words. 0: all of them.", "只在最可能的若干个词中选择。0 表示全部。"),
    ),
    _sampled(
        "min_p",
        "number",
        Phrase("Min-p", "Min-p"),
        Phrase(
            "No word that is less likely than this share of the likeliest one. 0: off.",
            "不选概率低于最可能词这一比例的词。0 表示关闭。",
        ),
    ),
    _sampled(
        "repeat_penalty",
        "number",
        Phrase("Repeat penalty", "重复惩罚"),
        Phrase("Above 1: what was just said comes less often. 1: off.", "大于 1 时减少重复刚说过的内容。1 表示关闭。"),
    ),
    _sampled(
        "seed",
        "integer",
        Phrase("Seed", "随机种子"),
        Phrase("The same number gives the same answer to the same question.", "相同的种子对相同的问题给出相同的回答。"),
    ),
    Option(
        "max_tokens",
        "integer",
        Phrase("Longest answer", "回答最大长度"),
        Phrase("In tokens, with the thinking. Then it is cut.", "以 token 计，含思考。达到后截断。"),
        1,
        _MOST_TOKENS,
    ),
    Option(
        "thinking_budget",
        "integer",
        Phrase("Think at most", "思考上限"),
        Phrase("In tokens; then the answer begins. 0: no limit.", "以 token 计，达到后开始回答。0 表示不限。"),
        0,
        _MOST_TOKENS,
    ),
)
_BY_NAME = {one.name: one for one in OPTIONS}
_SAMPLING = {"temperature", "top_p", "top_k", "min_p", "repeat_penalty", "seed"}


def option(name: str) -> Option:
    return _BY_NAME[name]


def _suits(name: str, value: object) -> bool:
    kind = option(name).kind
    if kind in ("model", "paragraph"):
        return isinstance(value, str)
    if isinstance(value, bool):
        return False
    return isinstance(value, int) if kind == "integer" else isinstance(value, int | float)


def _is_plain(text: str, lines: bool) -> bool:
    """No control characters, no halves of surrogate pairs; what changes the direction is a person's own business."""
    return all((c >= " " and c != "\x7f" and not "\ud800" <= c <= "\udfff") or (lines and c in "\n\t") for c in text)


def _shown(number: float) -> str:
    if abs(number) >= 2**31:
        return f"{'-' if number < 0 else ''}2^{round(math.log2(abs(number)))}"
    return f"{number:,}" if isinstance(number, int) else f"{number:g}"
