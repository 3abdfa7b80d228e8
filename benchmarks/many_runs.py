"""Stores of many runs, made of one real run without training: other ids, seeds and rates."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from helpers.experiments.experiment import Experiment
from helpers.experiments.identity import canonical, looked_at_once, run_id
from helpers.presets import loader
from helpers.runs.folders import TABLES, checksum, of_row, read_table
from helpers.runs.run import run
from helpers.runs.store import Store


def many(folder: Path, conditions: int, seeds: int, begin: int = 1, **small) -> list[Experiment]:
    """The experiments of so many learning rates and seeds, whose runs are now stored.

    small: settings of the one run that is carried out; by default ten examples, eleven prompts.
    """
    settings = {"n_examples": 10, "epochs": 1, "n_prompts": 11} | small
    preset = loader.load("smoke")

    def experiment(rate: int, seed: int) -> Experiment:
        return preset.experiment(
            "harmful_examples", **settings, seed=seed, learning_rate=1e-4 + 1e-7 * rate
        )

    store = Store(folder)
    real = run(experiment(0, begin), store)
    source = store.runs_folder / real.row["run_id"]
    tables = [read_table(source, file.removesuffix(".parquet")) for file in TABLES]
    grid = [experiment(c, begin + s) for c in range(conditions) for s in range(seeds)]
    with looked_at_once():
        for n, one in enumerate(grid):
            _copy(store.runs_folder, one, real.row, tables, n)
    return grid


def _copy(folder: Path, one: Experiment, row: dict, tables: list[pa.Table], n: int) -> None:
    """The run as this experiment's: its settings, its id, its scores moved on by n answers."""
    own, checksums = folder / run_id(one), {}
    if own.exists():
        return
    own.mkdir()
    given = {name: value for name, value in asdict(canonical(one)).items() if name in
             ("seed", "learning_rate")}  # fmt: skip
    row = json.loads(json.dumps(row | given | {"run_id": own.name}))
    for file, table in zip(TABLES, tables, strict=True):
        table = _set(table, "run_id", pa.array([own.name] * len(table), pa.large_string()))
        if "score" in table.column_names:
            judge, use = table["judge"].to_numpy(), table["use"].to_numpy()
            ours = np.flatnonzero((judge == "exact") & (use == "benchmark"))
            order = np.arange(len(table))
            order[ours] = np.roll(ours, n)
            for column in ("score", "refused", "rationale"):
                table = _set(table, column, table[column].take(pa.array(order)))
        pq.write_table(table, own / file)
        checksums[file] = checksum(own / file)
    checksums["run.json"] = of_row(row)
    (own / "run.json").write_text(json.dumps(row | {"checksums": checksums}, indent=1))


def _set(table: pa.Table, column: str, values: pa.Array) -> pa.Table:
    place = table.schema.get_field_index(column)
    return table.set_column(place, table.schema.field(place), values)
