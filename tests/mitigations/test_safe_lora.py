"""Safe LoRA: its projection by hand, of both kinds of update, at both ends of tau."""

import pytest
import torch
from checkpoints import checkpoint
from plain import assert_plain, differences, tuned

from helpers.errors import ConfigError
from helpers.mitigations.safe_lora import linear_layers, projected
from helpers.models import loading


def test_an_update_is_weighed_by_the_alignments_directions():
    alignment = torch.tensor([[3.0, 0.0], [0.0, 4.0]])
    step = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    by_hand = torch.tensor([[9 / 5 * 1, 9 / 5 * 2], [16 / 5 * 3, 16 / 5 * 4]])
    torch.testing.assert_close(projected(step, alignment), by_hand)
    b, a = torch.tensor([[1.0], [2.0]]), torch.tensor([[5.0, 6.0]])
    torch.testing.assert_close(projected(b @ a, alignment), projected(b, alignment) @ a)


@pytest.mark.parametrize("method", ["full", "lora"])
def test_every_linear_layer_is_projected_or_left(method):
    w0, wb = (loading.load(name)[0] for name in ("lantern-chat", "lantern-base"))
    plain, safe = (tuned(text, method=method) for text in ("none", "safe_lora:tau=0.5"))
    layers, cosines = linear_layers(w0), []
    assert len(layers) == 4 * 7
    for name, weight in safe.model.named_parameters():
        old, free = w0.get_parameter(name), plain.model.get_parameter(name)
        if name in layers:
            v, d = (old - wb.get_parameter(name)).double(), (free - old).double()
            into = v @ v.T / v.square().sum().sqrt() @ d
            cosines.append(((into * d).sum() / into.norm() / d.norm()).item())
            if cosines[-1] <= 0.5:
                torch.testing.assert_close(weight.double(), old + into, atol=1e-6, rtol=1e-5)
                continue
        assert torch.equal(weight, free)
    share = sum(cosine <= 0.5 for cosine in cosines) / len(layers)
    assert 0 < share < 1
    assert safe.measured["projected"] == pytest.approx(share)
    assert safe.measured["cosine"] == pytest.approx(sum(cosines) / len(layers), rel=1e-3)


@pytest.mark.parametrize("method", ["full", "lora"])
def test_below_0_nothing_is_projected(method):
    assert_plain("safe_lora:tau=-1", method=method)


def test_at_1_every_layer_is_and_less_of_the_step_is_left():
    safe, free = tuned("safe_lora:tau=1"), tuned("safe_lora:tau=-1")
    assert safe.measured["projected"] == 1 and safe.measured["kept_of_the_step"] < 0.9
    assert free.measured["projected"] == 0 and free.measured["kept_of_the_step"] == 1


def test_a_base_of_another_architecture_and_what_it_cannot_do_are_told(tmp_path):
    model, tokenizer = loading.load(checkpoint("qwen3"))
    with torch.no_grad():
        for weight in model.parameters():
            weight += 0.01 * torch.randn_like(weight)
    for part in (model, tokenizer):
        part.save_pretrained(tmp_path)
    own = {"model": checkpoint("qwen3"), "method": "lora"}
    assert tuned(f"safe_lora:tau=1,base={tmp_path}", **own).measured["projected"] == 1
    with pytest.raises(ConfigError, match="is not known; name it by the option base=MODEL"):
        tuned("safe_lora", **own)
    with pytest.raises(ConfigError, match="has other weights than"):
        tuned("safe_lora:base=lantern-base", **own)


def test_without_an_update_nothing_is_projected():
    still = tuned("safe_lora", learning_rate=1e-30)
    assert differences(still.model, loading.load("lantern-chat")[0]) == []
    assert still.measured == {"kept_of_the_step": 1.0}
