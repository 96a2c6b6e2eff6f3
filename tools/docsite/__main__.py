"""`make site`: the guides and the plugins' documentation as one site of plain files, built strictly.

Its tools live in an environment of their own (requirements/site.txt), which is made when that file changes. The site is
in build/site; open build/site/index.html.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tools.docsite.environment import NoToolsError, tools
from tools.docsite.linkcheck import broken_links
from tools.docsite.pages import ROOT, write_pages
from tools.docsite.plugins import fit_plugins

BUILD = ROOT / "build"
PARTS = Path(__file__).parent / "theme"
COLLECTION = "kabanero.events"


def main() -> int:
    """Builds it; every warning is an error, and so is a link that leads nowhere."""
    parser = argparse.ArgumentParser(prog="python -m tools.docsite", description=__doc__)
    parser.add_argument("--into", type=Path, default=BUILD, help="folder of the site and of what it is made from")
    into = parser.parse_args().into.absolute()
    site, source, began = into / "site", into / "site-source", time.monotonic()
    try:
        programs = tools()
        _prepare(programs, source)
        shutil.rmtree(site, ignore_errors=True)
        _run(programs / "sphinx-build", "-W", "--keep-going", "-q", "-j", "2", "-b", "html", source, site)
    except NoToolsError as error:
        return _failed(str(error))
    except subprocess.CalledProcessError as error:
        return _failed(f"{Path(str(error.cmd[0])).name} ended with {error.returncode}, see above")
    if broken := broken_links(site):
        return _failed("links that lead nowhere:\n" + "\n".join(f"  {each}" for each in broken))
    sys.stdout.write(f"built in {time.monotonic() - began:.0f} s: {site / 'index.html'}\n")
    return 0


def _prepare(programs: Path, source: Path) -> None:
    """Writes everything that Sphinx reads."""
    shutil.rmtree(source, ignore_errors=True)
    write_pages(source)
    shutil.copy(PARTS / "conf.py", source)
    shutil.copytree(PARTS, source / "_parts", ignore=shutil.ignore_patterns("conf.py", "static", "__pycache__"))
    shutil.copytree(PARTS / "static", source / "_static")
    shutil.copy(ROOT / "galaxy.yml", source)
    plugins = source / "collection"
    plugins.mkdir(mode=0o755)
    command = ("collection", "--use-current", "--squash-hierarchy", "--fail-on-error", "--dest-dir", plugins)
    _run(programs / "antsibull-docs", *command, COLLECTION)
    fit_plugins(plugins)


def _run(*command: str | Path) -> None:
    """One tool; it finds Ansible where this Python is."""
    path = os.pathsep.join([str(Path(str(command[0])).parent), str(Path(sys.executable).parent), os.environ["PATH"]])
    words: Sequence[str] = [str(word) for word in command]
    subprocess.run(words, check=True, env={**os.environ, "PATH": path}, cwd=ROOT)


def _failed(why: str) -> int:
    sys.stderr.write(f"the site is not built: {why}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
