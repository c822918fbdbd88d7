"""Verified citations: precision and recall on the labelled sentences, and on sentences changed by chance.

`--data FOLDER`: passages and questions of `shared/data/retrieval` (default: that folder, if it is there). Each sentence
of them is cited as it is and in part (supported), with one number, name or negation changed, two of them exchanged,
with another passage, and with the passage in the other language. `--wrong N`: show N that were wrongly verified.
"""

import argparse
import json
import lzma
import random
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from backends.chat.citations import citations
from backends.chat.sentences import sentences
from backends.chat.support import support
from backends.chat.types import Source

ROOT = Path(__file__).resolve().parents[2]
LABELLED = ROOT / "tests" / "data" / "citations"
SETS = {"squad11_dev": "en", "xquad_en": "en", "cmrc2018_dev": "zh", "xquad_zh": "zh"}
SUPPORTED = ("copied", "part", "reordered", "paraphrased")

HALVES = ("tuned", "held out", "traps", "answers")
ANSWER, SOURCES, LENGTH, TIME = 50, 20, 800, 0.1  # sentences, passages, characters of each, seconds of CPU

Case = tuple[str, str, str]  # kind, sentence, passage


def labelled() -> list[dict[str, Any]]:
    lines = (line for file in sorted(LABELLED.glob("*.jsonl")) for line in file.read_text("utf-8").splitlines())
    return [json.loads(line) for line in lines if line.strip()]


def fresh(half: str) -> list[tuple[str, str, list[Source], list[bool | None]]]:
    """Kind, answer, sources, and what must be said of each mark; half: one of HALVES."""
    found: list[tuple[str, str, list[Source], list[bool | None]]] = []
    for file in sorted(LABELLED.glob("*/*.jsonl")):
        for line in map(json.loads, file.read_text("utf-8").splitlines()):
            texts = enumerate(line["passages"], 1)
            sources = [Source(n, n, "", "", 1, "", 0, len(text), text) for n, text in texts]
            if line["half"] == half:
                found += [(one["kind"], one["answer"], sources, one["verified"]) for one in line["claims"]]
    return found


def judged(half: str) -> tuple[int, int, int]:
    """Rightly and wrongly `verified`, and how many should be."""
    right = wrong = able = 0
    for _, answer, sources, truths in fresh(half):
        for one, truth in zip(citations(answer, sources), truths, strict=True):
            able += truth is True
            right += one.verified is True and truth is True
            wrong += one.verified is True and truth is not True
    return right, wrong, able


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "retrieval")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--wrong", type=int, default=0)
    parser.add_argument("--missed", type=int, default=0)
    given = parser.parse_args(arguments)
    cases = [(one["kind"], one["sentence"], one["passage"]) for one in labelled()]
    if cases:
        right = [one["verified"] for one in labelled()]
        _report("labelled set", [(case, truth is True) for case, truth in zip(cases, right, strict=True)], given)
        both = [(case, truth is True) for case, truth in zip(cases, right, strict=True)]
        _report("labelled set, and changed by chance", both + [(case, False) for case in _changed_labelled()], given)
    for half in HALVES:
        right, wrong, able = judged(half)
        print(f"{half}: precision {right}/{right + wrong} = {right / max(1, right + wrong):.3f} (target 0.95), "
              f"recall {right / able:.3f}")  # fmt: skip
    seconds = min(_answer_checked() for _ in range(3))
    print(f"an answer of {ANSWER} sentences over {SOURCES} passages of {LENGTH} characters: {1000 * seconds:.0f} ms "
          f"of CPU ({seconds / TIME:.2f} of the target)")  # fmt: skip
    for name, language in SETS.items():
        if (given.data / name).is_dir():
            made = list(_made(given.data, name, language, 60 if given.quick else 400))
            _report(name, [(case, case[0] in SUPPORTED) for case in made], given)
    return 0


def _answer_checked() -> float:
    """Seconds of CPU for the marks of one long answer in each language, the longer of the two."""
    took: list[float] = []
    for chinese in (False, True):
        answer, sources = _long_answer(chinese)
        began = time.process_time()
        citations(answer, sources)
        took.append(time.process_time() - began)
    return max(took)


def _long_answer(chinese: bool) -> tuple[str, list[Source]]:
    """ANSWER sentences, and SOURCES passages of LENGTH characters: some of the labelled ones after each other."""
    cases = [(answer, sources[0].text) for half in HALVES for _, answer, sources, _ in fresh(half) if len(sources) == 1]
    cases = [case for case in cases if chinese is any("\u4e00" <= character <= "\u9fff" for character in case[0])]
    texts = list(dict.fromkeys(text for _, text in cases))
    answers = {text: [answer for answer, other in cases if other == text] for text in texts}
    sources: list[Source] = []
    said: list[str] = []
    place = 0
    while len(sources) < SOURCES:
        passage = ""
        while len(passage) < LENGTH:
            text = texts[place % len(texts)]
            if len(passage) + len(text) < LENGTH:
                said += [answer.replace("[1]", f"[{len(sources) + 1}]") for answer in answers[text]]
            passage += text + "\n"
            place += 1
        sources.append(Source(len(sources) + 1, len(sources) + 1, "", "", 1, "", 0, LENGTH, passage[:LENGTH]))
    return "\n\n".join(said[:: max(1, len(said) // ANSWER)][:ANSWER]), sources


def _report(name: str, cases: Sequence[tuple[Case, bool]], given: argparse.Namespace) -> None:
    verified: Counter[str] = Counter()
    total: Counter[str] = Counter()
    right = wrong = 0
    began = time.perf_counter()
    missed: list[Case] = []
    false: list[Case] = []
    for case, truth in cases:
        kind, sentence, passage = case
        said = support(sentence, passage).verified
        total[kind] += 1
        verified[kind] += said is True
        right += said is True and truth
        wrong += said is True and not truth
        (missed if truth and said is not True else false if said is True and not truth else []).append(case)
    took = time.perf_counter() - began
    able = sum(truth for _, truth in cases)
    print(f"{name}: precision {right / max(1, right + wrong):.3f} (target 0.95), recall {right / max(1, able):.3f}, "
          f"{1000 * took / len(cases):.1f} ms a sentence")  # fmt: skip
    print("   verified: " + ", ".join(f"{kind} {verified[kind]}/{total[kind]}" for kind in total))
    for label, some, most in (("WRONG", false, given.wrong), ("MISSED", missed, given.missed)):
        for kind, sentence, passage in random.Random(1).sample(some, min(most, len(some))):
            print(f"   {label} {kind}: {sentence}\n      {passage}")


# ---- sentences changed by chance

_NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][a-z]{2,}(?: [A-Z][a-z]{2,})*")


def _made(folder: Path, name: str, language: str, passages: int) -> Iterator[Case]:
    chance = random.Random(7)
    every = _read(folder / name / "passages.jsonl.xz")
    answers: dict[str, list[str]] = defaultdict(list)
    for query in _read(folder / name / "queries.jsonl.xz"):
        answers[query["gold"][0]] += [answer for answer in query["answers"] if not any(c.isdigit() for c in answer)]
    by_title: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in every:
        by_title[one["title"]].append(one)
    other_language = {}
    if name.startswith("xquad"):
        other = "xquad_zh" if language == "en" else "xquad_en"
        other_language = {one["pid"]: one["text"] for one in _read(folder / other / "passages.jsonl.xz")}
    pool = [answer for some in answers.values() for answer in some]
    for one in chance.sample(every, min(passages, len(every))):
        text = one["text"]
        places = [(a, b) for a, b in sentences(text) if 20 <= (b - a) * (3 if language == "zh" else 1) <= 600]
        for a, b in chance.sample(places, min(2, len(places))):
            sentence = text[a:b]
            yield "copied", sentence, text
            comma = "，" if language == "zh" else ", "
            clauses = [part for part in sentence.split(comma) if len(part) > (6 if language == "zh" else 25)]
            if len(clauses) > 1:
                yield "part", chance.choice(clauses), text
            yield from _changed(sentence, text, language, chance, answers[one["pid"]], pool)
            near = [other for other in by_title[one["title"]] if other["pid"] != one["pid"]]
            yield "wrong passage", sentence, chance.choice(near or every)["text"]
            if one["pid"] in other_language:
                yield "other language", sentence, other_language[one["pid"]]


def _changed_labelled() -> Iterator[Case]:
    """Of what is supported, paraphrases among it."""
    chance = random.Random(3)
    every = [one for one in labelled() if one["verified"] is True]
    pool = [name for one in every for name in _NAME.findall(one["passage"])]
    for one in every:
        language = "zh" if re.search("[\u4e00-\u9fff]", one["sentence"]) else "en"
        yield from _changed(one["sentence"], one["passage"], language, chance, (), pool)


def _changed(
    sentence: str, text: str, language: str, chance: random.Random, here: Sequence[str], pool: Sequence[str]
) -> Iterator[Case]:
    if numbers := list(_NUMBER.finditer(sentence)):
        one = chance.choice(numbers)
        others = [other for other in _NUMBER.findall(text) if _value(other) != _value(one.group())]
        new = str(int(re.sub(r"\D", "", one.group())[:9]) + chance.choice((1, 2, 10, 100)))
        yield "number changed", _put(sentence, one.span(), new), text
        if others:
            yield "number of the passage", _put(sentence, one.span(), chance.choice(others)), text
        if len(numbers) > 1 and _value(numbers[0].group()) != _value(numbers[-1].group()):
            first, last = numbers[0], numbers[-1]
            swapped = _put(_put(sentence, last.span(), first.group()), first.span(), last.group())
            yield "numbers exchanged", swapped, text
    names = [(m.start(), m.end()) for m in _NAME.finditer(sentence)] if language == "en" else []
    names += [
        (sentence.index(answer), sentence.index(answer) + len(answer))
        for answer in here
        if 2 <= len(answer) <= 24 and answer in sentence and (language == "zh" or answer[0].isupper())
    ]
    if names:
        place = chance.choice(names)
        old = sentence[slice(*place)]
        same = [
            n for n in pool if n[:1].isupper() == old[:1].isupper() and abs(len(n) - len(old)) < 12 and n not in text
        ]
        if same:
            yield "name changed", _put(sentence, place, chance.choice(same)), text
        inside = [n for n in (_NAME.findall(text) if language == "en" else here) if n not in old and old not in n]
        inside = [n for n in inside if n not in sentence and len(n) <= 24]
        if inside:
            yield "name of the passage", _put(sentence, place, chance.choice(inside)), text
    if (without := _turned(sentence, language)) != sentence:
        yield "not changed", without, text


def _value(number: str) -> str:
    return number.replace(",", "")


def _turned(sentence: str, language: str) -> str:
    """A negation taken out or put in."""
    if language == "en":
        if found := re.search(r"\b(?:not|never) ", sentence):
            return _put(sentence, found.span(), "")
        if found := re.search(r"\b(?:was|were|is|are|had|has|could|would|can|will|did) (?!not)", sentence):
            return _put(sentence, (found.end(), found.end()), "not ")
        return sentence
    if found := re.search("没有|不(?=[是能会再可])|未(?!来)", sentence):
        return _put(sentence, found.span(), "")
    if found := re.search("(?<!不)(?:是(?!否)|能(?!力)|会(?=[在被])|可以|曾)", sentence):
        return _put(sentence, (found.start(), found.start()), "不" if found.group() != "曾" else "未")
    return sentence


def _put(text: str, place: tuple[int, int], new: str) -> str:
    return text[: place[0]] + new + text[place[1] :]


def _read(path: Path) -> list[dict[str, Any]]:
    with lzma.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]
