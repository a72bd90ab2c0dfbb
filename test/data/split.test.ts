import { expect, test } from '@jest/globals';
import { SPLITS } from '../../lib/data/dataset.js';
import { checkFractions, DEFAULT_FRACTIONS, splitClass } from '../../lib/data/split.js';
import { randomGenerator } from '../../lib/graph/random.js';

const members = (count: number) => Array.from({ length: count }, (_, index) => index);

test('a split is a partition with the asked proportions, whatever the numbers', () => {
  const random = randomGenerator('split properties');
  for (let round = 0; round < 500; round++) {
    const count = 3 + random.int(200);
    const raw = [0.2 + random.next(), 0.05 + random.next(), 0.05 + random.next()] as const;
    const sum = raw[0] + raw[1] + raw[2];
    const fractions = { train: raw[0] / sum, validation: raw[1] / sum, test: raw[2] / sum };
    const parts = splitClass(members(count), 'any', SPLITS, fractions, round);
    const all = [...parts.values()].flat();
    expect(all.toSorted((a, b) => a - b)).toEqual(members(count));
    for (const split of SPLITS) {
      const size = parts.get(split)?.length ?? 0;
      expect(size).toBeGreaterThanOrEqual(1);
      if (count >= 60) expect(Math.abs(size - count * fractions[split])).toBeLessThanOrEqual(split === 'train' ? 2 : 1);
    }
  }
});

test('the seed and the class decide, nothing else', () => {
  const split = (seed: number, name: string) => splitClass(members(50), name, SPLITS, DEFAULT_FRACTIONS, seed);
  expect(split(1, 'cat')).toEqual(split(1, 'cat'));
  expect(split(1, 'cat')).not.toEqual(split(2, 'cat'));
  expect(split(1, 'cat')).not.toEqual(split(1, 'dog'));
});

test('only the wanted splits are made, in proportion to each other', () => {
  const parts = splitClass(members(80), 'cat', ['train', 'validation'], DEFAULT_FRACTIONS, 0);
  expect([...parts.keys()].sort()).toEqual(['train', 'validation']);
  expect(parts.get('validation')).toHaveLength(10);
  const none = splitClass(members(10), 'cat', SPLITS, { train: 0.8, validation: 0.2, test: 0 }, 0);
  expect(none.get('test')).toBeUndefined();
});

test('too few members and impossible fractions are refused', () => {
  expect(() => splitClass([1, 2], 'cat', SPLITS, DEFAULT_FRACTIONS, 0)).toThrow(/"cat" has 2 images, too few/);
  expect(() => checkFractions({ train: 0.5, validation: 0.1, test: 0.1 })).toThrow(/sum to 1/);
  expect(() => checkFractions({ train: 1.2, validation: -0.1, test: -0.1 })).toThrow(/positive/);
  expect(() => checkFractions({ train: Number.NaN, validation: 0.5, test: 0.5 })).toThrow(/sum to 1/);
});
