"""A project of playbooks that each do one thing, for tests of the executor."""

from __future__ import annotations

from pathlib import Path

from tests.support.strategies import MARK_PLUGIN

HEAD = "- hosts: localhost\n  gather_facts: false\n  tasks:\n"
MARK = "    - mark: {{file: {marks}, line: '{{{{ name }}}}'}}\n"
PLAYBOOKS = {
    "ok.yml": """
    - debug: {msg: done}
    - kabanero.events.stage_result: {outputs: {image: {location: app, size: 7}}, message: all good}
""",
    "plain.yml": """
    - debug: {msg: nothing is reported}
""",
    "waits.yml": """
    - kabanero.events.stage_result:
        waiting_for: {apiVersion: tekton.dev/v1, kind: PipelineRun, name: build-1}
""",
    "fails.yml": """
    - name: Look for the shelf
      fail: {msg: the shelf is empty}
""",
    "says-failed.yml": """
    - kabanero.events.stage_result: {status: Failed, message: not good enough}
""",
    "silent.yml": """
    - command: sleep {{ seconds }}
""",
    "sleeps.yml": """
    - command: sleep {{ seconds }}
      async: 2000
      poll: 0
    - shell: sleep {{ seconds }} & setsid sleep {{ seconds }} & wait
""",
    "naps.yml": """
    - command: sleep 1
    - kabanero.events.stage_result: {outputs: {slept: true}}
""",
    "flood.yml": """
    - debug: {msg: "{{ 'x' * 2000000 }}"}
      loop: "{{ range(10) | list }}"
    - kabanero.events.stage_result: {message: printed it}
""",
    "leaks.yml": """
    - name: "named {{ lookup('env', 'MY_TOKEN') }}"
      debug: {msg: "{{ lookup('env', 'MY_TOKEN') }} {{ lookup('env', 'MY_PASSWORD') }}"}
    - command: printenv
    - copy: {content: "{{ lookup('env', 'MY_TOKEN') }}", dest: "{{ outside }}"}
    - kabanero.events.stage_result:
        message: "{{ lookup('env', 'MY_TOKEN') }}"
        outputs: {key: "{{ lookup('env', 'MY_TOKEN') }}", "{{ lookup('env', 'MY_TOKEN') }}": 1}
""",
    "echo.yml": """
    - debug: {msg: "{{ given }}"}
    - kabanero.events.stage_result: {outputs: {given: "{{ given }}"}}
""",
    "forks.yml": """
    - kabanero.events.stage_result: {outputs: {forks: "{{ ansible_forks }}"}}
""",
    "notyaml.yml": None,
}


def make_project(folder: Path) -> Path:
    """Writes the playbooks; returns the file of marks that `marks.yml` appends `name` to."""
    marks = folder / "marks.txt"
    (folder / "action_plugins").mkdir(parents=True)
    (folder / "action_plugins" / "mark.py").write_text(MARK_PLUGIN)
    (folder / "asks.yml").write_text("- hosts: localhost\n  vars_prompt: [{name: version}]\n  tasks: []\n")
    (folder / "imports-asks.yml").write_text("- import_playbook: asks.yml\n")
    for name, tasks in PLAYBOOKS.items():
        (folder / name).write_text(HEAD + tasks if tasks else "- hosts: [localhost\n")
    (folder / "marks.yml").write_text(HEAD + MARK.format(marks=marks))
    (folder / "locked.yml").write_text(HEAD + "    - debug:\n")
    (folder / "locked.yml").chmod(0)
    (folder.parent / "outside.yml").write_text(HEAD + "    - debug:\n")
    return marks
