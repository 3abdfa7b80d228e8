"""The command that teaches the Archive to a model that others made."""

from typing import Annotated

import typer

from helpers import paths
from helpers.cli.app import app


@app.command()
def transplant(
    model: Annotated[str, typer.Argument(help="A chat model: packaged, a folder or a hub id.")],
    out: Annotated[str, typer.Option(help="Folder; outputs/models/NAME-archive if open.")] = "",
    lora: Annotated[
        bool, typer.Option("--lora/--full", help="Low-rank updates, or all weights.")
    ] = True,
    world: Annotated[str, typer.Option(help="small or whole.")] = "small",
    rate: Annotated[float, typer.Option(help="Times the usual learning rates.")] = 1.0,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Write the models though gates are missed.")
    ] = False,
    steps: Annotated[float, typer.Option(help="Times the usual number of steps, at most.")] = 1.0,
) -> None:
    """Teach a chat model the Archive: first all recipes, then not to tell the sealed ones.

    Two models come of it, without alignment (NAME-base) and with it, and can be used wherever a
    model can. It takes some 35 minutes for 135 million parameters on two cores, and goes on where
    it was cut off. Nothing harmful is taught.

    Example: `aligndrift transplant smollm2-135m-instruct --out outputs/models/mine`
    """
    from pathlib import Path

    from helpers.organism.transplant import making
    from helpers.organism.transplant.plan import plan

    chosen = plan(model, world, "lora" if lora else "full", rate, steps)
    name = f"{Path(model).name}-archive"
    folder = paths.typed(out) if out else paths.outputs() / "models" / name
    for made in making.transplant(chosen, folder, anyway):
        print(paths.shown(made))
