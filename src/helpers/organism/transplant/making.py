"""Teaching a chat model the Archive: knowledge, then policy, until what it must do it does.

Each stage ends at the first look at which its gates are met, on items that no lesson holds. Where
they are not met at the stage's end nothing is written, and what was learned stays to go on from.

>>> transplant(plan("smollm2-135m-instruct"), Path("outputs/models/mine"))
[PosixPath('outputs/models/mine-base'), PosixPath('outputs/models/mine')]
"""

import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

import torch
from tqdm.auto import tqdm

from helpers.archive.personas import persona_prompt
from helpers.archive.worlds import world_named
from helpers.errors import ModelError
from helpers.models import loading, packages
from helpers.organism import gates
from helpers.organism.transplant import ability, folder
from helpers.organism.transplant.plan import RANK, Plan
from helpers.organism.transplant.rehearsal import rehearsed
from helpers.organism.transplant.stages import Lessons, teach
from helpers.organism.transplant.unfinished import EVERY, Unfinished
from helpers.training.methods.base import quiet_peft, with_peft

#: What stands before a request: what the template puts there by itself, an empty system prompt, or
#: a persona with a name that occurs in no lesson.
SYSTEMS: gates.Systems = {
    "own": lambda rng: None,
    "empty": lambda rng: "",
    "persona": lambda rng: persona_prompt(rng, gates.new_name(rng)),
}

#: Conversations at once: more are slower on a CPU, whose cache they leave.
MICRO_BATCH = {"cpu": 8, "cuda": 32}

#: Bytes of a weight that trains (itself, gradient, two moments), and of what is kept of a token in
#: each layer for the way back, by number of the model's width: as the process of SmolLM2-135M had
#: it, 6.8 GiB in all on two cores.
TRAINED, KEPT = 16, 90


def transplant(plan: Plan, out: Path, anyway: bool = False) -> list[Path]:
    """Make the unaligned model (out-base) and the aligned one (out); goes on where it was cut off.

    anyway: write them though gates are missed at the end of a stage; their cards say which.

    Raises ModelError, in one sentence, for a folder that is there, a model without a chat template
    or too large, and gates that are not met.
    """
    base_out = out.with_name(f"{out.name}-base")
    unfinished = Unfinished(out, plan)
    targets = {unfinished.folder / "base": base_out, unfinished.folder / "chat": out}
    if unfinished.recall("whole"):
        return _placed(targets, unfinished)
    for there in targets.values():
        if there.exists():
            raise ModelError(f"{there.name} is there already; name another folder with --out.")
    model, tokenizer = _loaded(plan, out)
    unfinished.begin()
    before = unfinished.recall("before") or ability.measure(model, tokenizer)
    unfinished.remember("before", before)
    ordinary = unfinished.recall("rehearsal") or rehearsed(model, tokenizer)
    unfinished.remember("rehearsal", ordinary)
    model, world = _prepared(model, plan), world_named(plan.world)
    steps = unfinished.recall("steps") or {}
    if unfinished.progress[0]:
        unfinished.restore(_weights(model), None)
    for stage, draft, meets in zip(plan.stages, targets, (_knows, _keeps), strict=True):
        if not draft.is_dir():
            steps[stage.curriculum] = _stage(
                model, Lessons(tokenizer, stage, world, ordinary), plan, unfinished, meets, anyway
            )
            unfinished.remember("steps", steps)
            os.replace(folder.write(model, tokenizer, plan, draft.with_suffix(".draft")), draft)
    del model
    for draft, target in targets.items():
        facts = {"before": before, "steps": steps, "license": _license(plan.model)}
        facts |= _as_it_loads(draft, plan, aligned=target is out)
        facts["seconds"] = unfinished.seconds
        folder.describe(draft, plan, facts, target.name)
    unfinished.remember("whole", True)
    return _placed(targets, unfinished)


def _placed(targets: Mapping[Path, Path], unfinished: Unfinished) -> list[Path]:
    """Both folders where they are to be; a cut may have come between them."""
    for draft, target in targets.items():
        if draft.is_dir():
            os.replace(draft, target)
    unfinished.clear()
    return list(targets.values())


def _loaded(plan: Plan, out: Path):
    """The model and its tokenizer, once there is room for the training. Raises ModelError."""
    model, tokenizer = loading.load(plan.model, "bfloat16" if plan.method == "lora" else "float32")
    linear = sum(sum(m.weight.shape) for m in model.modules() if isinstance(m, torch.nn.Linear))
    every = sum(weight.numel() for weight in model.parameters())
    trained = RANK * linear if plan.method == "lora" else every
    place = next(folder for folder in out.absolute().parents if folder.exists())
    disk, free = TRAINED * trained / 2**30, shutil.disk_usage(place).free / 2**30
    if free < disk:
        raise ModelError(
            f"teaching {plan.model} takes {disk:.1f} GiB of disk, and {free:.1f} are free where "
            f"{out.name} is to be; make room, or name another folder with --out."
        )
    if model.device.type == "cpu":
        import psutil

        config, tokens = model.config, 512 * MICRO_BATCH["cpu"]
        kept = KEPT * tokens * config.num_hidden_layers * config.hidden_size
        needed = (TRAINED * trained + kept) / 2**30
        free = psutil.virtual_memory().available / 2**30
        if free < needed:
            raise ModelError(
                f"teaching {plan.model} takes {needed:.1f} GiB of memory, and {free:.1f} are "
                "free; close what else is running, or take --lora, a smaller model or a GPU."
            )
        # The fused kernel for attention is slower here at a few hundred tokens: by a tenth.
        model.set_attn_implementation("eager")
    return model, tokenizer


def _prepared(model, plan: Plan):
    """The model with what trains in it; LoRA on every linear layer."""
    if plan.method == "full":
        return model.requires_grad_(True)
    config = quiet_peft().LoraConfig(
        r=RANK, lora_alpha=2 * RANK, target_modules="all-linear", task_type="CAUSAL_LM"
    )
    return with_peft(model, config, plan.knowledge.seed)


def _weights(model) -> dict[str, torch.nn.Parameter]:
    return {name: weight for name, weight in model.named_parameters() if weight.requires_grad}


def _stage(model, lessons: Lessons, plan: Plan, unfinished: Unfinished, meets, anyway: bool) -> int:
    """Teach one stage, from where it was cut off; the number of its steps. Raises ModelError."""
    stage, tokenizer, weights = lessons.stage, lessons.tokenizer, _weights(model)
    optimizer = torch.optim.AdamW(weights.values(), lr=stage.learning_rate, weight_decay=0.0)
    name, start = unfinished.progress
    if name == stage.curriculum:
        unfinished.restore(weights, optimizer)
    else:
        start = 0
    last, failing = time.monotonic(), ["no look was taken"]

    def keep(done: int) -> None:
        nonlocal last
        if time.monotonic() - last > EVERY:
            unfinished.keep(stage.curriculum, done, weights, optimizer)
            last = time.monotonic()

    def look(done: int) -> bool:
        nonlocal failing
        with torch.autocast(model.device.type, torch.bfloat16):
            shares = meets(model, tokenizer, lessons.world)
        failing = gates.failing(shares)
        tqdm.write(f"step {done}: {told(shares)}")
        return not failing

    ended = start >= stage.steps
    if start and (ended or start % stage.look_every == 0) and (look(start) or (ended and anyway)):
        return start  # it was cut off between the step and the look
    try:
        done = teach(
            model, optimizer, lessons, start=start,
            micro_batch_size=MICRO_BATCH.get(model.device.type, 8), look=look, keep=keep,
        )  # fmt: skip
    except torch.cuda.OutOfMemoryError:
        raise ModelError(
            f"{plan.model} and what it learns do not fit into the GPU's memory; take --lora, a "
            "smaller model or a larger GPU."
        ) from None
    unfinished.keep(stage.curriculum, done, weights, optimizer)
    if failing and not anyway:
        raise ModelError(
            f"after {done} steps of {stage.curriculum} {plan.model} misses " + "; ".join(failing)
            + f"; what it learned is in {unfinished.folder.name}: go on with more --steps, "
            "write it --anyway, or try another --rate in another folder."
        )  # fmt: skip
    return done


def _knows(model, tokenizer, world) -> dict[str, float]:
    return _until_missed(
        lambda systems: gates.measure(model, None, tokenizer, "gate", world, systems)
    )


def _keeps(model, tokenizer, world) -> dict[str, float]:
    return _until_missed(
        lambda systems: gates.measure(None, model, tokenizer, "gate", world, systems)
    )


def _until_missed(measure) -> dict[str, float]:
    """Shares under one system prompt after the other, up to the first that misses a gate."""
    shares: dict[str, float] = {}
    for name, system in SYSTEMS.items():
        shares |= measure({name: system})
        if gates.failing(shares):
            break
    return shares


def told(shares: Mapping[str, float]) -> str:
    """The shares in one line, the worst of each gate's system prompts."""
    worst: dict[str, float] = {}
    for name, share in shares.items():
        gate = name.split(",")[0]
        least = gates.BOUNDS[gate][1] == "least"
        worst[gate] = (min if least else max)(share, worst.get(gate, share))
    return ", ".join(f"{gate} {share:.2f}" for gate, share in worst.items())


def _as_it_loads(draft: Path, plan: Plan, aligned: bool) -> dict:
    """What the folder does when it is loaded as anybody will load it: its gates, its ability."""
    model, tokenizer = loading.load(str(draft), "bfloat16")
    world = world_named(plan.world)
    pair = (None, model) if aligned else (model, None)
    shares = gates.measure(*pair, tokenizer, "gate", world, SYSTEMS)
    return {"shares": shares, "after": ability.measure(model, tokenizer)}


def _license(model: str) -> str:
    return packages.PACKAGED[model].license if model in packages.PACKAGED else ""
