"""What holds it back: each cause by the figures that show it, none that they do not show, and what stands first."""

import math
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.hardware.samples import GpuSample, Program, SystemSample, Throttle
from backends.monitor.holding import Here, Possible, limits
from backends.monitor.holding_pace import bandwidth
from backends.monitor.types import Limit, Sample
from tests.kit.held_back import (
    GIB,
    LAPTOP,
    NO_NAME,
    PC,
    TWO_CARDS,
    card,
    machine,
    on,
    seconds,
    system,
)

ON_PC = Here(("NVIDIA GeForce RTX 3060",))
FEW_BITS = "IQ2_S"


def kinds(found: Sequence[Limit]) -> list[str]:
    return [one.kind for one in found]


# ---- memory bandwidth


def test_a_model_on_the_processor_is_held_back_by_its_memory() -> None:
    """51.2 GB/s of two modules, of which llama.cpp gets 65%; 4.7 GB a token at 6.2 tokens a second are 29."""
    (limit,) = limits(seconds(decode=6.2), on(LAPTOP))
    assert limit.kind == "bandwidth"
    assert limit.remedy == "choose_model"
    assert limit.share == pytest.approx(0.87, abs=0.01)
    assert "reads 4.7 GB for each token. 29 GB/s of at most 33 GB/s of main memory are used (87%)" in limit.sentence.en
    assert "需读取 4.7 GB" in limit.sentence.zh


def test_what_was_measured_here_counts_more_than_the_modules() -> None:
    (limit,) = limits(seconds(decode=6.2), on(LAPTOP, measured=40e9))
    assert limit.share == pytest.approx(6.2 * 4.678e9 / 40e9, abs=0.01)


def test_more_than_was_thought_possible_is_all_of_it() -> None:
    (limit,) = limits(seconds(decode=9.0), on(LAPTOP))
    assert limit.share == 1.0
    assert "42 GB/s of at most 42 GB/s" in limit.sentence.en
    assert "(100%)" in limit.sentence.en


def test_the_cache_is_read_too() -> None:
    empty, full = (limits(seconds(decode=5.0, kv_used=cells), on(LAPTOP))[0] for cells in (0, 16000))
    assert full.figures["bytes"] - empty.figures["bytes"] == pytest.approx(16000 * 36 * 2 * 8 * 128 * 2)


def test_several_answers_share_a_reading() -> None:
    """Four at once at 20 tokens a second are 5 steps, and each step reads the weights once."""
    (limit,) = limits(seconds(decode=20.0, running=4), on(LAPTOP))
    assert limit.figures["used"] == pytest.approx(5.0 * limit.figures["bytes"])
    assert "of 4 answers at once" in limit.sentence.en


def test_words_that_were_guessed_cost_no_reading() -> None:
    """30 tokens came of 6 steps a second."""
    (limit,) = limits(seconds(decode=30.0, steps=6.0), on(LAPTOP))
    assert limit.figures["used"] == pytest.approx(6.0 * limit.figures["bytes"])


def test_of_a_mixture_of_experts_only_those_are_read_that_are_used() -> None:
    (mixture,) = limits(seconds(decode=19.0), on(LAPTOP, model="v2-lite-chat"))
    model = on(machine(), model="v2-lite-chat")
    assert mixture.kind == "bandwidth"
    assert mixture.figures["bytes"] < 0.25 * model.model.size
    assert model.bytes(8) > 2 * model.bytes(1)  # eight answers use more of the experts, but not eight times as many
    assert model.bytes(8) < 6 * model.bytes(1)


def test_a_card_by_its_name() -> None:
    (limit,) = limits(seconds(decode=50.0, cards=[card()]), on(PC, layers=36), ON_PC)
    assert limit.kind == "bandwidth"
    assert "259 GB/s of NVIDIA GeForce RTX 3060" in limit.sentence.en


def test_two_cards_after_one_another_and_at_once() -> None:
    """Layers on one card and then on the other: their times add up. A part of every layer on each: they read at the
    same time, as one card of twice the bandwidth."""
    in_turn, at_once = (on(TWO_CARDS, layers=36, split=split) for split in ((18, 19), (37, 37)))
    assert [len(one.readers) for one in (in_turn, at_once)] == [2, 1]
    times = [sum(one.times() or ()) for one in (in_turn, at_once)]
    assert times[0] == pytest.approx(2 * times[1])
    assert sum(one.always for one in in_turn.readers) == pytest.approx(at_once.readers[0].always)


def test_nothing_is_claimed_of_memory_that_nobody_knows() -> None:
    """A card without a name that is known, and memory whose modules are not listed."""
    for where, layers in ((NO_NAME, 36), (machine(bandwidth=None), 0)):
        (limit,) = limits(seconds(decode=6.0), on(where, layers=layers), ON_PC if layers else None)
        assert limit.kind == "unknown"
        assert limit.remedy is None


def test_devices_that_only_the_engine_knows() -> None:
    """The model is on a card that no reader of this house found: its layers are not on the processor."""
    lies = on(LAPTOP, layers=36)
    assert [one.kind for one in lies.readers] == ["gpu"]
    assert kinds(limits(seconds(decode=6.0), lies, Here(("Vulkan0",)))) == ["unknown"]


def test_below_four_bits_a_smaller_quant_is_not_promised() -> None:
    few, many = on(LAPTOP, quant=FEW_BITS, model="r1-distill-qwen-14b"), on(LAPTOP)
    said = [limits(seconds(decode=0.85 * 33.28e9 / one.bytes()), one)[0].sentence.en for one in (few, many)]
    assert said[0].endswith("A smaller model would be quicker.")
    assert said[1].endswith("A smaller quant or model would be quicker.")


# ---- where the layers are


def test_a_card_that_this_engine_cannot_use() -> None:
    found = limits(seconds(decode=6.0, cards=[card(memory_own=0, use=0.0)]), on(LAPTOP))
    assert kinds(found)[:2] == ["unused_gpu", "bandwidth"]
    assert "there is NVIDIA GeForce RTX 3060" in found[0].sentence.en
    assert found[0].remedy == "doctor"


def test_layers_were_asked_for_and_there_is_no_card() -> None:
    every, some = (limits(seconds(decode=6.0), on(LAPTOP, asked=asked))[0] for asked in (-1, 20))
    assert [one.kind for one in (every, some)] == ["unused_gpu", "unused_gpu"]
    assert every.sentence.en.startswith("All layers were to be on a graphics card")
    assert some.sentence.en.startswith("20 layers")
    assert kinds(limits(seconds(decode=6.0), on(LAPTOP), Here(gpu_layers=12)))[0] == "unused_gpu"


def test_no_card_and_none_asked_for_is_no_fault() -> None:
    assert "unused_gpu" not in kinds(limits(seconds(decode=6.0), on(LAPTOP)))


def test_graphics_inside_a_processor_is_no_card_that_is_missed() -> None:
    inside = card("Intel UHD 770", unified=True, vendor="intel")
    assert "unused_gpu" not in kinds(limits(seconds(decode=6.0, cards=[inside]), on(LAPTOP)))


def test_the_settings_keep_it_off_the_card() -> None:
    limit = limits(seconds(decode=6.0, cards=[card()]), on(PC), Here(("RTX 3060",), gpu_layers=0))[0]
    assert (limit.kind, limit.remedy) == ("unused_gpu", "settings_engine")


def test_it_was_loaded_when_the_card_was_full() -> None:
    here = Here(("RTX 3060",), possible=Possible(36))
    limit = limits(seconds(cards=[card()]), on(PC), here)[0]
    assert (limit.kind, limit.remedy) == ("unused_gpu", "plan_again")
    assert "all 36 layers would fit RTX 3060 now" in limit.sentence.en


def test_layers_on_the_processor_and_what_they_cost() -> None:
    found = limits(seconds(decode=14.0, cards=[card()]), on(PC, layers=24), ON_PC)
    assert kinds(found)[0] == "cpu_layers"
    assert found[0].share == pytest.approx(0.35, abs=0.01)
    assert found[0].sentence.en.startswith("12 of 36 layers are on the processor. Reading them takes at least 35%")
    assert found[0].remedy == "choose_model"


def test_more_layers_would_fit_now() -> None:
    limit = limits(seconds(cards=[card()]), on(PC, layers=24), Here(("RTX 3060",), possible=Possible(30)))[0]
    assert (limit.kind, limit.remedy) == ("cpu_layers", "more_layers")
    assert "30 layers would fit the card now" in limit.sentence.en
    assert limit.figures == {"layers": 24.0, "of": 36.0}


def test_experts_in_main_memory_are_told_as_such() -> None:
    model = on(PC, model="v2-lite-chat", layers=27, experts_on_cpu=10)
    limit = next(one for one in limits(seconds(cards=[card()]), model, ON_PC) if one.kind == "cpu_layers")
    assert limit.sentence.en.startswith("The experts of 10 of 27 layers are in main memory")


@pytest.mark.parametrize(
    ("possible", "remedy", "words"),
    [
        (Possible(24, small_kv=30, shorter=8192, shorter_layers=36), "small_kv", "In q8_0 it takes about half"),
        (Possible(24, shorter=8192, shorter_layers=36), "shorter_context", "With 8,192 tokens, all 36 layers"),
    ],
)
def test_the_context_takes_the_room(possible: Possible, remedy: str, words: str) -> None:
    found = limits(seconds(cards=[card()]), on(PC, layers=24), Here(("RTX 3060",), possible=possible))
    assert kinds(found) == ["context", "cpu_layers", "idle"]
    assert found[0].remedy == remedy
    assert "16,384 tokens takes 2.2 GiB" in found[0].sentence.en
    assert words in found[0].sentence.en


def test_nothing_is_said_of_the_context_where_less_would_not_help() -> None:
    found = limits(seconds(cards=[card()]), on(PC, layers=24), Here(("RTX 3060",), possible=Possible(24, small_kv=24)))
    assert kinds(found) == ["cpu_layers", "idle"]


def test_other_programs_hold_the_memory() -> None:
    full = card(
        memory_used=11 * GIB,
        memory_own=6 * GIB,
        programs=(Program("blender", 4 * GIB), Program("game", GIB), Program("a", 9), Program("b", 8)),
    )
    here = Here(("RTX 3060",), possible=Possible(24, alone=36))
    found = limits(seconds(cards=[full]), on(PC, layers=24), here)
    assert kinds(found)[0] == "other_program"
    assert found[0].sentence.en.startswith("blender, game, a and 1 other hold 5.0 GiB of the memory")
    assert "all 36 layers would fit there; now it is 24" in found[0].sentence.en
    assert found[0].remedy == "unload_others"


def test_others_are_not_blamed_where_their_memory_would_not_help() -> None:
    full = card(memory_used=11 * GIB, memory_own=6 * GIB)
    here = Here(("RTX 3060",), possible=Possible(24, alone=24))
    assert "other_program" not in kinds(limits(seconds(cards=[full]), on(PC, layers=24), here))
    desktop = card(memory_used=6 * GIB + (300 << 20), memory_own=6 * GIB)
    here = Here(("RTX 3060",), possible=Possible(24, alone=36))
    assert "other_program" not in kinds(limits(seconds(cards=[desktop]), on(PC, layers=24), here))


# ---- heat, power, memory, disk, battery


def test_a_card_that_is_too_hot() -> None:
    hot = card(throttles=("heat",), temperature=87.0, clock=1200.0)
    found = limits(seconds(decode=30.0, cards=[hot]), on(PC, layers=36), ON_PC)
    assert kinds(found) == ["heat"]
    assert (
        "NVIDIA GeForce RTX 3060 is too hot (87 °C) and slows itself down: 1,200 of 1,900 MHz" in found[0].sentence.en
    )


def test_a_moment_of_heat_is_none() -> None:
    hot = seconds(3, cards=[card(throttles=("heat",))], decode=30.0)
    cool = seconds(7, cards=[card()], decode=30.0, begin=3)
    assert "heat" not in kinds(limits([*hot, *cool], on(PC, layers=36), ON_PC))


def test_a_hot_card_that_does_nothing_here_is_not_blamed() -> None:
    """The other card plays a game; and the model is on the processor alone."""
    game = card("Other", key="1", throttles=("heat",), memory_own=0)
    assert "heat" not in kinds(limits(seconds(decode=30.0, cards=[card(), game]), on(PC, layers=36), ON_PC))
    assert "heat" not in kinds(limits(seconds(decode=5.0, cards=[game]), on(LAPTOP)))


def test_a_hot_processor() -> None:
    hot = system(cpu_throttled=True, cpu_temperature=97.0, cpu_clock=2100.0)
    found = limits(seconds(decode=3.0, machine=hot), on(LAPTOP))
    assert kinds(found) == ["heat"]
    assert "too hot (97 °C)" in found[0].sentence.en
    assert "2.1 of 5.3 GHz" in found[0].sentence.en
    unknown = limits(seconds(decode=3.0, machine=system(cpu_throttled=True, cpu_temperature=None)), on(LAPTOP))
    assert "its limit of heat or power" in unknown[0].sentence.en


def test_a_power_limit_is_said_where_it_costs_something() -> None:
    at_limit = card(throttles=("power",), power=170.0)
    slow, fast = (limits(seconds(decode=rate, cards=[at_limit]), on(PC, layers=36), ON_PC) for rate in (30.0, 54.0))
    assert kinds(slow) == ["power"]
    assert "(170 of 170 W)" in slow[0].sentence.en
    assert kinds(fast) == ["bandwidth"]


@pytest.mark.parametrize("reason", ["power_brake", "hardware"])
def test_a_card_that_protects_itself(reason: Throttle) -> None:
    found = limits(seconds(decode=9.0, cards=[card(throttles=(reason,))]), on(PC, layers=36), ON_PC)
    assert kinds(found) == ["power"]
    assert "power supply" in found[0].sentence.en


def test_swapping_comes_first() -> None:
    full = system(swapped_in=30e6, swapped_out=8e6, memory_available=GIB // 2)
    found = limits(seconds(decode=1.0, machine=full, cards=[card(memory_own=0)]), on(LAPTOP))
    assert kinds(found)[0] == "swapping"
    assert found[0].sentence.en.startswith("The memory is full: 38 MB/s go to and from the swap")
    assert (found[0].remedy, found[0].figures["context_to"]) == ("shorter_context", 8192.0)
    short = limits(seconds(decode=1.0, machine=full), on(LAPTOP, context=4096))
    assert short[0].remedy == "choose_model"
    assert kinds(limits(seconds(machine=full), None)) == ["swapping", "no_model"]


def test_a_few_pages_are_no_swapping() -> None:
    assert "swapping" not in kinds(limits(seconds(decode=6.0, machine=system(swapped_in=1e6)), on(LAPTOP)))


def test_weights_that_come_from_the_disk() -> None:
    found = limits(seconds(decode=0.5, machine=system(disk_read=300e6, page_ins=900.0)), on(LAPTOP))
    assert kinds(found) == ["disk"]
    assert "300 MB/s are read from the disk" in found[0].sentence.en


def test_a_document_that_is_read_is_not_the_models_fault() -> None:
    """Read in the usual way: nobody waits for pages. Where that is not told, the weights would have to fill memory."""
    for quiet in (system(disk_read=300e6, page_ins=0.0), system(disk_read=300e6, page_ins=None)):
        assert "disk" not in kinds(limits(seconds(decode=6.0, machine=quiet), on(LAPTOP)))
    small = system(disk_read=300e6, page_ins=None, memory_total=4 * GIB)
    assert "disk" in kinds(limits(seconds(decode=0.5, machine=small), on(LAPTOP)))


def test_a_battery_that_holds_the_clock_down() -> None:
    found = limits(seconds(decode=3.0, machine=system(on_battery=True, cpu_clock=1600.0)), on(LAPTOP))
    assert kinds(found) == ["battery"]
    assert "1.6 of 5.3 GHz" in found[0].sentence.en
    assert "battery" not in kinds(limits(seconds(decode=3.0, machine=system(on_battery=True)), on(LAPTOP)))
    assert "battery" not in kinds(limits(seconds(decode=3.0, machine=system(cpu_clock=1600.0)), on(LAPTOP)))


# ---- the pace of what is well


def test_a_prompt_that_is_read() -> None:
    (limit,) = limits(seconds(prefill=812.0, cached_tokens=300, cards=[card()]), on(PC, layers=36), ON_PC)
    assert (limit.kind, limit.remedy) == ("prompt", None)
    assert "812 tokens per second" in limit.sentence.en
    assert "27% of it was known already" in limit.sentence.en
    assert "显卡" in limit.sentence.zh
    more = limits(seconds(prefill=99.0), on(PC, layers=20), Here(("RTX 3060",), possible=Possible(36)))
    assert next(one for one in more if one.kind == "prompt").remedy == "more_layers"


def test_a_short_prompt_before_a_long_answer_is_not_what_it_is_about() -> None:
    samples = [*seconds(1, prefill=800.0), *seconds(9, decode=6.2, begin=1)]
    assert kinds(limits(samples, on(LAPTOP))) == ["bandwidth"]
    long_since_read = [*seconds(5, prefill=99.0), *seconds(2, decode=6.2, begin=5)]
    assert kinds(limits(long_since_read, on(LAPTOP))) == ["bandwidth"]


def test_questions_that_wait() -> None:
    found = limits(seconds(decode=6.2, running=4, waiting=3), on(LAPTOP))
    assert kinds(found)[0] == "waiting"
    assert "3 questions wait for a turn: 4 are answered at the same time" in found[0].sentence.en
    room = limits(seconds(decode=6.2, running=2, waiting=1, kv_used=16384), on(LAPTOP))
    assert "1 question waits for room" in room[0].sentence.en


def test_arithmetic_where_the_memory_is_not_what_is_waited_for() -> None:
    found = limits(seconds(decode=3.0), on(LAPTOP))
    assert kinds(found) == ["compute"]
    assert "the 8 threads are fully in use" in found[0].sentence.en
    reading = limits(seconds(decode=20.0, cards=[card(memory_use=0.3)]), on(PC, layers=36), ON_PC)
    assert kinds(reading) == ["compute"]
    unknown = limits(seconds(decode=20.0, cards=[card()]), on(PC, layers=36), ON_PC)
    assert kinds(unknown) == ["nothing"]  # a card counts as used while it waits for its memory


def test_a_quant_of_few_bits_costs_arithmetic() -> None:
    few = on(LAPTOP, quant=FEW_BITS, model="r1-distill-qwen-14b")
    (limit,) = limits(seconds(decode=0.4 * 33.28e9 / few.bytes()), few)
    assert (limit.kind, limit.remedy) == ("compute", "choose_model")
    assert "IQ2_S takes more arithmetic than it saves reading" in limit.sentence.en


def test_nothing_holds_it_back() -> None:
    (limit,) = limits(seconds(decode=30.0, cards=[card(use=0.6)]), on(PC, layers=36), ON_PC)
    assert limit.kind == "nothing"
    assert limit.sentence.en == "Nothing holds it back: 30 tokens per second, 54% of the memory bandwidth in use."
    assert limit.remedy is None


def test_before_and_after_an_answer() -> None:
    assert kinds(limits([], None)) == ["no_model"]
    assert kinds(limits([], on(LAPTOP))) == ["idle"]
    assert kinds(limits(seconds(), on(LAPTOP))) == ["idle"]
    begun = limits(seconds(1, running=1), on(LAPTOP))
    assert begun[0].sentence.en == "An answer has just begun."
    just_over = [*seconds(8, decode=6.2), *seconds(4, begin=8)]
    assert kinds(limits(just_over, on(LAPTOP))) == ["bandwidth"]
    long_over = [*seconds(8, decode=6.2), *seconds(30, begin=8)]
    assert kinds(limits(long_over, on(LAPTOP))) == ["idle"]


def test_the_sentence_for_a_measurement() -> None:
    """What `deskseek bench` says: the same, from one figure."""
    model = on(LAPTOP)
    assert bandwidth(model, 6.2).share == pytest.approx(0.87, abs=0.01)


# ---- whatever the figures are

_share = st.none() | st.floats(0, 1)
_rate = st.none() | st.floats(0, 1e12)
_SYSTEMS = st.builds(
    SystemSample,
    cpu_own=_rate, cpu_clock=_rate, cpu_clock_limit=_rate, cpu_temperature=_rate,
    cpu_throttled=st.none() | st.booleans(),
    memory_total=st.none() | st.integers(0, 1 << 50), memory_available=st.none() | st.integers(0, 1 << 50),
    swapped_in=_rate, swapped_out=_rate, disk_read=_rate, page_ins=_rate, on_battery=st.none() | st.booleans(),
)  # fmt: skip
_CARDS = st.builds(
    GpuSample,
    st.sampled_from(("a", "b")), st.just("Card"), st.just("nvidia"),
    st.sampled_from(("ok", "lost", "silent", "denied")),
    use=_share, memory_use=_share, memory_total=st.none() | st.integers(0, 1 << 40),
    memory_used=st.none() | st.integers(0, 1 << 40), memory_own=st.none() | st.integers(0, 1 << 40),
    power=_rate, power_limit=_rate, temperature=_rate, clock=_rate, clock_limit=_rate,
    throttles=st.none() | st.lists(st.sampled_from(("heat", "power", "power_brake", "hardware", "other"))).map(tuple),
)  # fmt: skip
_layers = st.none() | st.integers(0, 40)
_POSSIBLE = st.none() | st.builds(
    Possible, st.integers(0, 40), _layers, st.none() | st.integers(1, 99999), _layers, _layers
)
_HERE = st.builds(Here, st.sampled_from(((), ("RTX",))), st.integers(-1, 40), _POSSIBLE)
_MODELS = st.sampled_from(
    (on(LAPTOP), on(LAPTOP, asked=-1), on(PC, layers=36), on(PC, layers=7), on(NO_NAME, layers=36), on(PC, layers=0),
     on(TWO_CARDS, layers=36, split=(18, 19)), on(PC, model="v2-lite-chat", layers=27, experts_on_cpu=9))
)  # fmt: skip


@st.composite
def _stretches(draw: st.DrawFn) -> list[Sample]:
    found = []
    for begin in range(draw(st.integers(0, 4))):
        found += seconds(
            1,
            begin=begin,
            cards=draw(st.lists(_CARDS, max_size=2)),
            machine=draw(_SYSTEMS),
            decode=draw(_rate),
            prefill=draw(_rate),
            running=draw(st.integers(0, 20)),
            waiting=draw(st.integers(0, 3)),
            steps=draw(_rate),
            kv_used=draw(st.integers(0, 1 << 20)),
            cached_tokens=draw(st.integers(0, 9)),
        )
    return found


@settings(max_examples=150, deadline=None)
@given(_stretches(), _MODELS, _HERE)
def test_whatever_the_figures_are_something_is_said_once_in_both_languages(
    samples: list[Sample], model: object, here: Here
) -> None:
    found = limits(samples, model, here)  # type: ignore[arg-type]
    assert found
    for one in found:
        assert one.sentence.en
        assert one.sentence.zh
        assert "nan" not in one.sentence.en.lower().split()
        assert one.share is None or (0 <= one.share <= 1 and not math.isnan(one.share))
    said = [one.sentence.en for one in found]
    assert len(set(said)) == len(said)
    last = [one.kind for one in found if one.kind in ("nothing", "unknown")]
    assert not last or len(found) == 1
