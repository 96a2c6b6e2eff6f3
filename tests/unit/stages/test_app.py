"""What is refused before any stage is carried out."""

from __future__ import annotations

from pathlib import Path

import pytest
from kabanero.stages import Context, StageApp, StageSettings

EXAMPLES = Path(__file__).parents[3] / "examples" / "custom-stage"
GUIDE = Path(__file__).parents[3] / "docs" / "how-to" / "custom-stages.md"


def build(ctx: Context) -> None:
    """A stage's function."""


def test_a_kind_has_one_function() -> None:
    app = StageApp()
    app.stage("MultiPlatformBuild")(build)
    with pytest.raises(ValueError, match="MultiPlatformBuild has a function already"):
        app.stage("MultiPlatformBuild")


def test_the_decorator_leaves_the_function_as_it_is() -> None:
    assert StageApp().stage("MultiPlatformBuild")(build) is build


def test_what_to_do_with_interrupted_work_is_one_of_two_words() -> None:
    with pytest.raises(ValueError, match="possible: Error, Retry"):
        StageApp().stage("MultiPlatformBuild", on_interrupted="retry")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong", [{"parallel": 0}, {"gone_after": 14.0}, {"renew_every": 7.0}, {"renew_every": 0.0}], ids=str
)
def test_settings_that_could_keep_no_claim_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="at least"):
        StageSettings(**wrong)  # type: ignore[arg-type]


def test_work_is_fenced_before_others_may_take_it_even_when_a_renewal_hangs() -> None:
    settings = StageSettings()
    assert settings.fence_after + settings.renew_every < settings.gone_after


def test_a_program_that_knows_no_server_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "nowhere"))
    assert StageApp().run([]) == 2
    assert "no API server is known" in capsys.readouterr().err


@pytest.mark.parametrize("file", sorted(EXAMPLES.iterdir()), ids=lambda path: path.name)
def test_the_guide_shows_the_example_as_it_is(file: Path) -> None:
    if file.is_file():
        assert file.read_text() in GUIDE.read_text()
