"""The command that compares two runs, reports or folders of outputs."""

from typing import Annotated

import typer

from helpers.cli.app import Json, app, print_rows

_Place = "A run, by its id or how that begins; a folder with executed notebooks; one of outputs."


@app.command()
def diff(
    a: Annotated[str, typer.Argument(help=_Place)],
    b: Annotated[str, typer.Argument(help="What to compare it with, of the same kind.")],
    as_json: Json = False,
) -> None:
    """What differs between two runs, two sets of notebooks or two folders of outputs.

    Settings, rates and whatever else is not equal, one row each. A rate has moved if each of the
    two lies outside the other's 95% interval. The exit status is 0 where nothing differs, 1 where
    something does, 2 where they could not be compared.

    Example: `aligndrift diff harmful_examples-10-full-seed31 harmful_examples-20-full-seed21`
    """
    from helpers.reporting.diff import compare

    rows = compare(a, b)
    shown = rows if as_json else [{k: "" if v is None else v for k, v in r.items()} for r in rows]
    print_rows(shown, as_json)
    if not as_json:
        moved = sum(bool(row["moved"]) for row in rows)
        print(f"{len(rows)} differences, {moved} rates moved" if rows else "equal")
    if rows:
        raise typer.Exit(1)
