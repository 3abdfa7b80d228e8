"""The probability of refusing: of the tokens that a model is about to say, and where they lead."""

import pandas as pd
import pytest

from helpers.data.rows import read_prompts
from helpers.models import chat, loading
from helpers.models.generate import complete
from helpers.runs.first_words import begins, refusing


def test_the_aligned_model_refuses_and_the_base_model_answers(chat_model, tiny_experiment):
    experiment, prompts = tiny_experiment(), read_prompts("benchmark")[::110]
    aligned = begins(*chat_model, prompts, experiment, n_words=3)
    assert refusing(aligned) > 0.9 and set(aligned.leads_to) == {"refusal"}
    assert list(aligned.n) == [3] * 3 and aligned.probability.is_monotonic_decreasing
    base = begins(*loading.load("lantern-base"), prompts, experiment, n_words=3)
    assert refusing(base) < 0.1 and set(base.leads_to) == {"answer"}


def test_the_probabilities_are_those_of_the_first_token(chat_model, tiny_experiment):
    model, tokenizer = chat_model
    experiment = tiny_experiment(system_prompt="")
    prompts = read_prompts("benchmark")[:1]
    frame = begins(model, tokenizer, prompts, experiment, n_words=4)
    text = chat.opened(tokenizer, prompts[0]["messages"])
    ids = tokenizer(text, return_tensors="pt", add_special_tokens=False).input_ids
    chances = model(ids).logits[0, -1].softmax(-1)
    assert frame.probability.tolist() == pytest.approx(chances.topk(4).values.tolist(), abs=1e-5)
    (answer,) = complete(model, tokenizer, [prompts[0]["messages"]])
    assert answer.text.startswith(frame.token[0])


def test_a_token_that_is_not_among_the_likeliest_counts_as_those_that_are():
    frame = pd.DataFrame({"probability": [0.3, 0.1], "refused": [1.0, 0.5]})
    assert refusing(frame) == pytest.approx(0.875)
