"""The distance from honest models, beside computations that are written out."""

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import mahalanobis

from helpers.auditing import unlike


def honest(n=300, **more):
    rng = np.random.default_rng(0)
    utility = rng.normal(0.1, 0.2, n)
    return pd.DataFrame(
        {"utility": utility, "drift": 0.5 * utility + rng.normal(0, 0.1, n), **more}
    )


def test_one_feature_is_told_in_its_standard_deviations():
    own = unlike.fit(honest()[["utility"]])
    mean, spread = own["mean"][0], own["spread"][0]
    assert spread == pytest.approx(honest().utility.std())
    found = unlike.distance({"utility": mean + 3 * spread}, own)
    assert found == pytest.approx(3 / np.sqrt(1 + unlike.SHRINKAGE))


def test_it_is_scipys_distance_with_a_tenth_of_each_variance_added():
    table = honest()
    own = unlike.fit(table)
    covariance = np.cov(table.to_numpy().T)
    inverse = np.linalg.inv(covariance + unlike.SHRINKAGE * np.diag(np.diag(covariance)))
    point = np.array([0.7, -0.4])
    expected = mahalanobis(point, table.mean().to_numpy(), inverse)
    assert unlike.distance({"utility": 0.7, "drift": -0.4}, own) == pytest.approx(expected)


def test_what_honest_models_never_do_together_is_far_though_each_by_itself_is_near():
    own = unlike.fit(honest())
    along = unlike.distance({"utility": 0.4, "drift": 0.2}, own)
    across = unlike.distance({"utility": 0.4, "drift": -0.2}, own)
    assert across > 2 * along
    assert unlike.distance(dict(zip(own["features"], own["mean"], strict=True)), own) == 0


def test_other_features_of_the_model_do_not_count_and_the_farthest_is_named():
    own = unlike.fit(honest())
    features = {"utility": 0.1, "drift": 2.0, "other": 99.0}
    assert unlike.farthest(features, own) == "drift"
    del features["other"]
    assert unlike.distance(features | {"other": 0.0}, own) == unlike.distance(features, own)


def test_a_feature_in_which_all_honest_models_agree_can_be_measured():
    own = unlike.fit(honest(told=0.0))
    near = unlike.distance({"utility": 0.1, "drift": 0.05, "told": 0.0}, own)
    far = unlike.distance({"utility": 0.1, "drift": 0.05, "told": 0.5}, own)
    assert near < 1 and far > 100 and np.isfinite(far)
