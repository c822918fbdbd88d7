"""`deskseek models verify`: read every byte of a model and compare with what its publisher gave."""

from backends.commands.arguments import Parser
from backends.commands.job import DONE, FAILED, INTERRUPTED, Command, Job
from backends.core.phrase import Language, Phrase
from backends.models.types import LocalModel
from backends.models.verify import VerifyFinished, VerifyProgress

NAME = "verify"
SUMMARY = Phrase("Check that every byte of a model is right.", "校验模型的每个字节是否正确。")
GOOD = ("matches", "remembered")


def grammar(language: Language) -> Parser:
    after = Phrase("Exit code 1 if one of them differs.", "如有文件不一致，退出码为 1。")
    parser = Parser(f"deskseek models {NAME}", SUMMARY, language, after=after)
    parser.word("model", "ID", Phrase("which one; without it all of them", "要校验的模型；不填则校验全部"))
    parser.json_switch()
    return parser


def run(job: Job) -> int:
    library = job.services.library
    wanted = job.arguments.model
    models = [library.find(wanted)] if wanted else [model for model in library.models() if not model.problem.en]
    verdicts = [_verify(model, job) for model in models]
    if job.cancel.cancelled:
        return INTERRUPTED
    return DONE if all(verdicts) else FAILED


def _verify(model: LocalModel, job: Job) -> bool:
    console = job.console
    good = False
    for event in job.follow(job.services.shelf.verify(model)):
        match event:
            case VerifyProgress(fraction):
                console.progress(f"{model.id}  {fraction:.0%}", step=f"{fraction * 10:.0f}")
            case VerifyFinished(_, verdict, said, damaged):
                good = verdict in GOOD
                console.end_progress()
                if console.as_json:
                    console.json(
                        {
                            "id": model.id,
                            "verdict": verdict,
                            "said": {"en": said.en, "zh": said.zh},
                            "damaged": list(damaged),
                        }
                    )
                else:
                    console.line(f"{model.id}: {console.to(said)}")
    console.end_progress()
    return good


COMMAND = Command(NAME, SUMMARY, grammar, run, needs_owner=True)
