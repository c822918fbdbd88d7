"""What holds a model back because the machine cannot do more now: heat, power, full memory, the disk, the battery."""

from collections.abc import Iterator

from backends.core.phrase import NOTHING, Phrase
from backends.monitor.holding_facts import gb, ghz, gib, joined
from backends.monitor.reading import Running
from backends.monitor.stretch import CardStretch, Stretch
from backends.monitor.types import Limit, Remedy

SWAPPING = 4e6  # bytes a second, in and out; less is pages that nobody misses
LEAST_CONTEXT = 4096  # tokens: a shorter one is no remedy
LARGE_CACHE = 512 << 20  # bytes of main memory that a shorter context could give back
FROM_DISK = 16e6  # bytes a second
PAGE_INS = 50.0  # a second
ALL_MEMORY = 0.9  # of it, taken by weights that lie there: where waits for the disk are not counted
HELD_DOWN = 0.7  # of the highest clock; all cores together rarely reach much more than 0.8
HOT = 85.0  # °C, from which a processor's word "slowed down" is about heat


def of_memory(stretch: Stretch, running: Running | None) -> Iterator[Limit]:
    """Swapping, and weights that come from the disk again and again."""
    moved = [
        stretch.mean(lambda one: one.swapped_in, busy=False),
        stretch.mean(lambda one: one.swapped_out, busy=False),
    ]
    swapped = sum(one for one in moved if one is not None)
    if swapped >= SWAPPING:
        yield _swapping(stretch, running, swapped)
    if running is not None and stretch.busy and (read := _from_disk(stretch, running)):
        yield Limit(
            "disk",
            Phrase(
                f"The weights do not stay in memory: {gb(read)}/s are read from the disk while it answers. A smaller "
                "model or quant would stay.",
                f"模型权重无法常驻内存：回答时仍以 {gb(read)}/s 从磁盘读取。更小的模型或量化可常驻内存。",
            ),
            "choose_model",
            figures={"read": read},
        )


def _swapping(stretch: Stretch, running: Running | None, swapped: float) -> Limit:
    system = stretch.system
    what = Phrase(
        f"The memory is full: {gb(swapped)}/s go to and from the swap on the disk, which is far slower.",
        f"内存已满：正以 {gb(swapped)}/s 与磁盘上的交换区来回交换，速度远低于内存。",
    )
    left = NOTHING
    if system.memory_available is not None and system.memory_total:
        left = Phrase(
            f"{gib(system.memory_available)} of {gib(system.memory_total)} are free.",
            f"{gib(system.memory_total)} 中仅剩 {gib(system.memory_available)}。",
        )
    figures, remedy = {"swapped": swapped}, None
    if running is not None:
        remedy = _smaller(running)
        if remedy == "shorter_context":
            figures["context_to"] = float(max(LEAST_CONTEXT, running.model.context // 2))
    return Limit("swapping", joined(what, left), remedy, figures=figures)


def _smaller(running: Running) -> Remedy:
    """What takes less of main memory: half the context where that is much, else a smaller model."""
    host = running.on_cpu
    cache = host.per_cell * running.model.context if host else 0.0
    is_long = running.model.context > LEAST_CONTEXT
    return "shorter_context" if is_long and cache / 2 >= LARGE_CACHE else "choose_model"


def _from_disk(stretch: Stretch, running: Running) -> float | None:
    """Bytes a second that are read because weights are not in memory; None if something else may read them."""
    read, waits = stretch.mean(lambda one: one.disk_read), stretch.mean(lambda one: one.page_ins)
    host, total = running.on_cpu, stretch.system.memory_total
    if read is None or read < FROM_DISK or host is None:
        return None
    if waits is not None:
        return read if waits >= PAGE_INS else None
    return read if total and host.always + host.routed >= ALL_MEMORY * total else None


# ---- heat


def of_heat(stretch: Stretch, running: Running) -> Iterator[Limit]:
    for one in stretch.cards() if running.on_gpu else ():
        if one.throttles("heat"):
            yield _hot_card(one)
    if running.on_cpu is not None and stretch.throttled():
        yield _hot_processor(stretch)


def _hot_card(one: CardStretch) -> Limit:
    card, temperature = one.card, one.mean(lambda card: card.temperature)
    at = Phrase(f" ({temperature:.0f} °C)", f"（{temperature:.0f} °C）") if temperature is not None else NOTHING
    clocks = _card_clocks(one)
    sentence = Phrase(
        f"{card.name} is too hot{at.en} and slows itself down{clocks.en}. More air helps: fans, dust, room around it.",
        f"{card.name} 过热{at.zh}，正在自行降速{clocks.zh}。请改善散热：检查风扇、清理灰尘、留出通风空间。",
    )
    return Limit("heat", sentence, figures={"temperature": temperature} if temperature is not None else {})


def _hot_processor(stretch: Stretch) -> Limit:
    temperature = stretch.mean(lambda one: one.cpu_temperature)
    clock, top = stretch.mean(lambda one: one.cpu_clock), stretch.system.cpu_clock_limit
    clocks = (
        Phrase(f": {ghz(clock)} of {ghz(top)} GHz", f"：{ghz(clock)} GHz（最高 {ghz(top)} GHz）")
        if clock and top
        else NOTHING
    )
    if temperature is not None and temperature >= HOT:
        why = Phrase(f"is too hot ({temperature:.0f} °C) and slows", f"过热（{temperature:.0f} °C），正在")
    else:
        why = Phrase("has reached its limit of heat or power and slows", "已达到温度或功耗上限，正在")
    sentence = Phrase(
        f"The processor {why.en} itself down{clocks.en}. More air helps: fans, dust, room around it.",
        f"处理器{why.zh}自行降速{clocks.zh}。请改善散热：检查风扇、清理灰尘、留出通风空间。",
    )
    return Limit("heat", sentence, figures={"temperature": temperature} if temperature is not None else {})


def _card_clocks(one: CardStretch) -> Phrase:
    clock, top = one.mean(lambda card: card.clock), one.card.clock_limit
    if not clock or not top or clock >= top:
        return NOTHING
    return Phrase(f": {clock:,.0f} of {top:,.0f} MHz", f"：{clock:,.0f} MHz（最高 {top:,.0f} MHz）")


# ---- power


def of_power(stretch: Stretch, running: Running) -> Iterator[Limit]:
    for one in stretch.cards() if running.on_gpu else ():
        card, clocks = one.card, _card_clocks(one)
        if one.throttles("power_brake", "hardware"):
            yield Limit(
                "power",
                Phrase(
                    f"{card.name} is slowed down to protect itself or the power supply{clocks.en}. See whether its "
                    "power cables and the power supply are right for it.",
                    f"{card.name} 因硬件或电源保护而降速{clocks.zh}。请检查供电线和电源是否满足要求。",
                ),
            )
        elif one.throttles("power"):
            yield _power_limit(one, clocks)


def _power_limit(one: CardStretch, clocks: Phrase) -> Limit:
    card, power = one.card, one.mean(lambda card: card.power)
    at = NOTHING
    if power is not None and card.power_limit:
        at = Phrase(f" ({power:.0f} of {card.power_limit:.0f} W)", f"（{power:.0f} / {card.power_limit:.0f} W）")
    sentence = Phrase(
        f"{card.name} is at its power limit{at.en} and holds its clock there{clocks.en}.",
        f"{card.name} 已达到功耗上限{at.zh}，频率受此限制{clocks.zh}。",
    )
    share = min(1.0, power / card.power_limit) if power is not None and card.power_limit else None
    return Limit("power", sentence, share=share)


def of_battery(stretch: Stretch, running: Running) -> Iterator[Limit]:
    if not stretch.system.on_battery:
        return
    clock, top = stretch.mean(lambda one: one.cpu_clock), stretch.system.cpu_clock_limit
    lowered = [(clock / 1000, top / 1000)] if running.on_cpu is not None and clock and top else []
    for one in stretch.cards() if running.on_gpu else ():
        if (now := one.mean(lambda card: card.clock)) and one.card.clock_limit:
            lowered.append((now / 1000, one.card.clock_limit / 1000))
    held = [(now, best) for now, best in lowered if now < HELD_DOWN * best]
    if held:
        now, best = min(held, key=lambda pair: pair[0] / pair[1])
        sentence = Phrase(
            f"This computer runs on its battery and holds the clock down: {now:.1f} of {best:.1f} GHz. Plugged in it "
            "is quicker.",
            f"电脑正在使用电池，频率受限：{now:.1f} GHz（最高 {best:.1f} GHz）。接通电源后会更快。",
        )
        yield Limit("battery", sentence, share=now / best)
