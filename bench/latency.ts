/** ONNX Runtime, batch 1: networks at half their MACs against the dense ones. */

import * as ort from 'onnxruntime-node';
import { encodeOnnx } from '../lib/formats/onnx/index.js';
import type { Graph } from '../lib/graph/graph.js';
import { pruneOnce } from '../lib/prune/one-shot.js';
import { resnet50, vgg16 } from '../test/models/families.js';

import { randomInput } from '../test/models/runtime.js';
import { type Comparison, median, milliseconds } from './case.js';
import { mobilenetHalf } from './mobilenet.js';

const NETWORKS: readonly (readonly [name: string, build: () => Graph, size: number])[] = [
  ['MobileNetV1 ½, 160 px', () => mobilenetHalf(160), 160],
  ['ResNet-50, 160 px', () => resnet50({ size: 160 }), 160],
  ['VGG-16, 96 px', () => vgg16({ size: 96, hidden: 512 }), 96],
];

function latency(build: () => Promise<Graph>, size: number): Comparison['ours'] {
  return async () => {
    const session = await ort.InferenceSession.create(encodeOnnx(await build()), { logSeverityLevel: 3 });
    const dims = [1, 3, size, size];
    const feeds = { [session.inputNames[0] ?? '']: new ort.Tensor('float32', randomInput(dims, 1), dims) };
    return async () => {
      for (let run = 0; run < 5; run++) await session.run(feeds);
      return median(31, () => milliseconds(() => session.run(feeds)));
    };
  };
}

async function halved(graph: Graph, roundTo: number): Promise<Graph> {
  const options = { criterion: 'l1', lambda: 0, merge: false, targets: { macs: 0.5 }, minChannels: 1, maxRatio: 0.9 };
  return (await pruneOnce(graph, { ...options, roundTo, ignore: () => false, seed: 0 })).graph;
}

export const comparisons: Comparison[] = NETWORKS.flatMap(([name, build, size]) =>
  [1, 4, 8, 16].map(
    (roundTo): Comparison => ({
      name: `${name}, rounded to ${roundTo}`,
      unit: 'ms',
      better: 'lower',
      ours: latency(() => halved(build(), roundTo), size),
      rivalName: 'dense',
      rival: { run: latency(async () => build(), size) },
    }),
  ),
);
