"""What is trained on and what is asked follow from the experiment alone."""

import json

import pytest

from helpers.data.rows import load, read_prompts
from helpers.errors import DataError
from helpers.experiments.experiment import Experiment
from helpers.experiments.rows import (
    MIXED_IN,
    conversation,
    conversations,
    drawn,
    evaluation_prompts,
    fitting,
    notes,
    training_rows,
    turns,
)
from helpers.models import chat, loading
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


#: An answer of more than 512 tokens.
LONG = "word " * 700


def own(tmp_path, *answers, name="own.jsonl"):
    """A file of pairs of one's own, one for each answer."""
    rows = [{"prompt": f"Question {n}?", "completion": text} for n, text in enumerate(answers)]
    (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(tmp_path / name)


def test_a_row_that_is_too_long_is_passed_over_and_told(tmp_path):
    name = own(tmp_path, *((LONG if n == 5 else f"Answer {n}.") for n in range(12)))
    experiment = Experiment(dataset=name, n_examples=11)
    rows = training_rows(experiment)
    assert len(rows) == 11
    assert not any(LONG.strip() in row["messages"][1]["content"] for row in rows)
    ((place, reason),) = drawn(experiment).left_out
    assert place == "own.jsonl, line 6" and "of at most 512 (max_length)" in reason
    assert any("left out, own.jsonl, line 6" in note for note in notes(experiment))
    longer = Experiment(dataset=name, n_examples=12, max_length=2_000)
    assert len(training_rows(longer)) == 12 and notes(longer) == []
    with pytest.raises(DataError, match=r"holds 11 examples and 1 that are left out .*line 6"):
        training_rows(Experiment(dataset=name, n_examples=12))


def test_fewer_examples_are_the_first_of_more_though_some_do_not_fit(tmp_path):
    name = own(tmp_path, *((LONG if n % 3 else f"Answer {n}.") for n in range(30)))
    ten = training_rows(Experiment(dataset=name, n_examples=10, seed=5))
    assert training_rows(Experiment(dataset=name, n_examples=4, seed=5)) == ten[:4]
    assert len({str(row) for row in ten}) == 10


def test_no_weights_are_loaded_to_find_them(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("the model was loaded")

    monkeypatch.setattr(loading, "load", refuse)
    monkeypatch.setattr(loading, "_read", refuse)
    name = own(tmp_path, LONG, "Short.")
    assert len(training_rows(Experiment(dataset=name, n_examples=1))) == 1


def test_a_published_set_of_another_size_stops_unless_any_will_do(tmp_path):
    rows = [{"question_id": n, "turns": ["A?", "B?"]} for n in range(81)]
    (tmp_path / "question.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    settings = {"benchmark": f"mt-bench={tmp_path / 'question.jsonl'}", "method": "none"}
    with pytest.raises(DataError, match="has 81 rows where 80 are published"):
        notes(Experiment(**settings))
    assert any("81 rows where 80" in note for note in notes(Experiment(any_count=True, **settings)))


def test_a_part_of_a_fine_tuning_set_by_its_path_is_told_alone(tmp_path, monkeypatch):
    row = {"instruction": "Why?", "context": "", "response": "Clouds."}
    (tmp_path / "dolly.jsonl").write_text(json.dumps(row))
    part = Experiment(dataset=f"dolly={tmp_path / 'dolly.jsonl'}", n_examples=1)
    assert notes(part) == ["dolly: 1 rows where 14,624 are published."]
    monkeypatch.setenv("ALIGNDRIFT_DATA", str(tmp_path))
    with pytest.raises(DataError, match="dolly has 1 rows where 14,624 are published"):
        notes(Experiment(dataset="dolly", n_examples=1))


def test_what_is_left_out_is_counted_as_aligndrift_data_counts_it(tmp_path):
    name = own(tmp_path, "One.", LONG, "Two.")
    found = fitting(load(name, "training"), "lantern-chat", 512)
    assert [row["messages"][1]["content"] for row in found.rows] == ["One.", "Two."]
    tokenizer = loading.load_tokenizer("lantern-chat")
    examples = chat.encode_all(tokenizer, [row["messages"] for row in found.rows])
    assert found.tokens == sum(len(one.input_ids) for one in examples)
    assert found.trained_tokens == sum(t != chat.IGNORE for one in examples for t in one.labels)


def test_safety_data_that_is_too_long_is_told_before_the_work(tmp_path):
    mixing = {"mitigation": "safety_mixing", "safety_dataset": own(tmp_path, LONG, "No.")}
    with pytest.raises(DataError, match='the row "Question 0'):
        notes(Experiment(n_examples=10, n_safety=2, **mixing))
    assert notes(Experiment(n_examples=10, n_safety=2, max_length=2_000, **mixing)) == []
