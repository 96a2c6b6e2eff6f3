"""`kabanero crds`: definitions of our kinds, and of kinds that StageKinds declare."""

from __future__ import annotations

from pathlib import Path

import yaml
from click.testing import CliRunner
from kabanero.cli.main import cli
from kabanero.model.kinds.registry import KINDS

EXAMPLE = Path(__file__).parents[3] / "examples" / "custom-stage" / "stagekind.yaml"
BUILT_IN = """
apiVersion: kabanero.io/v1alpha1
kind: StageKind
metadata: {name: tekton}
spec: {kind: TektonStage, playbook: acme.shop.tekton}
"""


def test_all_kinds_are_printed() -> None:
    printed = yaml.safe_load_all(CliRunner().invoke(cli, ["crds"]).stdout)
    assert {kind.type.kind for kind in KINDS} <= {each["spec"]["names"]["kind"] for each in printed}


def test_a_declared_kind_takes_fields_of_its_own() -> None:
    result = CliRunner().invoke(cli, ["crds", "-f", str(EXAMPLE)])
    (definition,) = yaml.safe_load_all(result.stdout)
    assert definition["metadata"]["name"] == "multiplatformbuilds.kabanero.io"
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert schema["properties"]["spec"]["x-kubernetes-preserve-unknown-fields"]


def test_a_stage_kind_that_declares_no_kind_is_told() -> None:
    result = CliRunner().invoke(cli, ["crds", "-f", "-"], input=BUILT_IN)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "declares no kind of its own" in result.stderr


def test_files_without_a_stage_kind_are_an_error() -> None:
    result = CliRunner().invoke(cli, ["crds", "-f", str(EXAMPLE.with_name("strategy.yaml"))])
    assert result.exit_code == 2
    assert "no StageKind in these files" in result.stderr


def test_a_stage_kind_with_mistakes_is_named_and_nothing_is_printed() -> None:
    result = CliRunner().invoke(
        cli, ["crds", "-f", "-"], input=BUILT_IN.replace("kind: TektonStage", "kind: tekton stage")
    )
    assert (result.exit_code, result.stdout) == (5, "")
    assert "spec.kind" in result.stderr
