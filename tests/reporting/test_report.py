"""The report shows what models say, and runs none of it."""

from html import unescape

import nbformat
import pytest

from helpers.errors import StoreError
from helpers.reporting import report

HOSTILE = "<script>alert(1)</script>\x1b]0;title\x07 & <b>"


@pytest.fixture
def notebooks(outputs):
    folder = outputs / "smoke" / "notebooks"
    folder.mkdir(parents=True)
    return folder


def test_what_was_printed_is_escaped_and_no_script_runs(notebooks, outputs):
    printed = [
        nbformat.v4.new_output("stream", text=HOSTILE),
        nbformat.v4.new_output("execute_result", data={"text/plain": HOSTILE}),
    ]
    cells = [nbformat.v4.new_markdown_cell("# Title"),
             nbformat.v4.new_code_cell("1", outputs=printed)]  # fmt: skip
    nbformat.write(nbformat.v4.new_notebook(cells=cells), notebooks / "01_a.ipynb")
    report.write("smoke")
    html = (outputs / "smoke" / "report.html").read_text(encoding="utf-8")
    assert "<script>alert" not in html and html.count("&lt;script&gt;alert") == 2
    policy = html.index("Content-Security-Policy")
    assert "default-src 'none'" in unescape(html[policy : policy + 80])
    assert policy < html.index("<style")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"cells": [], "nbformat": 4}'])
def test_what_is_no_notebook_is_told(content, notebooks):
    (notebooks / "01_a.ipynb").write_text(content)
    with pytest.raises(StoreError, match=r"01_a\.ipynb cannot be read as a notebook"):
        report.write("smoke")
