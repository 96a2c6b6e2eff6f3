"""Why a webhook is refused, as types. The API answers each with its own status code and with `reason` and `fix`."""

from __future__ import annotations

from kabanero.model.errors import PermanentError


class RefusedError(PermanentError):
    """The request is no webhook that we accept. `reason` and `fix` are sentences for the person who set it up."""

    def __init__(self, reason: str, fix: str) -> None:
        self.reason = reason
        self.fix = fix
        super().__init__(f"{reason} ({fix})")


class MalformedError(RefusedError):
    """Headers or body are not what GitHub sends."""


class UnsignedError(RefusedError):
    """There is no SHA-256 signature."""

    def __init__(self) -> None:
        super().__init__(
            "the request has no X-Hub-Signature-256 header",
            "give the webhook a secret, on GitHub's side and in a GithubEventSource; SHA-1 signatures are not enough",
        )


class UnverifiedError(RefusedError):
    """The signature is wrong, or nobody told us of the repository: outsiders must not learn which of the two."""

    def __init__(self) -> None:
        super().__init__(
            "the signature was made with no secret that is valid for the repository or organisation in the body",
            "compare the webhook's secret with the one that the GithubEventSource names, and its url with the "
            "repository's; `kubectl get githubeventsources -A` shows which are configured",
        )
