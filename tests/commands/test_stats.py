"""`stats`: what each model did, by day: for people, for scripts, for spreadsheets."""

import csv
import io
import json
import time

from backends.engine.figures import Work
from backends.monitor.statistics import Sum, day_of
from tests.commands.conftest import Inside
from tests.kit.shell import Shell

DAY = 86_400
WORK = Work(
    prompt_tokens=12_000,
    cached_tokens=3000,
    prefill_seconds=24.0,
    generated_tokens=4000,
    decoded_tokens=3990,
    decode_seconds=100.0,
    decode_steps=3990,
    busy_seconds=124.0,
    begun=10,
    first_token_seconds=26.0,
    answers=10,
)


def kept(inside: Inside) -> tuple[str, str]:
    """Today, and a day 40 days ago."""
    now = time.time()
    today, long_ago = day_of(now), day_of(now - 40 * DAY)
    sums = {
        (today, "r1-0528-qwen3-8b:Q4_K_M"): Sum(WORK, 12.5),
        (today, "=1+1"): Sum(Work(answers=1, busy_seconds=0.5)),
        (long_ago, "r1-0528-qwen3-8b:Q4_K_M"): Sum(WORK, None),
    }
    inside.services.monitoring._history.write((), sums, 30)
    return today, long_ago


def test_days_for_people_in_both_languages(inside: Inside) -> None:
    today, long_ago = kept(inside)
    said = inside.run("stats")
    assert said.code == 0
    head, first, second = said.out.splitlines()
    assert head.split() == ["Day", "Model", "Answers", "Read", "Written", "Speed", "Computed"]
    assert first.split() == [
        today,
        "r1-0528-qwen3-8b:Q4_K_M",
        "10",
        "12,000",
        "4,000",
        "40",
        "tokens/s",
        "2",
        "min",
        "4",
        "s",
    ]
    assert second.split()[:3] == [today, "=1+1", "1"]
    assert "–" in second
    assert max(map(len, (head, first, second))) <= 90
    assert long_ago in inside.run("stats", "--days", "60").out
    assert "日期" in inside.run("--language", "zh", "stats").out


def test_days_for_scripts(inside: Inside) -> None:
    today, _ = kept(inside)
    first, second = inside.run("stats", "--json").json["days"]
    assert (first["day"], first["model"], first["answers"]) == (today, "r1-0528-qwen3-8b:Q4_K_M", 10)
    assert (first["prefill"], first["decode"], first["first_token"], first["energy"]) == (500.0, 39.9, 2.6, 12.5)
    assert (second["decode"], second["energy"]) == (None, None)
    assert len(inside.run("stats", "--days", "731", "--json").json["days"]) == 3


def test_days_for_spreadsheets(inside: Inside) -> None:
    kept(inside)
    first, second = csv.DictReader(io.StringIO(inside.run("stats", "--csv").out))
    assert first["decode [tokens/s]"] == "39.900"
    assert second["model"] == "'=1+1"
    assert second["energy [Wh]"] == ""


def test_what_makes_no_sense(inside: Inside) -> None:
    assert inside.run("stats", "--csv", "--json").code == 2
    assert inside.run("stats", "--days", "0").code == 2
    assert inside.run("stats", "--days", "1000").code == 2


def test_a_machine_on_which_nothing_was_asked_yet(inside: Inside) -> None:
    assert inside.run("stats").out == "No model has answered yet.\n"
    assert inside.run("stats", "--json").json == {"days": []}


def test_an_answer_of_the_command_line_is_in_the_days(stocked: Shell) -> None:
    def answers() -> int:
        return sum(day["answers"] for day in stocked.run("stats", "--json").json["days"])

    before = answers()
    assert stocked.run("ask", "Hello!").code == 0
    assert answers() == before + 1


def test_what_was_counted_is_erased(inside: Inside) -> None:
    kept(inside)
    assert inside.run("stats", "--erase", "--csv").code == 2
    assert inside.run("--language", "zh", "stats", "--erase").out == "已全部清除。\n"
    assert json.loads(inside.run("--json", "stats").out) == {"days": []}
