"""Names of the extra vars that every stage's playbook is given; `controllers.stage_vars` gives them their values."""

STAGE_VARS = (
    "contextID",
    "strategy",
    "strategy_run",
    "stage_name",
    "stage_run",
    "kabanero_namespace",
    "variables",
    "resources",
    "parameters",
    "stage_spec",
    "stage_run_uid",
    "stage_attempt",
    "stage_timeout",
)
