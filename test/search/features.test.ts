import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { arrayBatches } from '../../lib/data/batches.js';
import { featuresAt } from '../../lib/search/features.js';
import { textCnn } from '../models/modern-families.js';

const folder = mkdtempSync(join(tmpdir(), 'tascnet-features-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('token ids that workers share stay whole, though features are kept as half floats', async () => {
  // Half a float has no odd numbers above 2,048.
  const ids = Float32Array.from({ length: 40 }, (_, index) => 4097 + 2 * index);
  const source = () => arrayBatches(ids, [2, 20], [0, 1], { batchSize: 2 });
  const data = { train: source(), validation: source() };
  const storage = { dtype: 'float16' } as const;
  const features = await featuresAt(textCnn(), 'tokens', data, { views: 1, seed: 0, folder, storage, shared: true });
  for await (const { inputs, shape } of features.validation.batches(0)) {
    expect(shape).toEqual([2, 20]);
    expect(inputs).toEqual(ids);
  }
  features.close();
});
