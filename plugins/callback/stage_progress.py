# Copyright (c) 2026, Kabanero events contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: stage_progress
type: notification
short_description: Show a playbook's tasks as progress of its stage
version_added: 0.1.0
description:
  - Writes the task that a playbook is at, and how many have ended, into the C(status.progress) of a stage's run, where
    C(kabanero watch) and C(kubectl) show them.
  - Use it where something other than the runner carries a stage out by a playbook, such as a program for a stage kind
    whose controller is C(external), or a pipeline of a forge. The runner itself shows the progress of the playbooks
    that it starts, and of jobs in AWX, without it.
  - It never fails a playbook. When the runner can't be reached or refuses, it says so once and tries again with the
    next task.
author:
  - Kabanero events contributors (@kabanero-io)
options:
  stage_run:
    description: Name of the stage's run. The extra var C(stage_run) when it is left out; without it nothing is done.
    type: str
    env: [{name: KABANERO_STAGE_RUN}]
    ini: [{section: callback_stage_progress, key: stage_run}]
  api_key:
    description: Token that is sent with every request. It must be allowed to write the status of StageRuns.
    type: str
    env: [{name: K8S_AUTH_API_KEY}]
  namespace:
    description: Namespace of the stage's run.
    type: str
    env: [{name: KABANERO_NAMESPACE}, {name: K8S_AUTH_NAMESPACE}]
requirements:
  - enabled by C(callbacks_enabled = kabanero.events.stage_progress) in ansible.cfg
extends_documentation_fragment:
  - kabanero.events.auth.plugin
"""

import threading

from ansible.plugins.callback import CallbackBase
from ansible_collections.kabanero.events.plugins.module_utils.client import URLLIB3_IMPORT_ERROR, Client
from ansible_collections.kabanero.events.plugins.module_utils.config import find_connection
from ansible_collections.kabanero.events.plugins.module_utils.errors import KabaneroError
from ansible_collections.kabanero.events.plugins.module_utils.resources import Resources

EVERY = 1.0  # seconds between two writes at least
LAST = 5.0  # seconds to wait for the last write at the end
RUNNING = ("Triggered", "Running")


class CallbackModule(CallbackBase):
    """Notes each task; `Teller` writes the newest note by and by, so that no task waits for the network."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "kabanero.events.stage_progress"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._teller, self._done = None, 0

    def v2_playbook_on_play_start(self, play):
        if self._teller is None:
            given = play.get_variable_manager().extra_vars.get("stage_run")
            name = self.get_option("stage_run") or given
            if name:
                self._teller = Teller(str(name), self.get_options(), self._display.warning)

    def v2_playbook_on_task_start(self, task, is_conditional):
        if self._teller:
            # A name with a secret in it would be told otherwise.
            self._teller.tell({"task": "" if task.no_log else task.get_name().strip(), "done": self._done})

    def _ended(self, result):
        self._done += 1

    v2_runner_on_ok = v2_runner_on_skipped = v2_runner_on_unreachable = _ended

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._ended(result)

    def v2_playbook_on_stats(self, stats):
        if self._teller:
            self._teller.tell({"task": "", "done": self._done})
            self._teller.end()


class Teller:
    """Writes the newest progress, at most once a second, in a thread of its own."""

    def __init__(self, name, options, warn):
        self._name, self._options, self._warn = name, options, warn
        self._progress, self._ending = None, False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def tell(self, progress):
        with self._changed:
            self._progress = progress
            self._changed.notify()

    def end(self):
        """Returns when the last progress was written, or can't be soon."""
        with self._changed:
            self._ending = True
            self._changed.notify()
        self._thread.join(LAST)

    def _run(self):
        warned = False
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._progress is not None or self._ending)
                progress, self._progress = self._progress, None
            if progress is None:
                return
            try:
                self._write(progress)
            except KabaneroError as error:
                if not warned:
                    self._warn(f"stage_progress: the progress of {self._name} can't be shown: {error}")
                warned = True
            with self._changed:
                self._changed.wait_for(lambda: self._ending, EVERY)

    def _write(self, progress):
        """Writes it, unless the stage has ended or is not there. Raises KabaneroError."""
        if URLLIB3_IMPORT_ERROR:
            raise KabaneroError("the library kubernetes is missing")
        with Client(find_connection(self._options)) as client:
            runs = Resources(client, "StageRun")
            run = runs.get(self._name)
            if run is None:
                raise KabaneroError(f"there is no such StageRun in {runs.namespace}")
            phase = (run.get("status") or {}).get("phase")
            if phase not in RUNNING:
                raise KabaneroError(f"it is {phase or 'not triggered yet'}")
            runs.patch_status(self._name, {"progress": progress})
