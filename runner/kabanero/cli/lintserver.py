"""What the linter looks up on a runner. Used by `lint --with-server` and by `apply`."""

from __future__ import annotations

from collections.abc import Sequence

from kabanero.cli.manifests import Json
from kabanero.cli.session import Session
from kabanero.model.resource import API_VERSION


class Server:
    """What is on the runner, asked for only when it is needed."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, kind: str, namespace: str, name: str) -> Json | None:
        """The resource of that kind and name, if there is one. Raises CliError when the server can't be asked."""
        return self._session.catalog.resource(kind, namespace, name)

    def stage_kinds(self, namespace: str) -> Sequence[Json]:
        """All StageKinds of the namespace."""
        served = self._session.catalog.of(API_VERSION, "StageKind")
        items: list[Json] = self._session.client.get(served.path(namespace))["items"]
        return items
