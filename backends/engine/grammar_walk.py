"""A grammar is tried, in a child process: read, put to all tokens of a vocabulary, walked along tokens that it allows.

The other side of grammar.GrammarCheck.
"""

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from backends.core.errors import BackendError, EngineError
from backends.core.phrase import Phrase
from backends.engine import native
from backends.engine.grammar import check_text
from backends.engine.grammar_errors import dead_end, refused, too_slow
from backends.engine.grammar_sampler import GrammarSampler
from backends.engine.logits import every
from backends.engine.native_log import printable
from backends.engine.schema import schema_grammar

_WALK = 0.2  # seconds of walking
_SLOW = 0.5  # seconds for a single step are too many
_STACK = 512 << 10  # bytes; half of what the smallest system gives a thread
_PROBES = 1024  # tokens, any, that are put to the grammar at each step
_SEED = 20240601
_REASON = 100  # characters


def vocabulary(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """First of all, and without hurry: the model's vocabulary is there."""
    _vocabularies().model(Path(request["path"]))
    yield {}


def check(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """InvalidInput if it is not fit."""
    model = _vocabularies().model(Path(request["path"]))
    gbnf = request["gbnf"] if "gbnf" in request else schema_grammar(json.loads(request["schema"]))
    check_text(gbnf)
    wrong: list[BackendError] = []

    def run() -> None:
        try:
            _try(model, gbnf)
        except BackendError as error:
            wrong.append(error)

    threading.stack_size(_STACK)
    thread = threading.Thread(target=run, name="grammar")
    thread.start()
    threading.stack_size(0)
    thread.join()
    if wrong:
        raise wrong[0]
    yield {"gbnf": gbnf}


@cache
def _vocabularies() -> "_Vocabularies":
    return _Vocabularies()


class _Vocabularies:
    """That of the model that was asked for last."""

    def __init__(self) -> None:
        self._file: tuple[object, ...] = ()
        self._model: native.Model | None = None

    def model(self, path: Path) -> native.Model:
        try:
            status = path.stat()
        except OSError as error:
            raise _unreadable(path, error.strerror or "") from error
        file = (path, status.st_size, status.st_mtime_ns)
        if self._model and file == self._file:
            return self._model
        if self._model:
            self._model.close()
            self._model = None
        with native.library().log.keep() as told:
            try:
                model = native.Model(
                    path, gpu_layers=0, experts_on_cpu=0, progress=lambda _: True, vocabulary_only=True
                )
            except native.LoadFailed:
                raise _unreadable(path, told.reason.replace(str(path.parent), "…")) from None
        self._model, self._file = model, file
        _ = model.vocabulary.size  # every token is looked at, before the clock runs
        return model


def _unreadable(path: Path, why: str) -> EngineError:
    return EngineError(
        Phrase(f"{path.name} cannot be read: {why}.", f"无法读取 {path.name}：{why}。"), code="load_failed"
    )


def _try(model: native.Model, gbnf: str) -> None:
    """Walk it, from the beginning again when it is at its end. Time is that of this thread."""
    begun = time.thread_time()
    walk = _begun(model, gbnf)
    if time.thread_time() - begun > _SLOW:
        walk.close()
        raise too_slow()
    random = np.random.default_rng(_SEED)
    ids, probes = every(model.vocabulary.size), _probes(model, gbnf, random)
    begun, step, steps = time.thread_time(), 0, 0
    try:
        while time.thread_time() - begun < _WALK:
            whole = step & (step - 1) == 0  # at the 1st, 2nd, 4th, … step the engine's own question: all of them
            next_one = _allowed(walk, model, ids if whole else probes, random)
            if next_one is None and not whole:
                next_one = _allowed(walk, model, ids, random)
            if next_one is None and not steps:
                raise dead_end()
            if next_one is None:
                walk.close()
                walk, step = _begun(model, gbnf), 0
                continue
            walk.accept(next_one)
            step, steps = step + 1, steps + 1
    finally:
        walk.close()


def _begun(model: native.Model, gbnf: str) -> GrammarSampler:
    """With llama.cpp's words for what is wrong, which it writes to standard error."""
    told = Path(f"told-{os.getpid()}.txt")
    with native.library().log.keep() as log, _errors_into(told):
        try:
            return GrammarSampler(model, gbnf, credit=_WALK + _SLOW, earned=0)
        except BackendError:
            reason = told.read_text("utf-8", "replace").partition("error parsing grammar: ")[2]
            raise refused(printable(reason.partition("\n")[0])[:_REASON].strip() or log.reason) from None


@contextmanager
def _errors_into(path: Path) -> Iterator[None]:
    kept = os.dup(2)
    with path.open("wb") as file:
        os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _probes(model: native.Model, gbnf: str, random: np.random.Generator) -> Any:
    """Tokens that the grammar names, so that ways which only these open are walked; and some others."""
    named = {*model.vocabulary.tokenise(gbnf)}
    for letter in set(gbnf):
        named.update(model.vocabulary.tokenise(letter))
    others = random.integers(0, model.vocabulary.size, _PROBES)
    return np.unique(np.concatenate([np.array(sorted(named), np.int32), others.astype(np.int32)]))


def _allowed(walk: GrammarSampler, model: native.Model, ids: Any, random: np.random.Generator) -> int | None:
    """Any token that goes on; None if there is none, or only the end."""
    found = ids[walk.among(ids, np.zeros(len(ids), np.float32))]
    found = found[~np.isin(found, list(model.vocabulary.ends))]
    return int(random.choice(found)) if len(found) else None
