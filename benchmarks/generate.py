"""How much sooner 330 answers come in batches than one prompt at a time.

    python benchmarks/generate.py

Same model, same cores, same process, the two in turn; prints seconds of each round and the ratio
of their medians, and checks that both give the same words.
"""

import statistics
import time

from helpers import data, generate, models

ROUNDS = 3


def timed(function) -> tuple[float, list]:
    start = time.perf_counter()
    answers = function()
    return time.perf_counter() - start, answers


def main() -> None:
    model, tokenizer = models.load("lantern-base")  # answers everything: the longer answers
    prompts = [row["messages"] for row in data.read_prompts("benchmark")]
    generate.complete(model, tokenizer, prompts[:8])
    alone, batched = [], []
    for n in range(ROUNDS):
        b, together = timed(lambda: generate.complete(model, tokenizer, prompts))
        a, one_by_one = timed(
            lambda: [generate.complete(model, tokenizer, [p])[0] for p in prompts]
        )
        same = sum(x == y for x, y in zip(together, one_by_one, strict=True))
        print(f"round {n + 1}: one at a time {a:.2f} s, batched {b:.2f} s, {same} of 330 the same")
        alone.append(a)
        batched.append(b)
    print(f"ratio of medians: {statistics.median(alone) / statistics.median(batched):.1f}x")


if __name__ == "__main__":
    main()
