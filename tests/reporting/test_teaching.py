"""The instructor's page agrees with the lessons: minutes, what needs what, and plans that fit."""

import re

import pytest
from test_glossary import NOTEBOOKS, WORDS, read_before, used

from helpers import paths
from helpers.exercises.tasks import task, tasks
from helpers.reporting import grading, lessons

PAGE = (paths.root() / "notebooks" / "TEACHING.md").read_text(encoding="utf-8")
_NUMBER = re.compile(r"\d\d[a-z]?")

#: What a check may begin to say, one sentence a verdict.
SENTENCES = ("right.", "waits for", "does not apply", "cannot be checked", "too low")


def table(heading):
    """The rows of the first table under a heading, each a list of cells."""
    part = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in part.splitlines() if line.startswith("| ")]
    return rows[1:]


NEEDS = {row[0].split()[0]: _NUMBER.findall(row[1]) for row in table("What needs what")}


def needed(lesson):
    """All notebooks that a notebook rests on."""
    return set(NEEDS[lesson]).union(*(needed(one) for one in NEEDS[lesson]))


def test_exercises_and_minutes_are_those_of_the_command():
    listed = [f"{r['lesson']}: {r['exercises']}, {r['minutes']}" for r in lessons.listed()]
    assert [f"{r[0].split()[0]}: {r[2]}, {r[3]}" for r in table("What needs what")] == listed


@pytest.mark.parametrize("lesson", NEEDS)
def test_a_notebook_needs_those_that_explain_its_words(lesson):
    order = list(NOTEBOOKS)
    assert all(order.index(one) < order.index(lesson) for one in NEEDS[lesson])
    text = read_before(lesson)
    explained = {
        where for words, where, _ in WORDS
        if order.index(where) < order.index(lesson) and used(words, text)
    }  # fmt: skip
    assert explained <= needed(lesson)


@pytest.mark.parametrize(("plan", "minutes"), [("Ninety minutes", 90), ("A day", 390)])
def test_a_plan_fits_its_time_and_its_exercises_theirs(plan, minutes):
    rows = table(plan)
    assert sum(int(row[0]) for row in rows) == minutes
    for given, lesson, _, exercises in rows:
        named = [] if exercises == "–" else exercises.split(", ")
        own = tasks(lesson) if named == ["all"] else {number: task(number) for number in named}
        assert sum(one.minutes for one in own.values()) <= int(given), lesson


@pytest.mark.parametrize("plan", ["Ninety minutes", "A day", "A term"])
def test_no_plan_takes_a_notebook_before_those_it_needs(plan):
    seen = []
    for row in table(plan):
        seen += _NUMBER.findall(row[1])
    whole = plan == "A term"
    for place, lesson in enumerate(seen):
        above = needed(lesson) if whole else needed(lesson) & set(seen)
        assert above <= set(seen[:place]), lesson
    assert not whole or seen == list(NOTEBOOKS)


def test_what_is_shown_where_names_notebooks_and_exercises_that_there_are():
    for row in table("What people get wrong"):
        places = row[-1].split(", ")
        assert places and all(
            task(p).number if "." in p else p in NOTEBOOKS for p in places
        ), row  # fmt: skip


def test_every_verdict_of_grading_is_explained():
    names = {grading.UNCHECKED, grading.NO_LESSON, *map(grading.verdict, SENTENCES)}
    told = PAGE.split("`aligndrift lessons --grade handed-in` executes")[1]
    assert len(names) == 7 and all(f"*{name}*" in told for name in names)
    assert all("runs and figures" in " ".join(text.split()) for text in (told, grading.__doc__))


def test_every_command_and_link_of_the_page_is_there():
    for link in re.findall(r"\]\((\w[^):]*)\)", PAGE):
        assert (paths.root() / "notebooks" / link).is_file()
    for option in re.findall(r"aligndrift lessons (--\w+)", PAGE):
        assert option in ("--student", "--slides", "--grade")
