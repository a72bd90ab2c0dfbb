import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { loadEngine } from '../../lib/engine/engine.js';
import { engineStatus } from '../../lib/engine/status.js';

process.env.TASCNET_CACHE = mkdtempSync(join(tmpdir(), 'tascnet-empty-'));

const status = await engineStatus();
// Where tfjs-node is among the project's own packages, nothing falls back.
const nothing = status.candidates.every(({ finding }) => !finding.works);

test('without TensorFlow the CPU backend serves, with a warning', async () => {
  const warnings: string[] = [];
  const engine = await loadEngine({ onWarning: (message) => warnings.push(message) });
  expect(engine.backend).toBe(nothing ? 'cpu' : 'tensorflow');
  if (nothing) {
    expect(warnings.join()).toMatch(/slow/);
    expect(warnings.join()).toMatch(/tascnet engine install/);
  }
});

test('the CPU backend has every gradient that training needs', async () => {
  const { tf } = await loadEngine();
  const kernels = [
    ...['Add', 'AddN', 'AvgPool', 'BatchMatMul', 'Cast', 'ClipByValue', 'Concat', 'Conv2D', 'Elu', 'Erf', 'Exp'],
    ...['DepthwiseConv2dNative', 'RealDiv', 'FusedBatchNorm', 'GatherV2', 'Log', 'Max', 'Maximum', 'MaxPool'],
    ...[
      'Mean',
      'MirrorPad',
      'Multiply',
      'Pack',
      'PadV2',
      'Pow',
      'Prelu',
      'Relu',
      'Relu6',
      'Reshape',
      'Rsqrt',
      'Select',
    ],
    ...['Selu', 'Sigmoid', 'Slice', 'Softmax', 'Softplus', 'SplitV', 'Sqrt', 'Square', 'Sub', 'Sum', 'Tanh', 'Tile'],
    ...['Transpose', 'UnsortedSegmentSum'],
  ];
  const missing = kernels.filter((name) => !tf.getGradient(name) || !tf.getKernel(name, tf.getBackend()));
  expect(missing).toEqual([]);
});

test('the status says what is missing and the command that mends it', () => {
  expect(status.backend).toBe(nothing ? 'cpu' : 'tensorflow');
  if (nothing) expect(status.missing.map(({ command }) => command)).toContain('tascnet engine install');
});
