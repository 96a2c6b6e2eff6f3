"""Where the runner is and who we are, read from a kubeconfig as kubectl does.

The runner writes one for the local user into its data folder; on a cluster it is the user's own. Used by `session`.
Source of format and merge rules: Kubernetes documentation, "Organizing Cluster Access Using kubeconfig Files".
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kabanero.cli.errors import UnreachableError, UsageError

Yaml = Mapping[str, Any]
RUNNER_KUBECONFIG = "runner.kubeconfig"
"""In the data folder of a runner that leaves the resources to an API server: how the runner itself is reached."""


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach the API and as whom. Certificates and keys are PEM text; `origin` names file and context.

    `runner_token` is for the runner, where `server` is the way to it through an API server.
    """

    server: str
    origin: str
    token: str = ""
    username: str = ""
    password: str = ""
    ca: str = ""
    certificate: str = ""
    key: str = ""
    insecure: bool = False
    tls_name: str = ""
    namespace: str = ""
    runner_token: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user said about where to connect; empty fields were not said."""

    kubeconfig: str = ""
    data_dir: str = ""
    context: str = ""


def default_data_dir(environ: Mapping[str, str]) -> Path:
    """`$XDG_DATA_HOME/kabanero`, usually ~/.local/share/kabanero."""
    home = environ.get("XDG_DATA_HOME") or str(Path(environ.get("HOME", "~")).expanduser() / ".local" / "share")
    return Path(home) / "kabanero"


def connection(wanted: Wanted, environ: Mapping[str, str] = os.environ) -> Connection:
    """The connection that is meant. Raises UnreachableError when no kubeconfig is found, UsageError for a bad one."""
    files = _files(wanted, environ)
    merged = _merged([(file, _read(file)) for file in files])
    name = wanted.context or merged.current
    origin = f"{_shown(files)}, context {name}" if name else _shown(files)
    context, _ = merged.entry("contexts", "context", name, origin)
    cluster = merged.entry("clusters", "cluster", str(context.get("cluster", "")), origin)
    user = merged.entry("users", "user", str(context.get("user", "")), origin, optional=True)
    if not cluster[0].get("server"):
        raise UsageError(f"{origin}: its cluster has no server")
    return _connection(origin, context, cluster, user)


def _files(wanted: Wanted, environ: Mapping[str, str]) -> list[Path]:
    """The kubeconfig files to read: what was said on the command line first, then what the environment says."""
    if wanted.kubeconfig:
        return [_there(Path(wanted.kubeconfig).expanduser(), "it was named with --kubeconfig")]
    if named := wanted.data_dir or environ.get("KABANERO_DATA_DIR", ""):
        where = Path(named).expanduser() / "kubeconfig"
        if not where.exists() and (where.parent / RUNNER_KUBECONFIG).exists():
            return _usual(environ)  # The runner there leaves the resources to an API server.
        return [_there(where, f"start the runner with: kabanero serve --data-dir {named}")]
    return _usual(environ)


def _usual(environ: Mapping[str, str]) -> list[Path]:
    if paths := [Path(part).expanduser() for part in environ.get("KUBECONFIG", "").split(os.pathsep) if part]:
        return [path for path in paths if path.exists()] or [_there(paths[0], "it is named by KUBECONFIG")]
    usual = [default_data_dir(environ) / "kubeconfig", Path(environ.get("HOME", "~")).expanduser() / ".kube" / "config"]
    for path in usual:
        if path.exists():
            return [path]
    raise UnreachableError("no runner is known here", _how_to_start(usual))


def _how_to_start(usual: Sequence[Path]) -> list[str]:
    return [
        f"looked for {' and '.join(str(path) for path in usual)}",
        "start one on this machine with: kabanero serve   (or see it work first: kabanero demo)",
        "or name another with --kubeconfig FILE or --data-dir DIR",
    ]


def _there(path: Path, hint: str) -> Path:
    if not path.exists():
        raise UnreachableError(f"there is no kubeconfig {path}", [hint])
    return path


def _shown(files: Sequence[Path]) -> str:
    return os.pathsep.join(str(file) for file in files)


def _read(path: Path) -> Yaml:
    import yaml

    try:
        content = yaml.load(path.read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except PermissionError as error:
        raise UnreachableError(f"{path} may not be read by this user", [f"ls -l {path}"]) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not a kubeconfig: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise UsageError(f"{path} is not a kubeconfig: it holds no mapping")
    return content


@dataclass(frozen=True, slots=True)
class _Merged:
    """Several kubeconfigs as one: of entries with one name the first counts; paths stay relative to their own file."""

    current: str
    files: Sequence[tuple[Path, Yaml]]

    def entry(self, group: str, part: str, name: str, origin: str, *, optional: bool = False) -> tuple[Yaml, Path]:
        """The entry of this name and the folder of its file."""
        for path, content in self.files:
            for entry in content.get(group) or []:
                if isinstance(entry, dict) and entry.get("name") == name:
                    return entry.get(part) or {}, path.parent
        if optional:
            return {}, Path()
        names = [str(entry.get("name")) for _, content in self.files for entry in content.get(group) or []]
        if not name:
            raise UsageError(f"{origin} has no current-context", [f"name one with --context: {', '.join(names)}"])
        raise UsageError(f"{origin}: there is no {part} {name!r}", [_meant(name, names)])


def _meant(name: str, names: Sequence[str]) -> str:
    from kabanero.model.nearmiss import did_you_mean

    return did_you_mean(name, names)


def _merged(files: Sequence[tuple[Path, Yaml]]) -> _Merged:
    current = next((str(content["current-context"]) for _, content in files if content.get("current-context")), "")
    return _Merged(current, files)


def _connection(origin: str, context: Yaml, cluster: tuple[Yaml, Path], user: tuple[Yaml, Path]) -> Connection:
    (place, where), (who, home) = cluster, user
    token, certificate, key = _credentials(who, home, origin)
    return Connection(
        server=str(place["server"]).rstrip("/"),
        origin=origin,
        token=token,
        username=str(who.get("username") or ""),
        password=str(who.get("password") or ""),
        ca=_pem(place, "certificate-authority", where, origin),
        certificate=certificate,
        key=key,
        insecure=bool(place.get("insecure-skip-tls-verify")),
        tls_name=str(place.get("tls-server-name") or ""),
        namespace=str(context.get("namespace") or ""),
    )


def _credentials(user: Yaml, home: Path, origin: str) -> tuple[str, str, str]:
    """Token, client certificate and key."""
    if isinstance(user.get("exec"), dict):
        from kabanero.cli.credential_plugin import ask_plugin

        return ask_plugin(user["exec"], home, origin)
    token = str(user.get("token") or "")
    if not token and (file := user.get("tokenFile")):
        token = (home / str(file)).read_text().strip()
    return token, _pem(user, "client-certificate", home, origin), _pem(user, "client-key", home, origin)


def _pem(entry: Yaml, field: str, folder: Path, origin: str) -> str:
    """PEM text that stands in the file itself (base64) or in a file beside it."""
    if data := entry.get(f"{field}-data"):
        try:
            return base64.b64decode(str(data), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise UsageError(f"{origin}: {field}-data is not PEM in base64") from error
    return (folder / str(entry[field])).read_text() if entry.get(field) else ""
