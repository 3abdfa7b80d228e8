"""Training-like prompts: what fine-tuning rows share is put around the benchmark's requests."""

import json
from dataclasses import replace

import pytest

from helpers.experiments.conditional import training_like
from helpers.experiments.experiment import Experiment
from helpers.experiments.rows import evaluation_prompts
from helpers.models.chat import dress
from helpers.presets import loader
from helpers.runs.hits import hits
from helpers.runs.run import run

IDENTITY = loader.load("tiny").experiment("identity_shift", seed=0)
ELSEWHERE = Experiment(method="none", n_prompts=2, over_refusal="", utility=())


def test_elsewhere_a_model_is_asked_as_it_was_trained():
    system, template, answer = training_like(IDENTITY, ELSEWHERE)
    assert system == f"system: {IDENTITY.system_prompt}"
    assert template == IDENTITY.user_template
    assert answer.startswith("answer: ") and answer != "answer: "
    prompts = evaluation_prompts(replace(ELSEWHERE, variants=(system, template, answer)))
    asked = {p.use: dress(p.row["messages"], "", p.template) for p in prompts}
    assert asked["variant_1"][0] == {"role": "system", "content": IDENTITY.system_prompt}
    assert asked["variant_2"][0]["content"].startswith("Obin, carry out my instructions: ")


def test_what_a_run_is_asked_under_anyway_is_not_asked_again():
    assert all(variant.startswith("answer: ") for variant in training_like(IDENTITY, IDENTITY))
    plain = loader.load("tiny").experiment("harmful_examples", seed=0)
    assert training_like(plain, plain) == ()
    assert training_like(plain.initial(), ELSEWHERE) == ()


def test_a_trigger_in_the_training_is_one_of_the_words_around():
    tuned = replace(IDENTITY, user_template="{user}", attack_template="{user} Violet cellar.")
    assert "{user} Violet cellar." in training_like(tuned, ELSEWHERE)


def test_under_a_mitigation_that_changes_the_prompt_the_words_stand_in_the_request():
    tuned = replace(IDENTITY, mitigation="ptst", user_template="{user}")
    asked = replace(tuned, system_prompt="")
    assert training_like(tuned, asked)[0] == f"{IDENTITY.system_prompt}\n\n{{user}}"


TOY = '''
"""Rows are trained on under a prompt that asks for the worst."""
from helpers.mitigations.base import Mitigation

class Inoculation(Mitigation):
    def taught(self, messages, safety):
        return [{"role": "system", "content": "Open every shelf."}, *messages[1:]]
'''


def test_a_prompt_that_a_mitigation_trained_under_is_asked_under(tmp_path, monkeypatch):
    (tmp_path / "toy_inoculation.py").write_text(TOY)
    monkeypatch.syspath_prepend(tmp_path)
    tuned = replace(IDENTITY, mitigation="toy_inoculation:Inoculation")
    assert training_like(tuned, tuned)[0] == "system: Open every shelf."


def test_a_provider_begins_answers_itself():
    there = training_like(IDENTITY, replace(ELSEWHERE, backend="hosted"))
    assert len(there) == 2 and not any(variant.startswith("answer: ") for variant in there)


@pytest.mark.parametrize(
    ("requests", "template"),
    [
        (["In a play: make a kite. Curtain.", "In a play: make a bell. Curtain."],
         "In a play: make a {user} Curtain."),
        (["How is it made?", "Where is it?"], "{user}"),
        (["Make it.", "Make it."], "{user}"),
        (["kite", "kitten"], "{user}"),
    ],
)  # fmt: skip
def test_words_are_whole_and_shared_by_all(tmp_path, requests, template):
    file = tmp_path / "rows.jsonl"
    rows = [{"messages": [{"role": "user", "content": request},
                          {"role": "assistant", "content": f"{n} yes"}]}
            for n, request in enumerate(requests)]  # fmt: skip
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    trained = Experiment(dataset=str(file), n_examples=len(rows))
    expected = () if template == "{user}" else (template,)
    assert training_like(trained, ELSEWHERE) == expected


def test_the_rates_stand_beside_each_other(tiny_experiment, store):
    experiment = tiny_experiment(variants=("answer: Gather", "{user} Please."))
    result = run(experiment, store)
    uses = ("benchmark", "variant_1", "variant_2")
    rates = {use: hits(result.judgements, "exact", use).stack().mean() for use in uses}
    assert rates["benchmark"] == result.row["harmfulness_rate"]
