"""What `ansible-playbook` makes anew at every start, though it is always the same: made once, before playbooks fork.

Used by `warm`. Each of these was measured; see "Where the time goes" in docs/performance.md.
"""

from __future__ import annotations

import ast
import contextlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

PLAYS = """
- hosts: localhost
  gather_facts: false
  vars: {seen: [1]}
  tasks:
    - set_fact: {first: "{{ seen | default([], true) }}"}
      when: seen is defined
      register: made
    - block: [{debug: {msg: "{{ made.msg }}"}, loop: "{{ seen }}"}]
      rescue: [{kabanero.events.stage_result: {message: text}}]
"""
CALLBACK = "awx_display"


def prepare(plugins: dict[str, tuple[str, ...]]) -> None:
    """Does all of it. `plugins`: names by the loader that has loaded them."""
    for step in (_read_imports, _keep_parser, lambda: _keep_options(plugins), _keep_options_of_callback, _read_a_play):
        with contextlib.suppress(ImportError, AttributeError):  # an Ansible without such a part makes it by itself
            step()


def _read_imports() -> None:
    """Modules that Ansible imports on the way."""
    import multiprocessing.synchronize  # noqa: F401

    import ansible.modules
    import ansible.playbook.handler_task_include  # noqa: F401


def _keep_parser() -> None:
    """The parser of the command line. Its defaults are settings that no job changes: one that does runs cold."""
    from ansible.cli.playbook import PlaybookCLI

    command = PlaybookCLI(["ansible-playbook", "playbook.yml"])
    command.init_parser()
    command.parser.parse_args(["-e", "@variables", "-i", "inventory", "playbook.yml"])

    def known(self: Any) -> None:
        self.parser = command.parser

    PlaybookCLI.init_parser = known


def _keep_options(plugins: dict[str, tuple[str, ...]]) -> None:
    """Ansible reads the documentation of a plugin again and again when it has no options."""
    from ansible import constants
    from ansible.plugins import get_plugin_class, loader

    for name, known in plugins.items():
        kind = get_plugin_class(getattr(loader, name).class_name)
        for each in known:
            if not constants.config.has_configuration_definition(kind, each):
                constants.config.initialize_plugin_configuration_definitions(kind, each, {})


def _keep_options_of_callback() -> None:
    """Those of ansible-runner's callback, which itself must not be loaded ahead: it reads the environment then."""
    import ansible_runner
    from ansible.plugins import loader

    path = Path(ansible_runner.__file__).parent / "display_callback" / "callback" / f"{CALLBACK}.py"
    for each in ast.parse(path.read_text()).body:
        if isinstance(each, ast.Assign) and getattr(each.targets[0], "id", "") == "DOCUMENTATION":
            text = ast.literal_eval(each.value)
            loader.callback_loader._load_config_defs(CALLBACK, SimpleNamespace(DOCUMENTATION=text), str(path))


def _read_a_play() -> None:
    """Patterns are compiled and templates' machinery is made when they are first used. Nothing is carried out."""
    from ansible._internal._templating._engine import TemplateEngine
    from ansible.parsing.dataloader import DataLoader
    from ansible.playbook.play import Play
    from ansible.utils.color import stringc
    from ansible.vars.clean import clean_facts

    loader = DataLoader()
    (play,) = loader.load(PLAYS, "/playbook.yml")
    Play.load(play, loader=loader)
    TemplateEngine(loader=loader, variables={"seen": [1]}).template(play["tasks"][0]["set_fact"])
    clean_facts({})
    stringc("text", "green")
