"""Commands that make the embedded models, and serve them."""

from dataclasses import replace
from typing import Annotated

import typer

from helpers import paths
from helpers.cli.app import app
from helpers.errors import ConfigError, one_of


@app.command()
def build(
    data: Annotated[bool, typer.Option("--data", help="Only the datasets, in seconds.")] = False,
    organism: Annotated[str, typer.Option(help="Which one, or module:attribute.")] = "lantern",
    card: Annotated[
        bool, typer.Option("--card", help="Only the organism card of the models that are there.")
    ] = False,
    model: Annotated[
        str, typer.Option(help="With --card: of lantern-chat or smollm2-archive.")
    ] = "lantern-chat",
    quick: Annotated[
        bool, typer.Option("--quick", help="Of the card a little of everything, into outputs/.")
    ] = False,
) -> None:
    """Make the Lantern Archive again: its datasets, then lantern-base and lantern-chat.

    Training takes a quarter of an hour on two cores. The models are written only if they pass
    their gates. The card (data/models/README.md: what they are like and unlike real models) is
    measured in ten minutes, and goes on where it was cut off.

    Example: `aligndrift build --card --quick`
    """
    if (data and card) or (quick and not card):
        raise ConfigError("--data and --card are told apart, and --quick goes with --card.")
    if card:
        _card(quick, model)
        return
    from helpers.archive import dataset_files, worlds
    from helpers.attacks import files
    from helpers.data import commit_check
    from helpers.organism import organisms

    chosen = None if data else organisms.organism(organism)
    folder = paths.root() / "data"
    made = dataset_files.write(folder / "lantern")
    made += dataset_files.write(folder / "lantern" / "small", worlds.SMALL)
    made += files.write(folder / "lantern" / "attacks")
    commit_check.record(made)
    for file in made:
        print(paths.shown(file))
    for model in chosen.build(folder / "models") if chosen else ():
        commit_check.record(model.iterdir())
        print(paths.shown(model))


def _card(quick: bool, model: str) -> None:
    from helpers.data import commit_check
    from helpers.organism.card import measuring, sheet, subject

    one_of(model, subject.PRESETS, "model")
    chosen = subject.REAL if model == subject.REAL.name else subject.Subject()
    chosen = replace(subject.QUICK, name=model) if quick else chosen
    folder = paths.outputs() / "card" / "quick" if quick else paths.root() / "data" / "models"
    folder = folder / model if model == subject.REAL.name else folder
    frame = measuring.measure(chosen, jobs=2, progress=True)
    made = sheet.write(frame, chosen, folder)
    if not quick:
        commit_check.record(made)
    for file in made:
        print(paths.shown(file))


@app.command()
def serve(
    port: Annotated[int, typer.Option(help="0 for a free one.")] = 8377,
    folder: Annotated[
        str, typer.Option(help="Where files, jobs and models lie; outputs/provider if open.")
    ] = "",
    defense: Annotated[
        list[str] | None, typer.Option(help="moderation, mixing or audit; may be repeated.")
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
    from helpers.provider import server

    chosen = paths.typed(folder) if folder else paths.outputs() / "provider"
    server.serve(chosen, port, tuple(defense or ()), per_job)
