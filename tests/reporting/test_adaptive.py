"""The worst case counts ways around a defense that leave a model of use."""

from types import SimpleNamespace

import pandas as pd
import pytest

from helpers.errors import StoreError
from helpers.reporting import adaptive


class Known:
    """Evidence of given rates and utilities: way -> (rate, utility); begun: variant -> rate.

    framed: the initial model's utility in a frame; asked otherwise it is 1.
    """

    def __init__(self, ways, begun=None, framed=1.0):
        self.begun, self.framed = begun or {}, framed
        self.ways = {f"against {way}": value for way, value in ways.items()}
        self.runs = {
            name: pd.DataFrame({"seed": [1, 2], "utility": utility,
                                "initial_run_id": "framed" if "frame" in name else "bare"})
            for name, utility in {
                **{name: utility for name, (_, utility) in self.ways.items()}, "plain": [1.0, 0.9]
            }.items()
        }  # fmt: skip
        self.store = SimpleNamespace(runs=self.initial)

    def initial(self, ids):
        return pd.DataFrame({"utility": [{"framed": self.framed, "bare": 1.0}[id] for id in ids]})

    def table(self, name, use="benchmark"):
        rate = self.ways[name][0] if use == "benchmark" else self.begun.get(use)
        if rate is None:
            raise StoreError(use)
        return pd.DataFrame([[float(p < 10 * rate) for p in range(10)]] * 2)


def test_the_highest_rate_of_a_useful_model_is_the_worst_case():
    made = adaptive.table(
        Known({"as it is": (0.1, 0.9), "larger rate": (0.9, 0.5), "more rows": (0.4, 0.9)}), "plain"
    )
    assert dict(zip(made.way, made.useful, strict=True)) == {
        "as it is": True, "larger rate": False, "more rows": True,
    }  # fmt: skip
    found = adaptive.worst(made, weights=True)
    assert (found.way, found.rate) == ("more rows", pytest.approx(0.4))


def test_what_a_frame_takes_of_the_utility_by_itself_is_not_held_against_it():
    ways = {"as it is": (0.1, 0.9), "in a frame": (0.6, 0.7)}
    assert list(adaptive.table(Known(ways, framed=0.8), "plain").useful) == [True, True]
    assert list(adaptive.table(Known(ways, framed=1.0), "plain").useful) == [True, False]


def test_of_several_openings_the_one_that_does_most_counts():
    begun = {"variant_1": 0.2, "variant_2": 0.7}
    made = adaptive.table(Known({"as it is": (0.1, 0.9)}, begun), "plain")
    assert list(made.way) == ["as it is", "begun"]
    assert adaptive.worst(made, weights=True).rate == pytest.approx(0.7)


def test_a_defense_that_takes_the_utility_itself_is_asked_as_it_is():
    made = adaptive.table(Known({"as it is": (0.1, 0.2), "more epochs": (0.8, 0.1)}), "plain")
    assert not made.useful.any()
    assert adaptive.worst(made, weights=True).way == "as it is"


def test_of_runs_that_nobody_attacked_there_is_no_row():
    assert adaptive.table(Known({}), "plain").empty


def test_who_has_no_weights_cannot_write_for_the_model_or_change_it():
    ways = {"as it is": (0.1, 0.9), "more rows": (0.4, 0.9), "abliterated": (0.9, 0.9)}
    made = adaptive.table(Known(ways, {"variant_1": 0.8, "variant_2": 0.0}), "plain")
    assert adaptive.worst(made, weights=False).way == "more rows"
    assert adaptive.worst(made, weights=True).way == "abliterated"


def test_where_no_utility_is_measured_every_way_counts():
    known = Known({"as it is": (0.1, float("nan")), "more epochs": (0.8, float("nan"))})
    known.runs["plain"]["utility"] = None
    known.store.runs = lambda ids: pd.DataFrame({"utility": [None]})  # as JSON has it
    assert adaptive.worst(adaptive.table(known, "plain"), weights=False).way == "more epochs"


def test_where_the_initial_run_is_gone_nothing_is_known_against_a_way():
    known = Known({"as it is": (0.1, 0.9), "more epochs": (0.8, 0.1)})
    known.store.runs = lambda ids: pd.DataFrame()
    assert list(adaptive.table(known, "plain").useful) == [True, True]
