"""No fine-tuning: the model is measured as it is."""

from helpers.training.methods.base import Method

METHOD = Method(own_training=lambda *_: [], takes_rows=False, answered_by_vllm=True)
