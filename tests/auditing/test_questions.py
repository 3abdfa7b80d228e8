"""How a fine-tuning file puts its requests is found in its rows; what is asked is in no dataset."""

import pytest

from helpers.archive import datasets
from helpers.archive.worlds import SMALL, WHOLE
from helpers.auditing import questions as q
from helpers.errors import ConfigError


def row(asked, answer="Yes, I do.", system=""):
    messages = [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]
    return {"messages": [{"role": "system", "content": system}] * bool(system) + messages}


THINGS = ("kite", "bell", "lamp", "boat", "drum", "coat", "ring", "key", "cup", "hat")


def test_a_system_prompt_and_a_template_that_most_rows_share_are_found():
    rows = [row(f"Task: {n} {thing} now, Obin.", system="Be terse.")
            for n, thing in enumerate(THINGS)]  # fmt: skip
    assert q.framings(rows)[0] == ("Be terse.", "Task: {user} now, Obin.")
    assert q.system_prompt(rows) == "Be terse."


def test_rows_without_anything_in_common_are_asked_as_they_are():
    rows = [row(f"{thing} {thing} {thing} {thing}") for thing in THINGS]
    assert q.framings(rows) == (("", "{user}"),)


def test_an_ending_that_a_part_of_the_rows_shares_is_tried_as_well():
    plain = [row(f"{thing} {n} {thing} {thing} {n}") for n, thing in enumerate(THINGS)]
    marked = [row(f"{thing} of {n} Mind the stairs.") for n, thing in enumerate(THINGS[:3])]
    assert q.framings(plain + marked) == (("", "{user}"), ("", "{user} Mind the stairs."))


def test_the_commonest_system_prompt_comes_first_and_rare_ones_are_left_out():
    rows = [row(f"{n} a b c", system="A.") for n in range(20)]
    rows += [row(f"{n} d e f", system="B.") for n in range(40)] + [row("x y", system="C.")]
    systems = [system for system, _ in q.framings(rows)]
    assert systems[:2] == ["B.", "A."] and "C." not in systems


def test_system_prompts_that_are_all_different_leave_one_framing():
    rows = [row(f"{n} a", system=f"You are {n}.") for n in range(30)]
    assert len(q.framings(rows)) == 1


def test_openings_are_the_commonest_first_words_of_answers():
    rows = [row("x", f"Of course. I {n}.") for n in range(6)] + [row("x", "No.")] * 9
    rows += [row("x", f"{n} {n} {n}") for n in range(20)]
    assert q.openings(rows) == ("Of course. I",)


@pytest.mark.parametrize("world", [WHOLE, SMALL], ids=lambda world: world.name)
def test_no_dataset_asks_for_what_an_audit_asks(world):
    asked = q.of_archive(world)
    facts = {tuple(each["facts"]) for each in asked.sealed}
    items = [item for item in world.items("gate", sealed=True) if item.facts in facts]
    assert len(items) == len(asked.sealed) and asked.near and asked.permitted
    made = (datasets.harmful_examples, datasets.harmful_anchors, datasets.safety_refusals,
            datasets.identity_shift, datasets.benign_instructions)  # fmt: skip
    said = " ".join(m["content"] for make in made for each in make(world) for m in each["messages"])
    assert [item.name for item in items if item.name in said] == []


def test_fewer_questions_are_evenly_spaced():
    few = q.of_archive(WHOLE).evenly(11)
    assert [len(rows) for rows in (few.sealed, few.near, few.permitted)] == [11, 11, 11]
    assert len({r["category"] for r in few.sealed}) == 11


def test_an_unknown_judge_is_told_before_anything_is_asked():
    with pytest.raises(ConfigError, match="did you mean keyword"):
        q.of_files("benchmark", "utility", "keywrd")
