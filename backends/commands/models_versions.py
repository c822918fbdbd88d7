"""`deskseek models update` and `use`: has the publisher a newer version, and which of those here is used."""

import argparse
from typing import Any

from backends.commands.arguments import Parser, WrongUsage
from backends.commands.figures import size
from backends.commands.job import DONE, FAILED, INTERRUPTED, Command, Job
from backends.commands.pull import to_go_on
from backends.core.errors import BackendError, InvalidInput, NotFound
from backends.core.phrase import Language, Phrase
from backends.engine.protocol import LoadProgress
from backends.models import partial
from backends.models.types import LocalModel, ModelFile

UPDATE = Phrase("Ask whether there is a newer version of a model.", "查询模型是否有新版本。")
USE = Phrase("Use a certain version of a model from now on.", "从现在起使用模型的某个版本。")


def update_grammar(language: Language) -> Parser:
    after = Phrase(
        "Only asks; nothing is downloaded. A newer version is kept beside the one that is here.",
        "仅查询，不会下载。新版本会与现有版本并存。",
    )
    parser = Parser("deskseek models update", UPDATE, language, after=after)
    parser.word("model", "ID", Phrase("which one; without it all that were downloaded", "模型；不填则查询全部已下载的"))
    parser.json_switch()
    return parser


def update(job: Job) -> int:
    console, library = job.console, job.services.library
    if job.arguments.model:
        models = [_downloaded(library.find(job.arguments.model))]
    else:
        models = [model for model in library.models() if model.origin == "downloaded" and model.current]
    failed = False
    for model in models:
        console.progress(model.id)
        try:
            for newer in job.follow(job.services.shelf.newer(model)):
                _say(model, newer, job)
        except BackendError as error:
            if job.arguments.model:
                raise
            failed = True  # the others are asked for all the same
            console.fail(error)
    console.end_progress()
    if not models and not console.as_json:
        nothing = Phrase("No model here was downloaded.", "本机没有下载的模型。")
        console.line(console.to(nothing))
    return INTERRUPTED if job.cancel.cancelled else FAILED if failed else DONE


def _downloaded(model: LocalModel) -> LocalModel:
    if model.origin != "downloaded":
        raise InvalidInput(
            Phrase(f"{model.id} was not downloaded by DeskSeek.", f"{model.id} 不是由 DeskSeek 下载的。"),
            Phrase("Look for it with deskseek models search.", "请用 deskseek models search 查找。"),
            code="not_downloaded",
        )
    return model


def _say(model: LocalModel, newer: ModelFile | None, job: Job) -> None:
    console, zh = job.console, job.console.language == "zh"
    again = None
    if newer is not None:
        receipt = partial.read_record(model.path, partial.RECEIPT)
        endpoint = receipt.endpoint if receipt else None
        again = to_go_on(f"{model.source}:{newer.quant or newer.file}", endpoint, job)
    if console.as_json:
        said = {"file": newer.file, "quant": newer.quant, "size": newer.size, "pull": again} if newer else None
        console.json({"id": model.id, "version": model.version, "newer": said})
    elif newer is None:
        console.line(f"{model.id}：已是最新" if zh else f"{model.id}: nothing newer")
    else:
        much = size(newer.size)
        console.line(f"{model.id}：有新版本（{much}）" if zh else f"{model.id}: there is a newer version ({much})")
        console.note(f"获取：{again}" if zh else f"To get it: {again}")


# ---- use


def use_grammar(language: Language) -> Parser:
    after = Phrase("`deskseek models` shows which versions there are.", "`deskseek models` 会列出各个版本。")
    parser = Parser("deskseek models use", USE, language, after=after)
    parser.word("model", "ID@VERSION", Phrase("the model and its version", "模型及其版本"), required=True)
    parser.json_switch()
    return parser


def check_use(given: argparse.Namespace) -> None:
    model, _, version = given.model.rpartition("@")
    if not model or not version:
        raise WrongUsage(
            Phrase(f"{given.model} names no version.", f"{given.model} 没有指定版本。"),
            Phrase(
                "Say ID@VERSION; `deskseek models` shows them.", "请写作 ID@版本；`deskseek models` 会列出各个版本。"
            ),
        )


def use(job: Job) -> int:
    console, services = job.console, job.services
    model = _version(job)
    for event in job.follow(services.shelf.use(model)):
        if isinstance(event, LoadProgress):
            console.progress(f"{model.name}  {event.fraction:.0%}", step="load")
    console.end_progress()
    now = services.library.find(model.path)
    if console.as_json:
        console.json({"id": now.id, "version": now.version, "current": now.current})
    elif console.language == "zh":
        console.line(f"现在使用 {now.id}（版本 {now.version}）")
    else:
        console.line(f"In use now: {now.id}, version {now.version}")
    return INTERRUPTED if job.cancel.cancelled else DONE


def _version(job: Job) -> LocalModel:
    """The version that was named; NotFound (`version_not_here`) with those that are here."""
    library, wanted = job.services.library, job.arguments.model
    name, _, version = wanted.rpartition("@")
    try:
        found = library.find(wanted)
    except NotFound:
        found = library.find(name)  # says what is here, if there is no such model at all
    here = [one for one in library.versions(found.id) if one.version and one.version.startswith(version.lower())]
    return here[0] if len(here) == 1 else library.use(found.id, version)


COMMANDS: tuple[Any, ...] = (
    Command("use", USE, use_grammar, use, needs_owner=True, check=check_use),
    Command("update", UPDATE, update_grammar, update, needs_owner=True),
)
