"""`deskseek pull`: download a model, or go on with a download that was cut off.

Interrupting pauses: what has arrived stays, and the same command goes on from there. Exit code 130 then.
"""

from backends.commands.arguments import Parser
from backends.commands.figures import duration, size
from backends.commands.job import DONE, INTERRUPTED, Command, Job
from backends.core.errors import Unavailable
from backends.core.phrase import Language, Phrase
from backends.core.stream import Stream
from backends.models.progress import (
    DownloadEvent,
    DownloadFinished,
    DownloadNotice,
    DownloadProgress,
    DownloadSource,
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
            "CATALOGUE-ID[:QUANT] as `recommend` names it, REPOSITORY[:QUANT] on the hub, or a link to one",
            "`recommend` 给出的模型 ID[:量化]，模型站点上的仓库名[:量化]，或其链接",
        ),
        required=True,
    )
    parser.option("--endpoint", "URL", Phrase("the hub or mirror to use this time", "本次使用的模型站点或镜像"))
    parser.json_switch()
    return parser


def run(job: Job) -> int:
    return fetch(job.arguments.model, job.arguments.endpoint, job)


def fetch(name: str, endpoint: str | None, job: Job) -> int:
    """Download what `name` means, with all that is said on the way; the exit code."""
    console = job.console
    zh = console.language == "zh"
    finished = show(job.services.downloads.pull(name, endpoint), job)
    if finished is not None:
        if console.as_json:
            console.json({"finished": {"path": str(finished.path), "verified": finished.verified}})
        else:
            console.line(f"已下载：{finished.path}" if zh else f"Downloaded: {finished.path}")
        return DONE
    again = to_go_on(name, endpoint, job)
    if not job.cancel.cancelled:
        raise Unavailable(
            Phrase(
                "The download was paused from elsewhere. What has arrived is kept.",
                "下载已在别处暂停，已下载的部分会保留。",
            ),
            Phrase(f"To go on: {again}", f"继续下载：{again}"),
            code="paused_elsewhere",
        )
    if console.as_json:
        console.json({"paused": {"resume": again}})
    console.note(f"已暂停。继续下载：{again}" if zh else f"Paused. To go on: {again}")
    return INTERRUPTED


def show(stream: Stream[DownloadEvent], job: Job) -> DownloadFinished | None:
    """Follow a download to its end and say how far it is; None if it was interrupted."""
    console, language = job.console, job.console.language
    zh = language == "zh"
    finished = None
    for event in job.follow(stream):
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
            case DownloadSource(host, reason):
                if console.as_json:
                    console.json({"source": {"host": host, "reason": console.to(reason)}})
                console.note(f"{reason.zh}改从 {host} 下载。" if zh else f"{reason.en} Going on from {host}.")
            case DownloadNotice(message):
                if console.as_json:
                    console.json({"notice": console.to(message)})
                console.note(console.to(message))
            case DownloadFinished():
                finished = event
    console.end_progress()
    return finished


def to_go_on(name: str, endpoint: str | None, job: Job) -> str:
    """The command that goes on with a download; it names the hub where that is not the usual one."""
    return f"deskseek pull {name}{at(endpoint, job)}"


def at(endpoint: str | None, job: Job) -> str:
    usual = job.services.settings.current.network.endpoint
    return f" --endpoint {endpoint}" if endpoint and endpoint.rstrip("/") != usual else ""


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
