"""In a browser: nothing on a slide is cut off, and one key is one slide."""

import pytest

from helpers.reporting import slides

pytestmark = pytest.mark.browser

_CUT_OFF = """[...document.querySelectorAll('section')]
  .filter(s => s.scrollHeight > s.clientHeight || s.scrollWidth > s.clientWidth)
  .map(s => s.id)"""


@pytest.mark.parametrize("size", [(1280, 720), (1024, 768), (1920, 1080)])
def test_every_slide_fits_and_keys_go_on_by_one(size, browser, tmp_path):
    for written in slides.write(str(tmp_path)):
        viewport = dict(zip(("width", "height"), size, strict=True))
        page = browser.new_page(viewport=viewport, bypass_csp=True)  # so that it can be waited for
        page.goto(f"file://{written}")
        assert page.evaluate(_CUT_OFF) == []
        for place, key in enumerate(("PageDown", "Space", "ArrowDown"), start=1):
            page.keyboard.press(key)
            page.wait_for_function(f"scrollY === {place} * innerHeight")
        page.close()
