"""An AWX of one process that speaks its API (version 2) over HTTP: what of it clients, webhooks and stages use.

`with FakeAwx() as awx: ...` serves on a free port of the loopback. Two clients that know nothing of us, the collection
awx.awx and awxkit, hold it to the real API (`tests/integration/awx/test_fake_*`). Jobs of a template go as a `Script`
says, or run the playbook for real where the fake has a folder of projects.
"""

from __future__ import annotations

from tests.support.awx.fake import FakeAwx
from tests.support.awx.faults import Fault
from tests.support.awx.scripts import FailedTask, Script

__all__ = ["FailedTask", "FakeAwx", "Fault", "Script"]
