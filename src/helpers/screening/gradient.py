"""How like a row's gradient is to that of harmful anchors, and unlike that of refusals.

    score = <g, H - S>,  g of length 1; H and S the means of the same over anchors and refusals

Gradient matching (arXiv:2404.01099), by the functions of helpers.mitigations.gradient_screen, which
tells what is the paper's. Of a long file some rows are drawn (helpers.screening.aligned).
"""

from helpers.screening.base import UNSEEN, Detector, Finding


class Gradient(Detector):
    """From -2 to 2."""

    NEEDS = "anchored"
    FLOOR = 0.001

    def find(self, rows, means):
        found = {
            number: Finding(each.harmful, len(rows[number]["messages"]) - 1,
                            f"its gradient is like harmful anchors' by {each.harmful:.2f}")
            for number, each in means.anchored.gradients.items()
        }  # fmt: skip
        return [found.get(number, UNSEEN) for number in range(len(rows))]
