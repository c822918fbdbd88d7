"""What one setting is: its kind, its words, its range, and how a value is checked and read."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from backends.core.errors import DownloadError, InvalidInput
from backends.core.phrase import Phrase
from backends.core.routes import parse_proxy

Kind = Literal[
    "flag",
    "integer",
    "number",
    "choice",
    "text",
    "paragraph",
    "folder",
    "file",
    "url",
    "proxy",
    "model",
    "sources",
    "margins",
    "origins",
]
Value = bool | int | float | str

MODELSCOPE = "modelscope:"
_LONGEST = {"paragraph": 20_000}  # characters; every other text: 1,000


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    label: Phrase


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One setting. `minimum` and `maximum` are inclusive; `restart`: takes effect at the next start."""

    group: str
    name: str
    kind: Kind
    label: Phrase
    help: Phrase
    default: Value
    minimum: float = -math.inf
    maximum: float = math.inf
    choices: tuple[Choice, ...] = ()
    restart: bool = False

    @property
    def key(self) -> str:
        return f"{self.group}.{self.name}"

    def check(self, value: object) -> Value:
        """`value` as this setting holds it. Raises InvalidInput `bad_setting`."""
        match self.kind:
            case "flag" if isinstance(value, bool):
                return value
            case "integer" if isinstance(value, int) and not isinstance(value, bool):
                return self._in_range(value)
            case "number" if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
                return self._in_range(float(value))
            case "choice" if value in [choice.value for choice in self.choices]:
                return str(value)
            case "flag" | "integer" | "number" | "choice":
                raise self._wrong()
        if not isinstance(value, str):
            raise self._wrong()
        return self._check_text(value)

    def parse(self, text: str) -> Value:
        """Read the value from what a person typed at the command line. Raises InvalidInput `bad_setting`."""
        word = text.strip().lower()
        match self.kind:
            case "flag":
                if word not in ("on", "off", "true", "false", "yes", "no", "1", "0"):
                    raise self._wrong()
                return word in ("on", "true", "yes", "1")
            case "integer" | "number":
                try:
                    return self.check(int(word) if self.kind == "integer" else float(word))
                except ValueError as error:
                    raise self._wrong() from error
        return self.check(text)

    def _in_range(self, value: int | float) -> int | float:
        if not self.minimum <= value <= self.maximum:
            raise self._wrong()
        return value

    def _check_text(self, value: str) -> str:
        allowed = "\n\t" if self.kind == "paragraph" else ""
        too_long = len(value) > _LONGEST.get(self.kind, 1_000)
        if too_long or any(not c.isprintable() and c not in allowed for c in value):
            raise self._wrong()
        if self.kind == "url":
            value = self._address(value)
        if self.kind == "sources":
            value = ", ".join(self._address(one) for one in value.split(",") if one.strip())
        if self.kind == "origins":
            value = ", ".join(dict.fromkeys(self._origin(one.strip()) for one in value.split(",") if one.strip()))
        if self.kind == "margins":
            counts = [one.strip() for one in value.split(",")]
            if not all(one.isdecimal() and len(one) <= 7 for one in counts):
                raise self._wrong()
            value = ",".join(counts)
        if self.kind == "proxy" and value:
            try:
                parse_proxy(value)
            except DownloadError as error:
                raise self._wrong() from error
        return value

    def _origin(self, text: str) -> str:
        """Scheme, host and port of a web page, as browsers send them (RFC 6454): nothing else, and no "*"."""
        address = self._address(text).lower()
        if urlsplit(address).path or not re.fullmatch(r"https?://([a-z0-9.-]+|\[[0-9a-f:]+\])(:\d{1,5})?", address):
            raise self._wrong()
        return address

    def _address(self, text: str) -> str:
        """The address of a hub. `modelscope:` before it says which protocol a hub of another name speaks."""
        text = text.strip().rstrip("/")
        try:
            parts = urlsplit(text.removeprefix(MODELSCOPE))
            valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError as error:
            raise self._wrong() from error
        if not valid or parts.query or parts.fragment or "@" in parts.netloc:
            raise self._wrong()
        return text

    def _wrong(self) -> InvalidInput:
        english, chinese = self._wanted()
        return InvalidInput(
            Phrase(
                f"The setting “{self.label.en}” ({self.key}) takes {english}.",
                f"设置“{self.label.zh}”（{self.key}）应为{chinese}。",
            ),
            code="bad_setting",
        )

    def _wanted(self) -> tuple[str, str]:
        match self.kind:
            case "flag":
                return "on or off", "开或关"
            case "choice":
                names = ", ".join(choice.value for choice in self.choices)
                return f"one of: {names}", f"以下之一：{names.replace(', ', '、')}"
            case "integer" | "number":
                low, high = f"{self.minimum:,}", f"{self.maximum:,}"
                whole = self.kind == "integer"
                return (
                    f"a {'whole ' if whole else ''}number from {low} to {high}",
                    f"{low} 到 {high} 之间的{'整数' if whole else '数'}",
                )
            case "url":
                return "an address such as https://huggingface.co", "形如 https://huggingface.co 的网址"
            case "origins":
                return (
                    "addresses of web pages such as http://localhost:3000, with commas between them",
                    "用逗号分隔的网页地址，例如 http://localhost:3000",
                )
            case "sources":
                return "addresses with commas between them", "用逗号分隔的网址"
            case "margins":
                return (
                    "MiB, one number for each graphics card, such as 1024,2048",
                    "以 MiB 计，每块显卡一个数字，例如 1024,2048",
                )
            case "proxy":
                return "an address such as http://127.0.0.1:7890", "形如 http://127.0.0.1:7890 的地址"
        return "a text without control characters", "不含控制字符的文字"


def setting(
    default: Value,
    kind: Kind,
    label: Phrase,
    help: Phrase,
    *,
    range: tuple[float, float] = (-math.inf, math.inf),
    choices: Mapping[str, Phrase] | None = None,
    restart: bool = False,
) -> Any:
    """A dataclass field that is a setting; `FieldSpec` tells what the parts mean."""
    return field(
        default=default,
        metadata={
            "kind": kind,
            "label": label,
            "help": help,
            "minimum": range[0],
            "maximum": range[1],
            "choices": tuple(Choice(value, name) for value, name in (choices or {}).items()),
            "restart": restart,
        },
    )
