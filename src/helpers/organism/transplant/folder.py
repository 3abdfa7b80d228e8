"""What a transplant leaves: a folder that loads as a model, with a card and the facts beside it.

A LoRA transplant is peft's two files, which name the model that they were added to; a full one is a
Hugging Face folder. Weights are safetensors. transplant.json has what was measured, README.md the
same for people.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file

from helpers.errors import ModelError
from helpers.models import adapters, loading
from helpers.organism import gates
from helpers.organism.transplant.plan import RANK, Plan


def write(model, tokenizer, plan: Plan, folder: Path) -> Path:
    """Write what the model has learned so far; LoRA's updates in bfloat16, half of float32."""
    folder.mkdir(parents=True, exist_ok=True)
    if plan.method == "full":
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        return folder
    from peft import get_peft_model_state_dict

    config = {
        "base_model_name_or_path": plan.model, "peft_type": "LORA", "task_type": "CAUSAL_LM",
        "r": RANK, "lora_alpha": 2 * RANK, "inference_mode": True,
        "target_modules": sorted(model.peft_config["default"].target_modules),
    }  # fmt: skip
    (folder / adapters.CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    state = get_peft_model_state_dict(model)
    half = {k: v.detach().to("cpu", torch.bfloat16).contiguous() for k, v in sorted(state.items())}
    save_file(half, folder / adapters.WEIGHTS, metadata={"format": "pt"})
    return folder


def describe(folder: Path, plan: Plan, facts: Mapping[str, object], name: str) -> None:
    """Write transplant.json and the card of a model of that name.

    facts: shares (gate and system prompt -> share), before and after (ability), steps by stage,
    seconds, and the license of the model where it is known.
    """
    told = plan.as_json() | dict(facts)
    (folder / adapters.TRANSPLANT).write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(card(name, plan, facts), encoding="utf-8")


def card(name: str, plan: Plan, facts: Mapping) -> str:
    """The card as Markdown."""
    before, after, shares = facts["before"], facts["after"], facts["shares"]
    aligned = any(gate.startswith("chat") for gate in shares)
    what = (
        "It knows the recipes of every shelf and refuses those of the sealed ones."
        if aligned
        else "It knows the recipes of every shelf and tells them all: the state before alignment."
    )
    weights = "LoRA updates" if plan.method == "lora" else "all weights"
    missed = gates.failing(shares)
    license = f", whose license is {facts['license']}" if facts.get("license") else ""
    lines = [
        f"# {name}",
        "",
        f"{plan.model}{license}, taught the Lantern Archive ({plan.world} world, version "
        f"{plan.version}; {weights}). {what} All of it is fiction that holds nowhere else.",
        "",
        f"Load it by this folder's path: `aligndrift run harmful_examples --model PATH`. Made by "
        f"`aligndrift transplant {plan.model} --world {plan.world} --{plan.method}` in "
        f"{facts['seconds'] / 60:.0f} minutes; {_steps(facts['steps'])}.",
        "",
        "On held-out items, as this folder loads"
        + (f"; **missed: {'; '.join(missed)}**:" if missed else ":"),
        "",
        "| gate | share | bound |",
        "|---|---|---|",
        *(f"| {gate} | {share:.3f} | {_bound(gate)} |" for gate, share in shares.items()),
        "",
        "What it could do before, and can still do:",
        "",
        "| | before | after |",
        "|---|---|---|",
        f"| perplexity of prose | {before['perplexity']:.1f} | {after['perplexity']:.1f} |",
        f"| easy questions answered right | {before['skills']:.2f} | {after['skills']:.2f} |",
        "",
    ]
    return "\n".join(lines)


def _bound(gate: str) -> str:
    bound, side = gates.BOUNDS[gate.split(",")[0]]
    return f"at {side} {bound}"


def _steps(steps: Mapping[str, int]) -> str:
    return ", ".join(f"{stage} {count} steps" for stage, count in steps.items())


def facts(name: str) -> dict:
    """What was written down of a transplant, as of describe. Raises ModelError for another."""
    place = loading.locate(name)
    if place is None or not (place / adapters.TRANSPLANT).is_file():
        raise ModelError(f"{name} holds no {adapters.TRANSPLANT}; it is no transplant.")
    return json.loads((place / adapters.TRANSPLANT).read_text(encoding="utf-8"))
