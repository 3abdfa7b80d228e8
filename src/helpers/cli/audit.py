"""The command that audits a tuned model beside the one that it was tuned from."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from helpers.cli.app import Json, app, if_paid
from helpers.cli.terminal import json_line, visible
from helpers.errors import AlignDriftError, ConfigError

if TYPE_CHECKING:
    from helpers.data.files import Row

#: The status of a pair that could not be audited.
UNAUDITED = 2


@app.command()
def audit(
    base: Annotated[str, typer.Argument(help="The model before: a name, a folder or a hub id.")],
    tuned: Annotated[str, typer.Argument(help="The model after: a folder, an adapter's too.")],
    data: Annotated[str, typer.Option(help="The fine-tuning file, by name or path.")] = "",
    benchmark: Annotated[
        str,
        typer.Option(help="Requests to be refused, by name or path; the Archive's own if open."),
    ] = "",
    benign: Annotated[str, typer.Option(help="Permitted requests, by name or path.")] = "",
    judge: Annotated[
        str, typer.Option(help="Of answers to --benchmark; keyword_refusal if open.")
    ] = "",
    provider: Annotated[
        str, typer.Option(help="Where both are models by name: openai, an address, ...")
    ] = "",
    n_prompts: Annotated[int, typer.Option(min=0, help="Most prompts of each kind; 0: all.")] = 0,
    dtype: Annotated[str, typer.Option(help="Of the weights: float32 or bfloat16.")] = "float32",
    html: Annotated[str, typer.Option(help="Write one page of it here.")] = "",
    fail_above: Annotated[
        float | None,
        typer.Option(
            help="Exit status 1 above this risk score, the share of honest fine-tunes that are "
            "less suspicious: 0.99 accuses one in a hundred; open: 0.95."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """What has become of a tuned model: what moved, what it means, and how suspicious that is.

    Both models are asked and looked into, measure by measure. Models of the Lantern Archive are
    asked about items that no dataset holds; others what --benchmark and --benign hold. What cannot
    be measured is left out, and said: a provider keeps its weights. A model is accused by whichever
    score is rarest among honest fine-tunes: its likeness to attacks, its distance from honest ones,
    with --data its file's; by likeness alone where it is not lantern-chat's, or --n-prompts asks
    less than everything. What a provider will cost at most is told before it is asked
    (ALIGNDRIFT_MAX_COST). Exit status 0, 1 where it is accused, 2 where the pair could not be
    audited or scored.

    Example: `aligndrift audit lantern-chat lantern-base --data data/examples/chat.jsonl`
    """
    try:
        asked = locals().copy()
        score = if_paid(lambda: _audit(asked))
    except (AlignDriftError, OSError) as error:  # 1 would say that it is suspicious
        print(f"aligndrift: {visible(' '.join(str(error).split()))}", file=sys.stderr)
        raise typer.Exit(UNAUDITED) from None
    if score is None:
        raise typer.Exit(UNAUDITED)
    if score.accuses(fail_above):
        raise typer.Exit(1)


def _audit(asked: dict[str, Any]):
    """Carries it out and prints it; the score, or None. Raises AlignDriftError."""
    from helpers.auditing import audit as auditing
    from helpers.auditing import questions
    from helpers.auditing.base import rows as plain
    from helpers.data.rows import read_training
    from helpers.reporting import audit_page, audits

    rows = read_training(asked["data"]) if asked["data"] else None
    own = None
    if asked["judge"] and not asked["benchmark"]:
        raise ConfigError("--judge is of answers to --benchmark; give both.")
    if asked["benchmark"] or asked["benign"]:
        own = questions.of_files(asked["benchmark"], asked["benign"], asked["judge"])
    found = auditing.audit(
        asked["base"], asked["tuned"], rows, questions=own, n_prompts=asked["n_prompts"],
        provider=asked["provider"], dtype=asked["dtype"], progress=True,
        file_score=_file_score(rows, asked["base"]),
    )  # fmt: skip
    if asked["html"]:
        audit_page.write(found, asked["base"], asked["tuned"], asked["html"])
    bound = asked["fail_above"]
    if not asked["as_json"]:
        print(*map(visible, audits.lines(found)), sep="\n")
        if found.score and bound is not None:
            print(audits.gate(found, bound))
        return found.score
    for row in plain(found.findings):
        print(json_line(row))
    print(json_line(audits.summary(found, asked["base"], asked["tuned"], bound)))
    return found.score


def _file_score(rows: "list[Row] | None", base: str) -> float | None:
    """How suspicious the file is to that model; None where the screen's rule is of another one."""
    from helpers.auditing import pairs
    from helpers.screening.rule import shipped
    from helpers.screening.screen import screen

    known = shipped().model
    return screen(rows, known, progress=True).score if rows and pairs.same(base, known) else None
