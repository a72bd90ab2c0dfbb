/** One-shot pruning by L1, half of every group's channels, at 224 px. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { save } from '../lib/formats/index.js';
import type { Graph } from '../lib/graph/graph.js';
import { pruneOnce } from '../lib/prune/one-shot.js';
import { densenet121, mobilenetV2, resnet50, vgg16 } from '../test/models/families.js';
import { type Comparison, milliseconds, python } from './case.js';

const OPTIONS = {
  criterion: 'l1',
  lambda: 0,
  merge: false,
  targets: {},
  ratio: 0.5,
  roundTo: 1,
  minChannels: 1,
  maxRatio: 1,
  ignore: () => false,
  seed: 0,
};

const NETWORKS: readonly (readonly [name: string, torchvision: string, build: () => Graph])[] = [
  ['VGG-16', 'vgg16', vgg16],
  ['ResNet-50', 'resnet50', resnet50],
  ['DenseNet-121', 'densenet121', densenet121],
  ['MobileNetV2', 'mobilenet_v2', mobilenetV2],
];

function inMemory(build: () => Graph): Comparison['ours'] {
  return async () => {
    const graph = build();
    return () => milliseconds(() => pruneOnce(graph, OPTIONS));
  };
}

function wholeProcess(build: () => Graph): Comparison['ours'] {
  return async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tascnet-bench-'));
    const [model, out] = [join(folder, 'model.onnx'), join(folder, 'pruned.onnx')];
    await save(build(), model);
    const args = [
      'dist/cli/main.js',
      'prune',
      '--model',
      model,
      '--ratio',
      '0.5',
      '--criterion',
      'l1',
      '--round-to',
      '1',
    ];
    return async () => {
      const took = await milliseconds(() => {
        const { status, stderr } = spawnSync(process.execPath, [...args, '--out', out], { encoding: 'utf8' });
        if (status !== 0) throw new Error(stderr);
      });
      rmSync(folder, { recursive: true });
      return took;
    };
  };
}

export const comparisons: Comparison[] = NETWORKS.flatMap(([name, torchvision, build]): Comparison[] => {
  const against = {
    unit: 'ms',
    better: 'lower',
    rivalName: 'Torch-Pruning, in memory',
    rival: python('torch_pruner.py', torchvision),
  } as const;
  return [
    { name: `${name}, in memory`, ours: inMemory(build), ...against },
    { name: `${name}, tascnet prune`, ours: wholeProcess(build), ...against },
  ];
});
