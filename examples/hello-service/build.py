"""Packs the service into one runnable file: ARTIFACT_DIR/hello-service-VERSION+COMMIT.pyz.

From the environment: ARTIFACT_DIR (folder), COMMIT (what is built), SOURCE_DATE_EPOCH (seconds; the time that all
packed files get, so that one commit always gives the same bytes).
"""

import os
import shutil
import tempfile
import zipapp
from pathlib import Path

from hello_service import VERSION

HERE = Path(__file__).parent


def stamped_copy(target, commit, time):
    """A copy of the package that knows its commit; every file must compile."""
    package = shutil.copytree(HERE / "hello_service", target / "hello_service", ignore=lambda *_: {"__pycache__"})
    init = package / "__init__.py"
    init.write_text(init.read_text().replace('COMMIT = "unknown"', f"COMMIT = {commit!r}"))
    for source in package.rglob("*.py"):
        compile(source.read_bytes(), str(source.relative_to(target)), "exec")
    (target / "__main__.py").write_text((package / "__main__.py").read_text())
    for each in target.rglob("*"):
        each.chmod(0o755 if each.is_dir() else 0o644)
        os.utime(each, (time, time))
    return target


def build(artifact_dir, commit, time):
    """Returns the file that was made."""
    made = Path(artifact_dir) / f"hello-service-{VERSION}+{commit[:12]}.pyz"
    made.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        zipapp.create_archive(stamped_copy(Path(folder), commit, time), made, "/usr/bin/env python3", compressed=True)
    return made


if __name__ == "__main__":
    environment = os.environ
    time = int(environment.get("SOURCE_DATE_EPOCH", "315532800"))
    print(build(environment["ARTIFACT_DIR"], environment.get("COMMIT", "unknown"), time))
