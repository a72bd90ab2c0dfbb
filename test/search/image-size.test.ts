import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { costOf } from '../../lib/analyze/cost.js';
import type { Batch, BatchSource } from '../../lib/data/batch.js';
import { loadEngine } from '../../lib/engine/engine.js';
import { search } from '../../lib/search/search.js';
import { imageSizeOf } from '../../lib/search/searchable.js';
import { evaluate } from '../../lib/train/evaluate.js';
import { graphBuilder } from '../models/builder.js';
import { CLASSES, textures } from '../train/problem.js';

const engine = await loadEngine();

/** Every pixel twice in both directions. */
function doubled(source: BatchSource): BatchSource {
  return {
    ...source,
    async *batches(epoch): AsyncGenerator<Batch> {
      for await (const batch of source.batches(epoch)) {
        const [count = 0, height = 0, width = 0] = batch.shape;
        const inputs = new Float32Array(batch.inputs.length * 4);
        for (let at = 0; at < inputs.length; at++) {
          const column = at % (2 * width);
          const row = Math.floor(at / (2 * width)) % (2 * height);
          const sample = Math.floor(at / (4 * width * height));
          inputs[at] = batch.inputs[(sample * height + (row >> 1)) * width + (column >> 1)] ?? 0;
        }
        yield { ...batch, inputs, shape: [count, 2 * height, 2 * width, 1] };
      }
    },
  };
}

test('image sizes are searched, each with features of its own; the winner takes images of its size', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tascnet-sizes-'));
  const b = graphBuilder('large', { seed: 9 });
  let x = b.relu(b.conv(b.input([1, 16, 16]), 8, { pad: 1, name: 'first' }));
  x = b.relu(b.conv(x, 16, { kernel: 3, stride: 2, pad: 1, name: 'second' }));
  const graph = b.build(b.gemm(b.flatten(b.globalAveragePool(x)), CLASSES, { name: 'fc' }));
  const small = { train: textures(48, 16, 1), validation: textures(48, 24, 2), fingerprint: 'small' };
  const large = { train: doubled(small.train), validation: doubled(small.validation), fingerprint: 'large' };
  const asked: number[] = [];
  try {
    const found = await search(
      engine,
      graph,
      {
        ...large,
        atSize: async (size) => {
          asked.push(size);
          return small;
        },
      },
      {
        trials: 6,
        epochs: 2,
        depth: 1,
        seed: 3,
        featureFolder: folder,
        training: { learningRate: 0.01 },
        // Nothing but the size is searched.
        space: {
          imageSizes: [8],
          rules: [{ search: false }, { layers: 'network', choices: 'image-size', values: [8, 16] }],
        },
      },
    );
    expect(found.trials.map(({ configuration }) => configuration)).toEqual([
      { 'network:image-size': 16 },
      { 'network:image-size': 8 },
    ]);
    expect(asked).toEqual([8]);
    const [first, second] = found.trials;
    // A quarter of the positions, and the head.
    const head = 16 * CLASSES;
    expect((second?.macs ?? 0) - head).toBe(((first?.macs ?? 0) - head) / 4);
    // Training and validation images, at either size.
    expect(readdirSync(folder).filter((name) => name.endsWith('.f32'))).toHaveLength(4);
    const size = imageSizeOf(found.best.graph);
    expect(size).toBe(found.best.configuration['network:image-size']);
    expect(costOf(found.best.graph).macs).toBe(found.best.macs);
    const { accuracy } = await evaluate(engine, found.best.graph, size === 8 ? small.validation : large.validation);
    expect(accuracy).toBeCloseTo(found.best.accuracy, 10);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
