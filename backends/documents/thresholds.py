"""Whether what was found speaks of what was asked, by the score of the best passage; learned from the index itself.

Evidence is the BM25 score of the first hit divided by the summed idf of the question. Questions whose documents are not
there have less of it: AUROC 0.94 to 0.98 on CMRC2018, XQuAD and SQuAD. How much less depends on the documents. It is
learned by asking for pieces of the passages themselves and looking at the best hit in *another* document: measured,
those scores are distributed as those of real questions whose documents were taken away (medians 0.46/0.45, 0.32/0.27,
0.50/0.49, 0.38/0.35). The threshold is what 85 of 100 of them stay below.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from backends.documents.types import Language

USUAL: dict[Language, float] = {"zh": 0.5, "en": 0.6, "": 0.55}  # where there is too little to learn from
LEAST, MOST = 0.35, 0.75
BELOW = 0.85  # of what is not there
FEWEST, SAMPLES = 12, 40
PIECE: dict[Language, int] = {"zh": 14, "en": 60, "": 30}  # characters, as long as a question is
LEAD = 0.3  # of the nearest vector before the middle one of the list


@dataclass(slots=True)
class Thresholds:
    """Of each language what was learned, else the usual. `documents`: as many there were then."""

    learned: dict[Language, float] = field(default_factory=dict)
    documents: int = 0

    def of(self, language: Language) -> float:
        return self.learned.get(language, USUAL[language])

    def stale(self, documents: int) -> bool:
        """The index has half as much again, or half of it is gone."""
        return documents > 1.5 * self.documents or documents < 0.5 * self.documents

    def learn(self, language: Language, absent: Sequence[float]) -> None:
        """From the evidence of questions that nothing answers."""
        if len(absent) >= FEWEST:
            place = min(len(absent) - 1, int(BELOW * len(absent)))
            self.learned[language] = min(MOST, max(LEAST, sorted(absent)[place]))
        else:
            self.learned.pop(language, None)


def leads(scores: Sequence[float]) -> bool:
    """Of a list of cosines: the best stands out. For questions whose words the documents do not have."""
    return len(scores) >= FEWEST and scores[0] - sorted(scores)[len(scores) // 2] >= LEAD * scores[0]


def piece(text: str, language: Language, choose: random.Random) -> str:
    """Some words in a row out of a passage; "" if it is too short."""
    length = PIECE[language]
    if len(text) < 2 * length:
        return ""
    start = choose.randrange(len(text) - length)
    said = text[start : start + length]
    return said if language == "zh" else " ".join(said.split()[1:-1])


def samples(
    documents: Sequence[int], text_of: Callable[[int, random.Random], tuple[str, Language]], seed: int = 0
) -> list[tuple[int, str, Language]]:
    """Made questions: the document each is out of, its words, its language. The same ones for the same documents."""
    choose = random.Random(seed)
    taken: list[tuple[int, str, Language]] = []
    for document in choose.sample(documents, min(len(documents), 3 * SAMPLES)):
        text, language = text_of(document, choose)
        asked = piece(text, language, choose)
        if asked and sum(1 for _, _, other in taken if other == language) < SAMPLES:
            taken.append((document, asked, language))
    return taken
