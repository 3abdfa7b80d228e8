"""AlignDrift: how far fine-tuning moves an aligned model from its safety policy."""

import os

__version__ = "0.1.0"

# Read by OpenMP when torch is first imported. By default a thread that waits for its partner spins,
# which on a machine with other work takes the core that the partner waits for: a fine-tuning of
# 0.3 s then takes 5 to 25 (benchmarks/busy.py). On quiet cores waiting asleep costs nothing.
_WAITING = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0", "KMP_BLOCKTIME": "0"}
if not _WAITING.keys() & os.environ.keys():  # who has set one of them knows why
    os.environ.update(_WAITING)
