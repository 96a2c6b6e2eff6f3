"""Custom stages for tests: each does what the stage's `parameters.do` says. Every beginning leaves a mark."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

from kabanero.stages import Context, StageApp, StageFailed, StageSettings

FOLDER = Path(os.environ["TEST_FOLDER"])
GONE_AFTER = float(os.environ.get("GONE_AFTER", "10"))
app = StageApp(StageSettings(renew_every=GONE_AFTER / 5, gone_after=GONE_AFTER, show_every=0.1, stop_within=2.0))
LEAVES_ITS_GROUP = "setsid sleep 296 & (sleep 296 &) ; trap '' TERM; sleep 296 & wait; sleep 296"


def mark(text: str) -> None:
    with (FOLDER / "marks").open("a") as file:
        file.write(f"{text}\n")


def until(ctx: Context, name: str) -> None:
    while not (FOLDER / name).exists():
        ctx.sleep(0.02)


def fail(ctx: Context) -> None:
    raise StageFailed("2 of 40 tests failed", reason="TestsFailed", outputs={"report": {"location": "report.html"}})


def crash(ctx: Context) -> None:
    {}["source"]


def misname(ctx: Context) -> dict[str, Any]:
    return {"reprot": {"location": "report.html"}}


def command(ctx: Context) -> None:
    ctx.on_cancel(lambda: mark("told"))
    ctx.on_end(lambda: mark("cleaned up"))
    mark(f"workspace {ctx.workspace}")
    ctx.run(["sh", "-c", LEAVES_ITS_GROUP])


def go(ctx: Context) -> dict[str, Any]:
    """Goes on until the test lets it."""
    ctx.progress("half way", percent=50)
    ctx.link("log", "https://ci.example.com/1")
    until(ctx, f"{ctx.strategy_run}.go")
    return {"report": {"location": f"by {os.getpid()}", "nothing": None}}


DEEDS = {each.__name__: each for each in (fail, crash, misname, command, go)}


@app.stage("Work")
def work(ctx: Context) -> dict[str, Any] | None:
    mark(f"begun {ctx.strategy_run} {ctx.attempt} {os.getpid()}")
    return DEEDS[ctx.parameters["do"]](ctx)


@app.stage("WorkAgain", on_interrupted="Retry")
def work_again(ctx: Context) -> dict[str, Any] | None:
    return work(ctx)


@app.stage("AsyncWork")
async def async_work(ctx: Context) -> dict[str, Any]:
    mark(f"begun {ctx.strategy_run} {ctx.attempt} {os.getpid()}")
    try:
        while not (FOLDER / f"{ctx.strategy_run}.go").exists():
            await asyncio.sleep(0.02)
    except asyncio.CancelledError:
        mark("task cancelled")
        raise
    done = await asyncio.to_thread(ctx.run, ["echo", "async"])
    return {"report": {"location": done.stdout.strip()}}


if __name__ == "__main__":
    raise SystemExit(app.run())
