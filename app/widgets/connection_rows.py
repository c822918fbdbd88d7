"""Connections: two lines each, painted."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex

from app import api_words
from app.language import say
from app.lists.connections import ConnectionList, facts
from app.widgets.plain_list import TwoLineList, TwoLines
from backends.core import connection_words
from backends.core.connections import Connection

_SHOWN = 10  # rows, before it scrolls


class ConnectionView(TwoLineList):
    def __init__(self, connections: ConnectionList) -> None:
        super().__init__(connections, _lines_of, _SHOWN)


def _lines_of(index: QModelIndex | QPersistentModelIndex) -> TwoLines:
    connection: Connection = index.data(ConnectionList.Role.CONNECTION)
    outcome = say(connection_words.outcome(connection)), connection_words.tone(connection)
    moment = api_words.moment_of(connection.time), "muted"
    return TwoLines(connection.host, facts(connection), (moment,), (outcome,))
