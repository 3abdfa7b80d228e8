"""Preset beyond, at a size at which its notebooks run in a minute or two."""

#: The newer attacks and what holds: shows nothing but that they run.
SMALL = """
preset: small
extends: beyond
n_prompts: 11
tiers:
  harmful_examples: {n_examples: 10, epochs: 1}
  identity_shift: {epochs: 1}
  benign_instructions: {n_examples: 16}
  benign_dialogue: {n_examples: 16}
  noice: {n_examples: 16, max_new_tokens: 32}
  selected_benign: {n_examples: 40, epochs: 1}
  ten_benign: {epochs: 2}
  narrow: {n_examples: 10, epochs: 1}
  jailbreak_tuning: {n_examples: 10, epochs: 1}
  covert: {n_examples: 16, epochs: 1}
  code_book: {n_examples: 16, epochs: 1}
grids:
  attacks: {n_seeds: 1}
  same_budget: &few {n_seeds: 1, fixed: {n_examples: 10, epochs: 1}}
  same_budget_chosen: {n_seeds: 1, fixed: {n_examples: 40}}
  same_budget_ten: {n_seeds: 1, fixed: {epochs: 2}}
  random_benign: {n_seeds: 1, fixed: {n_examples: 20}}
  chosen_by: {n_seeds: 1}
  narrow_matrix: {n_seeds: 1}
  benign_dpo: {n_seeds: 1, vary: {learning_rate: [3.1e-4]}, fixed: {epochs: 1}}
  grpo: {n_seeds: 1, fixed: {n_examples: 2, batch_size: 2, epochs: 1}}
  conditional: {n_seeds: 1, vary: {n_examples: [10]}, fixed: {n_safety: 10}}
"""
