"""A cluster whose pods run: a kubelet on containerd and runc, as root. For the proof of the installation."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.testbed.apiserver import FIRST_SERVICE
from tests.testbed.cluster import Cluster
from tests.testbed.containers import mark, runs
from tests.testbed.debian import CNI, PACKAGES, missing_packages
from tests.testbed.images import pack
from tests.testbed.processes import NotReadyError, free_port
from tests.testbed.releases import REAL
from tests.testbed.tekton import ENTRYPOINT_IMAGE, SHELL_IMAGE

PAUSE_IMAGE = "docker.io/local/pause:1"
PODS = "10.244.0.0/24"
NODE = "localhost"
IMPORT_SECONDS = 300


class RealCluster(Cluster):
    """One node, which is this machine; at most one such cluster at a time.

    The API server listens on the address of its own Service, an address of the loopback interface, so
    pods reach it as in any cluster without a proxy. Other Services have no proxy: use pods' addresses or
    `kubectl port-forward`. There is no DNS for Services and no registry: `load_image` brings images in.
    """

    programs = REAL
    admission = ("--kubelet-preferred-address-types=Hostname",)
    address = FIRST_SERVICE

    @classmethod
    def lacking(cls) -> list[str]:
        root = ["the rights of root"] if os.geteuid() else []
        alone = ["a machine where no other kubelet runs"] if runs("kubelet") else []
        return [*super().lacking(), *missing_packages(), *root, *alone]

    def choose_port(self) -> int:
        return 443

    @property
    def socket(self) -> Path:
        """Where containerd listens."""
        return self.folder / "containerd.sock"

    def start_etcd(self) -> None:
        """Takes the address of the API server first: whoever has it is the one such cluster of this machine."""
        added = self._run("ip", "address", "add", f"{self.address}/32", "dev", "lo")
        if added.returncode:
            raise NotReadyError(f"{self.address} is taken: does another real cluster run? {added.stderr}")
        (self.folder / "loopback-address").write_text(self.address)
        super().start_etcd()

    def start_nodes(self) -> None:
        self._configure()
        self.processes.start("containerd", PACKAGES["containerd"], f"--config={self.folder / 'containerd.toml'}")
        self.processes.wait_ready("containerd", lambda: self.ctr("version").returncode == 0)
        self._load_own_images()
        mark(self.folder).create()
        self.processes.start(
            "kubelet",
            self.paths["kubelet"],
            f"--kubeconfig={self.kubeconfig}",
            f"--config={self.folder / 'kubelet.yaml'}",
            f"--root-dir={self.folder / 'kubelet'}",
            f"--cert-dir={self.folder / 'kubelet' / 'pki'}",
            f"--hostname-override={NODE}",
        )

    def ctr(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Runs containerd's own client among the kubelet's containers."""
        return self._run("ctr", f"--address={self.socket}", "--namespace=k8s.io", *arguments)

    def load_image(self, root: Path, reference: str, entrypoint: Sequence[str], **config: Any) -> None:
        """Makes an image of a folder known to the node; a reference that ends in `:latest` would be pulled anyway."""
        archive = self.folder / "image.tar"
        pack(root, reference, archive, list(entrypoint), **config)
        self.import_image(archive)
        archive.unlink()

    def import_image(self, archive: Path) -> None:
        """Makes the images in an archive known to the node, by the names that it says."""
        done = self.ctr("images", "import", archive)
        if done.returncode:
            raise NotReadyError(f"containerd did not take {archive}: {done.stderr}")

    def _load_own_images(self) -> None:
        root = self.folder / "image-root"
        (root / "bin").mkdir(parents=True)
        (root / "tmp").mkdir()
        (root / "tmp").chmod(0o1777)
        shutil.copy(PACKAGES["busybox-static"], root / "bin" / "busybox")
        for applet in self._run("busybox", "--list").stdout.split():
            if applet != "busybox":
                (root / "bin" / applet).symlink_to("busybox")
        self.load_image(root, SHELL_IMAGE, ["/bin/sh"])
        self.load_image(root, PAUSE_IMAGE, ["/bin/sleep", "100000000"])
        (root / "ko-app").mkdir()
        shutil.copy(self.paths["tekton-entrypoint"], root / "ko-app" / "entrypoint")
        self.load_image(root, ENTRYPOINT_IMAGE, ["/ko-app/entrypoint"])
        shutil.rmtree(root)

    def _configure(self) -> None:
        network = {"cniVersion": "1.0.0", "name": mark(self.folder).name, "plugins": [self._network()]}
        (self.folder / "cni").mkdir()
        (self.folder / "cni" / "10-pods.conflist").write_text(json.dumps(network))
        (self.folder / "containerd.toml").write_text(self._containerd())
        (self.folder / "kubelet.yaml").write_text(yaml.safe_dump(self._kubelet()))

    def _network(self) -> dict[str, Any]:
        ranges = {"ranges": [[{"subnet": PODS}]], "routes": [{"dst": "0.0.0.0/0"}]}
        return {"type": "ptp", "ipam": {"type": "host-local", "dataDir": str(self.folder / "addresses")} | ranges}

    def _containerd(self) -> str:
        # A sandbox may not lower its OOM score in a container or small machine: without this no pod starts.
        return f"""\
version = 2
root = "{self.folder}/containerd/root"
state = "{self.folder}/containerd/state"
[grpc]
  address = "{self.socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  stream_server_address = "127.0.0.1"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{CNI}"
    conf_dir = "{self.folder}/cni"
"""

    def _kubelet(self) -> dict[str, Any]:
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
            "authorization": {"mode": "AlwaysAllow"},
            "address": "127.0.0.1",
            "port": free_port(),
            "healthzPort": 0,
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{mark(self.folder).name}",
            "failCgroupV1": False,
            "enforceNodeAllocatable": [],
            "containerRuntimeEndpoint": f"unix://{self.socket}",
            "evictionHard": {"memory.available": "100Mi"},
            "podLogsDir": str(self.folder / "pod-logs"),
            "volumePluginDir": str(self.folder / "volume-plugins"),
            "resolvConf": "",
        }

    @staticmethod
    def _run(*command: str | Path) -> subprocess.CompletedProcess[str]:
        words = [str(word) for word in command]
        return subprocess.run(words, capture_output=True, text=True, timeout=IMPORT_SECONDS, check=False)
