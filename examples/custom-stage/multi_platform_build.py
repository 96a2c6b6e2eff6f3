"""The stage kind MultiPlatformBuild: packs a Python application from a git repository for each platform's Python."""

import shutil
import sys
from pathlib import Path

from kabanero.stages import StageApp

PYTHON = {
    "image_amd64": "/usr/bin/env python3",
    "image_ppcl3": "/opt/freeware/bin/python3",
    "image_os390": "/usr/lpp/IBM/cyp/v3r13/pyz/bin/python3",
}
app = StageApp()


@app.stage("MultiPlatformBuild", on_interrupted="Retry")
def build(ctx):
    source, images = ctx.inputs["source"], {}
    ctx.progress("cloning", percent=5)
    ctx.run(["git", "clone", "--quiet", source["location"], "source"])
    ctx.run(["git", "checkout", "--quiet", source.get("commit", "HEAD")], cwd="source")
    commit = ctx.run(["git", "rev-parse", "--short", "HEAD"], cwd="source").stdout.strip()
    shutil.rmtree(ctx.workspace / "source" / ".git")
    for name, folder in ctx.outputs_wanted.items():
        ctx.progress(f"building {name}", percent=10 + 30 * len(images))
        file = Path(folder["location"], f"{name}-{commit}.pyz")
        file.parent.mkdir(parents=True, exist_ok=True)
        ctx.run([sys.executable, "-m", "zipapp", "source", "--python", PYTHON[name], "--output", file])
        images[name] = {"location": str(file), "commit": commit}
    return images


if __name__ == "__main__":
    raise SystemExit(app.run())
