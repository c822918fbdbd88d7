"""All looks at once, each on a thread of its own with a limit, so that none holds up or takes down another.

for finding in examine(case, cancel=token): ...      # as they come
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from backends.core.cancel import CancelToken
from backends.core.errors import BackendError
from backends.core.phrase import Phrase
from backends.core.stream import Runner, Stream
from backends.doctor import databases, disks, engine, keyring, models, port, settings, sources
from backends.doctor.case import Case
from backends.doctor.types import Finding, Topic

log = logging.getLogger(__name__)

Look = Callable[..., Iterator[Finding]]  # (case, *, cancel)


@dataclass(frozen=True, slots=True)
class Check:
    """`seconds` that a look may take, `deep_seconds` when every byte is read. What it has said until then counts."""

    topic: Topic
    what: Phrase
    look: Look
    seconds: float
    deep_seconds: float = 0.0


CHECKS: tuple[Check, ...] = (
    Check("settings", Phrase("the settings", "设置"), settings.look, 10),
    Check("disk", Phrase("the disks", "磁盘"), disks.look, 20),
    Check("databases", Phrase("the databases", "数据库"), databases.look, 60, 3600),
    Check("models", Phrase("the model files", "模型文件"), models.look, 60, 6 * 3600),
    Check("port", Phrase("the port", "端口"), port.look, 10),
    Check("keyring", Phrase("the keyring", "密钥环"), keyring.look, 90),
    Check("driver", Phrase("graphics cards and engine", "显卡与引擎"), engine.look, 120),
    Check("network", Phrase("the network", "网络"), sources.look, 90),
)


@dataclass(slots=True)
class _Running:
    check: Check
    runner: Runner
    stream: Stream[Finding]
    deadline: float


def examine(case: Case, *, cancel: CancelToken, checks: Sequence[Check] = CHECKS) -> Iterator[Finding]:
    """The findings of all looks as they come. Raises nothing but Cancelled: a look that fails or does not end is a
    finding itself."""
    news = threading.Event()
    running = [_begin(check, case, news) for check in checks]
    forget = cancel.on_cancel(news.set)
    try:
        while running:
            cancel.check()
            news.wait(max(0.0, min(one.deadline for one in running) - time.monotonic()))
            news.clear()
            for one in tuple(running):
                late = time.monotonic() >= one.deadline
                findings, ended, error = one.stream.look()
                yield from findings
                if error is not None:
                    yield _failed(one.check, error)
                elif late and not ended:
                    yield _silent(one.check)
                if ended or late:
                    _end(one)
                    running.remove(one)
    finally:
        forget()
        for one in running:
            _end(one)


def _begin(check: Check, case: Case, news: threading.Event) -> _Running:
    runner = Runner(f"doctor-{check.topic}")
    seconds = max(check.seconds, check.deep_seconds if case.deep else 0.0)
    stream: Stream[Finding] = runner.start(check.look, case)
    stream.on_wake(news.set)
    return _Running(check, runner, stream, time.monotonic() + seconds)


def _end(one: _Running) -> None:
    """One that hangs in a call of the system is left behind; its thread goes with the process."""
    one.stream.on_wake(None)
    one.runner.close(0)


def _failed(check: Check, error: BaseException) -> Finding:
    if isinstance(error, BackendError):
        return Finding(check.topic, error.code, "fail", error.message, error.hint)
    log.error("looking at %s failed", check.what, exc_info=error)
    name = type(error).__name__
    return Finding(
        check.topic,
        "not_examined",
        "warn",
        Phrase(f"Looking at {check.what.en} failed ({name}).", f"检查{check.what.zh}时出错（{name}）。"),
        Phrase("The log tells more. Please report it.", "详情见日志，欢迎反馈。"),
    )


def _silent(check: Check) -> Finding:
    log.warning("looking at %s does not end", check.what)
    return Finding(
        check.topic,
        "no_answer",
        "warn",
        Phrase(f"Looking at {check.what.en} takes too long.", f"检查{check.what.zh}耗时过长。"),
        Phrase("Restart the computer and check again.", "请重启电脑后再次检查。"),
    )
