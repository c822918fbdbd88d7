"""What happens to the settings of a chat and to presets: read for the chat that is shown, changed, kept as files.

The options of a chat that has not begun are those of the preset for new chats, until somebody chooses others; these
are kept until it begins, also over a restart.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot

from app.bridge import Pump
from app.notices import Notice, NoticeBoard, NoticeButton
from app.option_picture import OptionPicture
from backends.chat.options import BadOption, Options, Usual
from backends.chat.presets import Broken, Preset, is_preset
from backends.chat.types import Conversation
from backends.core.errors import BackendError, InvalidInput
from backends.core.phrase import Phrase
from backends.core.stream import Runner
from backends.services import Services

_FOR_NEW = "chat.preset"
_UNDO = Phrase("Undo", "撤销")


@dataclass(frozen=True, slots=True)
class _Read:
    options: Options
    usual: Usual
    models: tuple[tuple[str, str], ...]
    presets: tuple[Preset | Broken, ...]
    own: bool  # somebody chose these for a chat that has not begun


class OptionController(QObject):
    picture_changed = Signal()
    refused = Signal(str, object)  # name of an option, why
    setting_wanted = Signal(str, object)  # key, value

    def __init__(
        self,
        services: Services,
        pump: Pump,
        board: NoticeBoard,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._services, self._pump, self._board = services, pump, board
        self._runner = Runner("options")
        self._conversation: int | None = None
        self._next = Options()  # of the chat that has not begun
        self._own = False  # a person changed them; else they are those of the preset for new chats
        self._begun: int | None = None  # which they were given to
        self._presets: dict[str, Preset] = {}
        self.picture = OptionPicture()

    def close(self) -> None:
        self._runner.close()

    @Slot(object)
    def show_conversation(self, conversation: Conversation | None) -> None:
        before, self._conversation = self._conversation, conversation.id if conversation else None
        if self._conversation is not None and self._conversation == self._begun:
            self._own, self._begun = False, None  # the next one begins anew
            self._keep_next(None)
        if self._conversation != before or before is None:
            self.look()

    def create(self) -> Conversation:
        """The next chat, with its options. On the thread of who makes it."""
        conversation, options = self._services.chats.create(), self._next
        if options != Options():
            self._services.chats.organised.set_options(conversation.id, options)
        self._begun = conversation.id
        return conversation

    def create_aside(self) -> Conversation:
        """A chat beside the next one, which keeps what a person chose for it. On the thread of who makes it."""
        conversation, options = self._services.chats.create(), Options() if self._own else self._next
        if options != Options():
            self._services.chats.organised.set_options(conversation.id, options)
        return conversation

    @Slot()
    def look(self) -> None:
        """Read again: options, models and presets may have changed."""
        conversation, own = self._conversation, self._next if self._own else None
        self._pump.call(
            self._runner, self._read, conversation, own, then=lambda read: self._arrived(conversation, read)
        )

    def on_changes(self, changes: Sequence[str]) -> None:
        if {"settings", "models", "model"} & set(changes):
            self.look()

    # ---- options

    @Slot(object, str, object)
    def change(self, conversation: int | None, name: str, value: object) -> None:
        """One option of this chat."""
        self._set(conversation, lambda options: replace(options, **{name: value}), name)

    @Slot(object)
    def reset(self, conversation: int | None) -> None:
        """All of them."""
        self._set(conversation, lambda _: Options())

    def _set(self, conversation: int | None, changed: Callable[[Options], Options], name: str = "") -> None:
        if conversation is None:
            try:
                self._take_for_next(changed(self._next))
            except BadOption as error:
                self._refuse(error)
            return

        def save() -> Options:
            organised = self._services.chats.organised
            options = changed(organised.options(conversation))
            organised.set_options(conversation, options)
            return options

        def saved(options: Options) -> None:
            if conversation == self._conversation:
                self._draw(replace(self.picture, options=options))
                if name in ("", "model"):
                    self.look()

        self._pump.call(self._runner, save, then=saved, on_error=self._refuse)

    def _take_for_next(self, options: Options) -> None:
        options.check()
        self._own, self._next = True, options
        self._keep_next(options)
        self._draw(replace(self.picture, options=options))
        self.look()

    def _keep_next(self, options: Options | None) -> None:
        keep = self._services.chats.organised.set_new_options
        self._pump.call(self._runner, keep, options, then=lambda _: None, on_error=self._board.post_error)

    def _refuse(self, error: BackendError) -> None:
        if isinstance(error, BadOption):
            self.refused.emit(error.name, error.message)
        else:
            self._board.post_error(error)

    # ---- presets

    @Slot(str)
    def apply(self, name: str) -> None:
        if (preset := self._presets.get(name)) is not None:
            self._set(self._conversation, lambda _: preset.options)

    @Slot(str)
    def save(self, name: str, *, instead: bool = False) -> None:
        """What is set now, under this name."""
        options = self.picture.options

        def failed(error: BackendError) -> None:
            if isinstance(error, InvalidInput) and error.code == "preset_there":
                again = NoticeButton(Phrase("Replace it", "替换"), lambda: self.save(name, instead=True))
                self._board.post(Notice(error.message, tone="warning", buttons=(again,), key="preset"))
            else:
                self._board.post_error(error)

        def save() -> Preset:
            return self._services.presets.save(name, options, instead=instead)

        self._call(save, on_error=failed)

    @Slot(str, str)
    def rename(self, name: str, new: str) -> None:
        preset, for_new = self._presets.get(name), self.picture.for_new
        if preset is None:
            return

        def renamed(preset: Preset) -> None:
            if for_new == name:
                self.setting_wanted.emit(_FOR_NEW, preset.name)
            self.look()

        self._call(lambda: self._services.presets.rename(preset, new), then=renamed)

    @Slot(str)
    def delete(self, name: str) -> None:
        """The notice brings it back."""
        preset, for_new = self._presets.get(name), self.picture.for_new
        if preset is None:
            return

        def put_back() -> None:
            self._call(lambda: self._services.presets.add(preset), then=back)

        def back(preset: Preset) -> None:
            if for_new == name:
                self.setting_wanted.emit(_FOR_NEW, preset.name)
            self.look()

        def deleted(_: object) -> None:
            if for_new == name:
                self.setting_wanted.emit(_FOR_NEW, "")
            said = Phrase(f"The preset “{name}” was deleted.", f"已删除预设“{name}”。")
            self._board.post(Notice(said, buttons=(NoticeButton(_UNDO, put_back),), key="preset"))
            self.look()

        self._call(lambda: self._services.presets.delete(preset), then=deleted)

    @Slot(str)
    def use_for_new(self, name: str) -> None:
        self.setting_wanted.emit(_FOR_NEW, name)

    @Slot(str, str)
    def export(self, name: str, path: str) -> None:
        if (preset := self._presets.get(name)) is not None:
            said = Phrase(f"The preset was saved as {path}.", f"预设已保存为 {path}。")

            def exported(_: None) -> None:
                self._board.post(Notice(said, tone="success", key="preset"))

            self._call(lambda: self._services.presets.export(preset, Path(path)), then=exported)

    @Slot(str)
    def bring(self, path: str) -> None:
        """Take in a file."""

        def brought(preset: Preset) -> None:
            self.look()
            use = NoticeButton(Phrase("Use it in this chat", "用于本对话"), lambda: self.apply(preset.name))
            said = Phrase(f"The preset “{preset.name}” was added.", f"已添加预设“{preset.name}”。")
            self._board.post(Notice(said, tone="success", buttons=(use,), key="preset"))

        self._call(lambda: self._services.presets.bring(Path(path)), then=brought)

    def sort_out(self, paths: Sequence[Path], then: Callable[[Sequence[Path]], None]) -> None:
        """Take in what is a preset among these; `then` gets the rest."""
        if all(path.suffix.lower() != ".json" for path in paths):
            then(paths)
            return

        def sorted_out(presets: list[Path]) -> None:
            for path in presets:
                self.bring(str(path))
            if rest := [path for path in paths if path not in presets]:
                then(rest)

        self._pump.call(self._runner, lambda: [path for path in paths if is_preset(path)], then=sorted_out)

    # ---- inside

    def _call(
        self,
        function: Callable[[], Any],
        then: Callable[[Any], None] | None = None,
        on_error: Callable[[BackendError], None] | None = None,
    ) -> None:
        self._pump.call(
            self._runner, function, then=then or (lambda _: self.look()), on_error=on_error or self._board.post_error
        )

    def _read(self, conversation: int | None, own: Options | None) -> _Read:
        services = self._services
        presets = services.presets.all()
        chosen = services.chats.organised.new_options() if own is None and conversation is None else own
        if conversation is not None:
            options = services.chats.organised.options(conversation)
        else:
            name = services.settings.current.chat.preset
            of_preset = (one.options for one in presets if isinstance(one, Preset) and one.name == name)
            options = next(of_preset, Options()) if chosen is None else chosen
        here = [one for one in services.library.models() if one.kind == "chat" and one.current and not one.problem.en]
        models = tuple((one.id, f"{one.name} ({one.quant})" if one.quant else one.name) for one in here)
        return _Read(options, services.answering.usual(options), models, presets, chosen is not None)

    def _arrived(self, conversation: int | None, read: _Read) -> None:
        if conversation != self._conversation:
            return
        options = read.options
        if conversation is None:
            options = self._next = self._next if self._own else options
            self._own = self._own or read.own
        self._presets = {one.name: one for one in read.presets if isinstance(one, Preset)}
        broken = tuple(_told(one) for one in read.presets if isinstance(one, Broken))
        for_new = self._services.settings.current.chat.preset
        names = tuple(self._presets)
        self._draw(OptionPicture(conversation, options, read.usual, read.models, names, broken, "", for_new))

    def _draw(self, picture: OptionPicture) -> None:
        options = picture.options
        same = (one.name for one in self._presets.values() if one.options == options != Options())
        self.picture = replace(picture, preset=next(same, ""))
        self.picture_changed.emit()


def _told(broken: Broken) -> Phrase:
    said = broken.why.message
    if broken.file in said.en:
        return said
    return Phrase(f"{broken.file}: {said.en}", f"{broken.file}：{said.zh}")
