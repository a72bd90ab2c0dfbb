/** An exported model stands under its name only once it was found to be the network that was trained. */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { BatchSource } from '../../lib/data/batch.js';
import { loadEngine } from '../../lib/engine/engine.js';
import { writeOnnx } from '../../lib/formats/onnx/index.js';
import { load, save } from '../../lib/index.js';
import type { Layout } from '../../lib/ops/operator.js';
import { exportProven } from '../../lib/run/evidence.js';
import { temporaryFolder } from '../data/folders.js';
import { graphBuilder } from '../models/builder.js';
import { randomInput } from '../models/runtime.js';

const engine = await loadEngine();

function network() {
  const b = graphBuilder('small', { seed: 1 });
  return b.build(b.gemm(b.flatten(b.globalAveragePool(b.relu(b.conv(b.input([3, 3, 3]), 8, { pad: 1 })))), 2));
}

/** One batch of 3×3 images of 3 channels: said to lie in another order, they are other images to the engine alone. */
function batchOf(layout: Layout): BatchSource {
  const shape = [2, 3, 3, 3];
  const batch = { inputs: randomInput(shape, 1), shape, layout, labels: Int32Array.of(0, 1) };
  return {
    samples: 2,
    batchSize: 2,
    batches: async function* () {
      yield batch;
    },
  };
}

const provenance = {
  preprocessing: {
    size: [3, 3] as [number, number],
    layout: 'NCHW' as const,
    channels: 'RGB' as const,
    scale: 1,
    mean: [0, 0, 0],
    std: [1, 1, 1],
    resize: 'squash' as const,
  },
  classes: ['a', 'b'],
  source: { path: 'some/where.onnx', sha256: 'abc' },
  seed: 3,
};

test('a network whose outputs differ is not exported, and what was there stays', async () => {
  const folder = await temporaryFolder();
  const path = join(folder, 'model.onnx');
  writeFileSync(path, 'older');
  await expect(exportProven(engine, network(), path, provenance, batchOf('channelsLast'), {})).rejects.toThrow(
    /model\.onnx was not written: ONNX Runtime's outputs differ/,
  );
  expect([readdirSync(folder), readFileSync(path, 'utf8')]).toEqual([['model.onnx'], 'older']);
  expect(await exportProven(engine, network(), path, provenance, batchOf('plain'), {})).toBeLessThan(1e-5);
  expect(readdirSync(folder)).toEqual(['model.onnx']);
  expect((await load(path)).metadata).toMatchObject({ 'tascnet.source': 'where.onnx', 'tascnet.classes': '["a","b"]' });
});

test('a check that fails leaves neither model nor external data', async () => {
  const folder = await temporaryFolder();
  const path = join(folder, 'model.onnx');
  const refuse = async () => {
    throw new Error('no');
  };
  await expect(save(network(), path, { check: refuse })).rejects.toThrow('no');
  await expect(writeOnnx(network(), path, { externalData: true, check: refuse })).rejects.toThrow('no');
  expect(readdirSync(folder)).toEqual([]);
});
