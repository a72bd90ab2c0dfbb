"""`torch_pruner.py NETWORK`: Torch-Pruning's dependency graph, L1 scores and removal of half of the channels."""

import sys
import time

import torch
from measured import report, reset_peak
from networks import get_model
import torch_pruning as tp

model = get_model(sys.argv[1], weights=None).eval()
example = torch.randn(1, 3, 224, 224)
last = [module for module in model.modules() if isinstance(module, torch.nn.Linear)][-1]
reset_peak()
start = time.perf_counter()
pruner = tp.pruner.MagnitudePruner(
    model, example, importance=tp.importance.MagnitudeImportance(p=1), pruning_ratio=0.5, ignored_layers=[last]
)
pruner.step()
report((time.perf_counter() - start) * 1e3)
