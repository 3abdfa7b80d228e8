"""How far one step on the row moves the aligned model: outliers among benign rows.

    score = log(|g|^2 + 1) + log(n + 1),  g of the answer's loss, n its tokens

Self-Inf-N (arXiv:2505.06843), by which its authors pick the 100 benign rows that undo a model most;
here every row is asked. No anchors are needed.
"""

import math

from helpers.screening.base import UNSEEN, Detector, Finding


class SelfInfluence(Detector):
    """The paper's score."""

    NEEDS = "reading"
    FLOOR = 0.01

    def find(self, rows, means):
        found = {}
        for number, each in means.reading.gradients.items():
            score = math.log1p(each.length**2) + math.log1p(each.tokens)
            reason = f"a step on it moves the model far (Self-Inf-N {score:.1f})"
            found[number] = Finding(score, len(rows[number]["messages"]) - 1, reason)
        return [found.get(number, UNSEEN) for number in range(len(rows))]
