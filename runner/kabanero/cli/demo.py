"""`kabanero demo`: the main job on this machine, start to end, with nothing but what is installed already.

A runner of its own, a local git repository that stands for one on GitHub, one signed push, and the run that comes of
it. `demo_parts` makes these; this module tells the story.
"""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path

import click

from kabanero.cli.demo_parts import Demo, DemoRunner, find_examples, short_path
from kabanero.cli.errors import OutcomeError
from kabanero.cli.session import Session
from kabanero.cli.stagetree import RunView

RUN_APPEARS_WITHIN = 30.0


@click.command()
@click.option("--yes", is_flag=True, help="Approve by itself; so it does without a terminal.")
@click.option(
    "--dir", "folder", type=click.Path(path_type=Path), default=Path(".demo"), show_default=True, help="Its folder."
)
@click.option("--keep", is_flag=True, help="Leave the runner running at the end.")
def demo(yes: bool, folder: Path, keep: bool) -> int:
    """Show the whole thing on this machine: a push goes through a strategy.

    Build, then functional and system tests side by side, then your approval, then deployment: real work on a small
    sample service.
    """
    parts = Demo(folder.absolute(), find_examples())
    with DemoRunner(parts, keep=keep) as runner:
        session = Session({"data_dir": str(parts.data)})
        code = _story(parts, runner, session, ask=not yes and sys.stdin.isatty() and sys.stdout.isatty())
        _where_next(parts, keep)
    return code


def _story(parts: Demo, runner: DemoRunner, session: Session, *, ask: bool) -> int:
    from kabanero.cli.runwatch import RunWatch
    from kabanero.cli.watch import follow_to_end, show

    _say(f"a runner serves at {runner.url}")
    parts.apply(session)
    _say("the strategy main is applied: build, then FVT and SVT, then approval, then deploy")
    commit = parts.commit()
    status = parts.push(runner.url, commit)
    _say(f"a signed push of commit {commit[:10]} was answered {status}")
    name = _the_run(session, commit)
    followed = RunWatch(session, name)
    followed.enough = _is_asked
    show(followed)
    followed.enough = lambda _: False
    if not ask or click.confirm("\nFVT and SVT have passed. Deploy it?", default=True):
        parts.decide(session, name, "Approved", "you" if ask else "the demo")
    else:
        parts.decide(session, name, "Rejected", "you")
    try:
        return follow_to_end(followed)
    except OutcomeError as error:
        click.echo(str(error))
        return 1


def _the_run(session: Session, commit: str) -> str:
    """Name of the run that the push of this commit started."""
    deadline = time.monotonic() + RUN_APPEARS_WITHIN
    while time.monotonic() < deadline:
        path = f"/apis/kabanero.io/v1alpha1/namespaces/{session.namespace}/strategyruns"
        for run in session.client.get(path)["items"]:
            if any(each.get("commit") == commit for each in run["spec"].get("variables", ())):
                return str(run["metadata"]["name"])
        time.sleep(0.05)
    raise OutcomeError("the push started no run", ["look with: kabanero events"])


def _is_asked(view: RunView) -> bool:
    """Whether a stage waits for a person."""
    return any(stage.asks for stage in view.all_stages())


def _where_next(parts: Demo, keep: bool) -> None:
    now = "The runner goes on." if keep else "The runner was stopped; all it knows is kept."
    click.echo(f"\n{now} Look around:\n")
    here = () if shutil.which("kabanero") else (parts.activation(),)
    start = () if keep else (f"{parts.command()} &",)
    for line in (*here, f"export KABANERO_DATA_DIR={short_path(parts.data)}", *start):
        click.echo(f"  {line}")
    for command, what in (
        ("explain @latest", "why each stage ran"),
        ("logs @latest", "what the stages printed"),
        ("graph main", "the strategy as a picture"),
        ("events", "every event and what became of it"),
        ("submit main --help", "start a run by hand"),
    ):
        click.echo(f"  kabanero {command:<20} # {what}")
    click.echo(f"\nWhat was deployed: {short_path(parts.registry)}/production/hello-service")


def _say(text: str) -> None:
    click.echo(click.style("• ", fg="cyan") + text)
