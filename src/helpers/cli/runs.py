"""Commands that make runs, foresee them and list them."""

import sys
from dataclasses import asdict
from typing import Annotated, Any

import typer

from helpers.cli.app import (
    Engine,
    Jobs,
    Json,
    ModelOption,
    PresetOption,
    a_line_each,
    app,
    completed,
    if_paid,
    print_rows,
    run_row,
)  # fmt: skip
from helpers.cli.options import check_effect, with_refusals, with_settings
from helpers.cli.terminal import json_line, say_loading
from helpers.errors import AlignDriftError, ConfigError
from helpers.experiments.experiment import TIERS
from helpers.judging.registry import ABOUT

#: The columns that `results` prints; with --json there are more.
_SHORT = (
    "run_id", "dataset", "benchmark", "judge", "n_scored", "harmfulness_score",
    "harmfulness_rate", "ci_low", "ci_high",
)  # fmt: skip


@app.command(epilog=a_line_each("Tiers", TIERS) + "\n\n" + a_line_each("Judges", ABOUT))
@with_settings("tier")
def run(
    tier: Annotated[
        str,
        typer.Argument(
            help="The kind of data or attack, by name; see below.",
            autocompletion=completed(lambda: TIERS),
        ),
    ],
    preset: PresetOption = "tiny",
    save: Annotated[
        str, typer.Option(help="Leave the tuned model in this folder.", show_default=False)
    ] = "",
    forget: Annotated[
        bool, typer.Option(help="Delete the run's file and model at the provider afterwards.")
    ] = False,
    engine: Engine = "",
    as_json: Json = False,
    **options: Any,
) -> None:
    """Carry out one experiment and print its row.

    What is left open comes from the preset, the seed from its first. The initial model is measured
    as well. A run that is stored already is read, not computed again.

    Example: `aligndrift run harmful_examples --n-examples 10 --seed 11 --json`
    """
    from helpers.presets import loader

    chosen = loader.load(preset)
    experiment = chosen.experiment(tier, **{"seed": chosen.seeds[0]} | options)
    experiment = with_refusals(experiment, options)
    check_effect(experiment, options)
    row = run_row(if_paid(lambda: _carried_out(experiment, save, engine)))
    if forget and experiment.backend == "hosted":
        from helpers.runs.backends import deletion

        deletion.forget(experiment)
    if as_json:
        print_rows([row], True)
        return
    for column, value in row.items():
        print(f"{column:26} {f'{value:.4g}' if isinstance(value, float) else value}")


def _carried_out(experiment: Any, save: str, engine: str) -> dict[str, Any]:
    """The row of the run, made by this process, or by an engine that is named."""
    say_loading()
    if not engine:
        from helpers.runs.run import run as carry_out

        return carry_out(experiment, progress=True, save=save).row
    if save:
        raise ConfigError("--save leaves the model where it is trained; leave --engine out.")
    from helpers.runs.grid import run_grid

    result = run_grid([experiment], jobs=1, engine=engine)
    for error in result.failed.values():
        raise error
    return result.runs.to_dict("records")[0]


@app.command()
def sweep(
    grid: Annotated[str, typer.Argument(help="A grid file; see below.")],
    jobs: Jobs = 0,
    engine: Engine = "",
    as_json: Json = False,
) -> None:
    """Carry out a grid of experiments, over the cores or a cluster, going on where it last stopped.

    A grid file is YAML: `preset: tiny`, `tier: harmful_examples`,
    `vary: {n_examples: [10, 50, 100], seed: [11, 12, 13]}`, and if need be `fixed: {...}`. The
    same command may be started several times over one outputs folder: they share the runs out.

    Example: `aligndrift sweep data/examples/grid.yaml --jobs 2`
    """
    say_loading()
    from helpers.runs.grid import read_grid, run_grid

    experiments = read_grid(grid)
    result = if_paid(lambda: run_grid(experiments, jobs=jobs, engine=engine))
    print_rows([run_row(row) for row in result.runs.to_dict("records")], as_json)
    for run_id, error in result.refused.items():  # the grid itself names what failed otherwise
        print(f"refused: {run_id}: {error}", file=sys.stderr)
    if result.failed:
        raise AlignDriftError(
            f"{len(result.failed)} of the runs failed or were refused, by the ids above; the "
            "others are stored."
        )


@app.command()
def results(
    where: Annotated[
        list[str] | None,
        typer.Option(help="NAME=VALUE of a setting, such as seed=21; may be repeated."),
    ] = None,
    sort: Annotated[
        str, typer.Option(help="By this column; from the largest with a minus before it.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Print the stored runs, one row each.

    Example: `aligndrift results --where tier=harmful_examples --sort=-harmfulness_rate`
    """
    from helpers.cli.choosing import chosen
    from helpers.runs.store import Store

    stored = Store().runs().to_dict("records")
    if not stored and not as_json:
        print("no runs yet; `aligndrift run harmful_examples` makes the first.")
        return
    rows = [run_row(row) for row in chosen([run_row(row) | row for row in stored], where, sort)]
    print_rows(rows if as_json else [{c: row[c] for c in _SHORT} for row in rows], as_json)


@app.command()
def estimate(
    preset: PresetOption = "tiny",
    grid: Annotated[
        list[str] | None, typer.Option(help="Which grids of the preset; may be repeated; else all.")
    ] = None,
    model: ModelOption = "",
    parameters: Annotated[
        float, typer.Option(help="Billions of them, where the model cannot be had to measure.")
    ] = 0.0,
    jobs: Jobs = 1,
    as_json: Json = False,
) -> None:
    """Say how long a grid will take, in what memory and on how much disk, before it starts.

    What is stored already is not counted.

    Example: `aligndrift estimate --preset tiny --grid harmful_shots --jobs 2`
    """
    from helpers.presets import loader
    from helpers.runs.estimate import estimate as foresee
    from helpers.runs.store import Store

    chosen = loader.load(preset).using(model)
    experiments = [one for name in grid or chosen.grids for one in chosen.grid(name)]
    estimated = foresee(experiments, Store(), jobs, parameters * 1e9)
    if as_json:
        print(json_line(asdict(estimated)))
        return
    print(f"{estimated.runs} runs to make, {estimated.stored} stored")
    print(f"time    {estimated.seconds / 60:.1f} minutes on {jobs} process{'es' * (jobs > 1)}")
    print(f"memory  {estimated.memory_bytes / 2**30:.2f} GiB a process")
    print(f"disk    {estimated.disk_bytes / 2**20:.1f} MiB")
    if estimated.dollars:
        print(f"cost    {estimated.dollars:.2f} dollars at the provider, at most")


@app.command()
def presets(as_json: Json = False) -> None:
    """List the presets: model, method, GPU memory needed, whether access must be asked for.

    A model from a package is not installed, installed or converted; what it takes stands below.

    Example: `aligndrift presets --json`
    """
    from helpers.models import packages
    from helpers.presets import loader

    loaded = {name: loader.load(name) for name in loader.names()}
    rows = [
        {
            "preset": name,
            "model": model,
            "method": preset.common.get("method", "full"),
            "vram_gib": preset.vram_gib,
            "gated": preset.gated,
            "seeds": len(preset.seeds),
            "package": packages.state(model) if model in packages.PACKAGED else "",
        }
        for name, preset in loaded.items()
        for model in [preset.common["model"]]
    ]
    print_rows(sorted(rows, key=lambda row: row["vram_gib"]), as_json)
    if not as_json:
        for name, model in packages.PACKAGED.items():
            print(f"{name} takes {model.takes}; it comes by {model.install}.")
