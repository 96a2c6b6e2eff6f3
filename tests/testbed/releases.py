"""What the test bed is made of: each release, its commands, how Go builds them. Pure data for `parts` and `build`."""

from __future__ import annotations

from dataclasses import dataclass, field

KUBERNETES_MODULE = "k8s.io/kubernetes"
KUBERNETES_VERSION = "1.34.4"
STAMP = "k8s.io/component-base/version"


@dataclass(frozen=True)
class Release:
    """One published Go module.

    `commands` maps the name of a program of ours to its Go package; `files` are files and folders of the
    module that a running cluster reads, kept beside the programs; `go` is the language version of the
    module of ours that imports the commands; `staged` tells that the module replaces its own parts by
    local folders, which only their published versions can stand for; `forked` that it replaces others' modules
    by forks of them; `linker` is what to stamp in; `tags` are Go's build tags; `cgo` tells that it holds C.
    """

    name: str
    version: str
    module: str
    go: str
    commands: dict[str, str]
    files: dict[str, str] = field(default_factory=dict)
    staged: bool = False
    forked: bool = False
    linker: str = ""
    tags: str = ""
    cgo: bool = False

    @property
    def folder(self) -> str:
        """The folder in the cache: another version is another folder."""
        return f"{self.name}-{self.version}"


def _kubernetes() -> Release:
    commands = ("kube-apiserver", "kube-controller-manager", "kubectl", "kube-scheduler", "kubelet")
    major, minor, _ = KUBERNETES_VERSION.split(".")
    return Release(
        name="kubernetes",
        version=KUBERNETES_VERSION,
        module=KUBERNETES_MODULE,
        go="1.24.0",
        commands={command: f"{KUBERNETES_MODULE}/cmd/{command}" for command in commands},
        staged=True,
        linker=f"-X {STAMP}.gitVersion=v{KUBERNETES_VERSION} -X {STAMP}.gitMajor={major} -X {STAMP}.gitMinor={minor}",
    )


KUBERNETES = _kubernetes()
ETCD = Release(
    name="etcd",
    version="3.6.16",
    module="go.etcd.io/etcd/server/v3",
    go="1.24.0",
    commands={"etcd": "go.etcd.io/etcd/server/v3"},
)
KWOK = Release(
    name="kwok",
    version="0.8.0",
    module="sigs.k8s.io/kwok",
    go="1.26.0",
    commands={"kwok": "sigs.k8s.io/kwok/cmd/kwok"},
    files={"kustomize/stage/node/fast/node-initialize.yaml": "node-stages.yaml"},
)
TEKTON = Release(
    name="tekton",
    version="1.15.0",
    module="github.com/tektoncd/pipeline",
    go="1.26.4",
    commands={
        "tekton-controller": "github.com/tektoncd/pipeline/cmd/controller",
        "tekton-entrypoint": "github.com/tektoncd/pipeline/cmd/entrypoint",
    },
    files={"config": "config"},
)

GITEA = Release(
    name="gitea",
    version="1.26.1",
    module="code.gitea.io/gitea",
    go="1.26.2",
    commands={"gitea": "code.gitea.io/gitea"},
    files={name: name for name in ("options", "templates", "public")},
    forked=True,
    tags="sqlite sqlite_unlock_notify",
    cgo=True,
)

TRIGGERS = Release(
    name="triggers",
    version="0.37.0",
    module="github.com/tektoncd/triggers",
    go="1.26.4",
    commands={"eventlistenersink": "github.com/tektoncd/triggers/cmd/eventlistenersink"},
    files={"config": "config"},
)
"""A peer: only `make bench` builds it."""

RELEASES = (ETCD, KUBERNETES, KWOK, TEKTON, GITEA, TRIGGERS)
PROGRAMS = {program: release for release in RELEASES for program in release.commands}

APISERVER = ("etcd", "kube-apiserver", "kubectl")
CLUSTER = (*APISERVER, "kube-controller-manager", "kube-scheduler", "tekton-controller")
SIMULATED = (*CLUSTER, "kwok")
REAL = (*CLUSTER, "kubelet", "tekton-entrypoint")
FORGE = ("gitea",)
PEERS = ("eventlistenersink",)
