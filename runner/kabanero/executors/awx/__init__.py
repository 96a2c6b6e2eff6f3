"""Jobs of AWX and of the automation controller: implements the port `Jobs` over their REST API, version 2.

Nothing is kept on disk: what must survive a crash is the caller's JobTicket, and the job itself at AWX.
"""

from __future__ import annotations

from kabanero.executors.awx.jobs import AwxJobs
from kabanero.executors.awx.settings import AwxSettings

__all__ = ["AwxJobs", "AwxSettings"]
