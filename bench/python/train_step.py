"""`train_step.py NETWORK SIZE BATCH`: a step of SGD with Nesterov momentum; mobilenet_half, else a network of torchvision."""

import sys
import time

import torch
from measured import report, reset_peak
from torch import nn


def unit(inputs, outputs, stride, groups=1):
    kernel = 1 if groups == 1 and inputs != 3 else 3
    return [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    ]


def mobilenet_half():
    channels = 16
    layers = unit(3, channels, 2)
    widths = [(32, 1), (64, 2), (64, 1), (128, 2), (128, 1), (256, 2)] + [(256, 1)] * 5 + [(512, 2), (512, 1)]
    for outputs, stride in widths:
        layers += unit(channels, channels, stride, channels) + unit(channels, outputs, 1)
        channels = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 7))


network, size, batch = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
if network == "mobilenet_half":
    model = mobilenet_half()
else:
    from networks import get_model

    model = get_model(network, num_classes=7)
model.train()
optimizer = torch.optim.SGD(model.parameters(), 0.01, 0.9, nesterov=True)
images, labels = torch.randn(batch, 3, size, size), torch.arange(batch) % 7
reset_peak()
times = []
for _ in range(8):
    start = time.perf_counter()
    optimizer.zero_grad()
    nn.functional.cross_entropy(model(images), labels).backward()
    optimizer.step()
    times.append(time.perf_counter() - start)
report(sorted(times[1:])[3] * 1e3)
