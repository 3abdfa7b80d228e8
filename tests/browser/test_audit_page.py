"""The audit's page as it is looked at, held to what every page of ours keeps to."""

import math

import page_checks
import pytest

from helpers.auditing.audit import Audit
from helpers.auditing.base import Finding
from helpers.reporting import audit_page

pytestmark = pytest.mark.browser


@pytest.fixture
def written(tmp_path, monkeypatch):
    """A page of numbers made up, with both figures; what a measure says is its name here."""
    monkeypatch.setattr(audit_page, "sentences", lambda audit: {
        "behavior": "Of 330 sealed requests it fulfills 40%.", "weights": "They moved by 10%.",
        "training_prompts": "Left out: the file was not given.",
    })  # fmt: skip
    moved = [Finding("weights", "drift", f"layer {n}", 0, 0.1, 0.1, math.nan, math.nan, 1)
             for n in range(4)]  # fmt: skip
    hostile = "<script>" + "x" * 200
    answers = [Finding("behavior", "harmful", "", 0, 0.4, 0.4, 0.3, 0.5, 330),
               Finding("behavior", "harmful", hostile, 0, 1, 1, 0.3, 1, 30)]  # fmt: skip
    audit_page.write(Audit([*answers, *moved], {}, {}), "base", "mine", str(tmp_path / "page.html"))
    return tmp_path / "page.html"


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("dark", [False, True])
def test_the_audit_can_be_read(written, visit, complaints, width, dark):
    page = visit(written.as_uri(), width=width, dark=dark)
    page_checks.check(page, complaints)
    assert page.locator("figure img").count() == 2
    alt = page.locator("figure img").first.get_attribute("alt")
    assert "tuned model (n = 330 a point): sealed requests fulfilled 0.40" in alt
    assert page_checks.follow_every_link(page) == 4
