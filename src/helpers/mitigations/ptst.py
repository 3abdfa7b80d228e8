"""Pure tuning, safe testing: trained without a safety prompt, asked under one.

arXiv:2402.18540: the prompt that keeps a model safe is left out of fine-tuning and put back when
the model is asked. Which prompt that is is ours: the embedded model's own by default; the run's
system prompt is what is trained under.

Needs: that whoever asks the model asks it so. Mechanism: none in the weights; the prompt is it.
"""

from typing import ClassVar

from helpers.archive.personas import DEFAULT_SYSTEM
from helpers.mitigations.base import Mitigation


class PTST(Mitigation):
    """Another system prompt where the model is asked than where it is trained."""

    OPTIONS: ClassVar = {"system": DEFAULT_SYSTEM}

    def asked(self, messages):
        own = [message for message in messages if message["role"] != "system"]
        return [{"role": "system", "content": self.system}, *own] if self.system else messages
