"""`deskseek settings`: every setting with its meaning, and changing one. Derived from the settings' own fields."""

import re
from typing import Any

from backends.commands.arguments import Parser, WrongUsage
from backends.commands.figures import columns
from backends.commands.job import DONE, Command, Job, typed_path
from backends.core.fields import FieldSpec, Value
from backends.core.phrase import Language, Phrase
from backends.core.settings import FIELDS, spec, value_of

NAME = "settings"
SUMMARY = Phrase("List, read and change settings.", "列出、读取和修改设置。")

ACTIONS = ("list", "get", "set", "reset")


def grammar(language: Language) -> Parser:
    names = "\n".join(columns([("  " + field.key, field.label.to(language)) for field in FIELDS]))
    after = Phrase(f"Settings:\n{names}", f"设置项：\n{names}")
    parser = Parser(f"deskseek {NAME}", SUMMARY, language, after=after)
    parser.word("action", "ACTION", Phrase("list (default), get, set or reset", "list（默认）、get、set 或 reset"))
    parser.word("name", "NAME", Phrase("a setting, e.g. models.context", "设置项，例如 models.context"))
    parser.word("value", "VALUE", Phrase("its new value (for set)", "新的取值（用于 set）"))
    parser.json_switch()
    return parser


def check(arguments: Any) -> None:
    """What the grammar cannot say: which action needs what. Raises WrongUsage."""
    action = arguments.action or "list"
    if action not in ACTIONS:
        raise WrongUsage(
            Phrase(f"settings cannot {action!r}.", f"settings 没有 {action!r} 操作。"),
            Phrase("Use list, get, set or reset.", "可用操作：list、get、set、reset。"),
        )
    if action != "list" and arguments.name is None:
        raise WrongUsage(Phrase("NAME is missing.", "缺少 NAME。"), _EXAMPLE)
    if action == "set" and arguments.value is None:
        raise WrongUsage(Phrase("VALUE is missing.", "缺少 VALUE。"), _EXAMPLE)
    extra = arguments.name if action == "list" else arguments.value if action != "set" else None
    if extra is not None:
        raise WrongUsage(Phrase(f"{extra} is one word too many.", f"{extra} 是多余的。"), _EXAMPLE)


_EXAMPLE = Phrase(
    "For example: deskseek settings set models.context 8192", "例如：deskseek settings set models.context 8192"
)


def run(job: Job) -> int:
    store, given = job.services.settings, job.arguments
    action = given.action or "list"
    fields = FIELDS if action == "list" else (spec(given.name),)
    if action == "set":
        store.set(given.name, fields[0].parse(_typed(fields[0], job)))
    elif action == "reset":
        store.reset(given.name)
    values = {field.key: _shown(field, value_of(store.current, field.key)) for field in fields}
    if job.console.as_json:
        job.console.json({"settings": values})
    elif action == "get":
        job.console.line(_text(values[given.name]))
    else:
        for field in fields:
            _show(field, values[field.key], job)
    return DONE


def _typed(field: FieldSpec, job: Job) -> str:
    """What was typed; a relative path means the folder where it was typed, as everywhere."""
    text: str = job.arguments.value
    if field.kind not in ("folder", "file") or not text:
        return text
    return str(typed_path(text, job))


def _shown(field: FieldSpec, value: Value) -> Value:
    """The value without the password of a proxy: what is printed ends in logs and bug reports."""
    return re.sub(r"^(\w+://)?([^:@/]*):.*@", r"\1\2:•••@", str(value)) if field.kind == "proxy" else value


def _show(field: FieldSpec, value: Value, job: Job) -> None:
    console, zh = job.console, job.console.language == "zh"
    console.line(f"{console.bold(field.key)} = {_text(value)}".rstrip())
    about = field.label.to(console.language)
    if field.choices:
        about += "：" if zh else ": "
        about += ("、" if zh else ", ").join(choice.value for choice in field.choices)
    if value != field.default and field.default != "":
        about += f"（默认 {_text(field.default)}）" if zh else f" (default {_text(field.default)})"
    if field.restart:
        about += "（重启后生效）" if zh else " (at the next start)"
    console.line(f"    {about}")


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)


COMMAND = Command(NAME, SUMMARY, grammar, run, needs_owner=True, check=check)
