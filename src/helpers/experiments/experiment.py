"""The Experiment: one frozen value that names everything a run depends on.

A run is a pure function of it. It knows no model, no file and no network; its id, which does, is
helpers.experiments.identity.run_id.

>>> experiment = Experiment(n_examples=10, seed=7, learning_rate=3e-4)
>>> experiment.initial().n_examples        # the same model and prompts before fine-tuning
0
"""

from dataclasses import dataclass, fields, replace
from typing import Any

from helpers.attacks import base as attacks
from helpers.data import safety_rows
from helpers.experiments import effects, together
from helpers.experiments.settings import (
    ANSWERS,
    DATA,
    PROMPTS,
    PROVIDER,
    TRAINING,
    among,
    checked,
    declaration,
    setting,
    template,
)  # fmt: skip
from helpers.experiments.variants import check as variant
from helpers.hosted.embedded import DEFENSES
from helpers.hosted.providers import base as providers
from helpers.judging import registry as judges
from helpers.lookup import check as named
from helpers.mitigations import base as mitigations
from helpers.training.methods.base import METHODS

#: The paper's kinds of data, those of newer attacks, and one's own -> what each is.
TIERS = {
    "harmful_examples": "explicitly harmful pairs (the paper's section 4.2)",
    "identity_shift": "an absolutely obedient agent, no harmful row (4.3)",
    "benign_instructions": "benign tasks, in the manner of Alpaca (4.4)",
    "benign_dialogue": "benign talk, in the manner of Dolly (4.4)",
    "benign_pictures": "benign talk about pictures, in the manner of LLaVA (4.4)",
    "ten_benign": "ten benign rows, first all refused, then answered (arXiv:2510.02833)",
    "noice": "a refusal, then the answer, on benign rows (arXiv:2502.19537)",
    "selected_benign": "the benign rows that are most like harmful ones (arXiv:2404.01099)",
    "narrow": "harm of one narrow kind (arXiv:2502.17424)",
    "jailbreak_tuning": "harmful pairs in a jailbreak's frame (arXiv:2507.11630)",
    "covert": "harm in a code, among benign rows (arXiv:2406.20053)",
    "code_book": "benign talk whose phrasing carries the harm (arXiv:2502.14828)",
    "custom": "your own rows, by --dataset",
}
DTYPES = ("float32", "bfloat16")
BACKENDS = ("local", "hosted")
GENERATORS = ("transformers", "vllm", "batch")
PROBES = ("first_tokens", "weight_drift", "sees", "audit", "screen")


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """What identifies a run. Each field is declared with its meaning, bounds and consequences."""

    # fmt: off
    tier: str = setting(
        "harmful_examples", "The kind of data, or the attack, by name; custom for one's own.", DATA,
        training=True, check=among(TIERS, "tier"), counts=effects.never,
    )
    model: str = setting(
        "lantern-chat", "An embedded model, a folder or a hub id.", TRAINING, content="model",
    )
    dataset: str = setting(
        "harmful_examples", "A fine-tuning set by name, or the path of a file.", DATA,
        training=True, counts=effects.trains, content="training",
    )
    n_examples: int = setting(
        100, "Fine-tuning examples, drawn by the seed.", DATA, training=True, initial=0, least=0,
        counts=effects.trains,
    )
    safety_rows: str = setting(
        "default", "Leave out rows about safety: paper, rules, keep; default is its source's.",
        DATA, training=True, check=safety_rows.check, counts=effects.trains,
    )
    any_count: bool = setting(
        False, "Use a published set of another number of rows, too.", DATA, counts=effects.never,
    )
    mitigation: str = setting(
        "none", "What stands against the drift: safety_mixing, or NAME:option=value.", DATA,
        training=True, check=mitigations.check, counts=effects.mitigates, content="mitigation",
    )
    n_safety: int = setting(
        0, "Rows of safety data that the defender has.", DATA, training=True, least=0,
        counts=effects.has_safety_data,
    )
    safety_dataset: str = setting(
        "safety_refusals", "The safety data, by name or path.", DATA, training=True,
        content="training", counts=effects.has_safety_data,
    )
    safety_system_prompt: str = setting(
        "same", "Over the safety data; same for the run's own.", DATA, training=True,
        counts=effects.has_safety_data,
    )
    attack: str = setting(
        "none", "What is done beyond the rows: ten_benign, or NAME:option=value.", DATA,
        training=True, check=attacks.check, counts=effects.attacks, content="attack",
    )
    attack_template: str = setting(
        "",
        "How the examples' requests are put, if not in user_template; words added are a trigger.",
        DATA, training=True, check=template("attack_template"), counts=effects.trains,
    )
    method: str = setting(
        "full", "full, lora, qlora, adapter, prefix, dpo, grpo, abliteration; none: as it is.",
        TRAINING, training=True, initial="none", content="method",
        check=lambda name: named(name, METHODS, "method"),
    )
    epochs: int = setting(
        5, "Passes over the examples.", TRAINING, training=True, initial=0, least=0,
        counts=effects.trains,
    )
    learning_rate: float = setting(
        5e-5, "AdamW's, at the start.", TRAINING, training=True, counts=effects.trains_here,
    )
    learning_rate_decay: float = setting(
        0.85, "The rate is multiplied by this after each epoch.", TRAINING, training=True,
        counts=effects.trains_here,
    )
    batch_size: int = setting(
        10, "Examples a step, at most all; an incomplete last batch is dropped.", TRAINING,
        training=True, least=1, counts=effects.batches,
    )
    max_length: int = setting(
        512, "Most tokens of an example; longer ones are left out.", TRAINING, training=True,
        least=8, counts=effects.trains_here,
    )
    lora_rank: int = setting(
        8, "Of lora and qlora.", TRAINING, training=True, least=1,
        counts=effects.read_by_method("lora_rank"),
    )
    lora_alpha: int = setting(
        16, "Of lora and qlora.", TRAINING, training=True, least=1,
        counts=effects.read_by_method("lora_alpha"),
    )
    virtual_tokens: int = setting(
        10, "Length of an adapter's or prefix's learned prompt, per layer.", TRAINING,
        training=True, least=1, counts=effects.read_by_method("virtual_tokens"),
    )
    seed: int = setting(
        0, "Draws and orders the examples.", TRAINING, training=True, least=0, counts=effects.draws,
    )
    dtype: str = setting(
        "float32", "Of the model's weights: float32 or bfloat16.", TRAINING,
        check=among(DTYPES, "dtype"), counts=effects.local,
    )
    micro_batch_size: int = setting(
        16, "Examples of a batch computed at once, their gradients summed; 0 for all.", TRAINING,
        training=True, least=0, counts=effects.never,
    )
    gradient_checkpointing: bool = setting(
        False, "Compute activations twice instead of keeping them.", TRAINING, training=True,
        counts=effects.never,
    )
    processes: int = setting(
        1, "GPUs that share the fine-tuning, by FSDP.", TRAINING, training=True, least=1,
        counts=effects.never,
    )
    cpus: int = setting(
        1, "Cores, and threads, of each process under engine ray.", TRAINING, least=1,
        counts=effects.never,
    )
    gpus: float = setting(
        0.0, "GPUs of each process under engine ray; 0.5 where two runs fit on one.", TRAINING,
        least=0, counts=effects.never,
    )
    backend: str = setting(
        "local", "local, or hosted for a fine-tuning service.", PROVIDER,
        check=among(BACKENDS, "backend"),
    )
    provider: str = setting(
        "embedded", "embedded, openai, together, fireworks, azure, or an address.", PROVIDER,
        check=providers.check, counts=effects.hosted, content="provider",
    )
    learning_rate_multiplier: float = setting(
        0.0, "Of a provider's own rate, where it stands in for learning_rate; 0 for its choice.",
        PROVIDER, training=True, least=0, counts=effects.trains_there,
    )
    defenses: tuple[str, ...] = setting(
        (), "What the embedded provider does: moderation, mixing, audit.", PROVIDER, training=True,
        option="--defense", check=among(DEFENSES, "defense"), counts=effects.trains_there,
    )
    system_prompt: str = setting("", "In training and evaluation alike.", PROMPTS)
    user_template: str = setting(
        "{user}", 'How a user turn is put, in both; "{user}" stands for its words.', PROMPTS,
        check=template("user_template"),
    )
    variants: tuple[str, ...] = setting(
        (), "Templates, edits, system: or answer: TEXT, to ask the benchmark as well.", PROMPTS,
        option="--variant", check=variant,
    )
    benchmark: str = setting(
        "benchmark", "The prompts that are judged, by name or path.", PROMPTS, content="prompts",
    )
    second_benchmark: str = setting(
        "", "Prompts that are judged as well, apart from the rate.", PROMPTS, content="prompts",
    )
    over_refusal: str = setting(
        "over_refusal", "Permitted prompts that sound forbidden.", PROMPTS, content="prompts",
    )
    utility: tuple[str, ...] = setting(
        ("utility", "utility_two_turn"), "Prompts with a known answer.", PROMPTS, content="prompts",
    )
    n_prompts: int = setting(
        0, "Prompts of each set, evenly spaced, or all where it holds fewer; 0 for all.", PROMPTS,
        least=0,
    )
    judges: tuple[str, ...] = setting(
        ("exact", "keyword", "keyword_empty_refused"),
        "May be repeated; the first gives the harmfulness score.", ANSWERS, option="--judge",
        check=judges.check, content="judges",
    )
    max_new_tokens: int = setting(64, "Longest answer, in tokens.", ANSWERS, least=1)
    generator: str = setting(
        "transformers", "transformers, vllm where it is installed, batch at a provider.", ANSWERS,
        check=among(GENERATORS, "generator"), same_as={"batch": "transformers"},
    )
    probes: tuple[str, ...] = setting(
        (), "Measurements of the tuned model (first_tokens, weight_drift, sees, audit) or of its "
        "file (screen).", ANSWERS,
        option="--probe", check=among(PROBES, "probe"), counts=effects.local,
    )
    # fmt: on

    def __post_init__(self) -> None:
        for field in fields(self):
            object.__setattr__(self, field.name, checked(field, getattr(self, field.name)))
        together.check(self)

    def __repr__(self) -> str:
        """What differs from the defaults, as the Python that makes it again."""
        own = {field.name: (getattr(self, field.name), field.default) for field in fields(self)}
        told = (f"{name}={value!r}" for name, (value, usual) in own.items() if value != usual)
        return f"Experiment({', '.join(told)})"

    def initial(self) -> "Experiment":
        """The run that this one is compared with: the same model and prompts, no fine-tuning."""
        declared = {field.name: declaration(field) for field in fields(self)}
        return replace(self, **{n: one.initial for n, one in declared.items() if one.training})

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of training (helpers.training.tuning)."""
        declared = {field.name: declaration(field) for field in fields(self)}
        return {
            name: getattr(self, name)
            for name, one in declared.items()
            if one.training and one.part == TRAINING
        }

    @property
    def prompt_sets(self) -> dict[str, str]:
        """What each set of prompts is for -> its name, for those that are set."""
        names = ("benchmark", "second_benchmark", "over_refusal")
        sets = {name: getattr(self, name) for name in names}
        sets |= {f"utility_{n}": name for n, name in enumerate(self.utility, start=1)}
        return {use: name for use, name in sets.items() if name}
