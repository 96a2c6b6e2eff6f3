"""The library for custom stages: a client of the resource API, for controllers of one's own.

    from kabanero.stages import StageApp, StageFailed

    app = StageApp()

    @app.stage("MultiPlatformBuild")
    def build(ctx):
        ctx.progress("cloning", percent=10)
        ctx.run(["git", "clone", ctx.inputs["source"]["location"], "src"])
        return {"image": {"location": "..."}}

    raise SystemExit(app.run())

What it does with a StageRun whose `spec.stageRef.kind` is its own, as a controller in any language can:

1. The runner triggers the StageRun and hands it over: `status.phase: Triggered`, `status.waitsOn: External`.
2. The controller claims it with one write of the status that carries the resourceVersion: `phase: Running` and
   `claim: {holder, renewed, seconds}`. Of several processes one wins; the others' writes are conflicts.
3. While the work goes on it writes `claim.renewed` anew every few seconds, with `progress` and `links`.
4. At the end it writes `phase` (Succeeded, Failed, Errored), `reason`, `message` and `outputs`. `waitsOn` stays: the
   runner removes it when the run has taken the end in.
5. When `spec.cancel` is set, the StageRun is deleted, has ended (by its deadline) or is at a later attempt, the work is
   cancelled.

A claim whose `renewed` stays the same for `claim.seconds`, seen by somebody who is in touch with the API server all the
while, is nobody's any more. An attempt of a kind with `on_interrupted="Error"` then ends as Errored/Interrupted. One
with `Retry` is begun again, and its former holder, should it live, has stopped it by then: it stops work whose claim it
could not renew for long enough. Work of `Error` kinds goes on through any outage, since nobody begins it twice.

Connections are found and authenticated by the official `kubernetes` client (kubeconfigs with plugins, tokens that run
out, proxies), which starts in a quarter of a second. Requests go straight through its urllib3 pool: the client's watch
hides ends, breaks and silence of a stream from its user, and its models drop fields that they don't know.
"""

from kabanero.stages.app import StageApp
from kabanero.stages.command import Finished
from kabanero.stages.context import Context
from kabanero.stages.errors import StageCancelled, StageFailed
from kabanero.stages.settings import StageSettings

__all__ = ["Context", "Finished", "StageApp", "StageCancelled", "StageFailed", "StageSettings"]
