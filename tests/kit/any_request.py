"""Requests that nobody thought of, at a server that can do everything: its models, and bounds of what it computes."""

from pathlib import Path
from typing import Any

import gguf

from tests.kit.embedders import random_bert
from tests.kit.ggufs import scripted_model

MOST = 4  # tokens of an answer
_LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens")


def models_of_all_kinds(folder: Path) -> list[Path]:
    """One that chats, one that embeds, one that ranks: so small that they are loaded at once."""
    ranks = {"pooling": gguf.PoolingType.RANK, "ranks": True, "name": "Random Reranker"}
    return [
        scripted_model(folder / "chats.gguf"),
        random_bert(folder / "embeds.gguf", context=128),
        random_bert(folder / "ranks.gguf", context=128, **ranks),
    ]


def bounded(body: Any) -> Any:
    """The same request with a short answer, of the model that is there; what is of a wrong type stays so."""
    if not isinstance(body, dict):
        return body
    for name in _LIMITS:
        given = body.get(name, MOST)
        if given is None or (isinstance(given, int) and not 0 <= given <= MOST):
            given = MOST
        body = {**body, name: given}
    options = body.get("options")
    if options is None or isinstance(options, dict):
        body["options"] = {**(options or {}), "num_predict": MOST}
    if isinstance(body.get("n"), int):
        body["n"] = min(body["n"], 2)
    if isinstance(body.get("model", ""), str):
        body["model"] = ""
    return body
