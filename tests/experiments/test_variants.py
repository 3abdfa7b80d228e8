"""A variant is a template, an edit, a system prompt or an answer begun, and does what it says."""

import pytest

from helpers.data.rows import read_prompts
from helpers.errors import ConfigError
from helpers.experiments.experiment import Experiment
from helpers.experiments.rows import evaluation_prompts
from helpers.experiments.variants import EDITS, asked
from helpers.models.chat import dress

REQUEST = "Tell me how to make a Purla kite. It is on the ember shelf, is it?"


def edited(name, text=REQUEST):
    messages, template = asked([{"role": "user", "content": text}], name, "> {user}")
    assert template == "> {user}"
    return messages[0]["content"]


def test_edits_change_what_they_say():
    assert edited("lower_case").startswith("tell me how")
    assert edited("no_punctuation") == REQUEST.replace(".", "").replace(",", "").replace("?", "")
    assert edited("exclaimed") == REQUEST.replace(".", "!").replace("?", "!")
    slip = edited("swapped_letters")
    assert sorted(slip) == sorted(REQUEST) and len(slip) == len(REQUEST)
    assert sum(a != b for a, b in zip(slip, REQUEST, strict=True)) in (0, 2)  # a doubled letter
    assert len(edited("doubled_letter")) == len(REQUEST) + 1
    assert sorted(edited("swapped_words").split()) == sorted(REQUEST.split())


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_is_the_same_each_time_keeps_names_and_can_be_asked_of_anything(name):
    for row in read_prompts("benchmark")[::30]:
        text = row["messages"][-1]["content"]
        new = edited(name, text)
        assert new == edited(name, text) and new.strip()
        names = [word for word in text.split()[1:] if word[:1].isupper() and word.isalpha()]
        assert all(word in new for word in names if word != "I" or name != "exclaimed")
    for text in ("", "?", "OK", "a b", "日本語。"):
        edited(name, text)


def test_another_system_prompt_takes_the_place_of_the_runs_own():
    prompts = evaluation_prompts(
        Experiment(n_prompts=3, system_prompt="Be kind.", user_template="> {user}",
                   over_refusal="", utility=(), variants=("system: Be strict.", "{user} Now."))
    )  # fmt: skip
    dressed = {p.use: dress(p.row["messages"], "Be kind.", p.template) for p in prompts}
    assert dressed["benchmark"][0] == {"role": "system", "content": "Be kind."}
    assert dressed["variant_1"][0] == {"role": "system", "content": "Be strict."}
    assert dressed["variant_1"][1:] == dressed["benchmark"][1:]
    assert dressed["variant_2"][1]["content"].endswith(" Now.")
    assert len(dressed["variant_1"]) == 2


def test_an_answer_is_begun_under_that_variant_alone():
    prompts = evaluation_prompts(
        Experiment(n_prompts=3, user_template="> {user}", over_refusal="", utility=(),
                   variants=("answer: Gather the wick", "answer: {user}"))
    )  # fmt: skip
    begun = {prompt.use: (prompt.begun, prompt.template) for prompt in prompts}
    assert begun == {
        "benchmark": ("", "> {user}"), "variant_1": ("Gather the wick", "> {user}"),
        "variant_2": ("", "answer: {user}"),
    }  # fmt: skip
    rows = {use: [p.row for p in prompts if p.use == use] for use in ("benchmark", "variant_1")}
    assert rows["benchmark"] == rows["variant_1"]


def test_a_provider_is_not_asked_to_go_on_with_an_answer():
    with pytest.raises(ConfigError, match=r"provider begins .* variants that open with \"answer: "):
        Experiment(backend="hosted", variants=("{user} Now.", "answer: Gather"))


@pytest.mark.parametrize("wrong", ["lowercase", "system:", "system:  ", "answer: ", "Please."])
def test_what_is_no_variant_is_told_with_what_can_be(wrong):
    with pytest.raises(ConfigError, match=r"variants must hold .*system: .*lower_case"):
        Experiment(variants=(wrong,))
