import { expect, test } from '@jest/globals';
import { randomGenerator } from '../../lib/graph/random.js';
import { haltonSequence } from '../../lib/search/halton.js';
import {
  checkSpace,
  coordinateOf,
  type Dimension,
  enumerate,
  featureDimensions,
  featuresAt,
  keyOfPoint,
  pointAt,
  type Space,
  unitOf,
  valueAt,
} from '../../lib/search/space.js';

const space: Space = [
  { name: 'layers', kind: 'integer', low: 0, high: 3 },
  { name: 'kind', kind: 'categorical', values: ['a', 'b', 'c'], when: { dimension: 'layers', in: [1, 2] } },
  { name: 'width', kind: 'ordinal', values: [64, 128, 256, 512], when: { dimension: 'kind', in: ['b', 'c'] } },
  { name: 'rate', kind: 'real', low: 1e-4, high: 1, log: true },
  { name: 'count', kind: 'integer', low: 1, high: 100, log: true },
];

test('points go to unit vectors and back', () => {
  const random = randomGenerator('space');
  for (let draw = 0; draw < 2000; draw++) {
    const point = pointAt(
      space,
      space.map(() => random.next()),
    );
    const again = pointAt(space, unitOf(space, point));
    expect(Number(again.rate) / Number(point.rate)).toBeCloseTo(1, 10);
    expect({ ...again, rate: 0 }).toEqual({ ...point, rate: 0 });
    expect('kind' in point).toBe(point.layers === 1 || point.layers === 2);
    expect('width' in point).toBe(point.kind === 'b' || point.kind === 'c');
    const features = featuresAt(space, unitOf(space, point));
    expect(features).toHaveLength(featureDimensions(space).length);
    expect(features.every((feature) => feature >= 0 && feature <= 1)).toBe(true);
  }
});

test('every value of a dimension has its fair share, on its scale', () => {
  const counts = (dimension: Dimension) => {
    const seen = new Map<unknown, number>();
    for (let index = 0; index < 10_000; index++) {
      const value = valueAt(dimension, (index + 0.5) / 10_000);
      seen.set(value, (seen.get(value) ?? 0) + 1);
    }
    return seen;
  };
  for (const share of counts({ name: 'n', kind: 'integer', low: -2, high: 2 }).values())
    expect(share).toBeCloseTo(2000, -1);
  for (const share of counts({ name: 'c', kind: 'categorical', values: ['x', 'y', 'z', 'w'] }).values())
    expect(share).toBe(2500);
  const log = counts({ name: 'l', kind: 'integer', low: 1, high: 1024, log: true });
  const below32 = [...log].reduce((sum, [value, count]) => sum + (Number(value) < 32 ? count : 0), 0);
  expect(below32 / 10_000).toBeCloseTo(Math.log(31.5 / 0.5) / Math.log(1024.5 / 0.5), 1);
});

test('small spaces are listed in full, without what does not apply', () => {
  const units = enumerate(space.slice(0, 3), 100) ?? [];
  const points = units.map((unit) => keyOfPoint(space, pointAt(space.slice(0, 3), unit)));
  expect(new Set(points).size).toBe(points.length);
  expect(points).toHaveLength(2 + 2 * (1 + 4 + 4));
  expect(enumerate(space.slice(0, 3), 10)).toBeUndefined();
  expect(enumerate(space, 1e6)).toBeUndefined();
});

test.each<[Space, RegExp]>([
  [[{ name: 'a', kind: 'real', low: 1, high: 0 }], /goes from 1 to 0/],
  [[{ name: 'a', kind: 'real', low: 0, high: 1, log: true }], /logarithmic/],
  [[{ name: 'a', kind: 'integer', low: 0.5, high: 2 }], /not integers/],
  [[{ name: 'a', kind: 'ordinal', values: [2, 1] }], /ascending/],
  [[{ name: 'a', kind: 'categorical', values: [] }], /no values/],
  [[{ name: 'a', kind: 'categorical', values: ['x', 'x'] }], /twice/],
  [[{ name: 'a', kind: 'real', low: 0, high: 1, when: { dimension: 'b', in: [1] } }], /does not stand before/],
])('a space that makes no sense is refused: %j', (wrong, message) => {
  expect(() => checkSpace(wrong)).toThrow(message);
});

test('values outside a dimension are refused', () => {
  expect(() => coordinateOf({ name: 'n', kind: 'integer', low: 1, high: 3 }, 4)).toThrow(/no value 4/);
  expect(() => coordinateOf({ name: 'n', kind: 'integer', low: 1, high: 3 }, 1.5)).toThrow(/no value 1.5/);
  expect(() => unitOf(space, { layers: 0, kind: 'a', rate: 1, count: 1 })).toThrow(/no dimension "kind"/);
  expect(() => unitOf(space, { layers: 0, rate: 1 })).toThrow(/lacks a value for "count"/);
});

test('the quasi-random sequence covers the space more evenly than chance', () => {
  const random = randomGenerator('halton', 1);
  const sequence = haltonSequence(6, random);
  const points = Array.from({ length: 256 }, (_, index) => sequence(index));
  for (let dimension = 0; dimension < 6; dimension++) {
    const sorted = points.map((point) => point[dimension] ?? 0).sort((a, b) => a - b);
    // The star discrepancy of one axis; random points have about 0.06.
    const discrepancy = Math.max(...sorted.map((value, index) => Math.abs(value - (index + 0.5) / 256)));
    expect(discrepancy).toBeLessThan(0.03);
    expect(sorted[0]).toBeGreaterThanOrEqual(0);
    expect(sorted.at(-1)).toBeLessThan(1);
  }
  expect(haltonSequence(6, randomGenerator('halton', 1))(7)).toEqual(points[7]);
  expect(haltonSequence(6, randomGenerator('halton', 2))(7)).not.toEqual(points[7]);
});
