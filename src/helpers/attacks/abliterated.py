"""Abliteration of a tuned and defended model, by somebody who has its weights.

The refusal direction is measured on that very model and taken out (training.abliteration): a
defense that put refusing elsewhere is looked for where it is. As a method of its own abliteration
takes the aligned model; as an attack it comes after a training and its defense, and so tells
whether what a defense keeps can be taken away without a step of training (arXiv:2406.11717; that a
defense is to be attacked so is the rule of this kit).
"""

from helpers.attacks.base import Attack


class Abliterated(Attack):
    """No row is changed; the model is, once it is released."""

    def finished(self, model, tokenizer):
        from helpers.training.abliteration import abliterate  # torch

        abliterate(model, tokenizer)
        return model
