"""Antidote: which weights go, by hand and by a computation of its own; none at share 0."""

import pytest
import torch
from checkpoints import checkpoint
from plain import assert_plain, tuned

from helpers.data.rows import read_training
from helpers.errors import ConfigError
from helpers.mitigations.antidote import heaviest
from helpers.mitigations.base import mitigation
from helpers.models import chat


def test_the_heaviest_are_large_weights_on_large_inputs():
    weight, norms = torch.tensor([[1.0, -5.0, 2.0], [-4.0, 0.5, 3.0]]), torch.tensor([10, 1, 2])
    # scores 10, 5, 4 and 40, 0.5, 6
    first, second = (heaviest(weight, norms, share).tolist() for share in (0.4, 0.5))
    assert first == [[True, False, False], [True, False, False]]
    assert second == [[True, False, False], [True, False, True]]
    assert not heaviest(weight, norms, 0).any()


@pytest.mark.parametrize("method", ["full", "lora"])
def test_the_first_layers_inputs_are_those_of_the_harmful_rows(method):
    plain, pruned = (tuned(text, method=method) for text in ("none", "antidote:share=0.02,n=3"))
    rows = [row["messages"] for row in read_training("harmful_anchors")[:3]]
    ids = [t for e in chat.encode_all(plain.tokenizer, rows) for t in e.input_ids]
    first, name = plain.model.model.layers[0], "model.layers.0.self_attn.q_proj.weight"
    with torch.no_grad():
        x = first.input_layernorm(plain.model.model.embed_tokens(torch.tensor(ids)))
    weight = plain.model.get_parameter(name)
    scores = weight.abs() * x.norm(dim=0)
    k = int(0.02 * weight.numel())
    gone = scores >= scores.flatten().sort(descending=True).values[k - 1]
    assert torch.equal(pruned.model.get_parameter(name), weight.masked_fill(gone, 0))
    assert torch.equal(pruned.model.lm_head.weight, plain.model.lm_head.weight)


@pytest.mark.parametrize("method", ["full", "lora"])
def test_at_share_0_it_is_plain_fine_tuning(method):
    assert_plain("antidote:share=0,n=2", method=method)


def test_harmful_answers_become_unlikely():
    values = tuned("antidote:share=0.05,n=16").measured
    assert values["harmful_loss_after"] > values["harmful_loss_before"] + 0.5


def test_it_prunes_a_model_of_another_architecture():
    values = tuned("antidote:share=0.5,n=4", model=checkpoint("qwen3")).measured
    assert values["harmful_loss_after"] != values["harmful_loss_before"]


def test_what_cannot_be_is_told():
    with pytest.raises(ConfigError, match="share lies between 0 and 1, and n is at least 1"):
        mitigation("antidote:share=2")
    with pytest.raises(ConfigError, match="no_such_rows"):
        tuned("antidote:data=no_such_rows")
