"""Commands that execute the notebooks, make one page of them, and make lessons of them."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from helpers.cli.app import Engine, Json, app, completed, presets, print_rows
from helpers.errors import ConfigError


@app.command()
def notebooks(
    numbers: Annotated[
        list[str] | None,
        typer.Argument(help="Which ones, such as 00 01; if open the paper's, or the preset's own."),
    ] = None,
    preset: Annotated[
        str,
        typer.Option(
            "--preset",
            help="By name or path; each notebook's own if open.",
            autocompletion=completed(presets),
        ),
    ] = "",
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", help="NAME=VALUE, the value in YAML; may be repeated."),
    ] = None,
    engine: Engine = "",
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

    What is told beside the preset has a folder of its own, such as outputs/tiny+shots-10-1a2b3c/.
    The notebooks lie in the current folder or in its notebooks/, where there is no checkout.

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

    if engine:  # for the grids of this process and of the notebooks' kernels
        from helpers.runs.engines import base

        base.engine_named(engine)
        os.environ[base.VARIABLE] = engine
    for file in execute(numbers or [], preset, parameter or [], in_place):
        print(file)


@app.command()
def report(
    preset: Annotated[
        str,
        typer.Option(
            "--preset",
            help="By name or path, or a folder of outputs/ by its name.",
            autocompletion=completed(presets),
        ),
    ] = "tiny",
) -> None:
    """Write outputs/PRESET/report.html from the executed notebooks: one page to read or send.

    A set of other parameters has a folder of its own, and a page of its own; others that exist are
    named.

    Example: `aligndrift report --preset tiny`
    """
    from helpers.presets.parameters import places
    from helpers.reporting.report import write

    page = write(preset)
    print(page)
    if others := [name for name in places() if name != Path(page).parent.name]:
        print(f"other parameter sets (--preset NAME): {', '.join(others)}", file=sys.stderr)


@app.command()
def lessons(
    numbers: Annotated[
        list[str] | None, typer.Argument(help="Which ones, such as 00b 01; all if open.")
    ] = None,
    student: Annotated[
        str | None,
        typer.Option(help="Write the notebooks into this folder, without outputs and answers."),
    ] = None,
    slides: Annotated[
        str | None,
        typer.Option(help="Write a page of slides of each into this folder, to show offline."),
    ] = None,
    grade: Annotated[
        str | None,
        typer.Option(help="Execute what lies in this folder, with your rights, and read checks."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="With --student: changed notebooks, too.")
    ] = False,
    install: Annotated[
        str,
        typer.Option(
            help="With --student: begin with a cell that has pip install this where AlignDrift is "
            "missing, as on Colab: git+https://..., or a wheel.",
        ),
    ] = "",
    published: Annotated[
        str,
        typer.Option(
            help="With --student: badges for Colab and Binder; the address of the folder that they "
            "will lie in, https://github.com/OWNER/NAME/tree/BRANCH/FOLDER.",
        ),
    ] = "",
    as_json: Json = False,
) -> None:
    """List the notebooks with their exercises and minutes, or write what teaching them takes.

    Example: `aligndrift lessons 00b 01 --student lessons`
    """
    given = {"--student": student, "--slides": slides, "--grade": grade}
    asked = [option for option, folder in given.items() if folder is not None]
    if len(asked) > 1:
        raise ConfigError(f"{' and '.join(asked)} do different things; give one of them.")
    if any(folder is not None and not folder.strip() for folder in given.values()):
        raise ConfigError(f"{asked[0]} needs the name of a folder.")
    own = {"--overwrite": overwrite, "--install": install, "--published": published}
    if student is None and any(own.values()):
        option = next(filter(own.get, own))
        raise ConfigError(f"{option} has no effect without --student; leave it out.")
    if grade is not None:
        from helpers.reporting import grading

        if numbers:
            raise ConfigError("--grade reads whatever notebooks lie in its folder; name none.")
        rows = grading.graded(grade)
        print_rows(rows if as_json else grading.table(rows), as_json)
        return
    if slides is not None:
        from helpers.reporting.slides import write

        print(*write(slides, numbers or []), sep="\n")
        return
    from helpers.reporting.lessons import listed
    from helpers.reporting.lessons import student as editions

    if student is None:
        print_rows(listed(numbers or []), as_json)
        return
    print(*editions(student, numbers or [], overwrite, install, published), sep="\n")
