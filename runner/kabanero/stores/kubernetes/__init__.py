"""The Store port on a Kubernetes API server that has our CustomResourceDefinitions. Wired by `app`."""

from kabanero.stores.kubernetes.namespaced import NamespacedStore
from kabanero.stores.kubernetes.settings import StoreSettings
from kabanero.stores.kubernetes.store import KubernetesStore

__all__ = ["KubernetesStore", "NamespacedStore", "StoreSettings"]
