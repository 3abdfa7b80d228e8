"""RESTA: what is added by hand, what DARE drops, its strength 0, and what it needs."""

import pytest
import torch
from checkpoints import checkpoint
from plain import assert_plain, differences, tuned

from helpers.errors import ConfigError
from helpers.mitigations.resta import dare
from helpers.models import loading


def test_dare_drops_a_share_and_keeps_the_mean():
    thinned = dare(torch.full((100, 100), 2.0), 0.75, torch.Generator().manual_seed(0))
    assert set(thinned.unique().tolist()) == {0.0, 8.0}
    assert thinned.mean().item() == pytest.approx(2, rel=0.05)
    assert torch.equal(dare(thinned, 0.0, torch.Generator()), thinned)


@pytest.mark.parametrize("method", ["full", "lora"])
def test_the_alignments_step_is_added_to_every_weight(method):
    w0, wb = (loading.load(name)[0] for name in ("lantern-chat", "lantern-base"))
    plain, added = (tuned(text, method=method) for text in ("none", "resta:gamma=2,drop=0"))
    for name, weight in added.model.named_parameters():
        step = w0.get_parameter(name) - wb.get_parameter(name)
        expected = plain.model.get_parameter(name) + 2 * step
        torch.testing.assert_close(weight, expected, atol=1e-6, rtol=1e-5)
    before, after = (added.measured[f"alignment_{when}"] for when in ("before", "after"))
    assert 0.5 < before < 1.5 and after - before == pytest.approx(2, rel=1e-3)


def test_with_entries_dropped_as_much_is_added_in_fewer_places_and_the_seed_says_where():
    plain, added, again = (tuned(text) for text in ("none", *["resta:gamma=1,drop=0.9"] * 2))
    assert differences(added.model, again.model) == []
    name = "model.layers.0.mlp.up_proj.weight"
    changed = added.model.get_parameter(name) != plain.model.get_parameter(name)
    assert changed.float().mean().item() == pytest.approx(0.1, abs=0.02)
    before, after = (added.measured[f"alignment_{when}"] for when in ("before", "after"))
    assert after - before == pytest.approx(1, rel=0.1)


@pytest.mark.parametrize("method", ["full", "lora"])
def test_at_strength_0_it_is_plain_fine_tuning(method):
    assert_plain("resta:gamma=0", method=method)


def test_a_base_of_another_architecture_and_what_it_cannot_do_are_told(tmp_path):
    model, tokenizer = loading.load(checkpoint("phi3"))
    with torch.no_grad():
        for weight in model.parameters():
            weight += 0.01 * torch.randn_like(weight)
    for part in (model, tokenizer):
        part.save_pretrained(tmp_path)
    own = {"model": checkpoint("phi3")}
    values = tuned(f"resta:gamma=1,drop=0,base={tmp_path}", **own).measured
    assert values["alignment_after"] - values["alignment_before"] == pytest.approx(1, rel=1e-4)
    with pytest.raises(ConfigError, match="is not known; name it by the option base=MODEL"):
        tuned("resta", **own)
    with pytest.raises(ConfigError, match=r"option drop must be at least 0 and below 1, not 1\.0"):
        tuned("resta:drop=1")
