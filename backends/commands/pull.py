"""`deskseek pull`: download a model, or go on with a download that was cut off.

Interrupting pauses: what has arrived stays, and the same command goes on from there. Exit code 130 then.
"""

from backends.commands.arguments import Parser
from backends.commands.figures import duration, size
from backends.commands.job import DONE, FAILED, INTERRUPTED, Command, Job
from backends.core.phrase import Language, Phrase
from backends.models.progress import (
    DownloadFinished,
    DownloadNotice,
    DownloadProgress,
    DownloadVerifying,
    DownloadWaiting,
)

NAME = "pull"
SUMMARY = Phrase("Download a model; a download that was cut off goes on.", "下载模型；中断的下载会继续。")


def grammar(language: Language) -> Parser:
    after = Phrase(
        "Ctrl+C pauses the download (exit code 130); the same command goes on where it was.",
        "按 Ctrl+C 暂停下载（退出码 130），再次运行同一命令即可继续。",
    )
    parser = Parser(f"deskseek {NAME}", SUMMARY, language, after=after)
    parser.word(
        "model",
        "MODEL",
        Phrase(
            "CATALOGUE-ID[:QUANT] as `recommend` names it, or REPOSITORY[:QUANT] on the hub",
            "`recommend` 给出的模型 ID[:量化]，或模型站点上的仓库名[:量化]",
        ),
        required=True,
    )
    parser.option("--endpoint", "URL", Phrase("the hub or mirror to use this time", "本次使用的模型站点或镜像"))
    parser.json_switch()
    return parser


def run(job: Job) -> int:
    console, language = job.console, job.console.language
    zh = language == "zh"
    name = job.arguments.model
    finished = None
    for event in job.follow(job.services.downloads.pull(name, job.arguments.endpoint)):
        match event:
            case DownloadProgress():
                if console.as_json:
                    console.json({"progress": _progress(event)})
                console.progress(_progress_line(event, language), step=_tenth(event.done, event.total))
            case DownloadVerifying(fraction):
                if console.as_json:
                    console.json({"verifying": {"fraction": round(fraction, 4)}})
                text = f"正在校验 {fraction:.0%}" if zh else f"Verifying {fraction:.0%}"
                console.progress(text, step="verifying")
            case DownloadWaiting(reason, seconds):
                if console.as_json:
                    console.json({"waiting": {"reason": console.to(reason), "seconds": round(seconds, 1)}})
                again = duration(seconds, language)
                console.note(f"{console.to(reason)}{again}后重试。" if zh else f"{reason.en} Trying again in {again}.")
            case DownloadNotice(message):
                if console.as_json:
                    console.json({"notice": console.to(message)})
                console.note(console.to(message))
            case DownloadFinished():
                finished = event
    console.end_progress()
    if finished is not None:
        if console.as_json:
            console.json({"finished": {"path": str(finished.path), "verified": finished.verified}})
        else:
            console.line(f"已下载：{finished.path}" if zh else f"Downloaded: {finished.path}")
        return DONE
    if not job.cancel.cancelled:
        return FAILED
    again = to_go_on(name, job.arguments.endpoint, job)
    if console.as_json:
        console.json({"paused": {"resume": again}})
    console.note(f"已暂停。继续下载：{again}" if zh else f"Paused. To go on: {again}")
    return INTERRUPTED


def to_go_on(name: str, endpoint: str | None, job: Job) -> str:
    """The command that goes on with a download; it names the hub where that is not the usual one."""
    usual = job.services.settings.current.network.endpoint
    elsewhere = f" --endpoint {endpoint}" if endpoint and endpoint.rstrip("/") != usual else ""
    return f"deskseek pull {name}{elsewhere}"


def _progress(event: DownloadProgress) -> dict[str, object]:
    return {
        "done": event.done,
        "total": event.total,
        "bytes_per_s": round(event.bytes_per_s),
        "seconds_left": None if event.seconds_left is None else round(event.seconds_left, 1),
        "file": event.file,
    }


def _progress_line(event: DownloadProgress, language: Language) -> str:
    zh = language == "zh"
    parts = [f"{event.done / event.total:4.0%}" if event.total else "", f"{size(event.done)} / {size(event.total)}"]
    if event.bytes_per_s:
        parts.append(f"{size(int(event.bytes_per_s))}/{'秒' if zh else 's'}")
    if event.seconds_left is not None and event.done < event.total:
        left = duration(event.seconds_left, language)
        parts.append(f"剩余 {left}" if zh else f"{left} left")
    return "  ".join(filter(None, parts))


def _tenth(done: int, total: int) -> str:
    return f"{done * 10 // total}" if total else "0"


COMMAND = Command(NAME, SUMMARY, grammar, run, needs_owner=True)
