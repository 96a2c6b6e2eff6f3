"""A driver by itself, for jobs that no warm process can take. Started by `executor`.

It reads the job from standard input.
"""

from __future__ import annotations

import os
import sys

from kabanero.executors.ansible.driver import drive
from kabanero.executors.ansible.job import Job


def main() -> None:
    """Carries one job out."""
    job = Job.decoded(sys.stdin.buffer.read())
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    drive(job, lambda event, task, host: None)


if __name__ == "__main__":
    main()
