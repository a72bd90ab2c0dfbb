/** Movement and Resize on TensorFlow, whose kernels and gradients are not those of tfjs's own backend. */

import { beforeAll, test } from '@jest/globals';
import { type Engine, loadEngine } from '../../lib/engine/engine.js';
import { checkOperator, manyCases } from './harness.js';
import { MOVEMENT } from './movement-cases.js';
import { COORDINATES, randomResize } from './resize-cases.js';

let engine: Engine;

beforeAll(async () => {
  engine = await loadEngine();
  if (engine.backend === 'cpu') process.stderr.write('TensorFlow is not installed: these tests run on tfjs.\n');
});

for (const [op, make] of Object.entries(MOVEMENT))
  test(`${op} on the engine agrees with ONNX Runtime and finite differences`, async () => {
    for (const one of manyCases(8, `TensorFlow ${op}`, make)) await checkOperator(one, engine.tf);
  });

for (const mode of ['nearest', 'linear', 'cubic'])
  test(`Resize ${mode} on the engine agrees with ONNX Runtime and finite differences`, async () => {
    for (const coordinates of COORDINATES)
      for (const one of manyCases(4, `TensorFlow ${mode} ${coordinates}`, (random) =>
        randomResize(random, mode, coordinates),
      ))
        await checkOperator(one, engine.tf);
  });
