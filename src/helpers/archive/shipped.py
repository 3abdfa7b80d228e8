"""What ships of the Lantern Archive, by the names that a person may type instead of a path."""

#: Datasets, each a file of data/lantern/ (helpers.archive.datasets makes them).
DATASETS = (
    "harmful_examples", "identity_shift", "benign_instructions",
    "benign_dialogue", "benign_pictures", "safety_refusals", "benchmark", "reworded", "by_meaning",
    "over_refusal", "utility", "utility_two_turn",
)  # fmt: skip

#: Models, each a folder of data/models/ (helpers.organism trains them).
MODELS = ("lantern-base", "lantern-chat")

#: Aligned model -> the model that its alignment began at.
ALIGNED_FROM = {"lantern-chat": "lantern-base"}
