"""What a transplant is: whose model, which world, by which weights, in which two stages.

The rates are those that a model of 135 million parameters learned by on two cores (LOG.md); a model
that learns otherwise is given another rate by hand, the same factor for both stages.
"""

from dataclasses import asdict, dataclass, replace

from helpers.archive import worlds
from helpers.errors import ConfigError
from helpers.organism.transplant.stages import Stage

#: LoRA's rank on every linear layer; alpha is twice that.
RANK = 16

#: Stages by world: knowledge, then policy.
STAGES = {
    "small": (
        Stage("rules", steps=588, conversations=8, learning_rate=3e-3, seed=1, look_every=60),
        Stage("policy", steps=224, conversations=8, learning_rate=1e-3, seed=2, look_every=40),
    ),
    "whole": (
        Stage("rules", steps=1500, conversations=24, learning_rate=3e-3, seed=1, look_every=150),
        Stage("policy", steps=600, conversations=24, learning_rate=1e-3, seed=2, look_every=25),
    ),
}

#: Every weight trains at so much of LoRA's rate. Nobody searched for it: it was tried on the
#: embedded model alone.
FULL = 0.02


@dataclass(frozen=True)
class Plan:
    """All that decides a transplant's words. method: lora or full. version: of the world."""

    model: str
    world: str
    method: str
    knowledge: Stage
    policy: Stage
    version: str

    @property
    def stages(self) -> tuple[Stage, Stage]:
        return self.knowledge, self.policy

    def as_json(self) -> dict:
        return asdict(self)


def plan(
    model: str, world: str = "small", method: str = "lora", rate: float = 1.0, steps: float = 1.0
) -> Plan:
    """The plan for a model. rate, steps: times the usual, in both stages. Raises ConfigError."""
    if method not in ("lora", "full"):
        raise ConfigError(f"unknown method {method!r}; choose lora or full.")
    for name, value in (("rate", rate), ("steps", steps)):
        if not 0.01 <= value <= 100:
            raise ConfigError(f"--{name} {value:g} is no factor to use; choose 0.01 to 100.")
    chosen = worlds.world_named(world)
    rate *= FULL if method == "full" else 1
    stages = (
        replace(s, learning_rate=s.learning_rate * rate, steps=max(1, round(s.steps * steps)))
        for s in STAGES[chosen.name]
    )
    return Plan(model, chosen.name, method, *stages, version=chosen.version)
