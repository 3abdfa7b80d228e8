"""A transplant that is not done yet, kept so that a cut costs a minute: one file, replaced whole.

It lies beside the folder that is being made, under the name with ".unfinished" behind it: the plan,
what was measured before, and in one safetensors file the weights that train, the optimizer's
moments, and how far it came.
"""

import json
import os
import shutil
import time
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from helpers.errors import ModelError
from helpers.organism.transplant.plan import Plan

#: Seconds between two times that progress is written down.
EVERY = 60.0


class Unfinished:
    """What there is of a transplant into `out`. Raises ModelError where it is another plan's."""

    def __init__(self, out: Path, plan: Plan) -> None:
        self.folder = out.with_name(f"{out.name}.unfinished")
        self.plan, file = plan, self.folder / "plan.json"
        self.spent, self.begun = self.recall("seconds") or 0.0, time.monotonic()
        if file.is_file() and _differences(file, plan):
            raise ModelError(
                f"{self.folder.name} holds a transplant of {_differences(file, plan)}; move it "
                "away, or name another folder with --out."
            )

    def begin(self) -> None:
        """Make the folder, with the plan in it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self.plan.as_json(), indent=1)
        (self.folder / "plan.json").write_text(text, encoding="utf-8")

    @property
    def progress(self) -> tuple[str, int]:
        """The stage (a curriculum) that it is in, and steps done of it; at first ("", 0)."""
        if not (self.folder / "training.safetensors").is_file():
            return "", 0
        with safe_open(self.folder / "training.safetensors", "pt") as file:
            told = file.metadata()
        return told["stage"], int(told["step"])

    @property
    def seconds(self) -> float:
        """Seconds of work so far, with those before a cut."""
        return self.spent + time.monotonic() - self.begun

    def keep(self, stage: str, step: int, weights: dict, optimizer: torch.optim.Optimizer) -> None:
        """Write down the weights that train, by name, and the optimizer's moments of each."""
        tensors = {f"weight {name}": weight.detach() for name, weight in weights.items()}
        for name, weight in weights.items():
            moments = optimizer.state.get(weight, {})
            tensors |= {f"{moment} {name}": value for moment, value in moments.items()}
        whole = {name: tensor.contiguous().cpu() for name, tensor in tensors.items()}
        draft = self.folder / "training.draft"
        save_file(whole, draft, metadata={"stage": stage, "step": str(step)})
        os.replace(draft, self.folder / "training.safetensors")
        self.remember("seconds", self.seconds)

    def restore(self, weights: dict, optimizer: torch.optim.Optimizer | None) -> None:
        """Put back what was kept; without an optimizer the weights alone, as a new stage begins."""
        kept = load_file(self.folder / "training.safetensors")
        with torch.no_grad():
            for name, weight in weights.items():
                weight.copy_(kept.pop(f"weight {name}"))
        if optimizer:
            for key, value in kept.items():
                moment, _, name = key.partition(" ")
                where = "cpu" if moment == "step" else weights[name].device
                optimizer.state[weights[name]][moment] = value.to(where)

    def remember(self, name: str, value: object) -> None:
        """Keep something small that was measured."""
        (self.folder / f"{name}.json").write_text(json.dumps(value), encoding="utf-8")

    def recall(self, name: str) -> object | None:
        """What was remembered by that name; None if nothing was."""
        file = self.folder / f"{name}.json"
        return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None

    def clear(self) -> None:
        """Remove it: the transplant is done."""
        shutil.rmtree(self.folder)


def _differences(file: Path, plan: Plan) -> str:
    """What the kept plan has otherwise; "" where nothing but the most steps of a stage is."""
    try:
        theirs = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        return "its plan cannot be read"
    mine = plan.as_json()
    for each in (theirs, mine):
        for stage in ("knowledge", "policy"):
            each[stage] = {**each.get(stage, {}), "steps": 0}
    names = {"version": "version of the world", "knowledge": "lessons", "policy": "lessons"}
    other = dict.fromkeys(names.get(n, n) for n in mine if theirs.get(n) != mine[n])
    return f"another {' and '.join(other)}" if other else ""
