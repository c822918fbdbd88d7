"""The language of the window, and how sentences from below the Qt line are said in it.

Above the line every sentence stands in `tr()` in English and is translated by
`resources/translations/deskseek_zh_CN.qm`; below it sentences are `Phrase`s. `say()` turns one into text.
The language follows the system, or the setting, and changes at run time: installing a translator sends
every widget a `LanguageChange`, upon which `Retranslated` ones say their words again.
"""

from collections.abc import Iterable
from typing import Literal

from PySide6.QtCore import QCoreApplication, QEvent, QLibraryInfo, QLocale, QObject, QTranslator
from PySide6.QtWidgets import QApplication

from backends.core.paths import resource
from backends.core.phrase import Language, Phrase

Wanted = Literal["system", "en", "zh"]

# Of dates and numbers: those of the language that is read, whatever the system says.
_LOCALES: dict[Language, QLocale] = {
    "en": QLocale(QLocale.Language.English, QLocale.Country.UnitedStates),
    "zh": QLocale(QLocale.Language.Chinese, QLocale.Country.China),
}


def system_language() -> Language:
    """What the person reads, as the system says: Chinese if it is named before English."""
    for name in QLocale.system().uiLanguages():
        code = name.replace("_", "-").split("-")[0].lower()
        if code in ("zh", "en"):
            return "zh" if code == "zh" else "en"
    return "en"


class Languages(QObject):
    """The translators in force. One a QApplication, its child."""

    def __init__(self, app: QApplication) -> None:
        super().__init__(app)
        self._app = app
        self._translators: list[QTranslator] = []
        self.language: Language = "en"
        QLocale.setDefault(_LOCALES["en"])

    def follow(self, wanted: Wanted) -> None:
        language = system_language() if wanted == "system" else wanted
        if language == self.language:
            return
        self.language = language
        QLocale.setDefault(_LOCALES[language])
        before, self._translators = self._translators, []
        if language == "zh":
            own = resource("translations/deskseek_zh_CN.qm").as_posix()
            qt = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath) + "/qtbase_zh_CN.qm"
            for path in (qt, own):
                translator = QTranslator(self)
                if translator.load(path):
                    self._translators.append(translator)
                    self._app.installTranslator(translator)
        for translator in before:
            self._app.removeTranslator(translator)
            translator.deleteLater()


def language() -> Language:
    app = QCoreApplication.instance()
    found = app.findChild(Languages) if app is not None else None
    return found.language if found is not None else "en"


def sentences(phrases: Iterable[Phrase | str]) -> str:
    """Several, one after another; between Chinese ones is no space."""
    said = [say(phrase) for phrase in phrases]
    return "".join(f"{one} " if one and one[-1].isascii() else one for one in said).strip()


def say(phrase: Phrase | str) -> str:
    """A sentence from below, in the language of the window."""
    return phrase if isinstance(phrase, str) else phrase.to(language())


class Retranslated:
    """For widgets with words: put before the Qt class; `retranslate()` sets every text, also the first time."""

    def changeEvent(self, event: QEvent) -> None:
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)  # type: ignore[misc]

    def retranslate(self) -> None:
        raise NotImplementedError
