"""Hubs: which there are, in which order, with whose token; what they have."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from backends.core.cancel import CancelToken
from backends.core.errors import BackendError, InvalidInput, NotFound
from backends.core.phrase import NOTHING, Phrase
from backends.core.stream import Runner, Stream
from backends.models.links import HUGGING_FACE_FAMILY, Ref, check_direct, check_repo, parse_ref
from backends.models.sources import Source, open_source
from backends.models.types import HubModel, ModelFile
from backends.services.foundation import Foundation

TOKEN = "token:"  # secrets are named after the host that they belong to: "token:huggingface.co"
_LONGEST_SEARCH = 100  # characters
_FINAL = {"gated", "no_gguf", "raw_parts"}  # what the next source could only repeat
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found. `source`: the host that answered; `missed`: why those before it did not."""

    models: tuple[HubModel, ...]
    source: str
    missed: tuple[Phrase, ...] = ()
    notice: Phrase = NOTHING


@dataclass(frozen=True, slots=True)
class Listed:
    """The models in a repository, the smallest first. `endpoint`: of the source that listed it, for `source`."""

    repo: str
    files: tuple[ModelFile, ...]
    source: str
    endpoint: str
    missed: tuple[Phrase, ...] = ()
    notice: Phrase = NOTHING
    revision: str = ""  # the branch or commit that was asked for, other than the usual one


class HubServices:
    """Its thread: `hubs`. Making a source may ask the keyring, which may take seconds: not on the window's thread."""

    def __init__(self, foundation: Foundation) -> None:
        self._base = foundation
        self._runner = Runner("hubs")

    def close(self) -> None:
        self._runner.close()

    # ---- which

    def source(self, endpoint: str | None = None) -> Source:
        """The first hub of the settings, or another one. Each host has its own token, and no other one's."""
        endpoint = endpoint or self._base.settings.current.network.endpoint
        source = open_source(self._base.network, endpoint)
        token = self._base.secrets.get(TOKEN + source.host)
        return open_source(self._base.network, endpoint, token) if token else source

    def sources(self, endpoint: str | None = None) -> list[Source]:
        """Those of the settings in their order; `endpoint`, if one is given, before them."""
        return self._open([*([endpoint] if endpoint else []), *self._base.settings.current.network.sources])

    def sources_for(self, ref: Ref, endpoint: str | None = None) -> list[Source]:
        """Where to look for what a person named. A link leads to its hub first; but pages of Hugging Face and its
        mirror name the same repositories, so for them the settings' order counts, and the link's hub comes last."""
        if endpoint or not ref.endpoint or ref.endpoint not in HUGGING_FACE_FAMILY:
            return self.sources(endpoint or ref.endpoint)
        return self._open([*self._base.settings.current.network.sources, ref.endpoint])

    def _open(self, endpoints: Sequence[str]) -> list[Source]:
        return [self.source(one) for one in dict.fromkeys(one.strip().rstrip("/") for one in endpoints)]

    # ---- what they have

    def search(self, text: str, endpoint: str | None = None) -> Stream[Found]:
        """Repositories with GGUFs, from the first source that answers. One event. InvalidInput (`bad_search`)."""
        return self._runner.start(self._search, text, endpoint)

    def _search(self, text: str, endpoint: str | None = None, *, cancel: CancelToken) -> Iterator[Found]:
        words, sources = self._words(text), self.sources(endpoint)
        source, models, missed = first_answer(sources, lambda one: one.search(words, cancel=cancel), cancel)
        yield Found(tuple(map(self._known, models)), source.host, missed, source.notice)

    def listing(self, repo: str | Ref, endpoint: str | None = None) -> Stream[Listed]:
        """The models in a repository (or at a link), from the first source that has it. One event.

        InvalidInput (`bad_ref`, `foreign_fork`, `no_checksum`), NotFound (`repository_not_found`, `no_gguf`,
        `raw_parts`, `unknown_model`), DownloadError, Unavailable: of the first source, if none has it.
        """
        return self._runner.start(self._listing, repo, endpoint)

    def _listing(self, repo: str | Ref, endpoint: str | None, *, cancel: CancelToken) -> Iterator[Listed]:
        ref = parse_ref(repo, self._base.settings.current.network.sources) if isinstance(repo, str) else repo
        check_direct(ref)
        name = check_repo(ref.name) if ref.is_repo else self._base.catalog.find(ref.name).repo
        sources = self.sources_for(ref, endpoint)
        source, files, missed = first_answer(
            sources, lambda one: one.files(name, revision=ref.revision, cancel=cancel), cancel
        )
        yield Listed(name, tuple(files), source.host, source.endpoint, missed, source.notice, ref.revision)

    def _words(self, text: str) -> str:
        """What to search for: a model of the catalogue and a link are searched by the name of their repository."""
        text = text.strip()
        if len(text) > _LONGEST_SEARCH * 40 or not text.isprintable():
            raise _bad_search()
        name = text
        if "/" in text:
            name = parse_ref(text, self._base.settings.current.network.sources).name
        elif text:
            try:
                name = self._base.catalog.find(text).repo.partition("/")[2]
            except NotFound:
                name = text
        if len(name) > _LONGEST_SEARCH:
            raise _bad_search()
        return name

    def _known(self, model: HubModel) -> HubModel:
        """With the catalogue's id, if it is a model of the catalogue, whoever made the GGUF."""
        name = re.sub(r"[-_.]gguf$", "", model.repo.partition("/")[2], flags=re.IGNORECASE)
        known = self._base.catalog.match(model.repo, f"{name}.gguf")
        return replace(model, catalog_id=known.id) if known else model


def first_answer(
    sources: Sequence[Source], ask: Callable[[Source], T], cancel: CancelToken
) -> tuple[Source, T, tuple[Phrase, ...]]:
    """Ask one source after another until one answers: who, what, and why the others did not.

    Raises the first one's error if none does; at once what the others could only repeat.
    """
    errors: list[BackendError] = []
    for source in sources:
        cancel.check()
        try:
            return source, ask(source), tuple(error.message for error in errors)
        except BackendError as error:
            if isinstance(error, InvalidInput) or error.code in _FINAL:
                raise
            errors.append(error)
    raise errors[0]


def _bad_search() -> InvalidInput:
    return InvalidInput(
        Phrase(
            f"A search takes one line of at most {_LONGEST_SEARCH} characters.",
            f"搜索内容应为一行，最多 {_LONGEST_SEARCH} 个字符。",
        ),
        code="bad_search",
    )
