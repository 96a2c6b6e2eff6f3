"""Every setting of the client."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """Where the API server is and how hard it may be pressed.

    kubeconfig: file that says where and as whom; None: $KUBECONFIG, else the pod's own account, else ~/.kube/config.
    context: the context in it; empty: its current one.
    qps: requests a second in the long run; 0: no limit.
    burst: requests at once before `qps` counts.
    parallel: requests under way at the same time; watches don't count.
    connect_seconds: longest time to connect.
    request_seconds: longest time of a request, watches excepted.
    retries: how often a request is sent again that the server put off (429, or 503 with Retry-After); 0: never.
    longest_wait_seconds: longest that one such wait lasts, whatever the server says.
    silence_seconds: a watch that hears nothing for so long connects again (bookmarks come every minute); 0: never.
    """

    kubeconfig: Path | None = None
    context: str = ""
    qps: float = 500.0
    burst: int = 1000
    parallel: int = 64
    connect_seconds: float = 10.0
    request_seconds: float = 30.0
    retries: int = 5
    longest_wait_seconds: float = 30.0
    silence_seconds: float = 150.0
