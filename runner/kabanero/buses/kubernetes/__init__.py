"""The Bus port on a Kubernetes API server, without a broker: events are objects. Wired by `app`."""

from kabanero.buses.kubernetes.bus import KubernetesBus
from kabanero.buses.kubernetes.settings import BusSettings

__all__ = ["BusSettings", "KubernetesBus"]
