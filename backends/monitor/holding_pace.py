"""What decides the pace where nothing is wrong: reading memory, arithmetic, a prompt, others that wait."""

from collections.abc import Iterator
from dataclasses import replace

from backends.core.phrase import NOTHING, Phrase
from backends.monitor.holding_facts import Here, gb, joined, per_s, percent
from backends.monitor.reading import Reader, Running
from backends.monitor.stretch import CardStretch, Stretch
from backends.monitor.types import Limit, Remedy

BOUND = 0.7  # of what a memory gives at best: from here on it decides
HALF = 0.5  # of it: so much less that something else decides
FULL_USE = 0.9  # of a card's time, of the threads that compute
MOSTLY_READING = 0.6  # of the time went into prompts
FEW_BITS = 0.85  # kernels of this quant or slower ones are arithmetic rather than reading
FULL_CACHE = 0.95
LEAST_READ = 64 << 20  # bytes a step: less lies in the processor's own caches


def of_waiting(stretch: Stretch, running: Running) -> Iterator[Limit]:
    engine = stretch.engine
    if not engine.waiting:
        return
    are = "1 question waits" if engine.waiting == 1 else f"{engine.waiting} questions wait"
    if engine.running >= running.model.parallel:
        sentence = Phrase(
            f"{are} for a turn: {engine.running} are answered at the same time, which is what is set.",
            f"{engine.waiting} 个提问在排队：正在同时回答 {engine.running} 个，已达到设置的上限。",
        )
        yield Limit("waiting", sentence, "settings_engine", figures={"waiting": engine.waiting})
    elif engine.kv_total and engine.kv_used >= FULL_CACHE * engine.kv_total:
        sentence = Phrase(
            f"{are} for room: the context memory is full ({engine.kv_used:,} of {engine.kv_total:,} tokens).",
            f"{engine.waiting} 个提问在等待空间：上下文缓存已满（{engine.kv_used:,} / {engine.kv_total:,} 个 token）。",
        )
        yield Limit("waiting", sentence, "settings_engine", figures={"waiting": engine.waiting})


def of_prompt(stretch: Stretch, running: Running, here: Here) -> Iterator[Limit]:
    if stretch.prefill is None or stretch.busy[-1].engine.prefill is None or stretch.reading_share < MOSTLY_READING:
        return
    where = Phrase("graphics card", "显卡") if running.on_gpu else Phrase("processor", "处理器")
    cached = sum(one.engine.cached_tokens for one in stretch.busy)
    computed = sum(one.engine.prompt_tokens for one in stretch.busy)
    known = NOTHING
    if cached:
        share = percent(cached / (cached + computed))
        known = Phrase(f"{share}% of it was known already.", f"其中 {share}% 已缓存，无需重新读取。")
    sentence = Phrase(
        f"A prompt is being read, {per_s(stretch.prefill)} tokens per second: that is arithmetic, and the "
        f"{where.en} decides.",
        f"正在读取提示词，每秒 {per_s(stretch.prefill)} 个 token：这是计算任务，速度取决于{where.zh}。",
    )
    possible = here.possible
    remedy: Remedy | None = None
    if possible is not None and possible.layers > running.layers_on_gpu:
        remedy = "more_layers" if running.on_gpu else "plan_again"
    yield Limit("prompt", joined(sentence, known), remedy, figures={"prefill": stretch.prefill})


def of_decoding(stretch: Stretch, running: Running) -> Limit:
    """What decides how fast an answer is written; `nothing` or `unknown` where no figure does."""
    steps, decode = stretch.steps, stretch.decode
    times = running.times(stretch.answers, stretch.cells)
    if steps is None or decode is None:
        return Limit("unknown", Phrase("An answer has just begun.", "刚开始生成回答。"))
    if running.bytes(stretch.answers, stretch.cells) < LEAST_READ:
        return _nothing(decode, None)
    if times is None:
        return _unknown()
    share = steps * sum(times)
    if share >= BOUND:
        return bandwidth(running, steps, stretch.answers, stretch.cells)
    return _computing(stretch, running, share) or _nothing(decode, share)


def bandwidth(running: Running, steps: float, answers: float = 1, cells: int = 0) -> Limit:
    """How much of what the memories give is in use when so many steps are made a second. Their speeds are known."""
    times = running.times(answers, cells) or ()
    share = steps * sum(times)
    active = running.active(answers)
    read = [(one, one.bytes(active, cells)) for one in running.readers]
    total = sum(size for _, size in read)
    at_once = _at_once(answers)
    if len(read) == 1:
        ((reader, size),) = read
        used = steps * size
        reachable = max(reader.reachable or used, used)
        where = _memory(reader)
        sentence = Phrase(
            f"Memory bandwidth: the model reads {gb(size)} for each token{at_once.en}. {gb(used)}/s of at most "
            f"{gb(reachable)}/s of {where.en} are used ({percent(share)}%).",
            f"内存带宽：每生成一个 token {at_once.zh}需读取 {gb(size)}。{where.zh}最高约 {gb(reachable)}/s，"
            f"已用 {gb(used)}/s（{percent(share)}%）。",
        )
    else:
        parts_en = ", ".join(f"{gb(size)} of {_memory(reader).en}" for reader, size in read)
        parts_zh = "、".join(f"{_memory(reader).zh} {gb(size)}" for reader, size in read)
        sentence = Phrase(
            f"Memory bandwidth: for each token{at_once.en} the model reads {parts_en}. That takes at least "
            f"{percent(share)}% of the time.",
            f"内存带宽：每生成一个 token {at_once.zh}需读取{parts_zh}，至少占 {percent(share)}% 的时间。",
        )
    figures = {"bytes": total, "used": steps * total}
    return Limit("bandwidth", sentence, "choose_model", min(1.0, share), figures)


def with_advice(limit: Limit, running: Running) -> Limit:
    """The sentence about bandwidth with what would be quicker: a smaller quant, but not below 4 bits."""
    if running.kernels < FEW_BITS:
        more = Phrase("A smaller model would be quicker.", "更小的模型会更快。")
    else:
        more = Phrase("A smaller quant or model would be quicker.", "更小的量化或模型会更快。")
    return replace(limit, sentence=joined(limit.sentence, more))


def _at_once(answers: float) -> Phrase:
    if answers < 1.5:
        return NOTHING
    return Phrase(f" of {answers:.0f} answers at once", f"（{answers:.0f} 个回答同时）")


def _memory(reader: Reader) -> Phrase:
    if reader.kind == "cpu":
        return Phrase("main memory", "内存")
    return Phrase(reader.title, f"{reader.title} ")


def _computing(stretch: Stretch, running: Running, share: float) -> Limit | None:
    """Whoever computes is fully used, and the memory is not: of a card both must be told, since a card counts as used
    while it waits for its memory too; a processor has nothing else to wait for."""
    if share >= HALF:
        return None
    who: Phrase | None = None
    if not running.on_gpu:
        cores, threads = stretch.mean(lambda one: one.cpu_own), running.model.threads
        if cores is not None and threads and cores >= FULL_USE * threads:
            busy = "the thread is" if threads == 1 else f"the {threads} threads are"
            who = Phrase(f"{busy} fully in use", f"{threads} 个线程已满载")
    elif running.on_cpu is None:
        who = next(filter(None, map(_busy_card, stretch.cards())), None)
    if who is None:
        return None
    few_bits = running.kernels < FEW_BITS
    why = (
        Phrase(
            f"{running.quant} takes more arithmetic than it saves reading; 4 bits are about as quick, and better.",
            f"{running.quant} 的计算开销超过了少读数据的收益；4 位量化速度相近而质量更好。",
        )
        if few_bits
        else NOTHING
    )
    sentence = Phrase(
        f"Arithmetic: {who.en}, the memory's bandwidth only {percent(share)}%.",
        f"计算：{who.zh}，内存带宽仅用 {percent(share)}%。",
    )
    return Limit("compute", joined(sentence, why), "choose_model" if few_bits else None, share)


def _busy_card(one: CardStretch) -> Phrase | None:
    use, reading = one.mean(lambda card: card.use), one.mean(lambda card: card.memory_use)
    if use is None or reading is None or use < FULL_USE or reading >= HALF:
        return None
    return Phrase(f"{one.card.name} is {percent(use)}% in use", f"{one.card.name} 使用率 {percent(use)}%")


def _nothing(decode: float, share: float | None) -> Limit:
    used = NOTHING
    if share is not None:
        used = Phrase(f", {percent(share)}% of the memory bandwidth in use", f"，内存带宽使用 {percent(share)}%")
    sentence = Phrase(
        f"Nothing holds it back: {per_s(decode)} tokens per second{used.en}.",
        f"没有瓶颈：每秒 {per_s(decode)} 个 token{used.zh}。",
    )
    return Limit("nothing", sentence, share=share, figures={"decode": decode})


def _unknown() -> Limit:
    return Limit(
        "unknown",
        Phrase(
            "The figures that this computer gives do not show what decides the speed.",
            "本机提供的数据不足以判断速度受什么限制。",
        ),
    )
