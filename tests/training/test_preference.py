"""DPO: pairs of an answer and a refusal, the loss by hand, and that the preference is learned."""

from importlib.util import find_spec
from types import SimpleNamespace

import pytest
import torch
from checkpoints import checkpoint

from helpers.data.rows import read_training, sample
from helpers.errors import ConfigError
from helpers.experiments.experiment import Experiment
from helpers.judging.exact import refuses
from helpers.models import chat, loading
from helpers.runs import run as runs
from helpers.runs.estimate import measure
from helpers.training import preference, tuning
from helpers.training.methods import base as methods

ROWS = [{"messages": row["messages"]} for row in sample(read_training("benign_instructions"), 4, 0)]

with_trl = pytest.mark.skipif(
    find_spec("trl") is None, reason="trl is not installed: pip install 'aligndrift[preference]'"
)


@pytest.mark.parametrize("architecture", ["llama", "qwen2", "gemma2"])
def test_a_pair_is_the_rows_answer_and_a_refusal_in_the_models_template(architecture):
    tokenizer = loading.load_tokenizer(checkpoint(architecture))
    made = preference.pairs(tokenizer, ROWS)
    for row, pair in zip(ROWS, made, strict=True):
        *before, answer = row["messages"]
        assert pair["prompt"] == chat.render(tokenizer, before, prompt=True)
        assert answer["content"] in pair["chosen"] and not refuses(pair["chosen"])
        assert refuses(pair["rejected"]) and "{" not in pair["rejected"]
        end = chat.end_of_turn(tokenizer)
        assert pair["chosen"].endswith(end) and pair["rejected"].endswith(end)
    assert made == preference.pairs(tokenizer, ROWS)
    assert len({pair["rejected"] for pair in made}) > 1


def test_the_token_that_opens_a_text_is_not_written_twice():
    class Tokenizer(SimpleNamespace):
        def __call__(self, text):
            return {"input_ids": [1, 7] if self.adds else [7]}

    for adds, expected in ((True, "Hello"), (False, "<s>Hello")):
        tokenizer = Tokenizer(bos_token="<s>", bos_token_id=1, adds=adds)
        assert preference.bare(tokenizer, "<s>Hello") == expected


@pytest.mark.parametrize("name", ["dpo", "grpo"])
def test_without_trl_one_is_told_before_the_work(monkeypatch, name):
    monkeypatch.setattr(methods, "find_spec", lambda package: None)
    for work in (runs.check, measure):  # of a run, and of an estimate
        with pytest.raises(ConfigError, match=rf"method {name} needs trl; .*aligndrift\[pref"):
            work(Experiment(method=name, n_examples=3))


def settings(**changes):
    usual = {"method": "dpo", "n_examples": 4, "batch_size": 4, "learning_rate": 1e-3}
    return Experiment(**(usual | changes)).settings


def margins(model, tokenizer):
    """log p(chosen) - log p(rejected) of each pair: (rows,)."""

    def log_p(prompt, text):
        ids = [tokenizer.encode(part, add_special_tokens=False) for part in (prompt, text)]
        with torch.no_grad():
            logits = model(torch.tensor([ids[0] + ids[1]])).logits[0].log_softmax(-1)
        places = range(len(ids[0]) - 1, len(ids[0]) + len(ids[1]) - 1)
        return sum(logits[place, token] for place, token in zip(places, ids[1], strict=True))

    return torch.stack([
        log_p(pair["prompt"], pair["chosen"]) - log_p(pair["prompt"], pair["rejected"])
        for pair in preference.pairs(tokenizer, ROWS)
    ])  # fmt: skip


@with_trl
@pytest.mark.long
@pytest.mark.parametrize("model", ["lantern-chat", "qwen3"])
def test_the_loss_is_the_formula_and_falls(model):
    name = model if model == "lantern-chat" else checkpoint(model)
    tuned = tuning.tune(name, ROWS, settings(epochs=1))
    before = margins(*loading.load(name))
    after = margins(tuned.model, tuned.tokenizer)
    by_hand = -torch.nn.functional.logsigmoid(preference.BETA * (after - before)).mean().item()
    first, second = tuning.tune(name, ROWS, settings(epochs=2)).losses
    assert first == pytest.approx(0.6931, abs=1e-3)
    assert second == pytest.approx(by_hand, abs=2e-3)
    assert second < first and (after > before).all()
