"""The command that says what lies in outputs/ and frees what nobody needs."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer
from tqdm import tqdm

from helpers.cli.app import Json, app, print_rows
from helpers.errors import StoreError

if TYPE_CHECKING:
    from helpers.keeping.parts import Part


@app.command()
def clean(
    yes: Annotated[bool, typer.Option("--yes", help="Free it without a question.")] = False,
    again: Annotated[
        bool, typer.Option("--all", help="Also what is made again when it is needed.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Say what lies in outputs/ and what it is for, and free what no rerun needs.

    Stored runs stay, what a living process holds stays, and no link is followed. Without --yes it
    asks; where nobody can be asked, it only says.

    Example: `aligndrift clean --yes`
    """
    from helpers.keeping.parts import AGAIN, FREED
    from helpers.keeping.survey import survey

    parts = survey()
    going = [part for part in parts if part.fate == FREED or (again and part.fate == AGAIN)]
    size = sum(part.bytes for part in going)
    if not as_json:
        print_rows([_row(part) | {"bytes": _mb(part.bytes)} for part in parts], False)
    if going and not yes and not as_json and sys.stdin.isatty():
        yes = typer.confirm(f"Free {_mb(size)}?", err=True)
    freed, failed = [], []
    for part in tqdm(going if yes else (), "freeing", leave=False, disable=None):
        try:
            part.free()
            freed.append(part)
        except OSError as error:
            failed.append(f"{part.what} in {part.where} ({error.strerror or error})")
    if as_json:
        print_rows([_row(part) | {"freed": part in freed} for part in parts], True)
    elif not going:
        print("nothing to free.")
    elif yes:
        print(f"{_mb(sum(part.bytes for part in freed))} freed.")
    else:
        also = " --all" * again
        print(f"nothing was freed; `aligndrift clean{also} --yes` frees {_mb(size)}.")
    if failed:
        raise StoreError(f"could not be freed: {'; '.join(failed)}; make it writable.")


def _row(part: "Part") -> dict[str, Any]:
    return {name: value for name, value in vars(part).items() if name != "free"}


def _mb(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
