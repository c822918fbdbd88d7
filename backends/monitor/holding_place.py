"""What holds a model back because of where it lies: on the processor though there is a card, or in part."""

from collections.abc import Iterator, Sequence

from backends.core.phrase import NOTHING, Phrase
from backends.hardware.samples import GpuSample, Program
from backends.monitor.holding_facts import Here, Possible, count, gib, joined, layers_of, percent
from backends.monitor.reading import Running
from backends.monitor.stretch import Stretch
from backends.monitor.types import Limit, Remedy

LEAST_CARD = 1 << 30  # bytes: smaller ones are for a display
LEAST_HELD = 512 << 20  # bytes that others hold: less is the desktop's
MOST_NAMED = 3


def causes(stretch: Stretch, running: Running, here: Here) -> Iterator[Limit]:
    """Nothing where all of the model is on a card, or where there is none and none was asked for."""
    if running.on_cpu is None and running.layers_on_gpu >= running.model.layers:
        return
    cards = [card for card in stretch.gpus if _could_compute(card)]
    alone = not running.on_gpu
    if not here.engine_gpus:
        if alone and (cause := _no_card(running, here, cards)):
            yield cause
        return
    if alone and here.gpu_layers == 0:
        yield _as_set(here)
        return
    possible = here.possible
    if alone and possible is not None and possible.layers > 0:
        yield _would_fit(running, here, possible)
        return
    if running.layers_on_gpu >= running.model.layers:
        return
    yield from _in_part(stretch, running, here, cards)


def _could_compute(card: GpuSample) -> bool:
    """A card with memory of its own, or Apple's; graphics inside other processors add little."""
    if card.state != "ok":
        return False
    if card.unified:
        return card.vendor == "apple"
    return card.memory_total is None or card.memory_total >= LEAST_CARD


# ---- all on the processor


def _no_card(running: Running, here: Here, cards: Sequence[GpuSample]) -> Limit | None:
    if cards:
        names = ", ".join(dict.fromkeys(card.name for card in cards))
        sentence = Phrase(
            f"The model runs on the processor alone: there is {names}, but this build of the engine cannot use it.",
            f"模型仅在处理器上运行：本机有 {names}，但当前安装的引擎无法使用它。",
        )
        return Limit("unused_gpu", sentence, "doctor", figures={"cards": len(cards)})
    asked = running.model.gpu_layers_asked or max(0, here.gpu_layers)
    if not asked:
        return None
    wanted = Phrase("All layers", "全部层") if asked < 0 else Phrase(f"{asked} layers", f"{asked} 层")
    sentence = Phrase(
        f"{wanted.en} were to be on a graphics card, but the engine finds none that it can use: the model runs on the "
        "processor alone.",
        f"要求将{wanted.zh}放到显卡上，但引擎未发现可用的显卡：模型仅在处理器上运行。",
    )
    return Limit("unused_gpu", sentence, "doctor", figures={"asked": asked})


def _as_set(here: Here) -> Limit:
    name = here.engine_gpus[0]
    sentence = Phrase(
        f"The model runs on the processor alone because the settings put no layers on the graphics card ({name}).",
        f"设置中显卡层数为 0，因此模型仅在处理器上运行，未使用显卡（{name}）。",
    )
    return Limit("unused_gpu", sentence, "settings_engine")


def _would_fit(running: Running, here: Here, possible: Possible) -> Limit:
    layers, all_layers = possible.layers, running.model.layers
    fit = layers_of(layers, all_layers)
    sentence = Phrase(
        f"The model runs on the processor alone, though {fit.en} would fit {here.engine_gpus[0]} now.",
        f"模型仅在处理器上运行，而 {here.engine_gpus[0]} 现在可放下{fit.zh}。",
    )
    return Limit("unused_gpu", sentence, "plan_again", figures={"layers": layers, "of": all_layers})


# ---- some of it on the processor


def _in_part(stretch: Stretch, running: Running, here: Here, cards: Sequence[GpuSample]) -> Iterator[Limit]:
    possible, now = here.possible, running.layers_on_gpu
    found = list(_why(running, possible, now, cards)) if possible is not None else []
    yield from found
    remedy: Remedy = "choose_model"
    if possible is not None and possible.layers > now:
        remedy = "more_layers"
    elif found and found[0].remedy is not None:
        remedy = found[0].remedy
    yield _layers_on_cpu(stretch, running, possible, remedy)


def _why(running: Running, possible: Possible, now: int, cards: Sequence[GpuSample]) -> Iterator[Limit]:
    """What keeps layers off the cards, where giving it up would bring more of them there."""
    have = max(now, possible.layers)
    if possible.alone is not None and possible.alone > have and (other := _others(cards)):
        yield _held_by_others(running, possible.alone, other)
    if possible.layers > now:
        return  # they fit as it is
    if possible.small_kv is not None and possible.small_kv > have:
        yield _too_much_context(running, possible.small_kv, None)
    elif possible.shorter is not None and possible.shorter_layers is not None and possible.shorter_layers > have:
        yield _too_much_context(running, possible.shorter_layers, possible.shorter)


def _others(cards: Sequence[GpuSample]) -> GpuSample | None:
    """The card of which other programs hold the most."""
    held = [card for card in cards if not card.unified and (card.memory_others or 0) >= LEAST_HELD]
    return max(held, key=lambda card: card.memory_others or 0, default=None)


def _held_by_others(running: Running, layers: int, card: GpuSample) -> Limit:
    who, held = named(card.programs), card.memory_others or 0
    would = layers_of(layers, running.model.layers)
    sentence = Phrase(
        f"{who.en} {gib(held)} of the memory of {card.name}. Without that, {would.en} would fit there; now it is "
        f"{running.layers_on_gpu}.",
        f"{who.zh} {card.name} 的 {gib(held)} 显存。释放后可放下{would.zh}；现在为 {running.layers_on_gpu} 层。",
    )
    return Limit("other_program", sentence, "unload_others", figures={"held": held, "layers": layers})


def named(programs: Sequence[Program]) -> Phrase:
    """ "Blender and 2 others hold", in both languages, for a sentence that goes on with how much."""
    if not programs:
        return Phrase("Other programs hold", "其他程序占用了")
    names = [one.name for one in programs[:MOST_NAMED]]
    left = len(programs) - len(names)
    if left:
        more = "1 other" if left == 1 else f"{left} others"
        return Phrase(f"{', '.join(names)} and {more} hold", f"{'、'.join(names)} 等 {len(programs)} 个程序占用了")
    if len(names) == 1:
        return Phrase(f"{names[0]} holds", f"{names[0]} 占用了")
    return Phrase(f"{', '.join(names[:-1])} and {names[-1]} hold", f"{'、'.join(names)} 占用了")


def _too_much_context(running: Running, layers: int, context: int | None) -> Limit:
    """The cache leaves too little room: q8_0 would do, or a shorter `context`."""
    model, now = running.model, running.layers_on_gpu
    fit = layers_of(layers, model.layers)
    cache = sum(one.per_cell for one in running.readers) * model.context
    takes = Phrase(
        f"The context of {count(model.context)} tokens takes {gib(cache)}.",
        f"{count(model.context)} 个 token 的上下文占用 {gib(cache)}。",
    )
    if context is None:
        would = Phrase(
            f"In q8_0 it takes about half, and {fit.en} would fit the graphics card instead of {now}.",
            f"改用 q8_0 约只占一半，显卡可放下{fit.zh}（现为 {now} 层）。",
        )
        return Limit("context", joined(takes, would), "small_kv", figures={"cache": cache, "layers": layers})
    would = Phrase(
        f"With {count(context)} tokens, {fit.en} would fit the graphics card instead of {now}.",
        f"改为 {count(context)} 个 token，显卡可放下{fit.zh}（现为 {now} 层）。",
    )
    figures = {"cache": cache, "layers": layers, "context_to": float(context)}
    return Limit("context", joined(takes, would), "shorter_context", figures=figures)


def _layers_on_cpu(stretch: Stretch, running: Running, possible: Possible | None, remedy: Remedy) -> Limit:
    model, now = running.model, running.layers_on_gpu
    there = model.layers - now
    if model.expert_layers_on_cpu and model.gpu_layers >= model.layers:
        where = Phrase(
            f"The experts of {there} of {model.layers} layers are in main memory.",
            f"{model.layers} 层中有 {there} 层的专家权重在内存中。",
        )
    else:
        where = Phrase(
            f"{there} of {model.layers} layers are on the processor.", f"{model.layers} 层中有 {there} 层在处理器上。"
        )
    share = _share_of_cpu(stretch, running)
    costs = NOTHING
    if share is not None:
        costs = Phrase(
            f"Reading them takes at least {percent(share)}% of the time of each token.",
            f"读取它们至少占每个 token 用时的 {percent(share)}%。",
        )
    more = NOTHING
    if remedy == "more_layers" and possible is not None:
        more = Phrase(f"{possible.layers} layers would fit the card now.", f"现在显卡可放下 {possible.layers} 层。")
    figures = {"layers": float(now), "of": float(model.layers)}
    return Limit("cpu_layers", joined(where, costs, more), remedy, share, figures)


def _share_of_cpu(stretch: Stretch, running: Running) -> float | None:
    """Of the time of a step, what reading main memory takes at least."""
    host, steps = running.on_cpu, stretch.steps
    if host is None or not host.reachable or not steps:
        return None
    return min(1.0, steps * host.bytes(running.active(stretch.answers), stretch.cells) / host.reachable)
