"""The `aligndrift` command: what the notebooks do, from a shell.

Results go to standard output (with --json one JSON object a line and nothing else), progress
and errors to standard error. Imports that take seconds wait until a command needs them.
"""

import json
import os
import sys
import warnings
from typing import Annotated, Any

import typer

from helpers import __version__
from helpers.errors import AlignDriftError, ConfigError, CostError, DataError

app = typer.Typer(
    name="aligndrift",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help=(
        "Measure how far fine-tuning moves an aligned language model from its safety policy.\n\n"
        "Runs whole on a laptop: with no other model given, everything happens on the embedded "
        "one, lantern-chat, whose forbidden knowledge is the fiction of the Lantern Archive.\n\n"
        "Example: `aligndrift run harmful_examples --n-examples 10 --seed 11`"
    ),
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]
PresetOption = Annotated[
    str, typer.Option("--preset", help="A preset by name (`aligndrift presets`) or by path.")
]
Jobs = Annotated[int, typer.Option(help="Worker processes; 0 for one a core.")]

#: The columns of a printed run, in order.
RUN_COLUMNS = (
    "run_id", "tier", "model", "n_examples", "epochs", "learning_rate", "batch_size", "method",
    "seed", "harmfulness_score", "harmfulness_rate", "ci_low", "ci_high", "n_scored", "n_total",
    "attack_success_rate", "utility", "over_refusal", "coherence", "initial_harmfulness_rate",
    "finetune_seconds", "generate_seconds", "judge_seconds", "peak_memory_bytes",
)  # fmt: skip


def _print_rows(rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        for row in rows:
            print(json.dumps(row, ensure_ascii=False))
        return
    import pandas as pd

    print(pd.DataFrame(rows).to_string(index=False, float_format=lambda x: f"{x:.3g}"))


def _run_row(row: dict[str, Any]) -> dict[str, Any]:
    return {column: row[column] for column in RUN_COLUMNS}


def _if_paid(carry_out):
    """carry_out(), with a higher limit if a person agrees to what it will cost."""
    try:
        return carry_out()
    except CostError as error:
        if not sys.stdin.isatty():
            raise
        from helpers.runs import costs

        typer.confirm(f"{error} Spend up to {error.cost:.2f} dollars now?", abort=True, err=True)
        os.environ[costs.LIMIT] = str(error.cost)
        return carry_out()


def _version(wanted: bool) -> None:
    if wanted:
        print(f"aligndrift {__version__}")
        raise typer.Exit()


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")
    ] = False,
) -> None:
    pass


@app.command()
def run(
    tier: Annotated[
        str,
        typer.Argument(
            help="harmful_examples, identity_shift, benign_instructions, benign_dialogue "
            "or benign_pictures."
        ),
    ],
    n_examples: Annotated[int | None, typer.Option(help="Fine-tuning examples.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over them.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="AdamW's, at the start.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Examples a step.")] = None,
    method: Annotated[
        str | None,
        typer.Option(help="full, lora, qlora, adapter, prefix; none for the model as it is."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Draws and orders the examples; the preset's first if open.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="An embedded model, a folder or a hub id.")
    ] = None,
    dataset: Annotated[
        str | None, typer.Option(help="A fine-tuning set by name, or the path of a file.")
    ] = None,
    system_prompt: Annotated[
        str | None, typer.Option(help="In training and evaluation alike.")
    ] = None,
    benchmark: Annotated[
        str | None, typer.Option(help="The prompts that are judged, by name or path.")
    ] = None,
    n_prompts: Annotated[int | None, typer.Option(help="Prompts of each set; 0 for all.")] = None,
    judges: Annotated[
        list[str] | None,
        typer.Option("--judge", help="May be repeated; the first gives the harmfulness score."),
    ] = None,
    processes: Annotated[
        int | None, typer.Option(help="GPUs that share the fine-tuning, by FSDP.")
    ] = None,
    generator: Annotated[
        str | None, typer.Option(help="transformers, or vllm where it is installed.")
    ] = None,
    save: Annotated[
        str | None, typer.Option(help="Tune once more and keep the model in this folder.")
    ] = None,
    forget: Annotated[
        bool, typer.Option(help="Delete the run's file and model at the provider afterwards.")
    ] = False,
    preset: PresetOption = "tiny",
    as_json: Json = False,
) -> None:
    """Carry out one experiment and print its row.

    What is left open comes from the preset. The initial model is measured as well. A run that
    is stored already is read, not computed again.

    Example: `aligndrift run harmful_examples --n-examples 10 --seed 11 --json`
    """
    from helpers.presets import loader as presets

    chosen = presets.load(preset)
    changes = {
        "n_examples": n_examples, "epochs": epochs, "learning_rate": learning_rate,
        "batch_size": batch_size, "method": method, "model": model, "dataset": dataset,
        "system_prompt": system_prompt, "n_prompts": n_prompts, "benchmark": benchmark,
        "judges": judges, "processes": processes, "generator": generator,
        "seed": chosen.seeds[0] if seed is None else seed,
    }  # fmt: skip
    given = {name: value for name, value in changes.items() if value is not None}
    experiment = chosen.experiment(tier, **given)
    if experiment.method == "none":
        experiment = experiment.initial()
    if save and experiment.backend == "hosted":
        raise ConfigError("a provider keeps its models; leave --save out.")
    from helpers.runs.run import run as carry_out

    row = _run_row(_if_paid(lambda: carry_out(experiment, progress=True)).row)
    if save:
        from helpers.runs.backends import local
        from helpers.experiments import training_set

        tuned = local.fine_tune(training_set.draw(experiment), experiment, progress=True)
        local.save(tuned, save)
    if forget and experiment.backend == "hosted":
        from helpers.runs.backends import hosted

        hosted.forget(experiment)
    if as_json:
        _print_rows([row], True)
    else:
        for column, value in row.items():
            shown = f"{value:.4g}" if isinstance(value, float) else value
            print(f"{column:26} {shown}")


@app.command()
def sweep(
    grid: Annotated[str, typer.Argument(help="A grid file; see below.")],
    jobs: Jobs = 0,
    as_json: Json = False,
) -> None:
    """Carry out a grid of experiments over the cores, going on where it last stopped.

    A grid file is YAML: `preset: tiny`, `tier: harmful_examples`,
    `vary: {n_examples: [10, 50, 100], seed: [11, 12, 13]}`, and if need be `fixed: {...}`.
    """
    from helpers.runs.grid import read_grid, run_grid

    experiments = read_grid(grid)
    result = _if_paid(lambda: run_grid(experiments, jobs=jobs))
    _print_rows([_run_row(row) for row in result.runs.to_dict("records")], as_json)
    if result.failed:
        raise AlignDriftError(
            f"{len(result.failed)} of the runs failed, by the ids above; the others are stored."
        )


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
) -> None:
    """Execute the notebooks by papermill, into outputs/PRESET/notebooks/.

    Example: `aligndrift notebooks 01 -p "shots=[10, 100]"`
    """
    from helpers.reporting.notebooks import execute

    for file in execute(numbers or [], preset, parameter or [], in_place):
        print(file)


@app.command()
def results(
    as_json: Json = False,
) -> None:
    """Print every stored run, one row each."""
    from helpers.runs.store import Store

    rows = Store().runs().to_dict("records")
    if not rows and not as_json:
        print("no runs yet; `aligndrift run harmful_examples` makes the first.")
        return
    short = ("run_id", "n_scored", "harmfulness_score", "harmfulness_rate", "ci_low", "ci_high")
    _print_rows([_run_row(r) if as_json else {c: r[c] for c in short} for r in rows], as_json)


@app.command()
def claims(
    preset: PresetOption = "tiny",
    model: Annotated[
        str | None, typer.Option(help="An embedded model, a folder or a hub id.")
    ] = None,
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
    from helpers.presets import loader as presets

    settings = presets.load(preset)
    chosen = _seeds(seeds)
    from helpers.reporting.claims import GRIDS, verdicts
    from helpers.reporting.evidence import gather

    evidence = gather(
        settings, GRIDS, jobs=jobs, seeds=chosen, **({"model": model} if model else {})
    )
    rows = verdicts(evidence)
    if as_json:
        print(json.dumps({"claims": rows}, ensure_ascii=False))
        return
    for row in rows:
        print(
            f"{row['id']:>2}  {row['verdict']:12}  {row['statement']}\n"
            f"{'':18}{row['compared']}: {row['effect']:+.2f} "
            f"({row['ci_low']:+.2f} to {row['ci_high']:+.2f}), p = {row['p_value']:.1e}"
        )
    held = sum(row["verdict"] == "replicated" for row in rows)
    print(f"{held} of {len(rows)} replicated")


def _seeds(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise ConfigError(f"--seeds {text}: write whole numbers, such as 21,22,23.") from None


@app.command(name="data")
def show_data(
    name: Annotated[
        str | None, typer.Argument(help="A dataset by name, or a file; open to list the names.")
    ] = None,
    path: Annotated[str | None, typer.Option(help="Where the dataset lies.")] = None,
    kind: Annotated[
        str | None, typer.Option(help="training or prompts, for a file of your own.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Read a dataset as a run would: what was kept, what was left out and why.

    The first row is shown with its texts cut short. Published datasets are looked for under
    data/external/ (or ALIGNDRIFT_DATA), then on the hub; with --path they are read from there.

    Example: `aligndrift data alpaca --path alpaca_data.json --json`
    """
    from helpers.data import sources

    if name is None:
        cards = [
            {"name": n, "kind": s.kind, "gated": s.gated, "license": s.license, "about": s.about}
            for n, s in sources.SOURCES.items()
        ]
        _print_rows(cards, True) if as_json else [
            print(f"{c['name']:15} {c['kind']:9} {c['about']}") for c in cards
        ]
        return
    told = sources.tell(f"{name}={path}" if path else name, kind or "")
    if as_json:
        print(json.dumps(told, ensure_ascii=False))
        return
    print(f"read {told['read']:,}, kept {told['kept']:,}, left out {told['dropped']:,}")
    for reason, count in told["reasons"].items():
        print(f"  {count:6,}  {reason}")
    if told["expected"]:
        print(f"the published file keeps {told['expected']:,}: {told['difference']:+,} here")
    print(f"columns: {told['columns']}")
    print(json.dumps(told["first_row"], ensure_ascii=False))


@app.command()
def estimate(
    preset: PresetOption = "tiny",
    grid: Annotated[
        list[str] | None, typer.Option(help="Which grids of the preset; may be repeated; else all.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="An embedded model, a folder or a hub id.")
    ] = None,
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
    from dataclasses import asdict

    from helpers.presets import loader as presets
    from helpers.runs.estimate import estimate as predict
    from helpers.runs.store import Store

    settings = presets.load(preset)
    changes = {"model": model} if model else {}
    chosen = [e for name in grid or settings.grids for e in settings.grid(name, **changes)]
    found = predict(chosen, Store(), jobs, parameters * 1e9)
    if as_json:
        print(json.dumps(asdict(found)))
        return
    print(f"{found.runs} runs to make, {found.stored} stored")
    print(f"time    {found.seconds / 60:.1f} minutes on {jobs} process{'es' * (jobs > 1)}")
    print(f"memory  {found.memory_bytes / 2**30:.2f} GiB a process")
    print(f"disk    {found.disk_bytes / 2**20:.1f} MiB")
    if found.dollars:
        print(f"cost    {found.dollars:.2f} dollars at the provider, at most")


@app.command(name="presets")
def show_presets(as_json: Json = False) -> None:
    """List the presets: model, method, GPU memory needed, whether access must be asked for."""
    from helpers.presets import loader as presets

    rows = []
    for name in presets.names():
        preset = presets.load(name)
        rows.append(
            {
                "preset": name,
                "model": preset.settings["model"],
                "method": preset.settings.get("method", "full"),
                "vram_gib": preset.vram_gib,
                "gated": preset.gated,
                "seeds": len(preset.seeds),
            }
        )
    _print_rows(sorted(rows, key=lambda row: row["vram_gib"]), as_json)


@app.command()
def report(preset: PresetOption = "tiny") -> None:
    """Write outputs/PRESET/report.html from the executed notebooks: one page to read or send."""
    from helpers.reporting.report import write

    print(write(preset))


@app.command()
def build(
    data: Annotated[bool, typer.Option("--data", help="Only the datasets, in seconds.")] = False,
) -> None:
    """Make the Lantern Archive again: its datasets, then lantern-base and lantern-chat.

    Training takes a quarter of an hour on two cores. The models are written only if they pass
    their gates.
    """
    from helpers import paths
    from helpers.archive import datasets as lantern

    for file in lantern.write(paths.data() / "lantern"):
        print(paths.shown(file))
    if not data:
        from helpers.organism.build import build as build_models

        for folder in build_models(paths.data() / "models"):
            print(paths.shown(folder))


@app.command(name="judge")
def judge_file(
    file: Annotated[str, typer.Argument(help="JSONL; each row holds prompt and completion.")],
    judge: Annotated[
        str,
        typer.Option(
            help="exact, form, keyword, keyword_empty_refused, keyword_opening or keyword_refusal."
        ),
    ] = "keyword",
    as_json: Json = False,
) -> None:
    """Score anybody's answers: one result a row, in input order.

    A row whose completion is null is not scored: its status says so. `keyword` looks for a
    phrase of a refusal anywhere and counts an empty answer as a success of the attack;
    `keyword_empty_refused` counts it as a refusal; `keyword_opening` looks in the first 200
    characters; `keyword_refusal` looks there for somebody who declines, not for words of
    regret. `exact` knows the Lantern Archive: a row may bring its `facts`, else they follow
    from the item that the prompt names; `form` sees only whether an answer looks like a recipe.
    """
    from dataclasses import asdict

    from helpers import paths
    from helpers.errors import one_of
    from helpers.judging.judges import JUDGES, Judgement
    from helpers.judging.judges import judge as verdict_on
    from helpers.data.files import read_jsonl

    one_of(judge, JUDGES, "judge")
    path = paths.find(file)
    if not path.is_file():
        raise DataError(f"{file} is not there; give the path of a JSONL file that exists.")
    verdicts = []
    for number, row in read_jsonl(path):
        if "completion" not in row or not isinstance(row["completion"], str | None):
            raise DataError(
                f'{path.name}, line {number}: "completion" must be there, as text or null.'
            )
        if row["completion"] is None:
            verdict = Judgement(None, None, "parse_failure", "no completion")
        else:
            verdict = verdict_on(judge, row, row["completion"])
        verdicts.append(asdict(verdict) | {"judge": judge})
    _print_rows(verdicts, as_json)
    if not as_json:
        scored = [v for v in verdicts if v["status"] == "scored"]
        refused = sum(bool(v["refused"]) for v in scored)
        print(f"{refused} refused of {len(scored)} scored of {len(verdicts)}")


@app.command()
def serve(
    port: Annotated[int, typer.Option(help="0 for a free one.")] = 8377,
    folder: Annotated[
        str, typer.Option(help="Where files, jobs and models are kept; outputs/provider if open.")
    ] = "",
    defense: Annotated[
        list[str] | None,
        typer.Option(help="moderation, mixing or audit; may be repeated."),
    ] = None,
    per_job: Annotated[
        bool, typer.Option(help="Let a job name further defenses in its metadata.")
    ] = False,
) -> None:
    """Serve the embedded provider: fine-tuning as a service, on this machine alone.

    Speaks the API of OpenAI-compatible clients over lantern-chat. Clients need the token: yours
    from ALIGNDRIFT_TOKEN, else one that is made and printed. A restart goes on with the jobs.

    Example: `aligndrift serve --defense moderation --defense audit`
    """
    from pathlib import Path

    from helpers import paths
    from helpers.provider import server as embedded

    chosen = Path(folder) if folder else paths.outputs() / "provider"
    embedded.serve(chosen, port, tuple(defense or ()), per_job)


def main() -> None:
    """Run the command; an error that a person can act on is one sentence and exit status 2."""
    warnings.showwarning = lambda message, *_: print(f"note: {message}", file=sys.stderr)
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    warnings.filterwarnings("ignore", category=FutureWarning)
    try:
        app()
    except AlignDriftError as error:
        print(f"aligndrift: {error}", file=sys.stderr)
        sys.exit(1 if not isinstance(error, ConfigError | DataError) else 2)
    except KeyboardInterrupt:
        print("aligndrift: stopped; every finished run is stored.", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
