"""`history.py numpy|torch|sgemm`: weight histories the usual ways, and the best product of matrices."""

import sys
import time

import numpy as np
from measured import report, reset_peak

CHANNELS = [64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512]
EPOCHS, PAIRS = 50, 10
SHAPES = [(channels, (CHANNELS[i - 1] if i else 3) * 9) for i, channels in enumerate(CHANNELS)]


def weights():
    random = np.random.default_rng(0)
    return [random.random(shape, np.float32) - np.float32(0.5) for shape in SHAPES]


def stored():
    from sklearn.metrics.pairwise import cosine_similarity

    layers = weights()
    reset_peak()
    total, history = 0.0, [[] for _ in layers]
    for epoch in range(EPOCHS):
        for layer in layers:
            layer.reshape(-1)[epoch::64] *= np.float32(1.01)
        start = time.perf_counter()
        for layer, records in zip(layers, history):
            records.append(layer.copy())
        total += time.perf_counter() - start
    start = time.perf_counter()
    for records in history:
        whole = np.concatenate(records, axis=1)
        np.abs(whole).sum(axis=1)
        cosine = cosine_similarity(whole)
        cosine[np.tril_indices(len(cosine))] = -np.inf
        np.argpartition(-cosine.ravel(), PAIRS)[:PAIRS]
    report((total + time.perf_counter() - start) * 1e3)


def accumulated():
    import torch

    layers = [torch.from_numpy(layer) for layer in weights()]
    reset_peak()
    total = 0.0
    grams = [torch.zeros(len(layer), len(layer)) for layer in layers]
    norms = [torch.zeros(len(layer)) for layer in layers]
    for epoch in range(EPOCHS):
        for layer in layers:
            layer.view(-1)[epoch::64] *= 1.01
        start = time.perf_counter()
        for layer, gram, norm in zip(layers, grams, norms):
            gram.addmm_(layer, layer.T)
            norm += layer.abs().sum(1)
        total += time.perf_counter() - start
    start = time.perf_counter()
    for gram in grams:
        scale = gram.diagonal().rsqrt()
        cosine = gram * scale[:, None] * scale[None, :]
        cosine[tuple(torch.tril_indices(len(gram), len(gram)))] = -2
        cosine.view(-1).topk(PAIRS)
    report((total + time.perf_counter() - start) * 1e3)


def sgemm():
    """The best rate of numpy and PyTorch over two shapes."""
    import torch

    rates = []
    for rows, inner in [(512, 4608), (2048, 2048)]:
        a, b = torch.rand(rows, inner), torch.rand(inner, rows)
        for left, right in [(a, b), (a.numpy(), b.numpy())]:
            times = []
            for _ in range(16):
                start = time.perf_counter()
                left @ right
                times.append(time.perf_counter() - start)
            rates.append(2 * rows * rows * inner / sorted(times[1:])[7] / 1e9)
    report(max(rates))


{"numpy": stored, "torch": accumulated, "sgemm": sgemm}[sys.argv[1]]()
