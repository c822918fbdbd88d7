"""Sentences for people, in both languages of the product.

Below the Qt line there is no translator; what a room has to say to a person (an error, a reason, a
notice) is a `Phrase`, and whoever shows it picks the language.
"""

from dataclasses import dataclass
from typing import Literal

Language = Literal["en", "zh"]


@dataclass(frozen=True, slots=True)
class Phrase:
    """One sentence in English and in Simplified Chinese. `str()` gives the English one (logs, tracebacks)."""

    en: str
    zh: str

    def to(self, language: Language) -> str:
        return self.zh if language == "zh" else self.en

    def __str__(self) -> str:
        return self.en


NOTHING = Phrase("", "")
