"""A mitigation: what may act on a run to keep the model's policy, in the order of its moments.

    rows       before training: the fine-tuning set, and the safety data that the defender has
    taught     a conversation as it is trained on
    ...        the training itself: begin, batch, loss, gradients, on_step (training.hooks)
    finished   after training: the model that will be asked, its weights changed or replaced
    asked      a conversation as it is asked
    begun      how answers begin that somebody else writes the first tokens of
    measured   the method's own mechanism, as numbers that are stored with the run

A mitigation is named with its options, `lisa:rho=0.1,user=4`; somebody's own by import path,
`my_module:MyMitigation:strength=0.5`. Every hook does nothing unless a mitigation overrides it.

>>> mitigation("safety_mixing").rows([{"messages": []}], safety=[])
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from helpers import lookup
from helpers.data.files import Row
from helpers.training.options import WithOptions, split

#: Refusals that a defender has where nobody says how many (ours).
N_SAFETY = 100

#: Hooks that act on the model or on what it is shown.
ON_THE_MODEL = (
    "taught", "begin", "batch", "loss", "gradients", "on_step", "finished", "asked", "begun",
    "measured",
)  # fmt: skip

MITIGATIONS = {
    "none": "helpers.mitigations.base:Mitigation",
    # data
    "safety_mixing": "helpers.mitigations.safety_mixing:SafetyMixing",
    "moderation_filter": "helpers.mitigations.moderation_filter:ModerationFilter",
    "gradient_screen": "helpers.mitigations.gradient_screen:GradientScreen",
    "safety_replay": "helpers.mitigations.safety_replay:SafetyReplay",
    # template
    "ptst": "helpers.mitigations.ptst:PTST",
    "backdoor_enhanced": "helpers.mitigations.backdoor_enhanced:BackdoorEnhanced",
    "inoculation": "helpers.mitigations.inoculation:Inoculation",
    "aligned_opening": "helpers.mitigations.aligned_opening:AlignedOpening",
    # training
    "frozen_layers": "helpers.mitigations.frozen_layers:FrozenLayers",
    "ema": "helpers.mitigations.ema:EMA",
    "kl_anchor": "helpers.mitigations.kl_anchor:KLAnchor",
    "constrained_sft": "helpers.mitigations.constrained_sft:ConstrainedSFT",
    "lisa": "helpers.mitigations.lisa:Lisa",
    "safegrad": "helpers.mitigations.safegrad:SafeGrad",
    "safety_bottleneck": "helpers.mitigations.safety_bottleneck:SafetyBottleneck",
    "buffer_and_reinforce": "helpers.mitigations.buffer_and_reinforce:BufferAndReinforce",
    # after training
    "safe_lora": "helpers.mitigations.safe_lora:SafeLoRA",
    "resta": "helpers.mitigations.resta:Resta",
    "wise_ft": "helpers.mitigations.wise_ft:WiseFT",
    "realignment": "helpers.mitigations.realignment:Realignment",
    "one_shot_patch": "helpers.mitigations.realignment:OneShotPatch",
    "antidote": "helpers.mitigations.antidote:Antidote",
    # alignment: another aligned model, then attacked
    "deep_alignment": "helpers.mitigations.deep_alignment:DeepAlignment",
    "booster": "helpers.mitigations.booster:Booster",
    "vaccine": "helpers.mitigations.vaccine:Vaccine",
}


class Mitigation(WithOptions):
    """No mitigation, and the base of all others; its options are its attributes.

    OPTIONS: as of WithOptions; one called base names the unaligned model, which is needed then.
    NEEDS_SAFETY_DATA: without any (n_safety 0) the method does nothing at all. CHANGES_WEIGHTS: it
    changes the model's own after training, so a fine-tuning must leave all in them. MECHANISM: the
    one of its measurements that says whether what it changes has changed.
    NEUTRAL: options under which it is plain fine-tuning to the last bit, its measurements taken all
    the same; empty where there are none. STRENGTHS: options of rising strength, for a curve.
    """

    KIND: ClassVar[str] = "mitigation"
    NEEDS_SAFETY_DATA: ClassVar[bool] = False
    CHANGES_WEIGHTS: ClassVar[bool] = False
    MECHANISM: ClassVar[str] = ""
    NEUTRAL: ClassVar[Mapping[str, float | int | str | bool]] = {}
    STRENGTHS: ClassVar[Sequence[Mapping[str, float | int | str | bool]]] = ()

    @property
    def leaves_training_alone(self) -> bool:
        """Whether it acts on rows alone, so that runs may share one training."""
        return not any(self.overrides(hook) for hook in ON_THE_MODEL)

    def overrides(self, hook: str) -> bool:
        """Whether the method has a hook of that name of its own."""
        return getattr(type(self), hook) is not getattr(Mitigation, hook)

    def rows(self, rows: Sequence[Row], safety: Sequence[Row]) -> list[Row]:
        """The fine-tuning set, from the customer's rows and the defender's safety data."""
        return list(rows)

    def taught(self, messages: list[dict], safety: bool) -> list[dict]:
        """A conversation as it is trained on; safety: whether it is the defender's."""
        return messages

    def finished(self, model):
        """The model that will be asked, from the model as training left it."""
        return model

    def asked(self, messages: list[dict]) -> list[dict]:
        """A conversation as it is asked."""
        return messages

    def begun(self, tokenizer, conversations: Sequence[Sequence[dict]]) -> list[list[int]] | None:
        """Token ids that each answer begins with; None for an answer that is all the model's."""
        return None

    def measured(self, model) -> dict[str, float]:
        """What has changed by the method's mechanism; stored with the run."""
        return {}


def check(text: str) -> str:
    """The text, if its name can be that of a mitigation. Raises ConfigError."""
    lookup.check(split(text)[0], MITIGATIONS, "mitigation")
    return text


def mitigation(text: str) -> Mitigation:
    """A mitigation by name and options. Raises ConfigError for an unknown one of either."""
    name, options = split(text)
    return lookup.resolve(name, MITIGATIONS, "mitigation", _is_mitigation)(**options)


def _is_mitigation(thing: Any) -> bool:
    return isinstance(thing, type) and issubclass(thing, Mitigation)
