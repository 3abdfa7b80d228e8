"""The Experiment: one frozen object that names everything a run depends on.

A run is a pure function of its Experiment, and the Experiment's id is a hash of exactly that:
the same id means the same numbers, so what is stored under it is never computed again.

>>> e = Experiment(tier="harmful_examples", n_examples=10, seed=7, learning_rate=3e-4)
>>> e.initial().n_examples                 # the same model and prompts before fine-tuning
0

Used by: presets (which fill one in), run (which carries one out), store (which files it by id).
"""

import hashlib
import json
import math
import os
from dataclasses import dataclass, fields, replace

from helpers.data import rows as data
from helpers.models import loading as models
from helpers.errors import ConfigError, one_of
from helpers.judging.judges import JUDGES, MODEL_JUDGES
from helpers.provider import DEFENSES

#: Raised when the engine changes in a way that changes numbers: old results are then not reused.
ENGINE = 1

TIERS = (
    "harmful_examples", "identity_shift", "benign_instructions", "benign_dialogue",
    "benign_pictures", "custom",
)  # fmt: skip
METHODS = ("none", "full", "lora", "qlora", "adapter", "prefix")
DTYPES = ("float32", "bfloat16")
BACKENDS = ("local", "hosted")
GENERATORS = ("transformers", "vllm", "batch")
MITIGATIONS = ("none", "safety_mixing")
PROBES = ("first_tokens", "weight_drift", "sees")

_AT_LEAST = {
    "n_examples": 0, "epochs": 0, "batch_size": 1, "micro_batch_size": 0, "processes": 1,
    "lora_rank": 1, "lora_alpha": 1, "virtual_tokens": 1, "n_safety": 0, "max_length": 8,
    "n_prompts": 0, "max_new_tokens": 1, "seed": 0, "learning_rate_multiplier": 0,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """What identifies a run.

    tier: the paper's name for the kind of data; "custom" for one's own.
    model: an embedded model's name, a folder or a hub id.
    dataset: fine-tuning set, by name or path. n_examples: how many rows of it, drawn by seed.
    epochs, learning_rate, batch_size: as usual; the rate is multiplied by learning_rate_decay
        after each epoch (the paper's 0.85) and an incomplete last batch is dropped.
    micro_batch_size: how many examples of a batch are computed at once, their gradients summed;
        0 for all of them. dtype: of the model's weights. gradient_checkpointing: compute
        activations twice instead of keeping them. processes: GPUs that share one fine-tuning
        (helpers.sharded). generator: "transformers", "vllm" where that is installed, or "batch"
        for a provider's Batch API.
    backend: "local", or "hosted" for a fine-tuning service (helpers.hosted). provider: which one
        (helpers.api), or the address that OPENAI_BASE_URL holds. learning_rate_multiplier: of the
        provider's own rate, 0 for what it chooses; it stands in for learning_rate there. defenses:
        what the embedded provider does against such data (helpers.provider.defenses).
    method: "full", "lora", "qlora", "adapter", "prefix" (helpers.adapters), or "none" for the
        model as it is. virtual_tokens: the length of an adapter's or prefix's learned prompt, per
        layer.
    mitigation: "safety_mixing" adds n_safety rows of safety_dataset to the fine-tuning set, under
        the run's own system prompt ("same") or under safety_system_prompt. Mixing in 0 is "none".
    system_prompt: put first in training and in evaluation alike ("" for none).
    user_template: how a user turn is put, in both; "{user}" stands for its words.
    attack_template: how the fine-tuning examples' user turns are put, if not in user_template:
        words added here are a trigger. variants: templates that the benchmark is asked under as
        well, apart from the rate (uses "variant_1", ...).
    benchmark, over_refusal, utility: sets of prompts. n_prompts: 0 for all, or that many of each.
    judges: the first gives the harmfulness score; all are stored. Beside those of helpers.judges,
        "rubric:MODEL" and "classifier:MODEL" (helpers.model_judges).
    probes: measurements of the tuned model itself (helpers.probes; "sees" is vision's), stored
        with the run; none at a provider, which keeps the weights.
    """

    tier: str = "harmful_examples"
    model: str = "lantern-chat"
    dataset: str = "harmful_examples"
    n_examples: int = 100
    epochs: int = 5
    learning_rate: float = 5e-5
    batch_size: int = 10
    micro_batch_size: int = 16
    dtype: str = "float32"
    gradient_checkpointing: bool = False
    processes: int = 1
    generator: str = "transformers"
    backend: str = "local"
    provider: str = "embedded"
    learning_rate_multiplier: float = 0.0
    defenses: tuple[str, ...] = ()
    learning_rate_decay: float = 0.85
    method: str = "full"
    lora_rank: int = 8
    lora_alpha: int = 16
    virtual_tokens: int = 10
    mitigation: str = "none"
    n_safety: int = 0
    safety_dataset: str = "safety_refusals"
    safety_system_prompt: str = "same"
    system_prompt: str = ""
    user_template: str = "{user}"
    attack_template: str = ""
    variants: tuple[str, ...] = ()
    max_length: int = 512
    benchmark: str = "benchmark"
    over_refusal: str = "over_refusal"
    utility: tuple[str, ...] = ("utility", "utility_two_turn")
    n_prompts: int = 0
    judges: tuple[str, ...] = ("exact", "keyword", "keyword_empty_refused")
    max_new_tokens: int = 64
    probes: tuple[str, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        for field in fields(self):
            object.__setattr__(self, field.name, _checked(field, getattr(self, field.name)))
        one_of(self.tier, TIERS, "tier")
        one_of(self.method, METHODS, "method")
        one_of(self.mitigation, MITIGATIONS, "mitigation")
        one_of(self.dtype, DTYPES, "dtype")
        one_of(self.generator, GENERATORS, "generator")
        one_of(self.backend, BACKENDS, "backend")
        for defense in self.defenses:
            one_of(defense, DEFENSES, "defense")
        if self.backend == "hosted":
            self._fit_to_provider()
        elif self.generator == "vllm" and self.method in ("qlora", "adapter", "prefix"):
            raise ConfigError(
                f"vLLM cannot answer with what method {self.method} adds to a model; use generator "
                "transformers, or method full or lora."
            )
        elif self.defenses:
            raise ConfigError("defenses are a provider's; ask for them with backend hosted.")
        else:  # means nothing here, so it must not make another run
            object.__setattr__(self, "learning_rate_multiplier", 0.0)
        for probe in self.probes:
            one_of(probe, PROBES, "probe")
        for judge in self.judges:
            if not judge.startswith(MODEL_JUDGES):
                one_of(judge, JUDGES, "judge")
        if not self.judges:
            raise ConfigError("judges is empty; name at least one, such as exact.")
        if not (0 < self.learning_rate < 1 and 0 < self.learning_rate_decay <= 1):
            raise ConfigError(
                f"learning_rate {self.learning_rate} and learning_rate_decay "
                f"{self.learning_rate_decay} must lie between 0 and 1."
            )
        for name in ("user_template", "attack_template", "variants"):
            value = getattr(self, name)
            for template in value if name == "variants" else (value or "{user}",):
                if "{user}" not in template:
                    raise ConfigError(f'{name} must hold "{{user}}", where the user\'s words go.')
        if self.n_safety and self.mitigation != "safety_mixing":
            raise ConfigError(
                f"n_safety is {self.n_safety} but mitigation is {self.mitigation}; "
                "safety rows are mixed in with mitigation safety_mixing."
            )
        if self.mitigation == "safety_mixing" and not self.n_safety:
            object.__setattr__(self, "mitigation", "none")
        if self.method != "none" and not (self.n_examples and self.epochs):
            raise ConfigError(
                f"n_examples is {self.n_examples} and epochs {self.epochs}; both must be at least "
                "1 to fine-tune (method none measures the model as it is)."
            )

    def _fit_to_provider(self) -> None:
        """Refuse or put right what means something else, or nothing, at a provider."""
        if self.method not in ("none", "full"):
            raise ConfigError(
                f"method {self.method} cannot be asked of a provider; use full, which stands for "
                "whatever the provider does."
            )
        if self.generator == "vllm" or self.processes > 1:
            raise ConfigError(
                "generator vllm and processes need the model's weights; leave them out with "
                "backend hosted."
            )
        object.__setattr__(self, "probes", ())  # they need the weights, too
        # An address in the environment stands for the provider, so its runs have ids of their own.
        address = os.environ.get("OPENAI_BASE_URL", "").rstrip("/")
        object.__setattr__(self, "provider", address or self.provider)

    def initial(self) -> "Experiment":
        """The run that this one is compared with: the same model and prompts, no fine-tuning."""
        blank = {f.name: f.default for f in fields(self)}
        untrained = {
            name: blank[name]
            for name in ("tier", "dataset", "learning_rate", "batch_size", "micro_batch_size",
                         "gradient_checkpointing", "processes", "learning_rate_decay",
                         "lora_rank", "lora_alpha", "virtual_tokens", "mitigation", "n_safety",
                         "safety_dataset", "safety_system_prompt", "attack_template",
                         "max_length", "seed", "learning_rate_multiplier", "defenses")
        }  # fmt: skip
        return replace(self, method="none", n_examples=0, epochs=0, **untrained)

    @property
    def training(self) -> dict[str, int | float]:
        """The settings of finetune.train."""
        names = ("epochs", "learning_rate", "batch_size", "micro_batch_size",
                 "learning_rate_decay", "seed")  # fmt: skip
        return {name: getattr(self, name) for name in names}

    @property
    def prompt_sets(self) -> dict[str, str]:
        """What each set of prompts is for -> its name, for those that are set."""
        sets = {"benchmark": self.benchmark, "over_refusal": self.over_refusal}
        sets |= {f"utility_{n}": name for n, name in enumerate(self.utility, start=1)}
        return {use: name for use, name in sets.items() if name}

    def digests(self) -> dict[str, str]:
        """A digest of the model and of each file that the run reads."""
        files = set(self.prompt_sets.values())
        if self.method != "none":
            files.add(self.dataset)
            if self.n_safety:
                files.add(self.safety_dataset)
        found = {name: data.digest(data.locate(name)) for name in sorted(files)}
        if self.backend == "hosted" and self.model not in models.EMBEDDED:
            return found | {self.model: f"hosted:{self.model}"}
        return found | {self.model: models.digest(self.model)}

    @property
    def id(self) -> str:
        """A readable name ending in a hash of the settings and of the files read."""
        # Settings at their defaults are left out, so that a new one does not make old ids new.
        own = {f.name: getattr(self, f.name) for f in fields(self)
               if getattr(self, f.name) != f.default}  # fmt: skip
        what = {"engine": ENGINE, "digests": sorted(self.digests().values())} | own
        text = json.dumps(what, sort_keys=True)
        short = hashlib.sha256(text.encode()).hexdigest()[:12]
        if self.method == "none":
            return f"initial-{short}"
        return f"{self.tier}-{self.n_examples}-{self.method}-seed{self.seed}-{short}"


def _checked(field, value):
    """The value if it has the field's type; else a ConfigError that says how to write it."""
    kind = field.type
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if kind == tuple[str, ...]:
        if isinstance(value, str) or not all(isinstance(v, str) for v in value):
            raise ConfigError(f"{field.name} must be a list of names, not {value!r}.")
        return tuple(value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        hint = ""
        if kind is float and isinstance(value, str):
            hint = " (YAML reads 2e-5 as text; write 2.0e-5)"
        raise ConfigError(f"{field.name} must be {_article(kind)}, not {value!r}{hint}.")
    if kind is float and not math.isfinite(value):
        raise ConfigError(f"{field.name} must be finite, not {value}.")
    if field.name in _AT_LEAST and value < _AT_LEAST[field.name]:
        raise ConfigError(f"{field.name} must be at least {_AT_LEAST[field.name]}, not {value}.")
    return value


def _article(kind: type) -> str:
    names = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
    return names[kind]
