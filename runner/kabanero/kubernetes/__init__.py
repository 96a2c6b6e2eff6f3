"""What the adapters on a Kubernetes API server share: who we are there, and requests that are paced and counted."""

from kabanero.kubernetes.client import Client
from kabanero.kubernetes.requests import Request
from kabanero.kubernetes.settings import ClientSettings

__all__ = ["Client", "ClientSettings", "Request"]
