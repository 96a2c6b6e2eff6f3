"""One example of every kind, in the canonical form: shown in the reference, checked by the tests."""

from __future__ import annotations

EXAMPLES = {
    "StrategyDefinition": """\
apiVersion: kabanero.io/v1alpha1
kind: StrategyDefinition
metadata: {name: main, namespace: kabanero}
spec:
  strategyVariables:
    - {name: src_repo, type: github}
    - {name: app_image, type: image}
    - {name: approver_emails, type: string}
  stageBindings:
    - stageName: Build
      stageRef: {kind: AppsodyBuild, name: appsody-build}
      resourceBindings:
        input: [{stageVariable: source, strategyVariable: src_repo}]
        output: [{stageVariable: image, strategyVariable: app_image}]
      triggers: [{match: {name: Start_build}}]
      emit: [{name: Build, status: $stage_status}]
    - stageName: Approval
      stageRef: {kind: EmailApprovalStage, name: deploy-approval}
      triggers: [{match: {name: Build, status: Success}}]
      emit: [{name: Deploy_approval, status: $stage_status}]
    - stageName: Deploy
      stageRef: {kind: TektonStage, name: deploy}
      triggers:
        - anyOf:
            - match: {name: Deploy_approval, status: Success}
            - match: {name: Emergency_deploy}
      emit: [{name: Deploy, status: $stage_status}]
  externalEvents: [Emergency_deploy]
""",
    "StrategyTrigger": """\
apiVersion: kabanero.io/v1alpha1
kind: StrategyTrigger
metadata: {name: main, namespace: kabanero}
spec:
  strategy: main
  events:
    - match: {eventName: Push}
      filter:
        - {attribute: branch, allowed: [master], disallowed: ["*test"]}
        - {jsonPath: "$.rawData.head_commit.message", disallowed: ["*skip ci*"]}
      variableBindings:
        - {name: src_repo, location: "${event.location}", branch: "${event.branch}", commit: "${event.commit}"}
        - {name: app_image, location: "${docker_registry}/${event.repository}"}
        - {name: approver_emails, value: champ@mycompany.com}
      emit: {name: Start_build}
""",
    "StrategyRun": """\
apiVersion: kabanero.io/v1alpha1
kind: StrategyRun
metadata: {name: by-hand, namespace: kabanero}
spec:
  strategy: main
  variables:
    - {name: src_repo, location: "https://github.com/user/hello-world", commit: "12345"}
    - {name: approver_emails, value: champ@mycompany.com}
  emit: {name: Start_build}
""",
    "StageRun": """\
apiVersion: kabanero.io/v1alpha1
kind: StageRun
metadata: {name: by-hand-approval, namespace: kabanero}
spec:
  stageName: Approval
  stageRef: {kind: EmailApprovalStage, name: deploy-approval}
  contextID: "20261123083000000"
  strategy: main
  strategyRun: by-hand
  approval: {decision: Approved, by: champ@mycompany.com}
""",
    "PlaybookStage": """\
apiVersion: kabanero.io/v1alpha1
kind: PlaybookStage
metadata: {name: unit-tests, namespace: kabanero}
spec:
  playbook: playbooks/unit-tests.yml
  resources:
    input: [{name: source, type: github}]
  timeout: 10m
  retries: 1
""",
    "TektonStage": """\
apiVersion: kabanero.io/v1alpha1
kind: TektonStage
metadata: {name: deploy, namespace: kabanero}
spec:
  pipelineName: deploy
  resources:
    input: [{name: app, type: image}]
    output: [{name: app_tagged, type: image}]
  params:
    target: production
    requested-by: "${variables.approver_emails}"
  workspaces:
    - name: scratch
      emptyDir: {}
  timeouts: {pipeline: 30m}
  results:
    - {result: tagged-url, output: app_tagged, field: location}
""",
    "JobTemplateStage": """\
apiVersion: kabanero.io/v1alpha1
kind: JobTemplateStage
metadata: {name: roll-out, namespace: kabanero}
spec:
  connection:
    url: https://awx.example.com
    secret: awx
  jobTemplate: Roll out
  organization: Default
  resources:
    input: [{name: app, type: image}]
    output: [{name: endpoint, type: string}]
  extraVars:
    image: "${resources.input.app.location}"
  limit: production
  timeout: 30m
""",
    "AppsodyBuild": """\
apiVersion: kabanero.io/v1alpha1
kind: AppsodyBuild
metadata: {name: appsody-build, namespace: kabanero}
spec:
  resources:
    input: [{name: source, type: github}]
    output: [{name: image, type: image}]
""",
    "EmailApprovalStage": """\
apiVersion: kabanero.io/v1alpha1
kind: EmailApprovalStage
metadata: {name: deploy-approval, namespace: kabanero}
spec:
  message: May this version go to production?
  resources:
    input: [{name: approvers, type: string}]
  timeout: 3d
""",
    "StageKind": """\
apiVersion: kabanero.io/v1alpha1
kind: StageKind
metadata: {name: multi-platform-build, namespace: kabanero}
spec:
  kind: MultiPlatformBuild
  controller: external
  resources:
    input: [{name: source, type: github}]
    output: [{name: image_amd64, type: image}, {name: image_s390x, type: image}]
""",
    "GithubEventSource": """\
apiVersion: kabanero.io/v1alpha1
kind: GithubEventSource
metadata: {name: user-hello-world-github, namespace: kabanero}
spec:
  url: https://github.com/user/hello-world
  webhookSecret: {name: hello-world-webhook, key: secret}
""",
    "StrategyEvent": """\
apiVersion: kabanero.io/v1alpha1
kind: StrategyEvent
metadata: {generateName: emergency-, namespace: kabanero}
spec:
  contextID: "20261123083000000"
  data: {name: Emergency_deploy}
""",
}
