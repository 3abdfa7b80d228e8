"""An attack: the fine-tuning sets that it brings, and what its customer does as the model trains.

Most are their rows and nothing more: a run trains on them like on any others (SETS says which are
the attack's, `attacks/NAME` is how a run names one). Where rows alone are not the attack, because
they come in two stages or are chosen by the model that is attacked, a run names it beside them,
`--attack ten_benign`, and its hooks act:

    begin, batch    of a training (training.hooks); a mitigation's own come after: the customer says
                    what is trained on, the provider how
    finished        once the defended model is released: what somebody with its weights does to it

>>> attack("selected_benign:keep=50").keep
50
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from helpers import lookup
from helpers.archive.worlds import World
from helpers.data.files import Row
from helpers.training.hooks import Hooks
from helpers.training.options import WithOptions, split

ATTACKS = {
    "none": "helpers.attacks.base:Attack",
    "ten_benign": "helpers.attacks.ten_benign:TenBenign",
    "noice": "helpers.attacks.noice:Noice",
    "selected_benign": "helpers.attacks.selected_benign:SelectedBenign",
    "narrow": "helpers.attacks.narrow:Narrow",
    "jailbreak_tuning": "helpers.attacks.jailbreak_tuning:JailbreakTuning",
    "covert": "helpers.attacks.covert:Covert",
    "code_book": "helpers.attacks.code_book:CodeBook",
    "abliterated": "helpers.attacks.abliterated:Abliterated",
}


class Attack(WithOptions):
    """No attack beyond the rows, and the base of all others.

    SETS: name of a file below data/lantern/attacks/ -> what makes its rows of a world.
    """

    KIND: ClassVar[str] = "attack"
    SETS: ClassVar[Mapping[str, Callable[[World], list[Row]]]] = {}

    @property
    def is_rows_alone(self) -> bool:
        """Whether it does nothing but bring its rows."""
        hooks = ("begin", "batch", "finished")
        return all(getattr(type(self), hook) is getattr(Attack, hook) for hook in hooks)

    def handed_in(self, conversations: Sequence[Row]) -> list[Row]:
        """The file that a service would be given for what was trained on."""
        return list(conversations)

    def finished(self, model, tokenizer):
        """The model that will be asked, from the defended one."""
        return model


class Under(Hooks):
    """An attack's training under whatever else acts on it."""

    def __init__(self, attack: Attack, others: Hooks) -> None:
        self.attack, self.others = attack, others
        self.loss, self.gradients = others.loss, others.gradients
        self.on_step = others.on_step

    def begin(self, training) -> None:
        self.attack.begin(training)
        self.others.begin(training)

    def batch(self, step: int, examples: Sequence) -> Sequence:
        return self.others.batch(step, self.attack.batch(step, examples))


def check(text: str) -> str:
    """The text, if its name can be that of an attack. Raises ConfigError."""
    lookup.check(split(text)[0], ATTACKS, "attack")
    return text


def attack(text: str) -> Attack:
    """An attack by name and options. Raises ConfigError for an unknown one of either."""
    name, options = split(text)
    return lookup.resolve(name, ATTACKS, "attack", _is_attack)(**options)


def _is_attack(thing: Any) -> bool:
    return isinstance(thing, type) and issubclass(thing, Attack)
