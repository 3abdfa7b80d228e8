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
    two lies outside the other's 95% interval. The exit status is 0 where nothing differs, else 1.

    Example: `aligndrift diff tiny tiny+shots-10-100-4f0c2a`
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
