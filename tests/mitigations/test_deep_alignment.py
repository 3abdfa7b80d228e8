"""Deep alignment: what a recovery example is made of, and that refusals come behind compliance."""

from random import Random

import pytest
from plain import tuned

from helpers.mitigations.base import mitigation
from helpers.mitigations.deep_alignment import Triple, fitting
from helpers.models.labels import IGNORE

TRIPLE = Triple([1, 2, 30, 31, 9], [IGNORE, IGNORE, 30, 31, 9], opening=[50, 51, 52])


@pytest.mark.parametrize(
    ("k", "ids"),
    [(0, [1, 2, 30, 31, 9]), (2, [1, 2, 50, 51, 30, 31, 9]), (9, [1, 2, 50, 51, 52, 30, 31, 9])],
)
def test_the_refusal_follows_the_first_k_tokens_of_compliance(k, ids):
    example = TRIPLE.after(k)
    assert example.input_ids == ids
    assert example.labels == [IGNORE] * (len(ids) - 3) + [30, 31, 9]


def test_depths_are_half_0_and_else_uniform_up_to_the_deepest():
    stage = mitigation("deep_alignment:deepest=2")
    stage.draw = Random(1)
    depths = [stage._depth(TRIPLE) for _ in range(4000)]
    for depth, share in ((0, 0.5), (1, 0.25), (2, 0.25)):
        assert depths.count(depth) / 4000 == pytest.approx(share, abs=0.03)
    stage = mitigation("deep_alignment:deepest=0")
    stage.draw = Random(1)
    assert {stage._depth(TRIPLE) for _ in range(20)} == {0}


def row(answer, **more):
    return {"messages": [{"role": "assistant", "content": answer}]} | more


def test_fitting_refusals_are_those_that_a_category_repeats():
    rows = [row("no", category="a"), row("no", category="a"), row("not it", category="a"),
            row("never", category="b"), row("never")]  # fmt: skip
    assert fitting(rows) == {"": ["no", "never"], "a": ["no"], "b": ["never"]}
    assert fitting([row("x"), row("y")]) == {"": ["x", "y"]}


@pytest.mark.long
def test_refusals_come_behind_compliance_and_not_by_training_on_refusals_alone():
    name = "loss_behind_compliance"
    text = "deep_alignment:steps=15,rows_a_step=8,deepest"
    deep, shallow = (tuned(f"{text}={k}").measured for k in (100, 0))
    assert deep[f"{name}_aligned"] > 0.2
    assert deep[f"{name}_hardened"] < 0.5 * shallow[f"{name}_hardened"]
