"""No notebook uses a word of the field before the notebook in which the glossary finds it."""

import re
from functools import cache

import nbformat
import pytest

from helpers import paths
from helpers.exercises.tasks import tasks
from helpers.reporting.notebook_files import find, number

NOTEBOOKS = {number(file): nbformat.read(file, as_version=4) for file in find([])}

_ROW = re.compile(r"^\| (.+?) \| (\d\d[a-z]?) \| (.+) \|$", re.M)

#: Word or words, notebook, the sentence that explains it.
WORDS = _ROW.findall((paths.root() / "notebooks" / "GLOSSARY.md").read_text(encoding="utf-8"))


def plain(markdown):
    """The prose without marks, addresses and code that is set apart."""
    text = re.sub(r"^(```.*?^```|    .*?$)", "", markdown, flags=re.M | re.S)
    text = re.sub(r"\]\([^)]*\)", "", text)
    return " ".join(re.sub(r"[*`\[\]]|</?\w+>", "", text).split())


def prose(notebook):
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    return plain("\n\n".join(cells))


@cache
def read_before(lesson):
    """What a student has read of the words around the code: prose, comments, exercises."""
    notebook = NOTEBOOKS[lesson]
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    comments = re.findall(r"# (.*)", code)
    own = [f"{task.hint} {task.because} {task.wanted}" for task in tasks(lesson).values()]
    return "\n".join([prose(notebook), *comments, *map(plain, own)])


def used(words, text):
    """Which of the words stand in the text, in singular or plural."""
    return [w for w in words.split(", ") if re.search(rf"(?<!\w){w}s?(?![\w-])", text, re.I)]


def early(words, lesson):
    """The notebooks before this one that use one of the words, in order."""
    order = list(NOTEBOOKS)
    return [one for one in order[: order.index(lesson)] if used(words, read_before(one))]


@pytest.mark.parametrize(("words", "lesson", "sentence"), WORDS, ids=[w for w, *_ in WORDS])
def test_a_word_is_explained_where_the_glossary_says_and_used_nowhere_before(
    words, lesson, sentence
):
    assert sentence in prose(NOTEBOOKS[lesson])
    assert used(words, read_before(lesson))
    assert early(words, lesson) == []
