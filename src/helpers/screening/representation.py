"""How like a row is to harmful anchors in the aligned model's last hidden state.

    score = max over anchors a of cos(h(row), h(a)),  h at the last token

Representation matching (arXiv:2404.01099), there to find the benign rows that undo a model; here
all rows are asked.
"""

from helpers.screening.base import UNSEEN, Detector, Finding


class Representation(Detector):
    """The nearest anchor's cosine."""

    NEEDS = "anchored"
    FLOOR = 0.001

    def find(self, rows, means):
        return [
            UNSEEN if near is None
            else Finding(near, len(row["messages"]) - 1,
                         f"its hidden state has cosine {near:.2f} with a harmful anchor's")
            for row, near in zip(rows, means.anchored.nearest, strict=True)
        ]  # fmt: skip
