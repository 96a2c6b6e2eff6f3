"""The Bus port on one SQLite file: durable events on one machine. Wired by `app`."""

from kabanero.buses.backoff import Backoff
from kabanero.buses.sqlite.bus import SqliteBus
from kabanero.buses.sqlite.settings import BusSettings

__all__ = ["Backoff", "BusSettings", "SqliteBus"]
