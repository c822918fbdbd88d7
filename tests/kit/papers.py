"""Two papers with known text, a Chinese PDF and an English Word file; and a model that knows what they say.

Pages are short, so that each is one passage: three of the PDF are sources 1 to 3, two of the other 4 and 5.
"""

from pathlib import Path

from tests.kit import printed
from tests.kit.ggufs import Script, scripted_model
from tests.kit.office import core, docx, para

CHINESE, ENGLISH = "热泵手册.pdf", "boiler.docx"
TITLE = "Notes on the old boiler"

PAGES_ZH = (
    "小型建筑热泵手册\n\n本手册介绍地源热泵的选型、安装与日常维护，适用于三层以下的住宅。",
    "3.2 性能系数\n\n在供水温度为三十五度时，该机组的性能系数为 4.2，额定功率为 9 千瓦。\n该数值在实验室中测得。",
    "4.1 维护\n\n过滤网每年清洗一次。功率过大的机组会整天启停，缩短压缩机的寿命。",
)
LIT_ZH = "该机组的性能系数为 4.2"
FIRST_EN = (
    "This note was written for the owners of the house at 7 Rosenweg. It says what is known of the heating, who "
    "looked after it, and where the drawings are kept."
)
LIT_EN = "The boiler in the cellar was built in 1987 by the Ostrander works and burns oil."
REST_EN = "Its tank holds 3,200 litres. Nobody has found the drawings of the pipes under the yard."

ASKED_ZH, SAID_ZH = "这台机组的性能系数是多少？", "该机组的性能系数为 4.2 [2]。"
ASKED_EN, SAID_EN = "When was the boiler built?", "The boiler was built in 1987 by the Ostrander works [5]."
ASKED_ACROSS, SAID_ACROSS = "How good is the heat pump?", "Its rated power amounts to 9 kW [2]."
ASKED_WRONG, SAID_WRONG = "How large is the tank?", "Its tank holds 4,500 litres [5]."
SAID_ELSE = "Of that I know nothing at all."


def write(folder: Path) -> tuple[Path, Path]:
    """The Chinese PDF and the English Word file."""
    folder.mkdir(parents=True, exist_ok=True)
    chinese = printed.write(folder / CHINESE, PAGES_ZH)
    turn = "<w:r><w:lastRenderedPageBreak/></w:r>"
    body = para(FIRST_EN) + para(LIT_EN, inner="").replace("<w:r>", f"{turn}<w:r>", 1) + para(REST_EN)
    return chinese, docx(folder / ENGLISH, body, {"docProps/core.xml": core(TITLE)})


def model(path: Path) -> Path:
    """Answers those questions, from these papers, in this order."""
    scripts = [
        Script("", said, word=word)
        for word, said in (
            ("性能系数是多少", SAID_ZH),
            ("boiler built?", SAID_EN),
            ("heat pump?", SAID_ACROSS),
            ("the tank?", SAID_WRONG),
        )
    ]
    return scripted_model(path, "", SAID_ELSE, scripts=scripts, name="Reader")
