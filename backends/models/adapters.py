"""LoRA adapters: small GGUFs that change what a model says, for models of one architecture and width.

`check_adapter` reads one within the bounds of every GGUF (SEC-20) and refuses what would end llama.cpp, or what it
would apply to the wrong weights: it asserts on the types of these entries and on the shapes of a product (SEC-21).
The layout is that of llama.cpp's `convert_lora_to_gguf.py` and `src/llama-adapter.cpp`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from backends.core.errors import InvalidInput
from backends.core.phrase import Phrase
from backends.models import gguf
from backends.models.gguf_bounds import CHAT_ARCHITECTURES, EMBEDDING_ARCHITECTURES, unsupported
from backends.models.gguf_format import Tensor, damaged
from backends.models.quants import stem_of

MOST_RANK = 8192
LARGEST_SCALE = 10.0
_A, _B = ".lora_a", ".lora_b"
_KINDS = {"F32", "F16", "BF16", "Q8_0"}
_TEXTS = ("general.type", "general.architecture", "adapter.type")
_FROM_WIDTH = ("attn_q.weight", "attn_k.weight", "attn_v.weight", "attn_qkv.weight", "ffn_gate.weight", "ffn_up.weight")


@dataclass(frozen=True, slots=True)
class AdapterHeader:
    """`targets`: for each tensor of the model that is changed, its two factors. `width` of the model, 0 if unclear."""

    name: str
    architecture: str
    alpha: float
    targets: Mapping[str, tuple[Tensor, Tensor]]
    width: int
    size: int


def check_adapter(path: Path) -> AdapterHeader:
    """The header of a LoRA adapter.

    Raises InvalidInput (`not_adapter`, `unsupported_architecture`, `unsupported_adapter`, `damaged_file`, and as
    `gguf.read_header`), NotFound, StorageError.
    """
    header = gguf.read_header(path)
    metadata, kinds = header.metadata, header.container.kinds
    if metadata.get("general.type") != "adapter":
        raise InvalidInput(
            Phrase(f"{path.name} is no adapter.", f"{path.name} 不是适配器。"),
            Phrase("Choose a GGUF that holds a LoRA adapter.", "请选择包含 LoRA 适配器的 GGUF 文件。"),
            code="not_adapter",
        )
    if any(kinds.get(key, "str") != "str" for key in _TEXTS):
        raise _bad("general.type")
    if metadata.get("adapter.type") != "lora" or "adapter.alora.invocation_tokens" in metadata:
        raise InvalidInput(
            Phrase(f"{path.name} is not a plain LoRA adapter.", f"{path.name} 不是普通的 LoRA 适配器。"),
            Phrase("Choose a LoRA adapter in the GGUF format.", "请选择 GGUF 格式的 LoRA 适配器。"),
            code="unsupported_adapter",
        )
    if header.architecture not in CHAT_ARCHITECTURES | EMBEDDING_ARCHITECTURES:
        shown = ascii(header.architecture[:40])[1:-1]
        raise unsupported(
            f"This adapter is for models of the kind “{shown}”, which this engine cannot run.",
            f"该适配器适用于“{shown}”类型的模型，当前引擎无法运行这类模型。",
        )
    alpha = metadata.get("adapter.lora.alpha", 0.0)
    if kinds.get("adapter.lora.alpha", "f32") != "f32" or not isfinite(alpha) or alpha < 0:
        raise _bad("adapter.lora.alpha")
    targets = _pairs(header.tensors)
    widths = {pair[0].dimensions[0] for name, pair in targets.items() if name.endswith(_FROM_WIDTH)}
    return AdapterHeader(
        name=header.name or stem_of(path.name),
        architecture=header.architecture,
        alpha=alpha,
        targets=targets,
        width=widths.pop() if len(widths) == 1 else 0,
        size=header.size,
    )


def check_fits(adapter: AdapterHeader, model: gguf.Header) -> None:
    """InvalidInput (`adapter_does_not_fit`) if the adapter was made for another model."""
    weights = {tensor.name: tensor.dimensions for tensor in model.tensors}
    fits = adapter.architecture == model.architecture
    for name, (a, b) in adapter.targets.items():
        whole = weights.get(name)
        if whole is None or not fits:
            raise _does_not_fit(adapter, model)
        if name.endswith("token_embd.weight"):
            fits = whole[0] == b.dimensions[1] and whole[1:2] == a.dimensions[1:2]
        else:
            fits = whole[0] == a.dimensions[0] and whole[1:2] == b.dimensions[1:2]
        if not fits or whole[2:] != a.dimensions[2:]:
            raise _does_not_fit(adapter, model)


def _pairs(tensors: tuple[Tensor, ...]) -> dict[str, tuple[Tensor, Tensor]]:
    """The factors of each changed tensor; what belongs to a norm is not applied by llama.cpp."""
    first: dict[str, Tensor] = {}
    second: dict[str, Tensor] = {}
    for tensor in tensors:
        if tensor.name.endswith(_A):
            first[tensor.name.removesuffix(_A)] = tensor
        elif tensor.name.endswith(_B):
            second[tensor.name.removesuffix(_B)] = tensor
        elif not tensor.name.endswith("_norm.weight"):
            raise _wrong_tensor(tensor)
    if not first or first.keys() != second.keys():
        raise damaged("half of a pair of its tensors is missing", "张量对不完整")
    for name, a in first.items():
        b = second[name]
        if not name or _A in name or _B in name or not (a.kind in _KINDS and b.kind in _KINDS):
            raise _wrong_tensor(a)
        if len(a.dimensions) not in (2, 3) or len(a.dimensions) != len(b.dimensions):
            raise _wrong_tensor(a)
        flipped = name.endswith("token_embd.weight")
        rank = (a.dimensions[0], b.dimensions[0]) if flipped else (a.dimensions[1], b.dimensions[0])
        if rank[0] != rank[1] or not 1 <= rank[0] <= MOST_RANK or a.dimensions[2:] != b.dimensions[2:]:
            raise _wrong_tensor(b)
    return {name: (a, second[name]) for name, a in first.items()}


def _bad(key: str) -> InvalidInput:
    return damaged(f"its entry {key!a} cannot be", f"条目 {key!a} 的取值不可能")


def _wrong_tensor(tensor: Tensor) -> InvalidInput:
    return damaged(f"the tensor {tensor.name!a} does not belong in an adapter", f"张量 {tensor.name!a} 不属于适配器")


def _does_not_fit(adapter: AdapterHeader, model: gguf.Header) -> InvalidInput:
    return InvalidInput(
        Phrase(
            f"The adapter {adapter.name} was made for another model than {model.name or model.architecture}.",
            f"适配器 {adapter.name} 不适用于模型 {model.name or model.architecture}。",
        ),
        Phrase("Choose an adapter made for this model.", "请选择适用于该模型的适配器。"),
        code="adapter_does_not_fit",
    )
