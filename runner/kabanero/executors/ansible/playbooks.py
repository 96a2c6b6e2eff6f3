"""What can be said of a playbook before Ansible is asked: a path that is not there, or may not be read; a question.

Used by the driver before it starts, for the status of the stage that names the playbook, and by `kabanero lint`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from kabanero.model.nearmiss import near_miss
from kabanero.model.stage_vars import STAGE_VARS

PROMPTS = "PlaybookPrompts"


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a playbook can't be carried out: one CamelCase word, and a sentence for a person."""

    reason: str
    message: str


def objection_to(playbook: str, project: Path) -> Objection | None:
    """None for a playbook that can be read, and for an FQCN, which only Ansible can look up."""
    if "/" not in playbook and not playbook.endswith((".yml", ".yaml")):
        return None
    try:
        path = (project / playbook).resolve()
    except (OSError, RuntimeError) as error:
        return Objection("PlaybookUnreadable", f"playbook {playbook} can't be read: {error}")
    if not path.is_relative_to(project.resolve()):
        return Objection("PlaybookNotFound", f"playbook {playbook} lies outside the project folder")
    if not path.is_file():
        fix = _meant(playbook, path) or "check spec.playbook of the stage, or --project-dir of the runner"
        return Objection("PlaybookNotFound", f"playbook {playbook} is not in the project folder {project} ({fix})")
    try:
        content = path.read_bytes()
    except OSError as error:
        return Objection("PlaybookUnreadable", f"playbook {path} can't be read: {error.strerror}")
    asked = next(_questions(content), "") if b"vars_prompt" in content else ""
    return prompts(f"playbook {playbook}", asked) if asked else None


def prompts(what: str, variable: str) -> Objection:
    """A playbook asks for a variable, and nobody is there who could answer."""
    fix = "a stage has nobody to answer; take it from variables, resources or parameters, or wait for an approval stage"
    return Objection(PROMPTS, f"{what} asks for {variable} by vars_prompt: {fix}")


def _questions(content: bytes) -> Iterator[str]:
    """Names of variables that the plays ask for. Ansible doesn't ask for those that it is given."""
    try:
        plays = yaml.load(content, _Loader)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):  # Ansible says that better.
        return
    for play in plays if isinstance(plays, list) else ():
        questions = play.get("vars_prompt") if isinstance(play, dict) else None
        for each in questions if isinstance(questions, list) else ():
            name = str(each.get("name", "")) if isinstance(each, dict) else ""
            if name and name not in STAGE_VARS:
                yield name


class _Loader(yaml.SafeLoader):
    """Reads over `!vault` and other tags of Ansible's."""


_Loader.add_multi_constructor("!", lambda loader, tag, node: None)


def _meant(playbook: str, path: Path) -> str:
    """The playbook beside it that was probably meant."""
    try:
        beside = [each.name for each in path.parent.iterdir() if each.suffix in (".yml", ".yaml")]
    except OSError:
        return ""
    meant = near_miss(path.name, beside)
    return f"did you mean {Path(playbook).with_name(meant)}?" if meant else ""
