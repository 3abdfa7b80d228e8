"""A browser that pages are looked at in: a chromium of this machine, driven by playwright.

make test-browser, or

    pip install -e ".[dev,browser]"; apt-get install chromium; pytest -m browser
"""

import os
import shutil

import pytest

pytest.register_assert_rewrite("page_checks")  # its asserts say what they saw

#: What the browser is called by those who package it; a path in ALIGNDRIFT_CHROMIUM comes first.
NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")

#: Widths in CSS pixels of a telephone and of a window.
NARROW, WIDE = 390, 1280


@pytest.fixture(scope="session")
def browser():
    """One browser for all tests of a process; a test that has none is skipped and says why."""
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install -e '.[browser]'")
    own = os.environ.get("ALIGNDRIFT_CHROMIUM")
    found = own or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("there is no chromium here: apt-get install chromium")
    as_root = ["--no-sandbox"] if getattr(os, "geteuid", lambda: 1)() == 0 else []
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=found, args=as_root)
        yield started
        started.close()


@pytest.fixture
def complaints():
    """What the pages of this test complained of: errors, warnings, requests that failed."""
    return []


@pytest.fixture
def visit(browser, complaints):
    """A function that opens an address in a window of its own and returns playwright's page.

    visit(url, width=390, dark=True); more options are those of playwright's `new_context`.
    """
    contexts = []

    def open_page(url, width=WIDE, height=900, dark=False, **options):
        scheme = "dark" if dark else "light"
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, **options
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(f"{said.type}: {said.text}")
                if said.type in ("error", "warning") else None)  # fmt: skip
        page.on("pageerror", lambda error: complaints.append(f"exception: {error}"))
        page.on("requestfailed", lambda sent: complaints.append(f"failed: {sent.url}"))
        page.goto(url)
        return page

    yield open_page
    for context in contexts:
        context.close()
