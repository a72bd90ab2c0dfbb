/**
 * One-shot pruning by L1, half of every group's channels, at 224 px. In memory: groups, scores, choice and surgery, as
 * Torch-Pruning's graph and step, which count no costs either.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { save } from '../lib/formats/index.js';
import type { Graph } from '../lib/graph/graph.js';
import { addonInfo } from '../lib/native.js';
import { chosenRemovals } from '../lib/prune/one-shot.js';
import { removeChannels } from '../lib/surgery/remove.js';
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
    // Loads the addon, as importing torch loads its libraries.
    addonInfo();
    return () =>
      milliseconds(async () => {
        const { dependencies, removals } = await chosenRemovals(graph, OPTIONS);
        await removeChannels(graph, removals, dependencies);
      });
  };
}

/** Prunes a file in a process of its own. */
function pruneFile(model: string, out: string): void {
  const asked = ['--ratio', '0.5', '--criterion', 'l1', '--round-to', '1', '--no-measure'];
  const args = ['dist/cli/main.js', 'prune', '--model', model, '--out', out, ...asked];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
}

/** @param measure prunes with this, and gives what is measured. */
function wholeProcess(
  build: () => Graph,
  measure: (prune: (other?: string) => void) => number | Promise<number>,
): Comparison['ours'] {
  return async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tascnet-bench-'));
    const [model, out] = [join(folder, 'model.onnx'), join(folder, 'pruned.onnx')];
    await save(build(), model);
    return async () => {
      try {
        return await measure((other = model) => pruneFile(other, out));
      } finally {
        rmSync(folder, { recursive: true });
      }
    };
  };
}

/** The most memory of each program that was measured in this trial so far, in MB. */
function peakMegabytes(): number[] {
  const peaks = readFileSync(process.env.BENCH_PEAKS ?? '', 'utf8');
  return peaks
    .split('\n')
    .filter(Boolean)
    .map((bytes) => Number(bytes) / 1e6);
}

/** A network of 0.4 MB: what is left is the program. */
const SMALL = 'demo/digits-0-4.onnx';

function memoryAdded(prune: (other?: string) => void): number {
  prune(SMALL);
  prune();
  const [program = Number.NaN, whole = Number.NaN] = peakMegabytes();
  return whole - program;
}

function withinThreeTimes(build: () => Graph) {
  const rival = { run: threeTimes(build) };
  return { unit: 'MB', better: 'lower', rivalName: 'three times the weights', rival } as const;
}

/** Three times the weights, in MB. */
function threeTimes(build: () => Graph): Comparison['ours'] {
  return async () => {
    const bytes = [...build().initializers.values()].reduce((sum, { data }) => sum + 4 * data.length, 0);
    return async () => (3 * bytes) / 1e6;
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
    {
      name: `${name}, tascnet prune`,
      ours: wholeProcess(build, (prune) => milliseconds(() => prune())),
      ...against,
    },
    {
      name: `${name}, memory of tascnet prune`,
      ours: wholeProcess(build, (prune) => {
        prune();
        return Math.max(...peakMegabytes());
      }),
      ...withinThreeTimes(build),
    },
    {
      name: `${name}, memory of tascnet prune beyond the program's own`,
      ours: wholeProcess(build, memoryAdded),
      ...withinThreeTimes(build),
    },
  ];
});
