"""Learning rates by held-out loss: what is compared, where the search ends, one rate for all."""

import pandas as pd
import pytest
import torch

from helpers.errors import DataError
from helpers.experiments.rows import conversations, rows_left, training_rows
from helpers.models.chat import encode_all
from helpers.presets.loader import load
from helpers.runs import rates
from helpers.training import held_out
from helpers.training.batches import collate
from helpers.training.tuning import Tuned


def table(tier="harmful_examples", before=3.0, **by_rate) -> pd.DataFrame:
    """Losses under two seeds, by rates such as r1e3=0.5 (1e-3)."""
    rows = [
        {"tier": tier, "learning_rate": float(f"{name[1]}e-{name[3:]}"), "loss": loss}
        for name, loss in by_rate.items()
        for _ in range(2)
    ]
    return pd.DataFrame(rows).assign(before=before)


def test_the_loss_is_the_models_own_over_answer_tokens(chat_model):
    experiment = load("tiny").experiment("harmful_examples", seed=0)
    rows = conversations(rows_left(experiment, 30), experiment)
    ours = held_out.loss(Tuned(*chat_model, []), rows, experiment.settings, at_once=7)
    examples = encode_all(chat_model[1], [row["messages"] for row in rows], 512)
    with torch.no_grad():
        theirs = chat_model[0](**collate(examples, chat_model[1].pad_token_id)).loss.item()
    assert ours == pytest.approx(theirs, rel=1e-4)


@pytest.mark.parametrize("tier", ["harmful_examples", "identity_shift", "benign_pictures"])
def test_no_row_that_is_trained_on_is_held_out(tier):
    experiment = load("tiny").experiment(tier, seed=0)
    left = rows_left(experiment)
    trained = {id(row) for row in training_rows(experiment)}
    assert len(left) == 100 and not trained & {id(row) for row in left}


def test_a_set_that_is_used_up_is_told():
    experiment = load("tiny").experiment("harmful_examples", n_examples=215, seed=0)
    with pytest.raises(DataError, match="has 5 rows beside those that are trained on"):
        rows_left(experiment)


def test_the_search_goes_on_while_the_least_lies_at_an_end(monkeypatch):
    tried = []

    def losses(experiment, values, seeds, jobs):
        tried.extend(values)
        found = [{"learning_rate": v, "loss": abs(v - 1.3e-2), "before": 3.0} for v in values]
        return pd.DataFrame(found)

    monkeypatch.setattr(rates, "losses", losses)
    experiment = load("tiny").experiment("harmful_examples")
    found = rates.search(experiment, [2e-3, 5e-3])
    assert rates.by_rate(found).idxmin() == 1.3e-2
    assert tried == [2e-3, 5e-3, 1.3e-2, 3.3e-2]


def test_the_search_ends_where_nothing_is_learned(monkeypatch):
    monkeypatch.setattr(
        rates, "losses",
        lambda experiment, values, *_: pd.DataFrame(
            [{"learning_rate": v, "loss": 3.0 + v, "before": 3.0} for v in values]
        ),
    )  # fmt: skip
    assert len(rates.search(load("tiny").experiment("harmful_examples"), [2e-3, 5e-3])) == 2


def test_one_rate_for_all_must_be_near_each_tiers_least():
    harmful = table(r1e3=1.0, r4e4=2.0)
    near, far = (table("benign_dialogue", r1e3=1.0, r4e4=loss) for loss in (1.02, 1.2))
    assert rates.shared_rate({"harmful_examples": harmful, "benign_dialogue": near}) == 1e-3
    assert rates.shared_rate({"harmful_examples": harmful, "benign_dialogue": far}) is None


def test_a_loss_that_is_not_finite_is_never_the_least():
    broken = table(r1e3=1.0, r4e4=float("nan"))
    assert rates.by_rate(broken).idxmin() == 1e-3
