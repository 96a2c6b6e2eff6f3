"""A real API server on its own etcd: the lighter fixture, and what a whole cluster stands on."""

from __future__ import annotations

import base64
import json
import secrets
import ssl
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import urllib3
import yaml

from tests.testbed import parts
from tests.testbed.ending import end
from tests.testbed.pki import Authority, token_key
from tests.testbed.places import Kind, Places
from tests.testbed.processes import Processes, free_port, wait_until
from tests.testbed.releases import APISERVER

CRDS = Path(__file__).parents[2] / "config" / "crds"
SERVICES = "10.96.0.0/16"
FIRST_SERVICE = "10.96.0.1"
KUBECTL_SECONDS = 120
CALL_SECONDS = 30
KIND_SECONDS = 10
APPLY = "fieldManager=kubectl&force=true&fieldValidation=Strict"


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Reads YAML as kubectl does: a time is text."""

    yaml_implicit_resolvers: ClassVar[Any] = {
        letter: [each for each in found if each[0] != "tag:yaml.org,2002:timestamp"]
        for letter, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


class ApiServer:
    """etcd and kube-apiserver in one folder, on loopback ports of their own, with RBAC.

    `url`, `token` (of an admin in system:masters), `ca` and `kubeconfig` are what clients need; they stay
    the same when the server is killed and started again.
    """

    programs: tuple[str, ...] = APISERVER
    address = "127.0.0.1"
    admission: tuple[str, ...] = ("--disable-admission-plugins=ServiceAccount",)

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder.resolve()
        self.processes = Processes(self.folder)
        self.paths = {name: parts.program(name) for name in self.programs}
        self.kubeconfig = self.folder / "kubeconfig"
        self.authority = Authority(self.folder / "pki")
        self.ca = self.authority.certificate
        known = self._known()
        self.token: str = known["token"]
        self.url = f"https://{self.address}:{known['port']}"
        self.etcd_url = f"http://127.0.0.1:{known['etcd']}"
        self._port, self._peer_port = known["port"], known["peer"]
        self._http = urllib3.PoolManager(ca_certs=str(self.ca), retries=False, timeout=CALL_SECONDS, maxsize=8)
        self._places = Places(self.read)

    def _known(self) -> dict[str, Any]:
        """What a handle on the same folder must find again: ports and token."""
        file = self.folder / "testbed.json"
        if not file.exists():
            made = {"token": secrets.token_hex(16), "port": self.choose_port()}
            made |= {"etcd": free_port(), "peer": free_port()}
            file.touch(mode=0o600)
            file.write_text(json.dumps(made))
        known: dict[str, Any] = json.loads(file.read_text())
        return known

    def choose_port(self) -> int:
        """The API server's port, asked for once."""
        return free_port()

    @classmethod
    def lacking(cls) -> list[str]:
        """What is not here of all that it needs."""
        return parts.missing(cls.programs)

    # --- life ---------------------------------------------------------------------------------------------------

    def start(self, crds: Path | None = CRDS) -> None:
        """Starts everything and returns when it is ready, with the definitions in `crds`; raises NotReadyError."""
        self.start_etcd()
        self.start_apiserver()
        self.write_kubeconfig(self.kubeconfig, {"token": self.token})
        if crds:
            self.load_crds(crds)

    def start_etcd(self) -> None:
        peer = f"http://127.0.0.1:{self._peer_port}"
        self.processes.start(
            "etcd",
            self.paths["etcd"],
            f"--data-dir={self.folder / 'etcd'}",
            "--unsafe-no-fsync",
            f"--listen-client-urls={self.etcd_url}",
            f"--advertise-client-urls={self.etcd_url}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
        )
        self.processes.wait_ready("etcd", self._etcd_ready)

    def start_apiserver(self) -> None:
        """Starts the API server, again on the same port and data; returns when it is ready."""
        self.processes.start("kube-apiserver", self.paths["kube-apiserver"], *self._apiserver_flags())
        self.processes.wait_ready("kube-apiserver", self.ready)

    def kill_apiserver(self) -> None:
        """SIGKILL: clients see their connections break, then be refused."""
        self.processes.kill("kube-apiserver")

    def stop(self) -> None:
        """Ends all processes and removes the folder."""
        end(self.folder)

    def _apiserver_flags(self) -> list[str]:
        pki = self.folder / "pki"
        certificate, key = self.authority.issue("kube-apiserver", hosts=("127.0.0.1", FIRST_SERVICE))
        signing = token_key(pki / "service-accounts.key")
        tokens = pki / "tokens.csv"
        tokens.touch(mode=0o600)
        tokens.write_text(f"{self.token},admin,admin,system:masters\n")
        return [
            f"--etcd-servers={self.etcd_url}",
            f"--secure-port={self._port}",
            f"--bind-address={self.address}",
            f"--advertise-address={self.address}",
            f"--tls-cert-file={certificate}",
            f"--tls-private-key-file={key}",
            f"--client-ca-file={self.ca}",
            f"--token-auth-file={tokens}",
            "--authorization-mode=RBAC",
            f"--service-account-key-file={signing}",
            f"--service-account-signing-key-file={signing}",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            f"--service-cluster-ip-range={SERVICES}",
            *self.admission,
        ]

    def ready(self) -> bool:
        """Whether the API server answers and has done its own preparations."""
        try:
            return bool(self._http.request("GET", f"{self.url}/readyz", headers=self._bearer()).status == 200)
        except urllib3.exceptions.HTTPError:
            return False

    def _etcd_ready(self) -> bool:
        try:
            return bool(self._http.request("GET", f"{self.etcd_url}/readyz").status == 200)
        except urllib3.exceptions.HTTPError:
            return False

    # --- faults -------------------------------------------------------------------------------------------------

    def compact_etcd(self) -> int:
        """Makes etcd forget all revisions before the newest one, which is returned."""
        revision = int(self._etcd("kv/range", {"key": _encoded("/none")})["header"]["revision"])
        self._etcd("kv/compaction", {"revision": revision, "physical": True})
        return revision

    def forget_history(self) -> None:
        """A watch from any earlier resourceVersion gets 410 from now on.

        The API server answers from its own memory of events too, so it is killed and started again.
        """
        self.kill_apiserver()
        self.compact_etcd()
        self.start_apiserver()

    def _etcd(self, path: str, body: dict[str, Any]) -> Any:
        answer = self._http.request("POST", f"{self.etcd_url}/v3/{path}", body=json.dumps(body))
        if answer.status != 200:
            raise OSError(f"etcd answered {answer.status}: {answer.data.decode()}")
        return json.loads(answer.data)

    # --- use ----------------------------------------------------------------------------------------------------

    def kubectl(self, *arguments: str | Path, stdin: str = "", kubeconfig: Path | None = None) -> str:
        """Standard output of kubectl as the admin, or as who `kubeconfig` says; raises CalledProcessError."""
        kept = f"--cache-dir={self.folder / 'kubectl-cache'}"  # By default it is shared with servers of former runs.
        words = (self.paths["kubectl"], f"--kubeconfig={kubeconfig or self.kubeconfig}", kept, *arguments)
        command, limit = [str(word) for word in words], KUBECTL_SECONDS
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=limit, check=False)
        if done.returncode:
            raise KubectlError(done.returncode, command, done.stdout, done.stderr)
        return done.stdout

    def apply(self, *resources: dict[str, Any] | str | Path) -> None:
        """Applies resources on the server's side, as kubectl does: each a dict, YAML text, or a file or folder.

        Raises OSError with the server's words for the first that it refuses.
        """
        for each in _flat(resources):
            # A new kind is served a moment before it is said to be.
            wait_until(lambda each=each: self._places.holding(each), f"kind {each['kind']}", KIND_SECONDS)  # type: ignore[misc]
            place, metadata = self._places.holding(each), each["metadata"]
            path = place.path(metadata.get("namespace") or "default", metadata["name"])
            self.write("PATCH", f"{path}?{APPLY}", each, "application/apply-patch+yaml")

    def get(self, kind: str, name: str, namespace: str = "default") -> Any:
        """One resource, decoded, as kubectl shows it; raises OSError."""
        return shown(self.read(self.kind(kind).path(namespace, name)))

    def kind(self, word: str) -> Kind:
        """What kubectl would take for this word: where resources of it are. Raises OSError."""
        return self._places.named(word)

    def read(self, path: str) -> Any:
        """What is at a path, decoded: a hundredth of the time that kubectl needs. Raises OSError."""
        return self._call("GET", path)

    def write(self, method: str, path: str, body: Any, content: str = "application/json") -> Any:
        """Writes what kubectl could not take as an argument, or takes too long for. Raises OSError."""
        return self._call(method, path, json.dumps(body), content)

    def _call(self, method: str, path: str, body: str | None = None, content: str = "") -> Any:
        headers = {**self._bearer(), **({"Content-Type": content} if content else {})}
        try:
            answer = self._http.request(method, self.url + path, body=body, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            raise OSError(str(error)) from error
        if answer.status >= 300:
            raise RefusedError(f"{method} {path} was answered {answer.status}: {answer.data.decode()[:2000]}")
        return json.loads(answer.data)

    def tls(self) -> ssl.SSLContext:
        """What a client of the standard library needs to trust the API server."""
        return ssl.create_default_context(cafile=self.ca)

    def load_crds(self, folder: Path = CRDS) -> None:
        """Installs definitions of resources, by default the project's own, and waits until they are served."""
        definitions = list(_flat([folder]))
        self.apply(*definitions)
        self.wait_established(*definitions)
        for path in map(_served_at, definitions):
            wait_until(lambda path=path: self.read(path), f"an answer of {path}")  # type: ignore[misc]

    def wait_established(self, *definitions: dict[str, Any]) -> None:
        """Waits until the server has taken up definitions of resources."""
        for name in [each["metadata"]["name"] for each in definitions]:
            wait_until(lambda name=name: _established(self.get("crd", name)), f"definition {name}")  # type: ignore[misc]

    # --- users --------------------------------------------------------------------------------------------------

    def service_account(self, namespace: str, name: str) -> Path:
        """A kubeconfig with a ServiceAccount's token; the account is made when it is not there. It may nothing yet."""
        place = {"name": name, "namespace": namespace}
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        self.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": place})
        token = self.kubectl("create", "token", name, f"--namespace={namespace}", "--duration=24h").strip()
        return self.write_kubeconfig(self.folder / f"kubeconfig-{namespace}-{name}", {"token": token}, namespace)

    def user(self, name: str, *groups: str) -> Path:
        """A kubeconfig with a client certificate."""
        certificate, key = self.authority.issue(name, groups=groups)
        proof = {"client-certificate": str(certificate), "client-key": str(key)}
        return self.write_kubeconfig(self.folder / f"kubeconfig-{name.replace(':', '_')}", proof)

    def write_kubeconfig(self, file: Path, user: dict[str, str], namespace: str = "default") -> Path:
        cluster = {"server": self.url, "certificate-authority": str(self.ca)}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "testbed", "cluster": cluster}],
            "users": [{"name": "user", "user": user}],
            "contexts": [
                {"name": "testbed", "context": {"cluster": "testbed", "user": "user", "namespace": namespace}}
            ],
            "current-context": "testbed",
        }
        file.touch(mode=0o600)
        file.write_text(yaml.safe_dump(config))
        return file

    def _bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


class RefusedError(OSError):
    """The API server said no; the text says why."""


class KubectlError(subprocess.CalledProcessError):
    """kubectl said no; the text says why."""

    def __str__(self) -> str:
        return f"{super().__str__()}\n{self.stderr}"


def _established(definition: dict[str, Any]) -> bool:
    conditions = definition.get("status", {}).get("conditions") or []  # null for a moment after it is made
    return any(each["type"] == "Established" and each["status"] == "True" for each in conditions)


def _served_at(definition: dict[str, Any]) -> str:
    """Where all resources of a kind are, told briefly. Its storage is ready a moment after it is established."""
    spec = definition["spec"]
    return f"/apis/{spec['group']}/{spec['versions'][0]['name']}/{spec['names']['plural']}?limit=1"


def shown(resource: dict[str, Any]) -> dict[str, Any]:
    """Without what kubectl leaves out as well: who wrote which field, and when."""
    metadata = {name: value for name, value in resource["metadata"].items() if name != "managedFields"}
    return {**resource, "metadata": metadata}


def _flat(resources: Iterable[dict[str, Any] | str | Path]) -> Iterator[dict[str, Any]]:
    """Each by itself: of files, of texts with several documents, of lists."""
    for resource in resources:
        if isinstance(resource, Path):
            files = sorted(resource.glob("*.yaml")) if resource.is_dir() else [resource]
            yield from _flat(file.read_text() for file in files)
        elif isinstance(resource, str):
            yield from _flat(filter(None, yaml.load_all(resource, Loader)))
        elif "items" in resource and resource["kind"].endswith("List"):
            yield from _flat(resource["items"])
        else:
            yield resource


def _encoded(key: str) -> str:
    return base64.b64encode(key.encode()).decode()
