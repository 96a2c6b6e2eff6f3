"""Container images from folders: no registry is needed, since containerd takes an archive."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
from pathlib import Path
from typing import Any

OCI = "application/vnd.oci.image"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def pack(root: Path, reference: str, archive: Path, entrypoint: list[str], **config: Any) -> None:
    """Writes `root` as an image of one layer; `config` is more of the OCI config, such as User or WorkingDir."""
    layer = archive.with_suffix(".layer")
    with tarfile.open(layer, "w") as tar:
        tar.add(root, arcname=".", filter=_owned_by_root)
    layer_digest = _file_digest(layer)
    image = {
        "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "config": {"Env": ["PATH=/usr/local/bin:/usr/bin:/bin:/sbin"], "Entrypoint": entrypoint} | config,
        "rootfs": {"type": "layers", "diff_ids": [layer_digest]},
    }
    layers = [_named("layer.v1.tar", layer_digest, layer.stat().st_size)]
    blobs: dict[str, bytes] = {}
    described = {"config": _kept(blobs, "config.v1+json", image), "layers": layers}
    manifest = _kept(blobs, "manifest.v1+json", _versioned("manifest.v1+json") | described)
    names = {"io.containerd.image.name": reference, "org.opencontainers.image.ref.name": reference}
    index = {"schemaVersion": 2, "manifests": [manifest | {"annotations": names}]}
    with tarfile.open(archive, "w") as tar:
        _add(tar, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
        _add(tar, "index.json", json.dumps(index).encode())
        for digest, blob in blobs.items():
            _add(tar, _place(digest), blob)
        tar.add(layer, arcname=_place(layer_digest))
    layer.unlink()


def _kept(blobs: dict[str, bytes], kind: str, content: dict[str, Any]) -> dict[str, Any]:
    blob = json.dumps(content).encode()
    digest = f"sha256:{hashlib.sha256(blob).hexdigest()}"
    blobs[digest] = blob
    return _named(kind, digest, len(blob))


def _named(kind: str, digest: str, size: int) -> dict[str, Any]:
    return {"mediaType": f"{OCI}.{kind}", "digest": digest, "size": size}


def _versioned(kind: str) -> dict[str, Any]:
    return {"schemaVersion": 2, "mediaType": f"{OCI}.{kind}"}


def _place(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    tar.addfile(info, io.BytesIO(content))


def _file_digest(file: Path) -> str:
    with file.open("rb") as content:
        return f"sha256:{hashlib.file_digest(content, 'sha256').hexdigest()}"


def _owned_by_root(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    return info
