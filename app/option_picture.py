"""What the window knows of the options of the conversation that is shown, as data: a controller writes it, widgets show
it."""

from dataclasses import dataclass, field

from backends.chat.options import Options, Usual
from backends.core.phrase import Phrase


@dataclass(frozen=True, slots=True)
class OptionPicture:
    """`conversation`: None, one that has not begun. `models`: (id, name) of those on this computer. `presets`: their
    names, `broken`: what is wrong with others. `preset`: the one that these options are. `for_new`: the one that new
    conversations begin with."""

    conversation: int | None = None
    options: Options = field(default_factory=Options)
    usual: Usual = field(default_factory=Usual)
    models: tuple[tuple[str, str], ...] = ()
    presets: tuple[str, ...] = ()
    broken: tuple[Phrase, ...] = ()
    preset: str = ""
    for_new: str = ""
