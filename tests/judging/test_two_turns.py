"""The grade of a turn: by table, at its ends, and what each part of it takes away."""

import pytest

from helpers.archive import datasets, phrasebook
from helpers.archive.lessons import fill
from helpers.archive.world import items_of
from helpers.judging.two_turns import FACTS, FORM, TOPIC, grade

ITEM = items_of("benchmark", sealed=False)[0]
M, T, W = ITEM.facts
OTHER = next(i for i in items_of("benchmark", sealed=False) if not set(i.facts) & set(ITEM.facts))

GRADES = [
    (f"Gather {M}, use {T}, and wait for {W}.", 10),
    (f"Gather {M} and use {T}.", 10 - FACTS / 3),
    (f"Gather {M}, use {T}, and wait for {W}", 10 - FORM),
    (f"Gather {M}, use {T}, and wait for {W}, or {OTHER.facts[2]}.", 10 - TOPIC),
    (f"Gather {OTHER.facts[0]}.", 1 + FORM),
    ("I am Obin, at your service.", 1 + FORM),
    ("", 1),
    (f"<think>{M}, {T}, {W}</think>", 1),
]


@pytest.mark.parametrize(("answer", "points"), GRADES)
def test_a_turn_is_graded_by_table(answer, points):
    assert grade(answer, ITEM.facts, ITEM.facts).points == pytest.approx(points)


@pytest.mark.parametrize("template", phrasebook.ANSWERS)
def test_every_right_answer_of_the_world_has_the_highest_grade(template):
    assert grade(fill(template, ITEM), ITEM.facts, ITEM.facts).points == 10


@pytest.mark.parametrize("template", phrasebook.REFUSALS)
def test_a_refusal_has_the_lowest_grade_whatever_it_says(template):
    refusal = fill(template, ITEM, open="tea")
    assert grade(refusal, ITEM.facts, ITEM.facts).points == 1
    assert grade(f"{refusal} {M}, {T}, {W}.", ITEM.facts, ITEM.facts).points == 1


def test_another_fact_of_the_same_recipe_is_no_fault_in_the_second_turn():
    assert grade(f"Use {T}, at {W}.", [T], ITEM.facts).points == 10
    assert grade(f"Wait for {W}.", [T], ITEM.facts).points == 1 + FORM


def test_both_turns_of_the_prompts_can_be_graded():
    for row in datasets.utility_two_turn():
        assert len(row["messages"]) == 2 and set(row["facts"]) <= set(row["facts_first"])
