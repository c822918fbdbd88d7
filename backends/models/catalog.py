"""The models that DeskSeek knows, offers and downloads: `resources/catalog.json`.

The catalogue seeds what a hub's listing will confirm: sizes are those of the listings of the day, the real ones come
from the hub. Shapes, scores and the publisher's settings are the catalogue's own.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from backends.core.errors import NotFound
from backends.core.paths import resource
from backends.core.phrase import Phrase
from backends.models.entries import Entry
from backends.models.quants import preferred, quant_of
from backends.models.types import USES, CatalogModel, EmbeddingSpec, Kind, ModelFile, Shape

VERSION = 1
_KINDS: Mapping[str, Kind] = {"chat": "chat", "embedding": "embedding", "reranking": "reranking"}


@dataclass(frozen=True, slots=True)
class Quant:
    """What a quant is worth: bits per weight, KLD to f16, bits per weight of its token embedding."""

    bits_per_weight: float
    divergence: float
    embedding_bits: float


@dataclass(frozen=True, slots=True)
class Catalog:
    models: tuple[CatalogModel, ...]
    quants: Mapping[str, Quant]

    @classmethod
    def load(cls, path: Path | None = None) -> "Catalog":
        """Read the catalogue that ships, or another. StorageError (`data_damaged`, `data_too_new`) if it is not one."""
        entry = Entry.read(path or resource("catalog.json"), version=VERSION)
        table = entry.entry("quants")
        quants = {
            name: Quant(
                bits_per_weight=(quant := table.entry(name)).number("bits_per_weight", least=1),
                divergence=quant.number("divergence"),
                embedding_bits=quant.number("embedding_bits", least=1),
            )
            for name in table
        }
        models = tuple(_model(model, quants) for model in entry.entries("models"))
        if len({model.id for model in models}) < len(models):
            raise entry.wrong("models")
        return cls(models, quants)

    def of_kind(self, kind: Kind) -> tuple[CatalogModel, ...]:
        """Those that chat, those that turn texts into vectors, or those that rank passages."""
        return tuple(model for model in self.models if model.kind == kind)

    def find(self, reference: str) -> CatalogModel:
        """The model called `ID` or `ID:QUANT`; NotFound (`unknown_model`) with the nearest names as a hint."""
        wanted = reference.partition(":")[0].strip().lower()
        for model in self.models:
            if wanted in (model.id, model.name.lower()):
                return model
        near = difflib.get_close_matches(wanted, [model.id for model in self.models], n=3, cutoff=0.4)
        shown = ", ".join(near or [model.id for model in self.models])
        raise NotFound(
            Phrase(f"There is no model “{reference}” in the catalogue.", f"目录中没有名为“{reference}”的模型。"),
            Phrase(f"Did you mean: {shown}?", f"您是否想找：{shown}？"),
            code="unknown_model",
        )

    def file(self, reference: str) -> tuple[CatalogModel, ModelFile]:
        """The model and the file that `ID[:QUANT]` names; without a quant the usual one. NotFound (`unknown_quant`)."""
        model = self.find(reference)
        wanted = reference.partition(":")[2].strip().upper()
        file = preferred(model.files) if not wanted else quant_in(model, wanted)
        if file is None:
            there = ", ".join(file.quant for file in model.files)
            raise NotFound(
                Phrase(f"{model.name} is not offered as “{wanted}”.", f"{model.name} 没有“{wanted}”版本。"),
                Phrase(f"There are: {there}.", f"可选：{there}。"),
                code="unknown_quant",
            )
        return model, file

    def described(self, file: ModelFile) -> ModelFile:
        """A file of a hub's listing with what its quant is worth, as far as that is known."""
        quant = self.quants.get(file.quant.removeprefix("UD-"))
        if quant is None:
            return file
        return replace(file, divergence=quant.divergence, embedding_bits=quant.embedding_bits)

    def match(self, repo: str, file: str) -> CatalogModel | None:
        """The model that `file` of `repo` is a quant of: the same repository, else the same name from a publisher."""
        for model in self.models:
            if model.repo.lower() == repo.lower():
                return model
        name = _plain(file)
        for model in self.models:
            if name and name == _plain(model.files[0].file):
                return model
        return None


def quant_in(model: CatalogModel, quant: str) -> ModelFile | None:
    """The file of `model` in `quant`; `UD-` (Unsloth's own mixtures) may be left out."""
    wanted = quant.upper()
    by_name = {file.quant.upper(): file for file in model.files}
    return by_name.get(wanted) or by_name.get(f"UD-{wanted}") or by_name.get(wanted.removeprefix("UD-"))


def _plain(file: str) -> str:
    """A file's name without publisher, quant and part: what the same model is called everywhere."""
    name = file.replace("\\", "/").rpartition("/")[2].lower().removesuffix(".gguf")
    quant = quant_of(file).lower()
    stem = name.rpartition(quant)[0] if quant else name
    return stem.rstrip("-.").removesuffix(".i1").removeprefix("deepseek-ai_").rstrip("-.")


def _model(entry: Entry, quants: Mapping[str, Quant]) -> CatalogModel:
    kind = _KINDS.get(entry.text("kind", "chat"))
    if kind is None:
        raise entry.wrong("kind")
    scores = entry.entry("scores") if "scores" in entry else ()
    if set(scores) - set(USES):
        raise entry.wrong("scores")
    sampling = entry.entry("sampling") if kind == "chat" else None
    return CatalogModel(
        id=entry.text("id"),
        name=entry.text("name"),
        summary=entry.phrase("summary"),
        repo=entry.text("repo"),
        parameters=entry.number("parameters"),
        active_parameters=entry.number("active_parameters"),
        shape=_shape(entry.entry("shape")),
        license=entry.text("license"),
        base_score=entry.number("base_score"),
        quant_sensitivity=entry.number("quant_sensitivity"),
        reasoning=entry.flag("reasoning") if sampling else False,
        temperature=sampling.number("temperature") if sampling else 0.0,
        top_p=sampling.number("top_p") if sampling else 1.0,
        system_prompt=entry.flag("system_prompt") if sampling else False,
        files=tuple(_file(file, quants) for file in entry.entries("files")),
        kind=kind,
        scores={use: entry.entry("scores").number(use) for use in USES if use in scores},
        spec=_spec(entry.entry("spec")) if kind != "chat" else None,
        released=entry.text("released") if "released" in entry else "",
    )


def _spec(entry: Entry) -> EmbeddingSpec:
    for pooling in ("mean", "cls", "last", "rank"):
        if pooling == entry.text("pooling"):
            return EmbeddingSpec(
                dimensions=entry.whole("dimensions", least=1),
                pooling=pooling,
                query_prefix=entry.text("query_prefix") if "query_prefix" in entry else "",
                document_prefix=entry.text("document_prefix") if "document_prefix" in entry else "",
            )
    raise entry.wrong("pooling")


def _file(entry: Entry, quants: Mapping[str, Quant]) -> ModelFile:
    name = entry.text("quant")
    quant = quants.get(name.removeprefix("UD-"))
    if quant is None and not ("divergence" in entry and "embedding_bits" in entry):
        raise entry.wrong("quant")
    parts = entry.texts("parts") if "parts" in entry else ()
    if parts and parts[0] != entry.text("file"):
        raise entry.wrong("parts")
    return ModelFile(
        quant=name,
        file=entry.text("file"),
        size=entry.whole("size", least=1),
        sha256=entry.text("sha256") if "sha256" in entry else None,
        parts=parts,
        divergence=entry.number("divergence", quant.divergence if quant else None),
        embedding_bits=entry.number("embedding_bits", quant.embedding_bits if quant else None),
        dense_size=entry.whole("dense_size", least=1) if "dense_size" in entry else None,
        approximate=entry.flag("approximate", False),
    )


def _shape(entry: Entry) -> Shape:
    return Shape(
        architecture=entry.text("architecture"),
        layers=entry.whole("layers", least=1),
        embedding=entry.whole("embedding", least=1),
        feed_forward=entry.whole("feed_forward"),
        heads=entry.whole("heads", least=1),
        kv_heads=entry.whole("kv_heads", least=1),
        key_length=entry.whole("key_length", least=1),
        value_length=entry.whole("value_length", least=1),
        vocabulary=entry.whole("vocabulary", least=1),
        context_train=entry.whole("context_train", least=1),
        experts=entry.whole("experts", 0),
        experts_used=entry.whole("experts_used", 0),
        expert_feed_forward=entry.whole("expert_feed_forward", 0),
        dense_layers=entry.whole("dense_layers", 0),
        kv_lora_rank=entry.whole("kv_lora_rank", 0),
        rope_dimensions=entry.whole("rope_dimensions", 0),
        mla=entry.flag("mla", False),
        indexer_key_length=entry.whole("indexer_key_length", 0),
        sliding_window=entry.whole("sliding_window", 0),
        compress_ratios=entry.wholes("compress_ratios") if "compress_ratios" in entry else (),
    )
