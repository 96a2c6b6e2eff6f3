"""The Store port on one SQLite file: Kubernetes' semantics on one machine. Wired by `app`."""

from kabanero.stores.sqlite.settings import StoreSettings
from kabanero.stores.sqlite.store import SqliteStore

__all__ = ["SqliteStore", "StoreSettings"]
