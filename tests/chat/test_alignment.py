"""A quote is found in a text that is typed in another way, and what is not there is not found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.chat.alignment import align, find, skeleton

OIL = (
    "The 1973 oil crisis began in Octo-\nber 1973, when OAPEC “proclaimed” an embargo.\n"
    "By March 1974 the price had risen from US$3 per barrel to nearly 1,024.50 elsewhere."
)


@pytest.mark.parametrize(
    ("quote", "text", "found"),
    [
        ("began in October 1973", OIL, "began in Octo-\nber 1973"),
        ('OAPEC  "proclaimed" an EMBARGO', OIL, "OAPEC “proclaimed” an embargo"),
        ("nearly 1024.50", OIL, "nearly 1,024.50"),
        ("US＄３ per barrel", OIL, "US$3 per barrel"),
        ("石油危机始于１９７３年", "据记载，石油危機\n始於 1973 年十月。", "石油危機\n始於 1973 年"),
        ("「战国无双」是光荣开发的", "《戰國無雙》是光榮開發的遊戲。", "戰國無雙》是光榮開發的"),
        ("The 1973 oil crisis … an embargo", OIL, OIL[: OIL.index(".\n")]),
        ("naive cafe", "A naïve café.", "naïve café"),
        ("efficient", "It is eﬃcient.", "eﬃcient"),
        (
            "by march 1974 the prise had risen from us$3 per barrel",
            OIL,
            "By March 1974 the price had risen from US$3 per barrel",
        ),
    ],
)
def test_found_where_it_stands(quote: str, text: str, found: str) -> None:
    place = align(quote, text)
    assert place is not None
    assert text[slice(*place)] == found


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("", OIL),
        ("…", OIL),
        ("the peace of Westphalia was signed", OIL),
        ("24", "In 1924 and 2401."),
        ("15 items", "There were 1.5 items."),
        ("embargo … crisis", "A crisis, then the embargo."),
        ("和平条约于当年签署完成", "石油危机始于一九七三年十月，持续数月。"),
    ],
)
def test_not_found_where_it_is_not(quote: str, text: str) -> None:
    assert align(quote, text) is None


def test_a_number_is_not_found_inside_a_longer_one() -> None:
    text = "Room 1024, then room 24."
    place = align("24", text)
    assert place is not None
    assert place[0] == text.rindex("24")


@given(st.text(alphabet="ab Cd-\n，。石油油价１2３é", min_size=20, max_size=80), st.data())
def test_what_is_cut_out_is_found_again(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    quote = text[start:end]
    place = align(quote, text)
    if place is not None:
        assert skeleton(text[slice(*place)]).text == skeleton(quote).text
    elif wanted := skeleton(quote).text:
        assert wanted[0].isdigit() or wanted[-1].isdigit()  # torn out of a number


def test_a_long_text_is_read_once_for_many_quotes() -> None:
    text = "\n".join(f"第{number}段：the {number}th paragraph says {number * 7919}。" for number in range(5000))
    known = skeleton(text)
    for number in (3, 2500, 4999):
        place = find(f"The {number}th paragraph says {number * 7919:,}", known)
        assert place is not None
        assert text[slice(*place)] == f"the {number}th paragraph says {number * 7919}"
