/** The figures of test/fixtures/prune/make.py, and the networks that they are of. */

import { readFileSync } from 'node:fs';
import { expect } from '@jest/globals';
import type { Batch, BatchSource } from '../../lib/data/batch.js';
import type { Graph } from '../../lib/graph/graph.js';
import { float32, type Tensor } from '../../lib/graph/tensor.js';
import { graphBuilder } from '../models/builder.js';

interface Figures {
  network: {
    weights: Record<string, { dims: number[]; data: number[] }>;
    batches: { inputs: number[]; labels: number[] }[];
    taylorOfElements: Record<string, number[]>;
    scores: Record<string, number[][]>;
  };
  history: {
    dims: number[][];
    epochs: number[][][];
    gram: number[];
    l1: number[];
    cosine: number[];
    /** For each criterion the channels that go, in order, and after each of them the pairs of all that went. */
    chosen: Record<'history' | 'history-cosine' | 'history-l1', { gone: number[]; pairs: [number, number][][] }>;
  };
  regression: { first: number[]; bias: number[]; second: number[]; inputs: number[]; kept: number[]; solved: number[] };
}

export const figures: Figures = JSON.parse(
  readFileSync(new URL('../fixtures/prune/figures.json', import.meta.url), 'utf8'),
);

export function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-5): void {
  expect(actual.length).toBe(expected.length);
  const scale = Math.max(...Array.from(expected, Math.abs));
  const error = Math.max(...Array.from(expected, (value, index) => Math.abs((actual[index] ?? Number.NaN) - value)));
  expect(error).toBeLessThanOrEqual(tolerance * scale);
}

/** The graph with other values for some of its initializers. */
export function withWeights(graph: Graph, weights: Iterable<[string, Tensor]>): Graph {
  return { ...graph, initializers: new Map([...graph.initializers, ...weights]) };
}

/** The convolution, batch norm, ReLU, convolution and dense layer of the figures. */
export function smallNetwork(): Graph {
  const b = graphBuilder('small');
  const first = b.conv(b.input([2, 5, 5]), 4, { pad: 1, bias: false, name: 'first' });
  const norm = ['weight', 'bias', 'mean', 'variance'].map((name) => b.parameter(`norm.${name}`, [4]));
  const second = b.conv(b.relu(b.node('BatchNormalization', [first, ...norm])), 3, { name: 'second' });
  const graph = b.build(b.gemm(b.flatten(second, 9), 3, { name: 'fc' }));
  const { weights } = figures.network;
  return withWeights(
    graph,
    Object.entries(weights).map(([name, { dims, data }]): [string, Tensor] => [
      name,
      float32(dims, Float32Array.from(data)),
    ]),
  );
}

/** Batches that are there already, the same in every epoch. */
export function sourceOf(batches: readonly Batch[]): BatchSource {
  return {
    samples: batches.reduce((sum, { labels }) => sum + labels.length, 0),
    batchSize: batches[0]?.labels.length ?? 0,
    async *batches() {
      yield* batches;
    },
  };
}
