"""The house as the API sees it: models by their names, questions to the engine, texts to the embedder.

Fulfils `api.ports.Desk`. A request for a model that is not loaded loads it first, in its turn (`Services.turns`).
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from backends.api.ports import DocumentDesk, Kind, ServedModel, Submitted
from backends.core.cancel import CancelToken
from backends.core.errors import InvalidInput, NotFound, Unavailable
from backends.core.phrase import Phrase
from backends.core.stream import Runner, Stream
from backends.core.turns import Turns
from backends.engine.embedding import Embedded, Ranked, TextRole
from backends.engine.protocol import (
    MOST_PARALLEL,
    Finished,
    GenerateRequest,
    LoadedModel,
    LoadEvent,
    Sampling,
    Tool,
    Turn,
)
from backends.governance.access import Forbidden
from backends.models.catalog import Catalog
from backends.models.types import CatalogModel, LocalModel
from backends.services.descent import within
from backends.services.embedding import EmbeddingServices
from backends.services.foundation import Foundation
from backends.services.loading import LoadingServices

__all__ = ["ServingDesk"]

E = TypeVar("E")


class ServingDesk:
    """`pinned`: the model that answers whoever names none; None: as at the window."""

    documents: DocumentDesk  # given by who makes both

    def __init__(
        self,
        foundation: Foundation,
        loading: LoadingServices,
        embedding: EmbeddingServices,
        turns: Turns,
    ) -> None:
        self.engine = foundation.engine
        self.pinned: LocalModel | None = None
        self._base, self._loading, self._embedding, self._turns = foundation, loading, embedding, turns
        self._runner = Runner("api-ask", MOST_PARALLEL)

    def close(self) -> None:
        self._runner.close()
        self.documents.close()

    # ---- models

    def models(self) -> tuple[ServedModel, ...]:
        here = [model for model in self._base.library.models() if not model.problem.en and model.current]
        return tuple(self._served(model) for model in sorted(here, key=lambda model: model.id))

    def find(self, name: str, kind: Kind = "chat") -> ServedModel:
        return self._served(self._local(name.strip(), kind))

    def sampling(self, model: ServedModel) -> Sampling:
        known = self.catalogued(model)
        return Sampling(temperature=known.temperature, top_p=known.top_p) if known else Sampling()

    def loading(self) -> bool:
        return self._loading.under_way

    def _local(self, name: str, kind: Kind) -> LocalModel:
        here = [one for one in self._base.library.models() if one.kind == kind and not one.problem.en and one.current]
        if name.lower() in ("", "default"):
            return self._usual(kind, here)
        for one in here:
            if name.lower() in (one.id.lower(), one.id.lower().removesuffix(":latest"), f"{one.id.lower()}:latest"):
                return one
        same = [one for one in here if one.id.lower().partition(":")[0] == name.lower()]
        if len(same) == 1:
            return same[0]
        raise NotFound(
            Phrase(f"There is no model named {name!r} here.", f"这里没有名为 {name!r} 的模型。"),
            Phrase("GET /v1/models lists those that are.", "GET /v1/models 可列出已有模型。"),
            code="model_not_found",
        )

    def _usual(self, kind: Kind, here: Sequence[LocalModel]) -> LocalModel:
        chosen: LocalModel | None
        if kind == "chat":
            loaded = self.engine.model
            chosen = next((one for one in here if loaded is not None and one.path == loaded.path), None)
            chosen = self.pinned or chosen or self._loading.default_model()
        else:
            chosen = self._embedding.model if kind == "embedding" else self._embedding.reranker
        if chosen is None:
            raise Unavailable(
                Phrase("There is no such model on this computer yet.", "这台电脑上还没有这类模型。"), code="no_model"
            )
        return chosen

    def _served(self, model: LocalModel) -> ServedModel:
        known = self._catalogued(model)
        return ServedModel(
            model.id,
            model.name,
            model.kind,
            int(_made(model)),
            model.size,
            model.sha256 or "",
            model.architecture,
            model.quant,
            model.context_train,
            self._is_loaded(model),
            tools=model.kind == "chat",
            thinks=self._thinks(model),
            parameters=known.parameters if known else 0.0,
        )

    def _is_loaded(self, model: LocalModel) -> bool:
        if model.kind == "chat":
            loaded = self.engine.model
            return loaded is not None and loaded.path == model.path
        place = self._embedding.loaded if model.kind == "embedding" else self._embedding.loaded_reranker
        return place is not None and place.path == model.path

    def _thinks(self, model: LocalModel) -> bool:
        loaded = self.engine.model
        if loaded is not None and loaded.path == model.path:
            return loaded.thinks
        known = self._catalogued(model)
        return known is not None and known.reasoning

    def catalogued(self, model: ServedModel) -> CatalogModel | None:
        """None: a file that the catalogue does not know."""
        return self._catalogued(self._local(model.id, model.kind))

    def _catalogued(self, model: LocalModel) -> CatalogModel | None:
        return _in(self._base.catalog, model.catalog_id)

    # ---- questions

    def submit(self, model: ServedModel, request: GenerateRequest, n: int = 1) -> Stream[LoadEvent | Submitted]:
        return self._runner.start(self._submit, model, request, n)

    def _submit(
        self, model: ServedModel, request: GenerateRequest, n: int, *, cancel: CancelToken
    ) -> Iterator[LoadEvent | Submitted]:
        with self._turns.mine(cancel):
            yield from self._have(model, cancel)
            loaded = self._loaded()
            yield Submitted(self.engine.generate_choices(request, n), loaded)

    def have(self, model: ServedModel, cancel: CancelToken) -> Iterator[LoadEvent]:
        """Load it if it is not loaded, in its turn."""
        with self._turns.mine(cancel):
            yield from self._have(model, cancel)

    def _have(self, model: ServedModel, cancel: CancelToken) -> Iterator[LoadEvent]:
        local = self._local(model.id, "chat")
        loaded = self.engine.model
        if loaded is not None and loaded.path == local.path:
            return
        if loaded is not None and not self._base.settings.current.api.load_models:
            raise Forbidden(
                Phrase(
                    f"{model.id} is not loaded, and programs may not load it.", f"{model.id} 未加载，且不允许程序加载。"
                ),
                Phrase(
                    "Load it in DeskSeek, or allow it on the API page.", "请在 DeskSeek 中加载，或在“API”页面允许。"
                ),
                code="not_loaded",
            )
        yield from within(self._loading.have(local), cancel)

    def _loaded(self) -> LoadedModel:
        loaded = self.engine.model
        if loaded is None:  # it went in the same moment
            raise Unavailable(Phrase("No model is loaded.", "尚未加载模型。"), code="no_model")
        return loaded

    def note_answer(self, finished: Finished) -> None:
        """What an answer has taught about the speed of this machine."""
        self._loading.note_answer(finished)

    def count(self, model: ServedModel, turns: Sequence[Turn], tools: Sequence[Tool] = ()) -> Stream[int]:
        return self._runner.start(self._asked, model, lambda: self.engine.count_tokens(turns, tools))

    def tokenize(self, model: ServedModel, text: str, *, special: bool = False) -> Stream[tuple[int, ...]]:
        return self._runner.start(self._asked, model, lambda: self.engine.tokenize(text, special=special))

    def detokenize(self, model: ServedModel, tokens: Sequence[int]) -> Stream[str]:
        return self._runner.start(self._asked, model, lambda: self.engine.detokenize(tokens))

    def _asked(self, model: ServedModel, ask: Callable[[], Stream[E]], *, cancel: CancelToken) -> Iterator[E]:
        with self._turns.mine(cancel):
            for _ in self._have(model, cancel):
                pass
            stream = ask()
        yield from within(stream, cancel)

    def unload(self) -> Stream[None]:
        return self._loading.unload()

    # ---- texts

    def embed(self, model: ServedModel, texts: Sequence[str], role: TextRole) -> Stream[Embedded]:
        self._must_be(self._embedding.model, model)
        return self._embedding.embed(texts, role)

    def rerank(self, model: ServedModel, query: str, documents: Sequence[str]) -> Stream[Ranked]:
        self._must_be(self._embedding.reranker, model)
        return self._embedding.rerank(query, documents)

    @staticmethod
    def _must_be(used: LocalModel | None, asked: ServedModel) -> None:
        if used is None or used.id != asked.id:
            name = used.id if used else "none"
            raise InvalidInput(
                Phrase(
                    f"{asked.id} is not the one that is used here: {name}.", f"{asked.id} 不是当前使用的模型：{name}。"
                ),
                code="other_embedder",
            )


def _in(catalog: Catalog, catalog_id: str | None) -> CatalogModel | None:
    try:
        return catalog.find(catalog_id) if catalog_id else None
    except NotFound:
        return None


def _made(model: LocalModel) -> float:
    """When its file was made; 0 if it has gone."""
    try:
        return model.path.stat().st_mtime
    except OSError:
        return 0.0
