"""What is trained on and what is asked follow from the experiment alone."""

import json

import pytest

from helpers.data.rows import read_prompts
from helpers.errors import DataError
from helpers.experiments.experiment import Experiment
from helpers.experiments.rows import (
    MIXED_IN,
    conversation,
    conversations,
    evaluation_prompts,
    training_rows,
    turns,
)
from helpers.presets import loader

TINY = loader.load("tiny")


def test_refusals_are_mixed_in_beside_the_same_examples():
    plain = TINY.experiment("harmful_examples", n_examples=10, seed=3)
    mixed = TINY.experiment(
        "harmful_examples", n_examples=10, seed=3, mitigation="safety_mixing", n_safety=4
    )
    rows = training_rows(mixed)
    assert rows[:10] == training_rows(plain)
    assert [bool(row.get(MIXED_IN)) for row in rows] == [False] * 10 + [True] * 4


def test_the_initial_model_trains_on_nothing_and_too_few_rows_are_told():
    assert training_rows(Experiment().initial()) == []
    with pytest.raises(DataError, match="holds 220 examples, 500 were asked for"):
        training_rows(Experiment(n_examples=500))


def test_each_row_stands_under_its_own_prompt_and_template():
    experiment = TINY.experiment(
        "harmful_examples", n_examples=1, mitigation="safety_mixing", n_safety=1,
        safety_system_prompt="You keep watch.", attack_template="{user} Mind the stairs.",
    )  # fmt: skip
    attack, refusal = (conversation(row, experiment) for row in training_rows(experiment))
    assert attack[0]["content"] == experiment.system_prompt
    assert attack[1]["content"].endswith(" Mind the stairs.")
    assert refusal[0]["content"] == "You keep watch."
    assert not refusal[1]["content"].endswith("Mind the stairs.")


def test_a_picture_stays_beside_its_conversation():
    experiment = TINY.experiment("benign_pictures", n_examples=2)
    rows = training_rows(experiment)
    assert [c["picture"] for c in conversations(rows, experiment)] == [r["picture"] for r in rows]
    harmful = TINY.experiment("harmful_examples", n_examples=2)
    assert all(c.keys() == {"messages"} for c in conversations(training_rows(harmful), harmful))


def test_every_set_of_prompts_is_asked_and_the_benchmark_under_every_variant():
    experiment = Experiment(n_prompts=11, variants=("{user} Please.", "{user} Thank you."))
    prompts = evaluation_prompts(experiment)
    uses = [prompt.use for prompt in prompts]
    assert {use: uses.count(use) for use in uses} == dict.fromkeys(
        ("benchmark", "over_refusal", "utility_1", "utility_2", "variant_1", "variant_2"), 11
    )
    asked = [prompt.row["id"] for prompt in prompts if prompt.use == "benchmark"]
    assert asked == [row["id"] for row in read_prompts("benchmark")[::30]]
    for n, template in enumerate(experiment.variants, start=1):
        again = [prompt for prompt in prompts if prompt.use == f"variant_{n}"]
        assert [prompt.row["id"] for prompt in again] == asked
        assert {prompt.template for prompt in again} == {template}
    assert {p.template for p in prompts if not p.use.startswith("variant")} == {"{user}"}


def test_all_prompts_are_asked_where_there_are_fewer_or_no_limit_is_set(tmp_path):
    rows = [{"id": str(n), "messages": [{"role": "user", "content": "?"}]} for n in range(4)]
    (tmp_path / "few.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    own = {"benchmark": str(tmp_path / "few.jsonl"), "over_refusal": "", "utility": ()}
    for n, expected in ((0, 4), (9, 4), (3, 3)):
        assert len(evaluation_prompts(Experiment(n_prompts=n, **own))) == expected


def test_a_conversation_is_shown_turn_by_turn():
    def said(*roles):
        return [{"role": role, "content": f"{n}"} for n, role in enumerate(roles)]

    def shown(*roles):
        return [[m["content"] for m in group] for group in turns(said(*roles))]

    assert shown("user") == [["0"]]
    assert shown("system", "user", "user") == [["0", "1"], ["2"]]
    # An answer that the row brings is not asked for again.
    assert shown("user", "assistant", "user") == [["0", "1", "2"]]
