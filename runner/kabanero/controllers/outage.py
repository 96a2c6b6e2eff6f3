"""Waiting until the store answers again: an outage, however long, is one failed attempt at an event and not twenty.

Used by consumers of the bus. Without it, what was accepted just before a long outage would end among the dead letters.
"""

from __future__ import annotations

from kabanero.model.errors import StoreUnavailableError
from kabanero.model.resource import ResourceType
from kabanero.ports import Clock, Store

LOOK_SECONDS = 1.0


async def outlasted(error: Exception, store: Store, clock: Clock, type: ResourceType) -> str:
    """What to say of an error; where the store was away, once it can be read again."""
    while isinstance(error, StoreUnavailableError):
        try:
            await store.list(type, limit=1)
            break
        except StoreUnavailableError:
            await clock.sleep(LOOK_SECONDS)
        except Exception:
            break
    return str(error)
