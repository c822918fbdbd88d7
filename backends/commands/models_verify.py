"""`deskseek models verify`: read every byte of a model and compare with what its publisher gave; mend what differs."""

from typing import Any

from backends.commands import pull
from backends.commands.arguments import Parser
from backends.commands.job import DONE, FAILED, INTERRUPTED, Command, Job
from backends.core.errors import BackendError
from backends.core.phrase import NOTHING, Language, Phrase
from backends.models.types import LocalModel
from backends.models.verify import VerifyFinished, VerifyProgress

NAME = "verify"
SUMMARY = Phrase("Check that every byte of a model is right.", "校验模型的每个字节是否正确。")
GOOD = ("matches", "remembered")


def grammar(language: Language) -> Parser:
    after = Phrase(
        "Exit code 1 if one of them differs. With --repair only what is damaged is fetched again.",
        "如有文件不一致，退出码为 1。加 --repair 则只重新下载损坏的部分。",
    )
    parser = Parser(f"deskseek models {NAME}", SUMMARY, language, after=after)
    parser.word("model", "ID", Phrase("which one; without it all of them", "要校验的模型；不填则校验全部"))
    parser.switch("--repair", Phrase("mend a model that was downloaded", "修复已下载的模型"))
    parser.json_switch()
    return parser


def run(job: Job) -> int:
    console, library = job.console, job.services.library
    wanted = job.arguments.model
    models = [library.find(wanted)] if wanted else [model for model in library.models() if _can_be_checked(model)]
    bad = 0
    for model in models:
        try:
            good = _verify(model, job)
        except BackendError as error:
            if wanted:
                raise
            good = False  # the others are checked all the same
            console.fail(error)
        if job.cancel.cancelled:
            return INTERRUPTED
        bad += not good
    if console.as_json:
        console.json({"finished": {"checked": len(models), "bad": bad}})
    elif not models:
        nothing = Phrase("There is no model here that can be checked.", "本机没有可校验的模型。")
        console.line(console.to(nothing))
    return FAILED if bad else DONE


def _can_be_checked(model: LocalModel) -> bool:
    """What this engine cannot run is not broken; but some have a published sha256, whatever their header says."""
    return model.problem == NOTHING or model.origin == "downloaded" or model.sha256 is not None


def _verify(model: LocalModel, job: Job) -> bool:
    console = job.console
    found = _check(model, job)
    if found is None:
        return False
    if found.verdict in GOOD:
        return True
    if not job.arguments.repair:
        if model.origin == "downloaded":
            # where another version is whole, the plain id has come to mean that one
            again = f"deskseek models {NAME} {job.services.library.find(model.path).id} --repair"
            console.note(f"修复：{again}" if console.language == "zh" else f"To repair it: {again}")
        return False
    if not pull.show(job.services.shelf.repair(model), job):
        return False
    mended = job.services.library.find(model.path)
    again = _check(mended, job)
    return again is not None and again.verdict in GOOD


def _check(model: LocalModel, job: Job) -> VerifyFinished | None:
    console = job.console
    finished = None
    for event in job.follow(job.services.shelf.verify(model)):
        match event:
            case VerifyProgress(fraction):
                if console.as_json:
                    console.json({"verifying": {"id": model.id, "fraction": round(fraction, 4)}})
                console.progress(f"{model.id}  {fraction:.0%}", step=f"{model.id} {int(fraction * 10)}")
            case VerifyFinished():
                finished = event
    console.end_progress()
    if finished is None:
        return None
    if console.as_json:
        console.json({"checked": _as_data(model, finished)})
    else:
        console.line(f"{model.id}: {console.to(finished.said)}")
    return finished


def _as_data(model: LocalModel, found: VerifyFinished) -> dict[str, Any]:
    return {
        "id": model.id,
        "verdict": found.verdict,
        "said": {"en": found.said.en, "zh": found.said.zh},
        "damaged": list(found.damaged),
    }


COMMAND = Command(NAME, SUMMARY, grammar, run, needs_owner=True)
