"""Why a model is recommended, and what another one would take: sentences with figures, in both languages."""

from collections.abc import Mapping, Sequence

from backends.core.phrase import NOTHING, Phrase
from backends.models.budget import Budget
from backends.models.types import CatalogModel, Choice, MemoryPlan, Use, Verdict
from backends.models.ways import Way
from backends.models.weights import Weights

GIB = 1 << 30
LONG_ANSWER = 300.0  # seconds


_USES: Mapping[Use, Phrase] = {
    "chat": Phrase("chat", "对话"),
    "documents": Phrase("long documents", "长文档"),
    "code": Phrase("code", "编程"),
    "maths": Phrase("mathematics", "数学"),
}


def of_pick(choice: Choice, budget: Budget, use: Use) -> Phrase:
    where = _where(choice.memory, budget)
    name, quant, context = choice.model.name, choice.file.quant, f"{choice.context:,}"
    speed = _rate(choice.tokens_per_s)
    return Phrase(
        f"{name} in {quant} is the best model that runs well here for {_USES[use].en}: it takes {where.en}, "
        f"with room for {context} tokens of conversation, at about {speed} tokens per second.",
        f"{name}（{quant}）是本机上最适合{_USES[use].zh}的模型：占用{where.zh}，可容纳 {context} 个 token 的对话，"
        f"每秒约 {speed} 个 token。",
    )


def better(name: str, quant: str, needed: int, use: Use, kind: Phrase) -> Phrase:
    """What the next better model would take: so many bytes of a kind of memory."""
    return Phrase(
        f"With {_gib(needed)} of {kind.en} {name} would run here in {quant}: the next better model "
        f"for {_USES[use].en}.",
        f"若有 {_gib(needed)} {kind.zh}，即可运行更适合{_USES[use].zh}的 {name}（{quant}）。",
    )


def of_companion(choice: Choice) -> Phrase:
    """Why this embedder or reranker."""
    memory = choice.memory
    on_gpus = sum(memory.per_gpu)
    size, seconds = _gib(memory.total), choice.seconds_to_answer
    time = f"{seconds:.2f}" if seconds < 0.995 else f"{seconds:.1f}"
    where = Phrase("graphics memory", "显存") if on_gpus > memory.host else Phrase("memory", "内存")
    return Phrase(
        f"{choice.model.name} in {choice.file.quant} is the best that fits beside the chat model: it takes {size} of "
        f"{where.en} and reads a page in about {time} s.",
        f"{choice.model.name}（{choice.file.quant}）是能与对话模型同时运行的最佳选择：占用 {size} {where.zh}，"
        f"读一页约需 {time} 秒。",
    )


def no_companion(choices: Sequence[Choice], budget: Budget) -> Phrase:
    least = min((choice.memory.total for choice in choices), default=0)
    return Phrase(
        f"None fits beside the chat model: the smallest needs {_gib(least)}, and {_gib(budget.memory)} are left. "
        "Documents are searched by their words.",
        f"没有能与对话模型同时运行的模型：最小的需要 {_gib(least)}，而剩余 {_gib(budget.memory)}。将按字词检索文档。",
    )


def nothing(choices: Sequence[Choice], budget: Budget, min_speed: float | None) -> Phrase:
    """Why there is no pick: nothing fits, or what fits is slower than was asked for."""
    running = [choice for choice in choices if choice.verdict in ("fits", "tight", "partial")]
    if running:
        fastest = max(running, key=lambda choice: choice.tokens_per_s)
        name, speed, wanted = fastest.model.name, _rate(fastest.tokens_per_s), _rate(min_speed or 0.0)
        return Phrase(
            f"No model reaches {wanted} tokens per second here; the fastest is {name} at about {speed}.",
            f"本机没有模型能达到每秒 {wanted} 个 token；最快的是 {name}，约 {speed} 个。",
        )
    least = min((choice.memory.total for choice in choices if choice.verdict == "too_large"), default=0)
    return Phrase(
        f"No DeepSeek model fits into this machine: the smallest needs {_gib(least)}, "
        f"and {_gib(budget.memory)} can be given to it.",
        f"本机内存不足以运行任何 DeepSeek 模型：最小的需要 {_gib(least)}，而可用的只有 {_gib(budget.memory)}。",
    )


def note(
    model: CatalogModel, way: Way, verdict: Verdict, seconds: float, weights: Weights, budget: Budget, wanted: int
) -> Phrase:
    """What is to be known about a way before it is chosen; nothing when there is nothing."""
    said = []
    if verdict == "partial":
        needed = _gib(way.memory.total - weights.embedding + sum(gpu.margin for gpu in budget.gpus))
        experts, blocks = way.placement.expert_layers_on_cpu, way.placement.host_blocks
        count, layers = experts or max(1, blocks), model.shape.layers
        what = ("the experts of ", "的专家权重") if experts else ("", "")
        said.append(
            Phrase(
                f"{_capital(what[0])}{count} of {layers} layers stay in main memory; "
                f"with {needed} of graphics memory it would run on the GPU alone.",
                f"{layers} 层中有 {count} 层{what[1]}留在内存中；若有 {needed} 显存即可完全在显卡上运行。",
            )
        )
    if verdict == "tight":
        said.append(Phrase("It leaves little memory free.", "运行时剩余内存很少。"))
    if way.kv_type == "q8_0":
        said.append(
            Phrase(
                "The cache is kept in 8 bits (q8_0): half the memory, and no difference that anyone would notice.",
                "缓存以 8 位（q8_0）保存：内存减半，且察觉不到差别。",
            )
        )
    if way.context < min(wanted, model.shape.context_train):
        said.append(
            Phrase(
                f"Only {way.context:,} of the wanted {wanted:,} tokens of context fit.",
                f"所需的 {wanted:,} 个 token 上下文只能容纳 {way.context:,} 个。",
            )
        )
    if seconds >= LONG_ANSWER:
        minutes = round(seconds / 60)
        said.append(Phrase(f"A typical answer takes about {minutes} minutes.", f"一次典型的回答约需 {minutes} 分钟。"))
    return Phrase(" ".join(one.en for one in said), "".join(one.zh for one in said)) if said else NOTHING


def too_large(memory: MemoryPlan, budget: Budget) -> Phrase:
    needed, host = _gib(memory.total), _gib(budget.host.usable)
    if budget.unified or not budget.gpus:
        return Phrase(
            f"Its smallest version needs {needed} of memory; this machine can give {host}.",
            f"其最小版本需要 {needed} 内存，本机可提供 {host}。",
        )
    cards = _gib(sum(gpu.usable for gpu in budget.gpus))
    return Phrase(
        f"Its smallest version needs {needed}; this machine can give {host} of main and {cards} of graphics memory.",
        f"其最小版本需要 {needed}，本机可提供 {host} 内存和 {cards} 显存。",
    )


def unsupported() -> Phrase:
    return Phrase("The engine of this version cannot run it yet.", "当前版本的引擎尚无法运行它。")


def own_file() -> Phrase:
    return Phrase("A model file of your own.", "您自己的模型文件。")


def _where(memory: MemoryPlan, budget: Budget) -> Phrase:
    on_gpus, free = sum(memory.per_gpu), sum(gpu.free for gpu in budget.gpus)
    in_host, host = _gib(memory.host), _gib(budget.host.free)
    if not on_gpus:
        return Phrase(f"{in_host} of the {host} of memory that are free", f"可用内存 {host} 中的 {in_host}")
    if budget.unified:
        taken = _gib(on_gpus + memory.host)
        return Phrase(f"{taken} of the {host} of memory that are free", f"可用内存 {host} 中的 {taken}")
    on_cards = Phrase(f"{_gib(on_gpus)} of {_gib(free)} of graphics memory", f"显存 {_gib(free)} 中的 {_gib(on_gpus)}")
    if memory.host < GIB:
        return on_cards
    return Phrase(f"{on_cards.en} and {in_host} of main memory", f"{on_cards.zh}，以及 {in_host} 内存")


def _gib(size: float) -> str:
    value = size / GIB
    return f"{value:.0f} GiB" if value >= 99.5 else f"{value:.1f} GiB"


def _rate(speed: float) -> str:
    return f"{speed:.0f}" if speed >= 9.5 else f"{speed:.1f}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
