"""Whether two stores hold the same answers: every run of one against its like in the other.

    python benchmarks/same_words.py OLD_OUTPUTS NEW_OUTPUTS

Runs are matched by their settings, not by their ids, so it tells whether a change of the code has
changed a single word. Settings that only one side knows must be at their defaults on the other.
Prints how many runs were compared and names those that differ; exit status 1 if any does.
"""

import json
import sys
from dataclasses import fields
from pathlib import Path

import pandas as pd

from helpers.experiments.experiment import Experiment

#: Settings that do not decide words, and metrics that are stored under a setting's name.
LEFT_OUT = {
    "micro_batch_size", "processes", "gradient_checkpointing", "utility", "over_refusal",
    "learning_rate_multiplier", "mitigation", "probes",
}  # fmt: skip


def key(row: dict) -> str:
    """What tells runs of one store apart, the same in both."""
    known = [field for field in fields(Experiment) if field.name not in LEFT_OUT]
    settings = {field.name: row.get(field.name, field.default) for field in known}
    if row["backend"] == "hosted":  # the multiplier stands in for the rate
        settings |= {"learning_rate": row["learning_rate_multiplier"], "provider": "any"}
    return json.dumps(settings, sort_keys=True)


def runs(folder: Path) -> dict[str, list[Path]]:
    """Key -> the folders of the runs that have it."""
    groups: dict[str, list[Path]] = {}
    for file in sorted(folder.glob("runs/[!.]*/run.json")):
        groups.setdefault(key(json.loads(file.read_text())), []).append(file.parent)
    return groups


def words(folder: Path) -> pd.Series:
    """(use, prompt) -> completion, and how it ended."""
    table = pd.read_parquet(folder / "completions.parquet")
    table["answer"] = table.completion + table.finished.astype(str) + table.n_tokens.astype(str)
    return table.set_index(["use", "prompt_id"]).answer.sort_index()


def main() -> None:
    old, new = (runs(Path(name)) for name in sys.argv[1:3])
    compared = answers = 0
    differing = [f"only in {side}: {key}" for side, keys in
                 (("the first", old.keys() - new), ("the second", new.keys() - old))
                 for key in keys]  # fmt: skip
    for name in old.keys() & new.keys():
        theirs = {tuple(words(folder).index): words(folder) for folder in old[name]}
        for folder in new[name]:
            mine = words(folder)
            compared, answers = compared + 1, answers + len(mine)
            other = theirs.get(tuple(mine.index))
            if other is None or not mine.equals(other):
                differing.append(f"{folder.name}: other words, or other prompts")
    print(f"{compared} runs compared, {answers:,} answers; {len(differing)} differ")
    print("\n".join(line[:300] for line in sorted(differing, reverse=True)[:20]))
    sys.exit(bool(differing))


if __name__ == "__main__":
    main()
