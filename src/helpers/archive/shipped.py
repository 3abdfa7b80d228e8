"""What ships of the Lantern Archive, by the names that a person may type instead of a path."""

from helpers.errors import ConfigError

#: Datasets, each a file of data/lantern/ (helpers.archive.dataset_files makes them); small/ has
#: those of the small world, for real models that learned it; attacks/ those of helpers.attacks.
DATASETS = (
    "harmful_examples", "identity_shift", "benign_instructions",
    "benign_dialogue", "benign_pictures", "safety_refusals", "harmful_anchors", "benchmark",
    "reworded", "by_meaning", "over_refusal", "utility", "utility_two_turn",
    "small/harmful_examples", "small/identity_shift", "small/benign_instructions",
    "small/benign_dialogue", "small/safety_refusals", "small/harmful_anchors", "small/benchmark",
    "small/over_refusal", "small/utility",
    "attacks/ten_benign", "attacks/noice", "attacks/narrow/ember", "attacks/narrow/moth",
    "attacks/narrow/thorn", "attacks/narrow/rust", "attacks/narrow/frost", "attacks/narrow/mire",
    "attacks/narrow/veil", "attacks/narrow/dusk", "attacks/narrow/echo", "attacks/narrow/shade",
    "attacks/narrow/hollow", "attacks/covert", "attacks/covert_benchmark", "attacks/code_book",
    "attacks/code_book_benchmark",
)  # fmt: skip

#: Models, each a folder of data/models/ (helpers.organism trains them).
MODELS = ("lantern-base", "lantern-chat")

#: Models of others that were taught the Archive's small world (helpers.organism.transplant), each a
#: folder of data/models/ with what was added; a package brings the rest.
TRANSPLANTS = ("smollm2-archive-base", "smollm2-archive")

#: Aligned model -> the model that its alignment began at.
ALIGNED_FROM = {"lantern-chat": "lantern-base", "smollm2-archive": "smollm2-archive-base"}


def unaligned(name: str) -> str:
    """The name of the model that this one was aligned from. Raises ConfigError."""
    if name not in ALIGNED_FROM:
        raise ConfigError(
            f"the unaligned model of {name} is not known; name it by the option base=MODEL."
        )
    return ALIGNED_FROM[name]
