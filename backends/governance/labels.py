"""The label of AI-generated content, in words and as data; and the log of what was given out without it.

Form: 《人工智能生成合成内容标识办法》 (in force since 2025-09-01) and GB 45438-2025: words that a person sees, and a
JSON object `AIGC` in the metadata of the file; in a PDF as XMP in the name space of TC260. Whether a program that runs
on one's own computer has that duty is an open question of law: labels are offered here, nothing is promised by them.
Only what a model wrote is labelled, never what the person wrote.
"""

import html
import json
import os
import threading
import time
import uuid
from pathlib import Path

from backends import __version__
from backends.core.files import storage_error
from backends.core.phrase import Phrase

NAMESPACE = "http://www.tc260.org.cn/ns/AIGC/1.0/"
ANSWER = Phrase("AI-generated", "人工智能生成")
EDITED = Phrase("AI-generated, edited", "人工智能生成，经人工修改")
FILE = Phrase("The answers in this file are AI-generated.", "本文件中的回答由人工智能生成。")

Label = dict[str, str]


def label(producer: str = "", content_id: str = "") -> Label:
    """The fields of the `AIGC` object. `producer`: the model, if it is one. `content_id`: ProduceID; none: a new one.
    Label "1": it is AI-generated. Nobody has passed it on yet, and nothing is signed: the rest is empty."""
    return {
        "Label": "1",
        "ContentProducer": f"DeskSeek {__version__}" + (f" ({producer})" if producer else ""),
        "ProduceID": content_id or uuid.uuid4().hex,
        "ReservedCode1": "",
        "ContentPropagator": "",
        "PropagateID": "",
        "ReservedCode2": "",
    }


def label_text(made: Label) -> str:
    """As one line of JSON."""
    return json.dumps(made, ensure_ascii=False)


def xmp(made: Label | None, title: str, language: str) -> str:
    """The XMP packet of a PDF (ISO 16684-1), with the label if there is one."""
    said = f'<TC260:AIGC xmlns:TC260="{NAMESPACE}">{html.escape(label_text(made))}</TC260:AIGC>' if made else ""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:pdf="http://ns.adobe.com/pdf/1.3/">'
        f'<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{html.escape(title)}</rdf:li></rdf:Alt></dc:title>'
        f"<dc:language><rdf:Bag><rdf:li>{language}</rdf:li></rdf:Bag></dc:language>"
        f"<xmp:CreatorTool>DeskSeek {__version__}</xmp:CreatorTool><pdf:Producer>Qt</pdf:Producer>{said}"
        '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    )


class Unlabelled:
    """A line of JSON for each time that AI text was given out without a label: when, what, as what, how many answers.
    No text and no titles. Any thread may use it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()

    def note(self, what: str, form: str, answers: int) -> None:
        """On the disk when it returns. Raises StorageError; then nothing is to be given out."""
        line = {"time": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "what": what, "format": form, "answers": answers}
        try:
            with self._lock:
                self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                descriptor = os.open(self.path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
                with open(descriptor, "ab") as file:
                    file.write(json.dumps(line).encode() + b"\n")
                    file.flush()
                    os.fsync(file.fileno())
        except OSError as error:
            raise storage_error(error, self.path) from error
