"""Full fine-tuning: every weight trains."""

from helpers.training.methods.base import Method

METHOD = Method(shardable=True, sees_pictures=True, answered_by_vllm=True)
