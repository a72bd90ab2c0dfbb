/** MobileNetV1 (Howard et al. 2017) at half width, as it is trained and timed. */

import type { Graph } from '../lib/graph/graph.js';
import { graphBuilder } from '../test/models/builder.js';
import { depthwise } from '../test/models/pieces.js';

const STAGES: readonly (readonly [channels: number, stride: number])[] = [
  [32, 1],
  [64, 2],
  [64, 1],
  [128, 2],
  [128, 1],
  [256, 2],
  [256, 1],
  [256, 1],
  [256, 1],
  [256, 1],
  [256, 1],
  [512, 2],
  [512, 1],
];

export function mobilenetHalf(size: number, classes = 7): Graph {
  const b = graphBuilder('mobilenet_v1_0.5');
  let x = b.convBn(b.input([3, size, size]), 16, { kernel: 3, pad: 1, stride: 2, name: 'stem' });
  for (const [channels, stride] of STAGES) {
    x = b.relu(b.bn(depthwise(b, x, { kernel: 3, stride, pad: 1, bias: false })));
    x = b.convBn(x, channels, { kernel: 1 });
  }
  return b.build(b.gemm(b.flatten(b.globalAveragePool(x)), classes, { name: 'fc' }));
}
