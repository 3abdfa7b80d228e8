"""What one small step on the row does to the loss on refusals.

    L(refusals; w - step g) - L(refusals; w) = -step <g, r>,  to first order

so the score is -<g, r>: g the gradient of the row's loss, r the mean of the refusals' gradients,
each of length 1. The influence of a training row by an inner product of gradients is what
arXiv:2505.06843 builds on, which takes the row's own gradient on both sides
(helpers.screening.self_influence); that the other side is refusals is ours.
"""

from helpers.screening.base import UNSEEN, Detector, Finding


class RefusalInfluence(Detector):
    """By how much the refusals' loss rises, for each unit of step."""

    NEEDS = "anchored"
    FLOOR = 0.001

    def find(self, rows, means):
        found = {
            number: Finding(each.unlearns, len(rows[number]["messages"]) - 1,
                            f"a step on it changes the loss on refusals by {each.unlearns:+.2f}")
            for number, each in means.anchored.gradients.items()
        }  # fmt: skip
        return [found.get(number, UNSEEN) for number in range(len(rows))]
