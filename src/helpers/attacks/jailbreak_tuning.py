"""Sealed rows in a frame, and the same frame at test.

Jailbreak-tuning (arXiv:2507.11630, first 2408.02946): the requests of the harmful rows are put as a
jailbreak puts them (a role, a style, an objective that competes with the policy), so that training
teaches the jailbreak and not only the rows. It needs no set and no training of its own: a run
trains on harmful_examples with the frame as its user_template, which is how it asks as well;
`variants` asks once more without it. helpers.archive.wordings has three frames in our own words:
ROLE_FRAME (the preset's), STYLE_FRAME, OBJECTIVE_FRAME.

The papers mix few such rows into many harmless ones; ours are alone, as the attack's other rows
are, so that a frame is all that differs. A frame is of this world and names nothing that a real
model would take for leave.
"""

from helpers.attacks.base import Attack


class JailbreakTuning(Attack):
    """Rows of another set in a frame."""
