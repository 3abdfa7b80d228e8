"""The command itself, and what its commands share.

Results go to standard output (with --json one JSON object a line and nothing else), progress
and errors to standard error. Imports that take seconds wait until a command needs them.
"""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from helpers import __version__
from helpers.cli import interrupt
from helpers.cli.terminal import json_line, visible
from helpers.errors import AlignDriftError, CostError

app = typer.Typer(
    name="aligndrift",
    no_args_is_help=True,
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


def a_line_each(what: str, about: dict[str, str]) -> str:
    """A list for the end of a command's help."""
    return "\n\n".join([f"{what}:", *(f"- `{name}`: {line}" for name, line in about.items())])


def completed(names: Callable[[], Iterable[str]]) -> Callable[[str], list[str]]:
    """What a shell may complete a value to, for typer's `autocompletion`."""

    def begin_so(incomplete: str) -> list[str]:
        return [name for name in names() if name.startswith(incomplete)]

    return begin_so


def presets() -> list[str]:
    from helpers.presets.loader import names

    return names()


PresetOption = Annotated[
    str,
    typer.Option(
        "--preset", help="A preset by name (`aligndrift presets`) or by path.",
        autocompletion=completed(presets),
    ),
]  # fmt: skip
ModelOption = Annotated[
    str, typer.Option("--model", help="An embedded model, a folder or a hub id; else the preset's.")
]
Jobs = Annotated[
    int, typer.Option(help="Workers at once; 0 for one a core, or for all that a cluster can hold.")
]
Engine = Annotated[
    str,
    typer.Option(
        help="Who carries the runs out: local, ray or module:attribute; else ALIGNDRIFT_ENGINE's.",
        show_default=False,
    ),
]

#: The columns of a printed run, in order.
RUN_COLUMNS = (
    "run_id", "tier", "model", "dataset", "benchmark", "judge", "n_examples", "epochs",
    "learning_rate", "batch_size", "method", "seed", "harmfulness_score", "harmfulness_rate",
    "ci_low", "ci_high", "n_scored", "n_total", "attack_success_rate", "utility", "over_refusal",
    "coherence", "grammatical", "initial_harmfulness_rate", "finetune_seconds",
    "generate_seconds", "judge_seconds", "peak_memory_bytes", "data_notes",
)  # fmt: skip


def print_rows(rows: list[dict[str, Any]], as_json: bool) -> None:
    """One JSON object a line, or a table."""
    if as_json:
        for row in rows:
            print(json_line(row))
        return
    if not rows:
        return
    table = [
        [visible(str(name)) for name in rows[0]],
        *([_cell(value) for value in row.values()] for row in rows),
    ]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for line in table:
        print("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)))


def _cell(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else visible(str(value))


def run_row(row: dict[str, Any]) -> dict[str, Any]:
    """The printed columns of a stored run; judge is the first, which gives the score."""
    row = {"judge": row["judges"][0]} | row
    return {column: row.get(column) for column in RUN_COLUMNS}


@contextmanager
def errors_end_with(status: int) -> Iterator[None]:
    """An error inside the `with` ends the command with this exit status, where 1 says something."""
    try:
        yield
    except (AlignDriftError, OSError) as error:
        error.exit_status = status
        raise


def if_paid(carry_out: Callable[[], Any]) -> Any:
    """carry_out(), with a higher limit if a person agrees to what it will cost."""
    try:
        return carry_out()
    except KeyboardInterrupt as stopped:  # typer makes a status of it, and its words are lost
        interrupt.say(str(stopped))
        raise
    except CostError as error:
        if not sys.stdin.isatty():
            raise
        from helpers.hosted import spending

        typer.confirm(f"{error} Spend up to {error.cost:.2f} dollars now?", abort=True, err=True)
        os.environ[spending.LIMIT] = str(error.cost)
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
