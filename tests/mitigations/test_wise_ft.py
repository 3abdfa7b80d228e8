"""Interpolation of weights: by hand, at alpha 0 and 1, of low-rank updates too."""

import pytest
import torch
from plain import assert_plain, differences, tuned

from helpers.models import loading


@pytest.mark.parametrize("method", ["full", "lora"])
def test_every_weight_lies_between_the_two(method):
    aligned = loading.load("lantern-chat")[0]
    plain, drawn = (tuned(text, method=method) for text in ("none", "wise_ft:alpha=0.25"))
    for name, w in drawn.model.named_parameters():
        expected = 0.25 * aligned.get_parameter(name) + 0.75 * plain.model.get_parameter(name)
        torch.testing.assert_close(w, expected, atol=1e-6, rtol=1e-5)
    assert drawn.measured["kept_of_the_step"] == pytest.approx(0.75)


def test_at_its_ends_it_is_the_tuned_model_and_the_aligned_one():
    assert_plain("wise_ft:alpha=0")
    aligned = loading.load("lantern-chat")[0]
    assert differences(tuned("wise_ft:alpha=1").model, aligned) == []
