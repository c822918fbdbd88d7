"""`deskseek models`: the models on this disk, and downloads that wait to be resumed; its parts look for more, take
them in, check, delete and switch them."""

from typing import Any

from backends.commands import (
    models_import,
    models_quantize,
    models_remove,
    models_search,
    models_verify,
    models_versions,
)
from backends.commands.arguments import Parser
from backends.commands.figures import columns, size
from backends.commands.job import DONE, Command, Job
from backends.commands.pull import to_go_on
from backends.core.phrase import NOTHING, Language, Phrase
from backends.models.names import plain_id
from backends.models.partial import PendingDownload
from backends.models.types import LocalAdapter, LocalModel

NAME = "models"
SUMMARY = Phrase(
    "The models on this disk: list them, find more, check, delete, switch.",
    "本机的模型：列出、查找、导入、校验、删除、切换。",
)
LIST = Phrase("List the models on this disk, as `models` alone does.", "列出本机已有的模型，与单独的 `models` 相同。")


def grammar(language: Language) -> Parser:
    rows = [(f"deskseek {NAME} {part.name}", part.summary.to(language)) for part in PARTS]
    shown = "\n".join(columns(rows))
    parser = Parser(f"deskseek {NAME}", SUMMARY, language, after=Phrase(shown, shown))
    parser.json_switch()
    return parser


def _list_grammar(language: Language) -> Parser:
    parser = Parser(f"deskseek {NAME} list", LIST, language)
    parser.json_switch()
    return parser


def run(job: Job) -> int:
    models, adapters = job.services.library.models(), job.services.library.adapters()
    pending = job.services.downloads.pending()
    loaded = job.services.engine.model
    path = loaded.path if loaded else None
    if job.console.as_json:
        job.console.json(
            {
                "models": [_as_data(model, model.path == path) for model in models],
                "pending": [_pending(download) for download in pending],
                "adapters": [_adapter(adapter) for adapter in adapters],
            }
        )
        return DONE
    language = job.console.language
    zh = language == "zh"
    if not (models or pending or adapters):
        job.console.line(job.console.to(job.services.loading.why_none()))
        job.console.note("先看推荐：deskseek recommend" if zh else "See what suits this machine: deskseek recommend")
        return DONE
    several = {plain_id(model) for model in models if not model.current}
    rows = [
        [model.id, size(model.size), _remark(model, model.path == path, plain_id(model) in several, language)]
        for model in models
    ]
    rows += [[f"{each.repo}:{each.file.quant}", size(each.total), _paused(each, job)] for each in pending]
    rows += [[adapter.id, size(adapter.size), _about(adapter, language)] for adapter in adapters]
    job.console.lines(columns(rows, right=(1,)))
    return DONE


_ORIGINS = {
    "lm-studio": Phrase("from LM Studio", "来自 LM Studio"),
    "ollama": Phrase("from Ollama", "来自 Ollama"),
    "jan": Phrase("from Jan", "来自 Jan"),
    "hub-cache": Phrase("from the hub cache", "来自 Hugging Face 缓存"),
    "llama.cpp": Phrase("from llama.cpp", "来自 llama.cpp"),
    "quantised": Phrase("made here", "本机生成"),
}
_KINDS = {"embedding": Phrase("for documents", "用于文档"), "reranking": Phrase("for documents", "用于文档")}


def _remark(model: LocalModel, loaded: bool, versions: bool, language: Language) -> str:
    """`versions`: there are others of this model."""
    if model.problem != NOTHING:
        return model.problem.to(language)
    said = [Phrase("loaded", "已加载")] if loaded else []
    said += [_ORIGINS[model.origin]] if model.origin in _ORIGINS else []
    said += [_KINDS[model.kind]] if model.kind in _KINDS else []
    if versions:
        in_use = Phrase(f"version {model.version}, in use", f"版本 {model.version}，使用中")
        said.append(in_use if model.current else Phrase("another version", "另一版本"))
    if model.origin == "own":
        said.append(Phrase(str(model.path), str(model.path)))
    elif model.origin == "downloaded" and not model.verified:
        said.append(Phrase("not verified", "未校验"))
    return ("，" if language == "zh" else ", ").join(phrase.to(language) for phrase in said)


def _about(adapter: LocalAdapter, language: Language) -> str:
    if adapter.problem != NOTHING:
        return adapter.problem.to(language)
    return Phrase(f"adapter, {adapter.path}", f"适配器，{adapter.path}").to(language)


def _paused(download: PendingDownload, job: Job) -> str:
    done = f"{download.done / download.total:.0%}" if download.total else "0%"
    again = to_go_on(f"{download.repo}:{download.file.quant}", download.endpoint, job)
    return f"已下载 {done}，继续：{again}" if job.console.language == "zh" else f"{done} downloaded, to go on: {again}"


def _pending(download: PendingDownload) -> dict[str, Any]:
    return {
        "repo": download.repo,
        "quant": download.file.quant,
        "path": str(download.path),
        "done": download.done,
        "total": download.total,
        "endpoint": download.endpoint,
    }


def _adapter(adapter: LocalAdapter) -> dict[str, Any]:
    return {
        "id": adapter.id,
        "name": adapter.name,
        "path": str(adapter.path),
        "size": adapter.size,
        "architecture": adapter.architecture,
        "problem": {"en": adapter.problem.en, "zh": adapter.problem.zh} if adapter.problem != NOTHING else None,
    }


def _as_data(model: LocalModel, loaded: bool) -> dict[str, Any]:
    return {
        "id": model.id,
        "name": model.name,
        "path": str(model.path),
        "size": model.size,
        "architecture": model.architecture,
        "quant": model.quant,
        "context_train": model.context_train,
        "catalog_id": model.catalog_id,
        "sha256": model.sha256,
        "source": model.source,
        "verified": model.verified,
        "kind": model.kind,
        "origin": model.origin,
        "version": model.version,
        "current": model.current,
        "loaded": loaded,
        "problem": {"en": model.problem.en, "zh": model.problem.zh} if model.problem != NOTHING else None,
    }


PARTS = (
    Command("list", LIST, _list_grammar, run, needs_owner=True),
    models_search.COMMAND,
    models_import.COMMAND,
    models_verify.COMMAND,
    *models_remove.COMMANDS,
    *models_versions.COMMANDS,
    models_quantize.COMMAND,
)
COMMAND = Command(NAME, SUMMARY, grammar, run, needs_owner=True, parts=PARTS)
