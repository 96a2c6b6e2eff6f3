"""`StageApp`: what a program with custom stages makes, decorates its functions with, and runs."""

from __future__ import annotations

import argparse
import logging
import os
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from kabanero.model.errors import KabaneroError
from kabanero.stages.api import BASE, Api
from kabanero.stages.attempt import Means
from kabanero.stages.calls import Function, OnInterrupted, SharedLoop, StageFunction
from kabanero.stages.connection import Connection, Wanted, connect
from kabanero.stages.dispatching import Dispatcher
from kabanero.stages.errors import NoConnectionError
from kabanero.stages.following import Follower
from kabanero.stages.settings import StageSettings

log = logging.getLogger("kabanero.stages")
F = TypeVar("F", bound=Function)
UNUSABLE = 2
DEFAULTS = StageSettings()


class StageApp:
    """The custom stages of one process. Several processes may run the same ones side by side."""

    def __init__(self, settings: StageSettings = DEFAULTS) -> None:
        self.settings = settings
        self._stages: dict[str, StageFunction] = {}

    def stage(self, kind: str, *, on_interrupted: OnInterrupted = "Error") -> Callable[[F], F]:
        """Has the decorated function carry out the stages of a kind that a StageKind declares as external.

        The function gets a Context and returns a dict of outputs, or nothing; it may be async. `on_interrupted` says
        what becomes of an attempt when its process is gone: `Error` ends it as Errored/Interrupted, `Retry` begins it
        again, so only for work that may be begun twice. Raises ValueError for a kind that has a function already.
        """
        if on_interrupted not in ("Error", "Retry"):
            raise ValueError(f"on_interrupted is {on_interrupted!r}; possible: Error, Retry")
        if kind in self._stages:
            raise ValueError(f"{kind} has a function already: {self._stages[kind].function}")

        def taken(function: F) -> F:
            self._stages[kind] = StageFunction(kind, function, on_interrupted)
            return function

        return taken

    def run(self, arguments: Sequence[str] | None = None) -> int:
        """The whole program: reads the command line, carries stages out until SIGTERM or Ctrl-C; its exit code."""
        said = _parser().parse_args(arguments)
        logging.basicConfig(level=said.log_level.upper(), format="%(asctime)s %(levelname)-7s %(message)s")
        stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
        wanted = Wanted(said.kubeconfig, said.context, said.data_dir)
        try:
            self.settings = _settings(self.settings, said)
            self.serve(partial(connect, wanted), stopping)
        except (NoConnectionError, ValueError) as error:
            sys.stderr.write(f"error: {error}\n")
            return UNUSABLE
        return 0

    def serve(self, find: Callable[[], Connection], stopping: threading.Event) -> None:
        """Carries stages out until `stopping` is set. Raises NoConnectionError when it is not said where the API is."""
        api, holder = Api(find), _identity()
        origin = api.connection.origin
        dispatcher = Dispatcher(self._stages, Means(api, self.settings, holder, SharedLoop()))
        for kind in self._stages:
            Follower(api, kind, self.settings.namespace, dispatcher, stopping).start()
        place = f"namespace {self.settings.namespace}" if self.settings.namespace else "all namespaces"
        log.info("Carries out %s in %s as %s (connection: %s)", ", ".join(self._stages), place, holder, origin)
        self._warn_of_undeclared(api)
        dispatcher.run(stopping)

    def _warn_of_undeclared(self, api: Api) -> None:
        """Without a StageKind the runner hands nothing over, and nobody would know why."""
        path = (
            f"{BASE}/namespaces/{self.settings.namespace}/stagekinds"
            if self.settings.namespace
            else f"{BASE}/stagekinds"
        )
        try:
            found, _ = api.list(path, {})
        except KabaneroError as error:
            log.debug("Can't list StageKinds: %s", error)
            return
        external = {each["spec"]["kind"] for each in found if each["spec"].get("controller") == "external"}
        for kind in self._stages.keys() - external:
            log.warning("No StageKind declares %s with `controller: external` yet: nothing is handed over", kind)


def _identity() -> str:
    """Differs at each start, so that a process never takes an earlier one's claim for its own."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"


def _settings(
    settings: StageSettings, said: argparse.Namespace, environ: Mapping[str, str] = os.environ
) -> StageSettings:
    """What was said wins over the environment, the environment over the program's own."""
    namespace = "" if said.all_namespaces else said.namespace or environ.get("KABANERO_NAMESPACE") or settings.namespace
    return replace(settings, namespace=namespace, parallel=said.parallel or settings.parallel)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Carries out custom stages until SIGTERM or Ctrl-C.",
        epilog="Without --kubeconfig and --data-dir: K8S_AUTH_*, KABANERO_DATA_DIR, KUBECONFIG, the Pod's own account, "
        "the local runner's usual folder, ~/.kube/config; the first that is there.",
    )
    parser.add_argument("--kubeconfig", default="", metavar="FILE", help="where the API server is and who we are")
    parser.add_argument("--context", default="", metavar="NAME", help="context of the kubeconfig")
    parser.add_argument("--data-dir", default="", metavar="DIR", help="data folder of the runner on this machine")
    parser.add_argument("-n", "--namespace", default="", metavar="NAME", help="namespace; else KABANERO_NAMESPACE")
    parser.add_argument("-A", "--all-namespaces", action="store_true", help="all namespaces; the default")
    parser.add_argument("--parallel", type=int, default=0, metavar="N", help="attempts carried out at the same time")
    parser.add_argument("--log-level", default="info", choices=("debug", "info", "warning", "error"))
    return parser
