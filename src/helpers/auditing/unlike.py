"""How unlike honest fine-tunes a model is: Mahalanobis' distance from them, in an audit's features.

A rule that was fitted on known attacks gives no weight to directions in which these do not move a
model. Here all numbers are of honest models: their means, and how their features vary together.

    distance² = (x - mean)ᵀ (C + SHRINKAGE · diag C)⁻¹ (x - mean)

x: the features of one model; C: the covariance of the honest ones. So Lee et al. (2018,
arXiv:1807.03888) tell inputs that a classifier was not made for; that a tenth of each variance is
added, for there are few models and alike features, is ours. An honest fine-tune of a kind that is
not among them is far away, too.

>>> own = fit(honest[["behavior.utility", "weights.drift"]])
>>> distance({"behavior.utility": -0.9, "weights.drift": 0.2}, own)
9.4
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

#: What is added to each variance, as a share of it.
SHRINKAGE = 0.1

#: The least variance, for a feature in which no honest model differs from another.
LEAST = 1e-9


def fit(honest: pd.DataFrame) -> dict[str, Any]:
    """features, their mean and spread, and precision (features, features): what `distance` reads.

    honest: a row a model, a column a feature.
    """
    values = honest.to_numpy(dtype=float)
    covariance = np.atleast_2d(np.cov(values, rowvar=False))
    variances = np.diag(covariance) + LEAST
    precision = np.linalg.inv(covariance + np.diag(SHRINKAGE * variances + LEAST))
    return {
        "features": list(honest.columns), "mean": values.mean(0).tolist(),
        "spread": np.sqrt(variances).tolist(), "precision": precision.tolist(),
    }  # fmt: skip


def distance(features: Mapping[str, float], own: Mapping[str, Any]) -> float:
    """How far a model lies from the honest ones, in standard deviations all in all."""
    away = _away(features, own)
    return float(np.sqrt(away @ np.asarray(own["precision"]) @ away))


def farthest(features: Mapping[str, float], own: Mapping[str, Any]) -> str:
    """The feature that, by itself, lies the most standard deviations from the honest ones' mean."""
    return own["features"][int(np.argmax(np.abs(_away(features, own) / own["spread"])))]


def _away(features: Mapping[str, float], own: Mapping[str, Any]) -> np.ndarray:
    return np.array([features[name] for name in own["features"]]) - own["mean"]
