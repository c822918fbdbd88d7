"""What a load that was to help has changed: a sentence from how the model lay before and how it lies now."""

from collections.abc import Iterator

from backends.core.phrase import Phrase
from backends.engine.protocol import LoadedModel
from backends.monitor.holding_facts import count


def outcome(before: LoadedModel, after: LoadedModel) -> Phrase:
    """For people. If nothing is different, that."""
    changes = list(_changes(before, after))
    if not changes:
        return Phrase("It was loaded again and lies as before.", "已重新加载，情况与之前相同。")
    told_en, told_zh = "; ".join(one.en for one in changes), "；".join(one.zh for one in changes)
    return Phrase(f"Loaded again: {told_en}.", f"已重新加载：{told_zh}。")


def on_gpu(loaded: LoadedModel) -> int:
    """Layers that lie on graphics cards with all that belongs to them."""
    return max(0, min(loaded.gpu_layers, loaded.layers - loaded.expert_layers_on_cpu))


def _changes(before: LoadedModel, after: LoadedModel) -> Iterator[Phrase]:
    if before.path != after.path:
        yield Phrase(f"{after.alias} instead of {before.alias}", f"{after.alias}（原为 {before.alias}）")
    layers, was = on_gpu(after), on_gpu(before)
    if layers != was:
        yield Phrase(
            f"{layers} of {after.layers} layers are on the graphics card instead of {was}",
            f"{after.layers} 层中有 {layers} 层在显卡上（原为 {was} 层）",
        )
    if after.context != before.context:
        yield Phrase(
            f"a context of {count(after.context)} tokens instead of {count(before.context)}",
            f"上下文 {count(after.context)} 个 token（原为 {count(before.context)}）",
        )
    if after.kv_type != before.kv_type:
        yield Phrase(
            f"the cache in {after.kv_type} instead of {before.kv_type}",
            f"缓存 {after.kv_type}（原为 {before.kv_type}）",
        )
