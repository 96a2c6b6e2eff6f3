"""The words of events on topic SourceRepository: what they are called and which attributes they have.

Spoken by `sources.github`; read by the verifier, to name what a misspelt trigger probably waits for. A forge may send
others, so a word that is not among them is no mistake by itself. Source: GitHub documentation, "Webhook events and
payloads".
"""

from __future__ import annotations

from functools import lru_cache

_GITHUB = """
branch_protection_rule check_run check_suite code_scanning_alert commit_comment create delete deployment
deployment_review deployment_status discussion discussion_comment fork gollum issue_comment issues label member
membership merge_group meta milestone organization package page_build ping public pull_request pull_request_review
pull_request_review_comment pull_request_review_thread push registry_package release repository repository_dispatch
repository_import repository_vulnerability_alert secret_scanning_alert security_advisory sponsorship star status team
team_add watch workflow_dispatch workflow_job workflow_run
"""


@lru_cache(maxsize=256)
def event_name(github_event: str) -> str:
    """`pull_request` as triggers name it: `PullRequest`."""
    return "".join(word.capitalize() for word in github_event.split("_"))


EVENT_NAMES = tuple(event_name(each) for each in _GITHUB.split())
COMMON = (
    "repositoryType",
    "eventName",
    "user",
    "repository",
    "owner",
    "fullName",
    "location",
    "action",
    "namespace",
    "eventSource",
    "rawData",
)
"""Attributes of every event."""
OF_REFS = ("ref", "branch", "tag", "commit", "before", "created", "deleted", "forced")
OF_PULL_REQUESTS = ("number", "headBranch", "headCommit", "headLocation", "baseBranch", "baseCommit", "draft", "merged")
ATTRIBUTES = (*COMMON, *OF_REFS, *OF_PULL_REQUESTS)
