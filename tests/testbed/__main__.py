"""`python -m tests.testbed up|down|build|status`: what `make cluster-up`, `cluster-down` and `test-cluster` call."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tests.testbed import parts, runner_image
from tests.testbed.apiserver import ApiServer
from tests.testbed.build import BuildError, build
from tests.testbed.cluster import SimulatedCluster
from tests.testbed.crdcheck import build_crdcheck
from tests.testbed.debian import IMAGE_PACKAGES, PACKAGES, install_packages
from tests.testbed.ending import end
from tests.testbed.forge import Forge
from tests.testbed.prism import build_prism
from tests.testbed.processes import NotReadyError, Processes
from tests.testbed.real import RealCluster
from tests.testbed.rulebook import build_rulebook

KINDS: dict[str, type[ApiServer]] = {"apiserver": ApiServer, "sim": SimulatedCluster, "real": RealCluster}


def main(arguments: list[str]) -> None:
    """Runs one command; a part that can't be had ends it with code 1 and what would help."""
    parser = argparse.ArgumentParser(prog="python -m tests.testbed", description=__doc__)
    parser.add_argument("command", choices=["up", "down", "build", "status"])
    parser.add_argument("--kind", choices=[*KINDS, "all"], default="sim", help="default: sim; all: to build only")
    parser.add_argument(
        "--state", type=Path, default=Path(".cluster"), help="folder of the cluster (default: .cluster)"
    )
    chosen = parser.parse_args(arguments)
    try:
        {"up": up, "down": down, "build": build_missing, "status": status}[chosen.command](chosen.state, chosen.kind)
    except (BuildError, NotReadyError, parts.PartMissingError) as error:
        sys.exit(f"error: {error}")


def build_missing(_: Path, kind: str) -> None:
    """Builds and installs what is nowhere yet. For `all`, what Debian has may be absent: tests say so then."""
    kinds = [KINDS[kind]] if kind in KINDS else [SimulatedCluster, RealCluster, Forge]
    for each in kinds:
        build(parts.missing(each.programs), parts.CACHE, lambda text: print(text, flush=True))
    print(f"crdcheck: {build_crdcheck()}")
    if Forge in kinds:
        print(f"prism: {build_prism()}")
    try:
        if RealCluster in kinds:
            install_packages(PACKAGES | (IMAGE_PACKAGES if kind == "all" else {}))
        if Forge in kinds:
            print(f"ansible-rulebook: {build_rulebook()}")
        if kind == "all":
            runner_image.build_base()
    except (BuildError, parts.PartMissingError) as error:
        if kind != "all":
            raise
        print(f"warning: {error}", file=sys.stderr)
    for each in kinds:
        print(f"{each.__name__} lacks {', '.join(each.lacking()) or 'nothing'}")


def up(state: Path, kind: str) -> None:
    """Starts a cluster that stays until `down`; one that could not start is taken away again."""
    if kind not in KINDS:
        sys.exit("error: --kind all is for build only")
    if state.exists() and any(state.iterdir()):
        sys.exit(f"error: {state} is in use: `python -m tests.testbed down --state {state}` ends a cluster there")
    build_missing(state, kind)
    if lacking := KINDS[kind].lacking():
        sys.exit(f"error: it lacks {', '.join(lacking)}")
    began, server = time.monotonic(), KINDS[kind](state)
    try:
        server.start()
    except BaseException:
        server.stop()
        raise
    print(f"ready in {time.monotonic() - began:.1f} s: {server.url}\nexport KUBECONFIG={server.kubeconfig}")


def down(state: Path, _: str) -> None:
    """Ends the cluster and removes all it left; a folder of something else is not touched."""
    if state.exists() and not (state / "testbed.json").exists():
        sys.exit(f"error: {state} is no folder of a cluster")
    end(state)


def status(state: Path, _: str) -> None:
    """Says which processes run; code 1 when one that should run does not, or none was started."""
    processes = Processes(state)
    running = {name: processes.pid(name) for name in processes.names()}
    for name, pid in running.items():
        print(f"{name}: {f'runs as {pid}' if pid else 'has ended'}")
    if not running or not all(running.values()):
        sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
