"""The end of a container's log, through the API server. Given to the controllers that tell of a failed step."""

from __future__ import annotations

from kabanero.kubernetes.client import Client
from kabanero.kubernetes.requests import Request
from kabanero.model.resource import ResourceType

POD = ResourceType("", "v1", "Pod", "pods", "pod")


class PodLogs:
    """Needs the right to get `pods/log`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def tail(self, namespace: str, pod: str, container: str, lines: int) -> str:
        """The last lines. Raises KabaneroError when pod or node are gone, or the log may not be read."""
        query = {"container": container, "tailLines": str(lines)}
        return await self._client.text(Request("get", POD, namespace, pod, "log", query))
