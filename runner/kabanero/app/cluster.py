"""What a runner has on a Kubernetes API server: store, bus, and its place among other runners.

The client library is loaded only when such a runner is opened: it costs half a second.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from kabanero.controllers.control import CONTROL_TOPIC
from kabanero.controllers.retention import Prune
from kabanero.ports import Bus, Clock, Store
from kabanero.settings import Settings

if TYPE_CHECKING:
    from kabanero.kubernetes import Client, ClientSettings
    from kabanero.kubernetes.election import Election
    from kabanero.kubernetes.presence import Presence
    from kabanero.kubernetes.reviews import Reviews

POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
DEFAULT_NAMESPACE = "kabanero"
LEASE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Cluster:
    """One runner's side of it. `namespace` is where events and leases lie."""

    client: Client
    store: Store
    bus: Bus
    prune: Prune
    election: Election
    presence: Presence
    reviews: Reviews
    namespace: str
    refused: Callable[[], Mapping[str, str]]
    """Namespaces that are to be served and may not be read in full, and why."""

    @classmethod
    @contextlib.asynccontextmanager
    async def opened(cls, settings: Settings, data: Path, clock: Clock) -> AsyncIterator[Cluster]:
        """Opens all of it. Raises InvalidError for a data folder that another runner uses."""
        from kabanero.buses import kubernetes as buses
        from kabanero.kubernetes import Client
        from kabanero.kubernetes.election import Election, ElectionSettings
        from kabanero.kubernetes.identity import identity_in
        from kabanero.kubernetes.notices import Notices
        from kabanero.kubernetes.presence import Presence
        from kabanero.kubernetes.reviews import Reviews
        from kabanero.stores import kubernetes as stores

        chosen, namespace = settings.kubernetes, _namespace(settings)
        async with contextlib.AsyncExitStack() as stack:
            identity, handle = identity_in(data)
            stack.callback(os.close, handle)
            client = await Client.open(clock, _client_settings(settings))
            stack.push_async_callback(client.close)
            leases = await Client.open(clock, _lease_settings(settings))
            stack.push_async_callback(leases.close)
            presence = Presence(leases, clock, namespace, settings.instance, identity, chosen.gone_after)
            reads = stores.StoreSettings(remembered=chosen.remembered)
            store = stores.KubernetesStore(client, clock, reads)
            refused: Callable[[], Mapping[str, str]] = dict
            if chosen.namespaces:
                store = stores.NamespacedStore(client, clock, reads)
                store.restrict(chosen.namespaces, clock)
                store.refused.told, refused = Notices(client, presence.reference()).refused, store.refused.now
            stack.push_async_callback(store.close)
            carried = buses.BusSettings(namespace=namespace, transient=frozenset({CONTROL_TOPIC}))
            bus = buses.KubernetesBus(client, clock, carried)
            stack.push_async_callback(bus.close)
            lasting = ElectionSettings.lasting(chosen.lease)
            election = Election(leases, clock, namespace, settings.instance, identity, lasting)
            reviews = Reviews(client, clock)
            yield cls(client, store, bus, bus.prune, election, presence, reviews, namespace, refused)


def _namespace(settings: Settings) -> str:
    if settings.kubernetes.namespace:
        return settings.kubernetes.namespace
    return POD_NAMESPACE.read_text().strip() if POD_NAMESPACE.exists() else DEFAULT_NAMESPACE


def _client_settings(settings: Settings) -> ClientSettings:
    from kabanero.kubernetes import ClientSettings

    chosen = settings.kubernetes
    return ClientSettings(
        kubeconfig=chosen.kubeconfig,
        context=chosen.context,
        qps=chosen.qps,
        burst=chosen.burst,
        parallel=chosen.parallel,
        request_seconds=chosen.timeout,
    )


def _lease_settings(settings: Settings) -> ClientSettings:
    """A renewal never queues behind other requests, and is tried again soon when it is not answered."""
    patient = _client_settings(settings)
    return replace(patient, qps=0, retries=0, connect_seconds=LEASE_SECONDS, request_seconds=LEASE_SECONDS)
