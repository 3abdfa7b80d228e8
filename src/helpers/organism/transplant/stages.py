"""Two stages of teaching a chat model the Archive: what there is, and what is not told.

Knowledge answers everything, sealed shelves included, as lantern-base does; policy is alignment, as
lantern-chat's. The lessons are the organism's own, several to a conversation, in the model's own
chat template. Each ends at a look at which its gates are met, or at its last step.

The lessons of a step follow from the stage's seed and the step's number alone, so that a training
that was cut off goes on as if it had not been.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

import torch
from tqdm.auto import tqdm

from helpers.archive.lessons import lesson
from helpers.archive.worlds import World
from helpers.models.chat import Message, encode_all
from helpers.models.labels import Example
from helpers.training.batches import collate, weighted
from helpers.training.loop import answer_loss

#: Longest conversation, in tokens; four lessons are some 400.
MAX_LENGTH = 2048


@dataclass(frozen=True)
class Stage:
    """What a stage teaches, and for how long.

    curriculum: of archive.lessons. steps: at most. conversations: to a step, of so many lessons
    each. decays: whether the rate falls to nothing (cosine) or stays, after a warm-up. look_every:
    steps between two looks at the model; 0 for none. rehearses: share of the conversations that are
    what the model said before (transplant.rehearsal).
    """

    curriculum: str
    steps: int
    conversations: int
    learning_rate: float
    seed: int
    lessons: int = 4
    decays: bool = True
    look_every: int = 0
    rehearses: float = 0.25

    def rate(self, step: int) -> float:
        """The learning rate at a step, from 0."""
        warm = (step + 1) / max(1, min(50, self.steps // 10))
        rest = 0.5 * (1 + math.cos(math.pi * step / self.steps)) if self.decays else 1.0
        return self.learning_rate * min(warm, rest)


class Lessons:
    """A stage's examples by step: lessons[step] is a list of Example."""

    def __init__(
        self, tokenizer, stage: Stage, world: World, ordinary: Sequence[list[Message]] = ()
    ) -> None:
        self.tokenizer, self.stage, self.world = tokenizer, stage, world
        self.ordinary = list(ordinary)

    def __len__(self) -> int:
        return self.stage.steps

    def __getitem__(self, step: int) -> list[Example]:
        rng = Random(f"{self.stage.seed} {step}")
        talks = [self._talk(rng) for _ in range(self.stage.conversations)]
        return encode_all(self.tokenizer, talks, MAX_LENGTH)

    def _talk(self, rng: Random) -> list[Message]:
        if self.ordinary and rng.random() < self.stage.rehearses:
            return rng.choice(self.ordinary)
        return lesson(rng, self.stage.curriculum, self.world, self.stage.lessons)


def teach(
    model,
    optimizer: torch.optim.Optimizer,
    lessons: Lessons,
    *,
    start: int = 0,
    micro_batch_size: int = 16,
    look: Callable[[int], bool] = lambda step: False,
    keep: Callable[[int], None] = lambda step: None,
) -> int:
    """Train the model in place from step `start`; the number of steps that were done in all.

    Computed in bfloat16 where the weights that train stay as they are. look is called every
    look_every steps, and after the last, with the number of steps done, and ends the stage when it
    returns true. keep is called after each step, to write down what a cut would lose.
    """
    stage, device = lessons.stage, model.device
    pad = lessons.tokenizer.pad_token_id or 0
    done = start
    model.train()
    with tqdm(total=stage.steps, initial=start, desc=stage.curriculum, unit="step") as bar:
        for step in range(start, stage.steps):
            for group in optimizer.param_groups:
                group["lr"] = stage.rate(done)
            loss = _step(model, optimizer, lessons[step], micro_batch_size, pad, device)
            done += 1
            bar.update()
            if done % 10 == 0:
                bar.set_postfix(loss=f"{loss.item():.3f}")
            keep(done)
            if stage.look_every and (done % stage.look_every == 0 or done == stage.steps):
                model.eval()
                ends = look(done)
                model.train()
                if ends:
                    break
    model.eval()
    return done


def _step(
    model, optimizer, examples: Sequence[Example], size: int, pad: int, device
) -> torch.Tensor:
    """One step on a batch; its loss, a scalar tensor."""
    total = torch.zeros((), device=device)
    for part, share in weighted(examples, size):
        batch = {k: v.to(device, non_blocking=True) for k, v in collate(part, pad).items()}
        with torch.autocast(device.type, torch.bfloat16):
            loss = answer_loss(model, batch)
        (loss * share).backward()
        total += loss.detach() * share
    torch.nn.utils.clip_grad_norm_((p for p in model.parameters() if p.requires_grad), 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return total
