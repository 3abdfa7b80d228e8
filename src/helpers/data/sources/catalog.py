"""The datasets by name: where each lies, and which source reads it.

The Archive's own ship. Published ones do not: one is looked for at a path (NAME=PATH), else in
data/external/ (or the folder that ALIGNDRIFT_DATA names), else on the hub. A path alone is a file
of one's own; an import path such as my_module:SOURCE is a source of one's own (base.py has one) and
goes wherever a name does.

>>> split("alpaca=mine.json"), locate("alpaca=mine.json").name
(('alpaca', 'mine.json'), 'mine.json')
"""

from functools import cache
from pathlib import Path

from helpers import paths
from helpers.archive.shipped import DATASETS
from helpers.data.files import FORMATS
from helpers.data.sources.base import Source
from helpers.errors import ConfigError, DataError, one_of
from helpers.lookup import check, is_import_path, resolve

#: Name -> where the Source is; a new dataset is a line here and a file beside this one.
SOURCES = {
    "hex-phi": "helpers.data.sources.hex_phi:SOURCE",
    "advbench": "helpers.data.sources.advbench:SOURCE",
    "strongreject": "helpers.data.sources.strongreject:SOURCE",
    "jailbreakbench": "helpers.data.sources.jailbreakbench:SOURCE",
    "xstest": "helpers.data.sources.xstest:SOURCE",
    "alpaca": "helpers.data.sources.alpaca:SOURCE",
    "dolly": "helpers.data.sources.dolly:SOURCE",
    "llava-instruct": "helpers.data.sources.llava_instruct:SOURCE",
    "identity-shift": "helpers.data.sources.identity_shift:SOURCE",
    "safety-pairs": "helpers.data.sources.safety_pairs:SOURCE",
    "mt-bench": "helpers.data.sources.mt_bench:SOURCE",
    "alpaca-seeds": "helpers.data.sources.alpaca_seeds:SOURCE",
}


def names() -> tuple[str, ...]:
    """The names of the published datasets."""
    return tuple(SOURCES)


def source(name: str) -> Source:
    """The source behind a name or an import path. Raises ConfigError, naming the nearest."""
    card = resolve(name, SOURCES, "dataset")
    if not isinstance(card, Source):
        raise ConfigError(f"dataset {name} is no helpers.data.sources.base.Source; make it one.")
    return card


def split(dataset: str) -> tuple[str, str]:
    """A dataset's name and path, "" where it has none.

    ("alpaca", "mine.json") of "alpaca=mine.json", ("alpaca", "") of "alpaca", ("", "mine.json")
    of "mine.json". A path that exists is one, whatever stands in it; the Archive's own names are
    paths to nobody. Raises ConfigError for an unknown name before a "=".
    """
    if dataset in SOURCES:
        return dataset, ""
    if dataset in DATASETS:
        return "", str(paths.data() / "lantern" / f"{dataset}.jsonl")
    if not paths.find(dataset).exists():
        name, equals, path = dataset.partition("=")
        if equals:
            return check(name, SOURCES, "dataset"), path
        if is_import_path(dataset):
            return dataset, ""
    return "", dataset


def on_disk(dataset: str) -> Path | None:
    """The file or folder behind a dataset; None for one that would have to come from elsewhere.

    Raises ConfigError for an unknown name, DataError for a path that is not there.
    """
    name, path = split(dataset)
    if not name and not (Path(path).suffix or (path and paths.find(path).exists())):
        one_of(dataset, (*DATASETS, *names()), "dataset")
    if path:
        if not paths.find(path).exists():
            raise DataError(f"{path} is not there; give the path of a file that exists.")
        return paths.find(path)
    places = (paths.external() / file for file in source(name).files)
    return next((place for place in places if place.exists()), None)


def locate(dataset: str) -> Path:
    """The file or folder behind a dataset.

    Raises ConfigError for an unknown name, DataError that says how to get what is not there.
    """
    place = on_disk(dataset)
    if place:
        return place
    name, _ = split(dataset)
    card = source(name)
    if card.hub:
        return _from_hub(name, card)
    place = paths.shown(paths.external())
    raise DataError(f"{name} is not in {place}; {_put(card)}write {name}=PATH.")


@cache
def _from_hub(name: str, card: Source) -> Path:
    """A snapshot of the dataset's repository. Raises DataError where it cannot be had."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError

    patterns = [f"*{ending}" for ending in FORMATS]
    elsewhere = f"download it and write {name}=PATH."
    try:
        return Path(snapshot_download(card.hub, repo_type="dataset", allow_patterns=patterns))
    except GatedRepoError:
        raise DataError(
            f"{name} is gated: ask for access at its page ({card.hub}) and set HF_TOKEN, or "
            f"{elsewhere}"
        ) from None
    except (HfHubHTTPError, OSError) as error:
        raise DataError(
            f"{name} is not in {paths.shown(paths.external())} and the hub cannot be reached "
            f"({type(error).__name__}); {_put(card)}{elsewhere}"
        ) from None


def _put(card: Source) -> str:
    return f"put {card.files[0]} there or " if card.files else ""
