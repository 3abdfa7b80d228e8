"""The command that puts the paper's claims to the test, and prints and keeps the ledger."""

import math
import re
from typing import TYPE_CHECKING, Annotated

import typer

from helpers.cli.app import Jobs, Json, ModelOption, PresetOption, app
from helpers.cli.terminal import json_line
from helpers.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd


@app.command()
def claims(
    preset: PresetOption = "",
    model: ModelOption = "",
    seeds: Annotated[
        str,
        typer.Option(help="Such as 21,22 or 101-110; the preset's if open. Few cannot decide."),
    ] = "",
    newer: Annotated[
        bool, typer.Option("--newer", help="The newer papers' claims, 20 onward, at preset beyond.")
    ] = False,
    plan: Annotated[
        bool, typer.Option("--plan", help="Print what each claim compares and how; run nothing.")
    ] = False,
    record: Annotated[
        str, typer.Option(help="Also write the ledger of these seeds to this CSV file.")
    ] = "",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="With --record: over what is recorded there.")
    ] = False,
    jobs: Jobs = 0,
    as_json: Json = False,
) -> None:
    """Test the paper's nineteen claims on a model, or with --newer those of newer papers.

    Carries out the experiments that are not stored yet, then says of each claim whether it is
    replicated, contradicted or left inconclusive, by which test, with effect and intervals: in
    brackets if seeds vary smoothly, in braces if they may flip. Claims that are built in are
    counted apart. Without --preset the nineteen are tested at tiny. Without --seeds their
    confirmation stands beside, where it is stored or recorded; beside a newer claim, what its paper
    measured, as far as that could be read. With --json one object: {"plan": ..., "claims": [...],
    "confirmation": [...]}.

    Example: `aligndrift claims --seeds 21,22,23,24,25`
    """
    from helpers.reporting.claims import CLAIMS, plan_digest
    from helpers.reporting.claims import plan as planned
    from helpers.reporting.newer_claims import NEWER

    claims = NEWER if newer else CLAIMS
    if plan:
        _print_plan(planned(claims), plan_digest(claims), as_json)
        return
    if overwrite and not record:
        raise ConfigError("--overwrite has no effect without --record; leave it out.")
    from helpers.presets import loader
    from helpers.reporting import beside, ledger, newer_evidence, paper
    from helpers.reporting.claims import grids
    from helpers.reporting.evidence import gather
    from helpers.reporting.verdicts import count, verdicts

    chosen = loader.load(preset or ("beyond" if newer else "tiny")).using(model)
    numbers = seed_numbers(seeds)
    if record:
        ledger.check_free(record, overwrite)
    if len(set(numbers or chosen.seeds)) < 2:
        raise ConfigError(
            "one seed decides no claim, since a difference may be its luck; give two at least, "
            "such as --seeds 21,22 (ten decide most)."
        )
    if newer:
        evidence = newer_evidence.gather(chosen, numbers, jobs)
    else:
        evidence = gather(chosen, grids(chosen), jobs=jobs, seeds=numbers)
    rows = verdicts(evidence, claims)
    if record:
        ledger.record(ledger.frame(rows, evidence, claims), record)
    if record and not newer:
        ledger.record(beside.cells(evidence), f"{record.removesuffix('.csv')}_cells.csv")
    confirmation, source = (
        ([], "") if numbers or newer else _confirmed(ledger.confirmation(evidence))
    )
    if as_json:
        every = {"plan": plan_digest(claims), "claims": rows, "confirmation": confirmation}
        print(json_line(every | {"confirmation_from": source}))
        return
    confirmed = {row["id"]: row for row in confirmation}
    for row in rows:
        apart = f"  [{row['built_in']} built in]".replace("yes ", "") if row["built_in"] else ""
        print(f"{row['id']:>2}  {row['verdict']:12}  {row['statement']}{apart}")
        print(f"{'':18}{_effect(row)}")
        if row["id"] in confirmed:
            again = confirmed[row["id"]]
            print(f"    {again['verdict']:12}  confirmation: {_effect(again)}")
        for theirs in paper.measured(row["id"]):
            print(f"{'':18}paper: {theirs}")
    print(count(rows))
    if confirmation:
        print(f"confirmation, {count(confirmation)}")
    if source:
        print(f"confirmation from: {source}")


def _confirmed(found: tuple["pd.DataFrame", str]) -> tuple[list[dict], str]:
    """The claims of a confirmation's ledger as rows, and where it is from."""
    table, source = found
    if table.empty:
        return [], source
    claims = table[table.kind == "claim"].astype(object)
    rows = claims.where(claims.notna(), None).rename(
        columns={"p_for": "p_value", "p_against": "p_contradicted"}
    )
    return rows.to_dict("records"), source


def _effect(row: dict) -> str:
    """What was compared, with its bounds."""
    if row["effect"] is None:
        return row["test"]
    text = f"{row['compared']}: {row['effect']:+.2f} [{row['ci_low']:+.2f}, {row['ci_high']:+.2f}]"
    if row["flip_low"] is not None and not math.isnan(row["flip_low"]):
        text += f" {{{row['flip_low']:+.2f}, {row['flip_high']:+.2f}}}"
    if row["n_seeds"]:
        text += f", {row['n_seeds']:.0f} seed" + "s" * (row["n_seeds"] > 1)
    return f"{text}, p = {row['p_value']:.1e}"


def _print_plan(rows: list[dict], digest: str, as_json: bool) -> None:
    if as_json:
        print(json_line({"plan": digest, "claims": rows}))
        return
    for row in rows:
        print(f"{row['id']:>2}  {row['statement']}")
        for name in ("compared", "bound", "test"):
            print(f"    {name:9} {row[name]}")
        print(
            f"    {'built in':9} {row['built_in'] or 'no'}" + f". {row['why']}" * bool(row["why"])
        )
    print(f"plan {digest}")


def seed_numbers(seeds: str) -> list[int]:
    numbers: list[int] = []
    for part in filter(None, (part.strip() for part in seeds.split(","))):
        match = re.fullmatch(r"(\d+)(?:-(\d+))?", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if not first <= last < first + 1000:
            raise ConfigError(f"--seeds {seeds}: write whole numbers, such as 21,22 or 101-110.")
        numbers += range(first, last + 1)
    return numbers
