"""Markdown: what the model wrote stays as it is. The label as front matter, and below the head of each answer."""

import json
from pathlib import Path

from backends.chat.export import words
from backends.chat.export.parsed import closed
from backends.chat.export.types import Head, Kept, Told
from backends.chat.export.words import Said
from backends.core.phrase import Language
from backends.governance import labels


class MarkdownWriter:
    def __init__(self, path: Path, head: Head) -> None:
        self._head = head
        self._language: Language = head.manner.language
        self._file = path.open("w", encoding="utf-8", newline="\n")
        self._file.write(f"---\ntitle: {json.dumps(head.title, ensure_ascii=False)}\n")
        if head.label:
            self._file.write(f"AIGC: {labels.label_text(head.label)}\n")
        self._file.write("---\n")
        if head.several:
            self._file.write(f"\n# {heading(head.title)}\n")
        self._about = f"*{words.made_on(head)}*" + (f"  \n*{labels.FILE.to(self._language)}*" if head.label else "")
        if head.several:
            self._file.write(f"\n{self._about}\n")

    def conversation(self, kept: Kept) -> None:
        level = "##" if self._head.several else "#"
        self._file.write(f"\n{level} {heading(words.title(kept, self._language))}\n")
        if not self._head.several:
            self._file.write(f"\n{self._about}\n")

    def message(self, told: Told, number: int, after: int) -> None:
        said = words.said(told, number, after, self._head.manner)
        level = "###" if self._head.several else "##"
        label = f" · **{said.label}**" if said.label else ""
        self._file.write(f"\n{level} {heading(said.who)}\n\n*{said.about}*{label}\n\n{body(said, self._head)}\n")

    def close(self) -> None:
        self._file.close()

    def abandon(self) -> None:
        self._file.close()


def heading(text: str) -> str:
    """On one line, and read as text."""
    return escaped(" ".join(text.split()))


def escaped(text: str) -> str:
    return "".join(f"\\{one}" if one in "\\`*_[]<>#|~$" else one for one in text)


def body(said: Said, head: Head) -> str:
    """Below the head of a message: what was thought, what was said, what it was made from."""
    language = head.manner.language
    blocks = []
    if said.thinking:
        thought = closed(said.thinking).splitlines()
        blocks.append("\n".join([f"> **{words.THINKING.to(language)}**", ">", *(f"> {line}" for line in thought)]))
    if said.text:
        blocks.append(closed(said.text).rstrip("\n"))
    if said.remark:
        blocks.append(f"*{escaped(said.remark)}*")
    if said.references:
        listed = "\n".join(f"- {escaped(one)}" for one in said.references)
        blocks.append(f"**{words.REFERENCES.to(language)}**\n\n{listed}")
    return "\n\n".join(blocks)
