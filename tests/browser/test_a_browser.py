"""The browser that the other tests of this folder look through sees what is there."""

import pytest

pytestmark = pytest.mark.browser

PAGE = "<title>Here</title><style>@media (prefers-color-scheme: dark) {p {color: white}}</style>"


@pytest.mark.parametrize(("dark", "color"), [(False, "rgb(0, 0, 0)"), (True, "rgb(255, 255, 255)")])
def test_a_page_is_opened_at_its_width_light_or_dark(visit, complaints, tmp_path, dark, color):
    (tmp_path / "page.html").write_text(f"{PAGE}<p>words</p>")
    page = visit((tmp_path / "page.html").as_uri(), width=390, dark=dark)
    assert page.title() == "Here" and page.evaluate("innerWidth") == 390
    assert page.locator("p").evaluate("p => getComputedStyle(p).color") == color
    assert complaints == []


def test_what_a_page_complains_of_is_heard(visit, complaints, tmp_path):
    broken = "<script>console.error('one'); nothing()</script><img src=gone.png>"
    (tmp_path / "page.html").write_text(broken)
    visit((tmp_path / "page.html").as_uri())
    told = " ".join(complaints)
    assert "error: one" in told and "exception: nothing is not defined" in told
    assert "failed: " in told and "gone.png" in told
