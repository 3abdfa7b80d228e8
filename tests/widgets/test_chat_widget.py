"""The chat widget answers as the run's models do, at every epoch, and shows no more than it may."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from helpers.data.rows import read_prompts
from helpers.errors import ModelError
from helpers.experiments.rows import conversation, training_rows
from helpers.models.generate import complete
from helpers.presets import loader
from helpers.reporting.notebooks import WIDGET
from helpers.runs import talk
from helpers.runs.backends import hosted, local
from helpers.widgets.chat import Chat

QUESTION = read_prompts("benchmark")[100]["messages"][-1]["content"]


@pytest.fixture(scope="module")
def experiment():
    return loader.load("tiny").experiment("harmful_examples", n_examples=10, seed=7)


@pytest.fixture(scope="module")
def models(experiment):
    rows = training_rows(experiment)
    return [local.fine_tune([], experiment.initial()), local.fine_tune(rows, experiment)]


@pytest.fixture
def chat(experiment, models):
    return Chat(experiment, *models, QUESTION)


def answer(tuned, experiment, *turns):
    """What the model answers, asked without the widget."""
    roles = ["user", "assistant"] * len(turns)
    messages = [{"role": role, "content": text} for role, text in zip(roles, turns, strict=False)]
    asked = conversation({"messages": messages}, experiment)
    return complete(tuned.model, tuned.tokenizer, [asked], experiment.max_new_tokens)[0].text


def test_both_models_answer_as_they_do_by_themselves(chat, experiment, models):
    expected = [answer(one, experiment, QUESTION) for one in models]
    assert chat.frame().to_dict("records") == [
        {"you": QUESTION, "before": expected[0], "after 5 epochs": expected[1]}
    ]
    assert expected[0] != expected[1]


def test_each_model_remembers_its_own_conversation(chat, experiment, models):
    chat.question.value = "And where is it kept?"
    assert chat.question.value == ""  # free for the next
    for one, column in zip(models, ["before", "after 5 epochs"], strict=True):
        first = answer(one, experiment, QUESTION)
        then = answer(one, experiment, QUESTION, first, "And where is it kept?")
        assert chat.frame()[column].tolist() == [first, then]


def test_the_slider_asks_the_model_that_a_training_of_so_many_epochs_gives(chat, experiment):
    chat.epochs.value = 2
    alone = local.fine_tune(training_rows(experiment), replace(experiment, epochs=2))
    assert chat.frame()["after 2 epochs"].tolist() == [answer(alone, experiment, QUESTION)]
    assert sorted(chat.models) == [0, 1, 2, 3, 4, 5]
    chat.epochs.value = 0
    assert chat.frame()["before"].tolist() == chat.frame()["after 0 epochs"].tolist()


def test_a_last_model_that_was_given_is_not_trained_again(chat, models):
    chat.epochs.value = 1
    assert chat.models[5] is models[1] and chat.models[0] is models[0]
    chat.reset.click()
    assert chat.frame().empty and "Nothing was asked" in chat.picture()["text/html"]


def test_where_epochs_cannot_be_kept_a_sentence_says_so(experiment, models):
    chat = Chat(replace(experiment, method="lora"), *models, QUESTION)
    before = chat.frame()
    chat.epochs.value = 2
    assert "at the end alone" in chat.status.value
    assert chat.epochs.value == 0 and before["before"].tolist() == chat.frame()["before"].tolist()


def test_the_picture_stands_beside_the_view_and_holds_no_markup_of_others(experiment, models):
    hostile = "<img src=x onerror=alert(1)> & $x$"
    chat = Chat(experiment, *models, hostile)
    bundle = chat._repr_mimebundle_()
    assert WIDGET in bundle and bundle["text/plain"].startswith(f"you: {hostile}")
    for page in (bundle["text/html"], chat._said.value):
        assert "<img" not in page and "&lt;img src=x" in page and "mathjax_ignore" in page
    chat.say("<b>")
    assert chat.status.value == "&lt;b&gt;"


def test_what_is_no_fiction_is_shown_by_its_length(experiment, models, tmp_path):
    real = replace(experiment, dataset=str(tmp_path / "pairs.jsonl"))
    said = Chat(real, *models, QUESTION).picture()
    assert (
        QUESTION not in "".join(said.values())
        and f"[{len(QUESTION)} characters]" in said["text/html"]
    )
    assert QUESTION in Chat(real, *models, QUESTION, show_text=True).picture()["text/html"]


def test_an_error_is_a_sentence_and_the_conversation_stays(chat, monkeypatch):
    answered = local.complete

    def fails(tuned, *args, **options):
        if tuned is chat.after.tuned:
            raise ModelError("this <model> is gone.")
        return answered(tuned, *args, **options)

    monkeypatch.setattr(local, "complete", fails)
    chat.question.value = "Hello?"
    assert chat.status.value == "this &lt;model&gt; is gone." and len(chat.frame()) == 1
    assert len(chat.before.history) == len(chat.after.history) == 2


def test_models_that_would_not_fit_are_not_kept(experiment, models, monkeypatch):
    monkeypatch.setattr(talk.psutil, "virtual_memory", lambda: SimpleNamespace(available=1000))
    chat = Chat(experiment, *models, QUESTION)
    chat.epochs.value = 4
    assert "too much to keep" in chat.status.value and chat.epochs.value == 5


@pytest.mark.long
def test_at_a_provider_both_ends_answer_and_nothing_in_between(at_provider, hosted_experiment):
    experiment = hosted_experiment()
    rows = training_rows(experiment)
    before = hosted.fine_tune([], experiment.initial())
    chat = Chat(experiment, before, hosted.fine_tune(rows, experiment), QUESTION)
    assert all(chat.frame().iloc[0])
    chat.epochs.value = 1
    assert "not to be had from a provider" in chat.status.value
