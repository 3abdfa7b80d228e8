"""Commands that execute the notebooks and put the paper's claims to the test."""

from typing import Annotated

import typer

from helpers.cli.app import Jobs, Json, ModelOption, PresetOption, app
from helpers.cli.terminal import json_line
from helpers.errors import ConfigError


@app.command()
def notebooks(
    numbers: Annotated[
        list[str] | None, typer.Argument(help="Which ones, such as 00 01; all if open.")
    ] = None,
    preset: PresetOption = "tiny",
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", help="NAME=VALUE, the value in YAML; may be repeated."),
    ] = None,
    in_place: Annotated[
        bool, typer.Option(help="Also put the executed notebooks into notebooks/.")
    ] = False,
    copy_to: Annotated[
        str | None, typer.Option(help="Execute none, but copy them into this folder, as they ship.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="With --copy-to: changed copies, too.")
    ] = False,
) -> None:
    """Execute the notebooks by papermill, into outputs/PRESET/notebooks/.

    They lie in the current folder or in its notebooks/, where there is no checkout.

    Example: `aligndrift notebooks 01 -p "shots=[10, 100]"`
    """
    if copy_to is not None:
        if not copy_to.strip():
            raise ConfigError("--copy-to needs the name of a folder.")
        from helpers.reporting.notebook_files import copy

        for file in copy(numbers or [], copy_to, overwrite):
            print(file)
        return
    if overwrite:
        raise ConfigError("--overwrite has no effect without --copy-to; leave it out.")
    from helpers.reporting.notebooks import execute

    for file in execute(numbers or [], preset, parameter or [], in_place):
        print(file)


@app.command()
def report(preset: PresetOption = "tiny") -> None:
    """Write outputs/PRESET/report.html from the executed notebooks: one page to read or send."""
    from helpers.reporting.report import write

    print(write(preset))


@app.command()
def claims(
    preset: PresetOption = "tiny",
    model: ModelOption = "",
    seeds: Annotated[
        str, typer.Option(help="Such as 21,22,23; the preset's if open. One seed is too few.")
    ] = "",
    jobs: Jobs = 0,
    as_json: Json = False,
) -> None:
    """Test the paper's nineteen claims on a model.

    Carries out the experiments that are not stored yet, then says of each claim whether it is
    replicated, contradicted or left inconclusive, by which test, with effect and interval. With
    --json one object: {"claims": [...]}.

    Example: `aligndrift claims --seeds 21,22,23,24,25`
    """
    from helpers.presets import loader

    chosen, numbers = loader.load(preset).using(model), _numbers(seeds)
    from helpers.reporting.claims import GRIDS
    from helpers.reporting.evidence import gather
    from helpers.reporting.verdicts import verdicts

    rows = verdicts(gather(chosen, GRIDS, jobs=jobs, seeds=numbers))
    if as_json:
        print(json_line({"claims": rows}))
        return
    for row in rows:
        print(f"{row['id']:>2}  {row['verdict']:12}  {row['statement']}\n{'':18}{_effect(row)}")
    replicated = sum(row["verdict"] == "replicated" for row in rows)
    print(f"{replicated} of {len(rows)} replicated")


def _effect(row: dict) -> str:
    if row["effect"] is None:
        return row["test"]
    return (
        f"{row['compared']}: {row['effect']:+.2f} ({row['ci_low']:+.2f} to {row['ci_high']:+.2f}), "
        f"p = {row['p_value']:.1e}"
    )


def _numbers(seeds: str) -> list[int]:
    try:
        return [int(part) for part in seeds.split(",") if part.strip()]
    except ValueError:
        raise ConfigError(f"--seeds {seeds}: write whole numbers, such as 21,22,23.") from None
