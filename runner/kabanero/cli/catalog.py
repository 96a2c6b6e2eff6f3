"""The kinds that the server knows, asked of its discovery: names as people type them, and where each is served.

Asking the server costs a few milliseconds; importing the model's kinds would cost two hundred, and a cluster may know
other kinds than we do. Used by commands that take KIND.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from kabanero.cli.errors import MissingError
from kabanero.cli.text import safe
from kabanero.model.resource import API_VERSION

if TYPE_CHECKING:
    from kabanero.cli.client import Client


@dataclass(frozen=True, slots=True)
class ServedKind:
    """One kind as the server offers it."""

    api_version: str
    kind: str
    plural: str
    singular: str = ""
    short_names: tuple[str, ...] = ()
    namespaced: bool = True

    @property
    def words(self) -> tuple[str, ...]:
        """Every word by which people may name it, in lower case."""
        group = self.api_version.partition("/")[0] if "/" in self.api_version else ""
        full = (f"{self.plural}.{group}",) if group else ()
        singular = self.singular or self.kind.lower()
        return (self.plural, singular, self.kind.lower(), *self.short_names, *full)

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """Where it is served; without a namespace, all of them."""
        root = f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"
        where = f"/namespaces/{quoted(namespace)}" if self.namespaced and namespace else ""
        which = f"/{quoted(name)}" if name else ""
        return f"{root}{where}/{self.plural}{which}" + (f"/{subresource}" if subresource else "")


STRATEGY = ServedKind(API_VERSION, "StrategyDefinition", "strategydefinitions")
STRATEGY_RUN = ServedKind(API_VERSION, "StrategyRun", "strategyruns")
STAGE_RUN = ServedKind(API_VERSION, "StageRun", "stageruns")


def quoted(name: str) -> str:
    """A name as one segment of a path, whatever is in it."""
    from urllib.parse import quote

    return quote(name, safe="").replace(".", "%2E") if name in (".", "..") else quote(name, safe="")


class Catalog:
    """Finds kinds by any of their names."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @cached_property
    def own(self) -> Sequence[ServedKind]:
        """Kinds of kabanero.io."""
        return self.served(API_VERSION)

    @cached_property
    def core(self) -> Sequence[ServedKind]:
        """Kinds of Kubernetes' core group, as far as the server has them."""
        return self.served("v1")

    def forget(self) -> None:
        """Asks the server again next time: kinds may have been added."""
        self.__dict__.pop("own", None)

    def served(self, api_version: str) -> Sequence[ServedKind]:
        """Kinds of one group and version."""
        root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        resources = self._client.get(root).get("resources") or []
        return [_served(api_version, entry) for entry in resources if "/" not in entry["name"]]

    def find(self, word: str) -> ServedKind:
        """The kind that a word means. Raises MissingError with the word that was probably meant."""
        wanted = word.lower()
        if found := _named(wanted, self.own) or _named(wanted, self.core):
            return found
        raise MissingError(f"the server has no kind {safe(word)!r}", [self._meant(word)])

    def of(self, api_version: str, kind: str) -> ServedKind:
        """The kind of an object that says what it is. Raises MissingError."""
        kinds = self.own if api_version == API_VERSION else self.core if api_version == "v1" else None
        for served in kinds if kinds is not None else self.served(api_version):
            if served.kind == kind:
                return served
        raise MissingError(f"the server has no kind {safe(kind)} in {safe(api_version)}", [self._meant(kind)])

    def resource(self, kind: str, namespace: str, name: str) -> dict[str, Any] | None:
        """A resource of one of kabanero.io's kinds; None where the server has no such kind, or none of that name.

        Raises CliError when the server can't be asked.
        """
        from kabanero.cli.answers import AnswerError

        try:
            found: dict[str, Any] = self._client.get(self.of(API_VERSION, kind).path(namespace, name))
        except MissingError:
            return None
        except AnswerError as error:
            if error.status == 404:
                return None
            raise
        return found

    def _meant(self, word: str) -> str:
        from kabanero.model.nearmiss import did_you_mean, near_miss

        if definition := _definition(word):
            return f"its CustomResourceDefinition {definition} is not there: kubectl apply --server-side -f config/crds"
        kinds = [*self.own, *self.core]
        meant = near_miss(word.lower(), [name for kind in kinds for name in kind.words])
        return f"did you mean {meant}?" if meant else did_you_mean(word, [kind.plural for kind in kinds], listed=30)


def _definition(word: str) -> str:
    """The definition that a server lacks which doesn't serve this kind of ours."""
    from kabanero.model.kinds.registry import KINDS

    types = [each.type for each in KINDS]
    return next(
        (f"{each.plural}.{each.group}" for each in types if word in (each.kind, each.singular, each.plural)), ""
    )


def _named(word: str, kinds: Sequence[ServedKind]) -> ServedKind | None:
    return next((kind for kind in kinds if word in kind.words), None)


def _served(api_version: str, entry: dict[str, Any]) -> ServedKind:
    return ServedKind(
        api_version,
        entry["kind"],
        entry["name"],
        entry.get("singularName") or "",
        tuple(entry.get("shortNames") or ()),
        bool(entry.get("namespaced")),
    )
