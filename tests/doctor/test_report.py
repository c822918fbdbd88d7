"""The report holds nothing that is the user's own, whatever was found."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.core.cancel import CancelToken
from backends.core.paths import Paths
from backends.core.phrase import Phrase
from backends.doctor import databases, disks, models, settings
from backends.doctor.report import Veil, report
from backends.doctor.types import Finding
from tests.kit.patients import Home

USER = "lin.zhiyuan"
HOME = Path(f"/home/{USER}")
PATHS = replace(Paths.under(HOME / ".local/deskseek"), home=HOME)
VEIL = Veil(
    {"data": PATHS.data, "models": Path("/mnt/big models"), "config": PATHS.config}, HOME, (USER, "lins-laptop")
)
SECRETS = st.sampled_from(
    [
        "hf_AbCdEfGhIjKlMnOpQrStUvWx",
        "sk-0123456789abcdef0123",
        "dsk_0f0f0f0f0f0f_9e8d7c6b5a49",
        "Bearer eyJhbGciOiJIUzI1NiJ9.e30.s5",
        "http://proxyuser:pa55w0rd@proxy.example:8080",
        "password=correct-horse",
    ]
)
PARTS = {
    "hf_AbCdEfGhIjKlMnOpQrStUvWx": "AbCdEfGh",
    "sk-0123456789abcdef0123": "0123456789abcdef",
    "dsk_0f0f0f0f0f0f_9e8d7c6b5a49": "9e8d7c6b5a49",
    "Bearer eyJhbGciOiJIUzI1NiJ9.e30.s5": "eyJhbGciOiJIUzI1NiJ9",
    "http://proxyuser:pa55w0rd@proxy.example:8080": "pa55w0rd",
    "password=correct-horse": "correct-horse",
}
PLACES = st.sampled_from(
    [HOME / "Documents/divorce.pdf", PATHS.data / "chats.db", Path("/mnt/big models/x.gguf"), HOME]
).map(str)
WORDS = st.text(st.characters(categories=("L", "N", "Zs")), min_size=1, max_size=20)


@given(secret=SECRETS, place=PLACES, words=st.lists(WORDS, max_size=4), where=st.integers(0, 4))
def test_no_secret_name_or_place_gets_through(secret: str, place: str, words: list[str], where: int) -> None:
    """Wherever they stand: in a sentence, a repair, a subject, a detail."""
    said = " ".join([*words, place, "of", USER, "at", "lins-laptop", secret, *words])
    fields = [said if number == where else "" for number in range(5)]
    finding = Finding(
        "network",
        "some_code",
        "fail",
        Phrase(fields[0], fields[1]),
        Phrase(fields[2], fields[2]),
        subject=fields[3],
        details={"said": fields[4], "number": 7},
    )
    for language in ("en", "zh"):
        text = report([finding], VEIL, language)
        assert USER not in text
        assert "lins-laptop" not in text
        assert PARTS[secret] not in text
        assert str(HOME) not in text
        assert "some_code" in text


@given(name=st.text(st.characters(categories=("L", "N"), include_characters=" _-"), min_size=12, max_size=30))
def test_names_that_the_user_gave_are_left_out(name: str) -> None:
    file = f"/mnt/usb/{name}.gguf"
    what = Phrase(f"{name}.gguf is cut off.", f"{name}.gguf 不完整。")
    finding = Finding("models", "truncated_file", "fail", what, subject=f"{name}.gguf", private=True, target=file)
    text = report([finding], VEIL, "en")
    assert name not in text
    assert "is cut off" in text


def test_a_report_is_for_people_and_for_programs(home: Home) -> None:
    home.download()
    found = home.look(models.look) + home.look(settings.look)
    text = report(found, Veil.of(home.paths, home.paths.models), "zh")
    people, _, programs = text.partition("\n{\n")
    assert "模型" in people
    assert "[正常]" in people
    whole = json.loads("{" + programs)
    assert whole["verdict"] == "ok"
    assert [one["code"] for one in whole["findings"]] == ["models_ok", "settings_ok"]
    assert whole["deskseek"]


def test_what_stands_in_real_folders_stays_there(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A chat, a document, a token and a model of one's own, on a machine that is broken in several ways."""
    monkeypatch.setenv("USER", "lin.zhiyuan")
    monkeypatch.setenv("LOGNAME", "lin.zhiyuan")
    home.use(filled=True)
    mine = tmp_path / "geheimes Projekt.gguf"
    mine.write_bytes(home.tiny.read_bytes()[:-4096])
    gone = tmp_path / "Tagebuch" / "weg.gguf"
    (home.paths.data / "library.json").write_text(json.dumps({"version": 1, "own": [str(mine), str(gone)]}))
    (home.paths.config / "settings.json").write_text(
        json.dumps({"network": {"proxy": "http://lin:pa55w0rd@10.0.0.1:99999"}, "chat": {"system": "Mein Tagebuch"}})
    )
    home.paths.data.chmod(0o755)
    paths = replace(home.paths, home=tmp_path)
    with (home.paths.data / "chats.db").open("r+b") as file:
        file.write(b"broken")
    case = home.case(paths=paths)
    found = [one for look in (models, databases, settings, disks) for one in look.look(case, cancel=CancelToken())]
    assert {one.verdict for one in found} >= {"fail", "warn"}
    text = report(found, Veil.of(paths, case.models), "en")
    for own in (str(tmp_path), "geheimes", "pa55w0rd", "Tagebuch", "minutes.txt", "lin.zhiyuan", "A chat"):
        assert own not in text, own
    assert "<data>" in text
