"""The words that go to the model around questions and sources: resources/prompts/NAME.LANGUAGE.txt."""

import functools
import re

from backends.core.paths import resource
from backends.documents.words import language


def filled(name: str, tongue: str, **values: str) -> str:
    """The text with its {places} filled; what is put in is not looked at again."""
    return re.sub(r"\{(\w+)\}", lambda place: values[place[1]], _text(f"prompts/{name}.{tongue}.txt"))


def tongue(text: str) -> str:
    """In which language to speak to somebody who wrote this: zh or en."""
    return "zh" if language(text) == "zh" else "en"


@functools.cache
def _text(name: str) -> str:
    return resource(name).read_text(encoding="utf-8").rstrip("\n")
