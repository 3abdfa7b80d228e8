"""Every figure that needs a GPU, in one call and one table.

    python benchmarks/gpu.py                       7B in bfloat16, on a GPU
    python benchmarks/gpu.py --shape small         the same lines anywhere, to see that they run

Answers by batch size beside their floor, fine-tuning by method, and whether the embedded model says
the same on the GPU as on the CPU: greedy answers to all 330 requests, before and after fine-tuning.
"""

import argparse

import finetune
import generate_shape
import shapes
import torch

from helpers.data.rows import read_prompts, read_training, sample
from helpers.experiments.experiment import Experiment
from helpers.models import generate, loading
from helpers.training import tuning


def same_words(device: str) -> None:
    """How many answers of lantern-chat are alike on the device and on the CPU."""
    prompts = [row["messages"] for row in read_prompts("benchmark")]
    rows = sample(read_training("harmful_examples"), 100, 0)
    experiment = Experiment(learning_rate=1.5e-4, batch_size=50)
    tuned = tuning.tune("lantern-chat", rows, experiment.settings)
    for name, model in (("lantern-base", loading.load("lantern-base")[0]), ("tuned", tuned.model)):
        there = generate.complete(model.to(device), tuned.tokenizer, prompts)
        here = generate.complete(model.to("cpu"), tuned.tokenizer, prompts)
        same = sum(a.text == b.text for a, b in zip(here, there, strict=True))
        print(f"{name}: {same} of {len(prompts)} answers the same on {device} and cpu", flush=True)


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ask.add_argument("--shape", choices=shapes.SHAPES, default="7b")
    ask.add_argument("--new-tokens", type=int, default=256)
    ask.add_argument("--methods", nargs="+", default=["full", "lora", "qlora"])
    given = ask.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    name = torch.cuda.get_device_name() if device == "cuda" else "cpu"
    print(f"{name}, torch {torch.__version__}")
    same_words(device)
    dtype = torch.bfloat16
    generate_shape.table(given.shape, dtype, device, [1, 32, 110, 330], given.new_tokens)
    finetune.table(given.shape, dtype, device, given.methods, 5, checkpointing=True)


if __name__ == "__main__":
    main()
