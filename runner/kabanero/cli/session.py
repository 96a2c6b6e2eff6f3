"""What a command works with: the connection, the namespace and the server's kinds; and the options that say which.

`@connected` gives a command its Session. The options stand on the group and on every command, as people type both.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import click

from kabanero.cli import completing

if TYPE_CHECKING:
    from kabanero.cli.catalog import Catalog
    from kabanero.cli.client import Client
    from kabanero.cli.kubeconfig import Connection

DEFAULT_NAMESPACE = "kabanero"
_CONNECTION = ("data_dir", "kubeconfig", "context_name")


class Session:
    """One invocation's connection. Nothing is opened before it is used. `timeout` in seconds for each answer."""

    def __init__(self, wanted: Mapping[str, str], timeout: float = 60.0) -> None:
        self._wanted = wanted
        self._timeout = timeout

    @cached_property
    def connection(self) -> Connection:
        """Where the server is and who we are. Raises UnreachableError, UsageError."""
        from kabanero.cli.kubeconfig import Wanted, connection

        kubeconfig, data_dir = self._wanted.get("kubeconfig", ""), self._wanted.get("data_dir", "")
        return connection(Wanted(kubeconfig, data_dir, self._wanted.get("context_name", "")))

    @cached_property
    def client(self) -> Client:
        """The server."""
        from kabanero.cli.client import Client

        return Client(self.connection, self._timeout)

    @cached_property
    def runner(self) -> Client:
        """The runner itself, for what an API server can't tell: the server, or what stands beside a cluster's."""
        from kabanero.cli.beside import Surroundings, find_runner

        return find_runner(self.client, Surroundings(os.environ, self._wanted.get("data_dir", ""), self._timeout))

    @cached_property
    def catalog(self) -> Catalog:
        """The server's kinds."""
        from kabanero.cli.catalog import Catalog

        return Catalog(self.client)

    @property
    def named_namespace(self) -> str:
        """`-n`, else KABANERO_NAMESPACE, else nothing: what can be known without a connection."""
        return self._wanted.get("namespace") or os.environ.get("KABANERO_NAMESPACE", "")

    @cached_property
    def namespace(self) -> str:
        """`-n`, else KABANERO_NAMESPACE, else the kubeconfig's, else `kabanero`."""
        return self.named_namespace or self.connection.namespace or DEFAULT_NAMESPACE


def session_of(ctx: click.Context, timeout: float = 60.0) -> Session:
    """The session of a command that is being parsed or run: its own options before the group's."""
    wanted: dict[str, str] = dict(ctx.find_root().obj or {})
    wanted.update({key: value for key, value in ctx.params.items() if key in (*_CONNECTION, "namespace") and value})
    return Session(wanted, timeout)


def connected(command: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command `-n`, --data-dir, --kubeconfig and --context, and a Session as first argument."""

    @click.pass_context
    @functools.wraps(command)
    def wrapped(ctx: click.Context, /, **values: Any) -> Any:
        session = session_of(ctx)
        for name in (*_CONNECTION, "namespace"):
            values.pop(name, None)
        return command(session, **values)

    return _with_options(wrapped)


def _with_options(command: Callable[..., Any]) -> Callable[..., Any]:
    options = [
        click.option(
            "-n",
            "--namespace",
            metavar="NAME",
            shell_complete=completing.namespaces,
            help="Namespace; else KABANERO_NAMESPACE, else the kubeconfig's, else kabanero.",
        ),
        click.option("--data-dir", metavar="DIR", help="Data folder of the runner on this machine."),
        click.option("--kubeconfig", metavar="FILE", help="File that says where the runner is and who we are."),
        click.option("--context", "context_name", metavar="NAME", help="Context of the kubeconfig."),
    ]
    return functools.reduce(lambda decorated, option: option(decorated), reversed(options), command)
