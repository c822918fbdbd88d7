"""`deskseek serve`: the localhost API without a window, until it is stopped.

When it answers it prints one line, `ready http://127.0.0.1:PORT`. A polite kill (SIGTERM) or Ctrl+C lets running
requests end, and the exit code is 0. If a window is open, its model answers, and its server is the one that serves.
"""

import threading
from dataclasses import replace
from pathlib import Path

from backends.commands import ask
from backends.commands.arguments import Parser, whole
from backends.commands.job import DONE, Command, Job, typed_path
from backends.core.errors import InvalidInput, NotFound
from backends.core.phrase import Language, Phrase
from backends.core.stream import Stream
from backends.engine.protocol import LoadEvent
from backends.models.types import LocalModel
from backends.services.api import Serving

NAME = "serve"
SUMMARY = Phrase("Let programs use the model, without a window.", "无界面运行，供程序调用模型。")


def grammar(language: Language) -> Parser:
    after = Phrase(
        "Prints `ready http://127.0.0.1:PORT` when it answers. Keys: those of the API page, and of --api-key-file.\n"
        "Other computers are let in only with a key and TLS files. Ctrl+C or SIGTERM ends it when what runs is done.",
        "就绪后输出 `ready http://127.0.0.1:PORT`。可用的密钥为“API”页面中的密钥及 --api-key-file 中的密钥。\n"
        "仅在提供密钥与 TLS 文件时才允许其他计算机访问。按 Ctrl+C 或发送 SIGTERM，会在处理完当前请求后结束。",
    )
    parser = Parser(f"deskseek {NAME}", SUMMARY, language, after=after)
    parser.option("--model", "ID|PATH", Phrase("the model that answers (see `models`)", "要使用的模型（见 `models`）"))
    parser.option(
        "--port",
        "N",
        Phrase("0: any that is free (default: as in the settings)", "端口；0 表示任一空闲端口"),
        kind=whole(0, 65535),
    )
    parser.option("--host", "H", Phrase("where to listen (default: this computer alone)", "监听的主机（默认仅限本机）"))
    parser.option("--api-key-file", "FILE", Phrase("keys that open it, one a line", "密钥文件，每行一个密钥"))
    parser.switch("--no-auth", Phrase("no key is needed on this computer", "本机访问无需密钥"))
    parser.option("--tls-certificate", "FILE", Phrase("certificate chain (PEM)", "证书链（PEM）"))
    parser.option("--tls-key", "FILE", Phrase("its private key (PEM)", "证书私钥（PEM）"))
    parser.option("--parallel", "N", Phrase("answers computed together", "同时生成的回答数"), kind=whole(1, 16))
    parser.option("--context", "N", Phrase("context in tokens", "上下文长度（token）"), kind=whole(256, 2**24))
    parser.option("--threads", "N", Phrase("threads of the processor", "处理器线程数"), kind=whole(1, 1024))
    parser.option("--embedder", "ID|PATH", Phrase("the model of embeddings", "用于向量的嵌入模型"))
    parser.json_switch()
    return parser


def run(job: Job) -> int:
    given, services, console = job.arguments, job.services, job.console
    keys = _keys(typed_path(given.api_key_file, job)) if given.api_key_file else ()
    files = tuple(typed_path(name, job) if name else None for name in (given.tls_certificate, given.tls_key))
    if (files[0] is None) != (files[1] is None):
        raise InvalidInput(
            Phrase("TLS needs both a certificate and its key.", "TLS 需要同时提供证书和私钥。"), code="bad_tls"
        )
    serving = Serving(
        host=given.host or "",
        port=given.port,
        keys=keys,
        no_auth=given.no_auth,
        tls=(files[0], files[1]) if files[0] is not None and files[1] is not None else None,
    )
    services.api.check(serving)  # before a model is loaded for minutes
    if given.model is not None or services.engine.model is None:
        _load(job)
    if given.embedder is not None:
        services.embedding.choose(ask.find_model(job, given.embedder))
    for address in job.follow(services.api.start(serving)):
        if console.as_json:
            console.json({"ready": address})
        else:
            console.line(f"ready {address}")
        stopped = threading.Event()
        job.cancel.on_cancel(stopped.set)
        stopped.wait()
    for _ in services.api.as_set():
        pass
    return DONE


def _load(job: Job) -> None:
    """The named model as it was asked for; else the usual one, or none: the first request then says so."""
    given, services = job.arguments, job.services
    local: LocalModel | None
    if given.model is not None:
        local = ask.find_model(job, given.model)
        services.api.desk.pinned = local
    else:
        local = services.loading.default_model()
    if local is None:
        job.console.note(job.console.to(services.loading.why_none()))
        return
    engine = services.settings.current.engine
    if given.parallel is not None:
        engine = replace(engine, parallel=given.parallel)
    if given.threads is not None:
        engine = replace(engine, threads=given.threads)
    wanted = given.context

    def start() -> Stream[LoadEvent]:
        return services.loading.load(local, context=wanted, safe=job.safe, remember=False, engine=engine)

    ask.follow_load(job, local, start)


def _keys(path: Path) -> tuple[str, ...]:
    """One a line; empty lines and those that begin with # are none. NotFound (`no_file`), InvalidInput (`bad_key`)."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise NotFound(Phrase(f"{path} cannot be read.", f"无法读取 {path}。"), code="no_file") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(Phrase(f"{path} is no text.", f"{path} 不是文本文件。"), code="bad_key") from error
    keys = tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))
    if not keys:
        raise InvalidInput(Phrase(f"There is no key in {path}.", f"{path} 中没有密钥。"), code="bad_key")
    return keys


COMMAND = Command(NAME, SUMMARY, grammar, run, needs_owner=True)
