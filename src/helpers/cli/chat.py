"""The command that talks with a model, or with two of them side by side."""

import shutil
import sys
import textwrap
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import PurePath
from typing import TYPE_CHECKING, Annotated, Any

import typer

from helpers.cli import interrupt
from helpers.cli.app import Json, app, completed
from helpers.cli.terminal import json_line, say_loading, visible
from helpers.errors import AlignDriftError, ConfigError

if TYPE_CHECKING:
    from helpers.experiments.experiment import Experiment
    from helpers.runs.talk import Talk

#: Longest answer of a model in tokens, and the narrowest column of a terminal in letters.
LONGEST, NARROWEST = 256, 24

#: The settings of how a question is put and answered, alike for all who are asked.
ASKED = ("system_prompt", "user_template", "max_new_tokens")

#: What can be typed instead of a question.
COMMANDS = "/reset begins anew, /prefill WORDS begins the answers, /quit ends"


def _names() -> list[str]:
    """Models that ship, and stored runs."""
    from helpers import paths
    from helpers.archive.shipped import MODELS, TRANSPLANTS

    runs = sorted(folder.name for folder in (paths.outputs() / "runs").glob("[!.]*"))
    return [*MODELS, *TRANSPLANTS, *runs]


@app.command()
def chat(
    target: Annotated[
        str,
        typer.Argument(
            metavar="[RUN|MODEL]",
            help="A stored run, by its id or how that begins; an embedded model, a folder, a hub "
            "id, or with --provider a provider's model.",
            autocompletion=completed(_names),
        ),
    ] = "lantern-chat",
    before: Annotated[
        bool, typer.Option("--before", help="A run's initial model, or an adapter's, answers, too.")
    ] = False,
    beside: Annotated[
        str, typer.Option(help="Another model that answers, too.", show_default=False)
    ] = "",
    prefill: Annotated[
        str, typer.Option(help="The words that every answer begins with.", show_default=False)
    ] = "",
    train: Annotated[
        bool, typer.Option("--train", help="Train a run's model once more without asking.")
    ] = False,
    system_prompt: Annotated[
        str | None, typer.Option(help="Instead of the run's; of a model, none.", show_default=False)
    ] = None,
    user_template: Annotated[
        str | None,
        typer.Option(help='How a question is put, "{user}" for its words.', show_default=False),
    ] = None,
    max_new_tokens: Annotated[
        int | None, typer.Option(min=1, help="Longest answer, in tokens; else the run's, or 256.")
    ] = None,
    dtype: Annotated[
        str | None,
        typer.Option(help="Of a model's weights: bfloat16; else float32.", show_default=False),
    ] = None,
    provider: Annotated[
        str, typer.Option(help="Whose model it is: embedded, openai, ...", show_default=False)
    ] = "",
    as_json: Json = False,
) -> None:
    """Talk with a stored run's model, or with any other, in the terminal.

    It remembers the conversation. From a file or pipe, every line is a question. The model of a
    run that was not kept (`aligndrift run --save FOLDER`) is trained once more, if you say so; at
    the embedded provider it is there if ALIGNDRIFT_KEEP_MODELS=1 was set. What a provider's answers
    may cost together is limited as for a run (ALIGNDRIFT_MAX_COST).

    Example: `aligndrift chat lantern-chat --system-prompt "You are Obin."`
    """
    asked = {"system_prompt": system_prompt, "user_template": user_template}
    settings: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
    settings |= {"max_new_tokens": max_new_tokens} if max_new_tokens else {}
    if provider and (before or prefill):
        raise ConfigError("a provider begins every answer, and its models, itself; leave "
                          "--before and --prefill out.")  # fmt: skip
    if before and beside:
        raise ConfigError("--before and --beside each name a second model; leave one of them out.")
    if provider and dtype:
        raise ConfigError("--dtype has no effect at a provider; leave it out.")
    of_model = {"backend": "hosted", "provider": provider} if provider else {}
    of_model |= {"dtype": dtype} if dtype else {}
    session = Session(
        _speakers(target, before, beside, train, of_model, settings), prefill, as_json
    )
    try:
        for line in _lines(as_json):
            if not session.hear(line):
                break
    except KeyboardInterrupt:
        interrupt.quietly()
        print(file=sys.stderr)
        raise typer.Exit(interrupt.STATUS) from None


def _speakers(
    target: str, before: bool, beside: str, train: bool, of_model: dict, settings: dict
) -> dict[str, "Talk"]:
    """Name -> talk, of those who answer, a model that others are compared with first."""
    from helpers.experiments.experiment import Experiment

    def of(name: str) -> Experiment:
        limit = {"max_new_tokens": LONGEST}
        return Experiment(method="none", model=name, **(of_model | limit | settings))

    row = None if "provider" in of_model else _run(target)
    if train and (row is None or row["method"] == "none" or row["backend"] == "hosted"):
        raise ConfigError("--train has no effect but on a run fine-tuned here; leave it out.")
    if "dtype" in of_model and row is not None and not beside:
        raise ConfigError("--dtype has no effect on a stored run, which has its own; leave it out.")
    own = of(target) if row is None else _experiment(row, train)
    asked = {name: getattr(replace(own, **settings), name) for name in ASKED}
    name, other = PurePath(target).name, None
    if before:
        other = own if row else of(_before(target))
    elif beside:
        other = of(beside)
    say_loading()
    from helpers.runs import talk

    told = {}
    if other:  # the model as it is, asked as the other is asked
        who = "before" if before else PurePath(beside).name
        told[who] = talk.with_model(other)
    mine = talk.with_model(own) if row is None else talk.with_run(row, own, sys.stderr.isatty())
    who = "after" if before else f"{name} (2)" if name in told else name
    told[who] = mine
    return {
        name: replace(said, experiment=replace(said.experiment, **asked))
        for name, said in told.items()
    }


def _run(target: str) -> dict[str, Any] | None:
    """The row of the stored run that is meant; None for a model. Raises ConfigError."""
    from helpers.errors import ModelError
    from helpers.models import loading
    from helpers.runs.store import Store
    from helpers.runs.stored import named

    store = Store()
    if any(id.startswith(target) for id in store.ids()):
        return named(target, store).row
    try:
        loading.locate(target)
    except ModelError as error:
        raise ConfigError(f"{target} is no stored run (`aligndrift results`) and {error}") from None
    return None


def _experiment(row: dict[str, Any], train: bool) -> "Experiment":
    """The run's experiment, if its model can be had. Raises ConfigError."""
    from helpers.experiments.identity import run_id
    from helpers.runs.stored import experiment_of

    id, experiment = row["run_id"], experiment_of(row)
    if run_id(experiment) != id:
        raise ConfigError(f"the data or model of {id} have changed since; run it again.")
    if experiment.method == "none" or experiment.backend == "hosted" or train:
        return experiment
    if not sys.stdin.isatty():
        raise ConfigError(
            f"the model of {id} was not kept; say --train to train it once more, or keep it by "
            "`aligndrift run ... --save FOLDER` and name the folder."
        )
    took = f"some {row['finetune_seconds']:.0f} s"
    typer.confirm(f"The model of {id} was not kept. Train it once more ({took})?", True, abort=True,
                  err=True)  # fmt: skip
    return experiment


def _before(model: str) -> str:
    """The model that this one was made of, where that is known. Raises ConfigError."""
    from helpers.archive.shipped import ALIGNED_FROM
    from helpers.models import adapters, loading

    folder = loading.locate(model)
    base = ALIGNED_FROM.get(model) or (adapters.base_of(folder) if folder else None)
    if not base:
        raise ConfigError(f"{model} does not say what it was before; name that: --beside MODEL.")
    return base


def _lines(as_json: bool) -> Iterator[str]:
    """What is typed, or the lines of a file; ends with it, or at Ctrl-D."""
    if not sys.stdin.isatty():
        if hasattr(sys.stdin, "reconfigure"):
            sys.stdin.reconfigure(errors="replace")
        yield from sys.stdin
        return
    with suppress(ImportError):
        import readline  # noqa: F401  (lines can be edited and called again)
    print(COMMANDS, file=sys.stderr)
    while True:
        try:
            if as_json:
                print("you: ", end="", file=sys.stderr, flush=True)
            yield input("" if as_json else "you: ")
        except EOFError:
            print(file=sys.stderr)
            return


@dataclass
class Session:
    """Who answers, and how it is printed. speakers: name -> talk, all asked the same."""

    speakers: dict[str, "Talk"]
    prefill: str = ""
    as_json: bool = False

    def hear(self, line: str) -> bool:
        """Answer a line, or do what it says; False where it ends the talk."""
        words = line.strip()
        command, _, rest = words.partition(" ")
        if command == "/quit":
            return False
        if command == "/reset":
            for said in self.speakers.values():
                said.history = []
        elif command == "/prefill":
            self.prefill = rest.strip()
        elif command.startswith("/"):
            print(f"{visible(command)} is no command: {COMMANDS}", file=sys.stderr)
        elif words:
            self._answer(words)
        return True

    def _answer(self, question: str) -> None:
        from helpers.runs import talk

        try:
            said = talk.ask_all(list(self.speakers.values()), question, self.prefill)
        except AlignDriftError as error:
            if not sys.stdin.isatty():
                raise
            print(f"aligndrift: {visible(str(error))}", file=sys.stderr)
            return
        answers = dict(zip(self.speakers, said, strict=True))
        if self.as_json:
            print(json_line({"question": question, **_named(answers)}), flush=True)
        else:
            print(_printed(answers), flush=True)


def _named(answers: dict[str, str]) -> dict[str, str]:
    """With a single model its answer is called answer."""
    return {"answer": next(iter(answers.values()))} if len(answers) == 1 else answers


def _printed(answers: dict[str, str]) -> str:
    """A single answer as it is; two side by side on a terminal, else below each other."""
    lines = {name: [visible(line) for line in text.split("\n")] for name, text in answers.items()}
    if len(lines) == 1:
        return "\n".join(*lines.values())
    width = shutil.get_terminal_size().columns // len(lines) - 2
    if not sys.stdout.isatty() or width < NARROWEST:
        return "\n".join(f"{visible(name)}: " + "\n  ".join(own) for name, own in lines.items())
    columns = [
        [visible(name), *(part for line in own for part in textwrap.wrap(line, width) or [""])]
        for name, own in lines.items()
    ]
    rows = zip_longest(*columns, fillvalue="")
    return "\n".join("  ".join(cell.ljust(width) for cell in row).rstrip() for row in rows) + "\n"
