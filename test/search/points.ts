/** Random points of the spaces of networks, built, inferred and run in ONNX Runtime. */

import { expect } from '@jest/globals';
import { inferShapes } from '../../lib/analyze/shapes.js';
import { encodeOnnx } from '../../lib/formats/onnx/index.js';
import type { Graph } from '../../lib/graph/graph.js';
import { randomGenerator } from '../../lib/graph/random.js';
import { validateGraph } from '../../lib/graph/validate.js';
import { prefixOf, tailOf } from '../../lib/search/cut.js';
import { type Point, pointAt, unitOf } from '../../lib/search/space.js';
import { configured, cutAt, depthsOf, type Searchable, spaceAt } from '../../lib/search/space-of-graph.js';
import { type Output, randomInput, relativeError, runModel } from '../models/runtime.js';

/** The one input of a network with a batch of two. */
export function inputOf(graph: Graph): { name: string; value: Output } {
  const [input] = graph.inputs;
  const dims = [2, ...(input?.dims ?? []).slice(1).map((extent) => (typeof extent === 'number' ? extent : 8))];
  return { name: input?.name ?? '', value: { dims, data: randomInput(dims, 5) } };
}

export async function logitsOf(graph: Graph, input = inputOf(graph)): Promise<Output> {
  const outputs = await runModel(encodeOnnx(graph), { inputs: { [input.name]: input.value } });
  const [logits] = Object.values(outputs);
  if (!logits) throw new Error('there are no logits');
  return logits;
}

/** Each point is a valid graph that ONNX Runtime runs, and every `joined`-th is its prefix followed by its tail. */
export async function checkPoints(
  name: string,
  searchable: Searchable,
  { count, depth = 4, joined = 5, classes }: { count: number; depth?: number; joined?: number; classes: number },
): Promise<Set<string>> {
  const random = randomGenerator('points', name);
  const depths = depthsOf(searchable, depth);
  const seen = new Set<string>();
  for (let draw = 0; draw < count; draw++) {
    const at = depths[draw % depths.length] ?? 0;
    const space = spaceAt(searchable, at);
    const point = pointAt(
      space,
      space.map(() => random.next()),
    );
    unitOf(space, point);
    for (const [dimension, value] of Object.entries(point)) seen.add(`${dimension.split(':').at(-1)}=${value}`);
    try {
      await checkPoint(searchable, at, point, { draw, join: draw % joined === 0, classes });
    } catch (error) {
      throw new Error(`${name}, ${JSON.stringify(point)} at depth ${at}`, { cause: error });
    }
  }
  return seen;
}

async function checkPoint(
  searchable: Searchable,
  depth: number,
  point: Point,
  { draw, join, classes }: { draw: number; join: boolean; classes: number },
): Promise<void> {
  const graph = await configured(searchable, point, draw);
  validateGraph(graph);
  const input = inputOf(graph);
  const { types, unknown } = inferShapes(graph, { [input.name]: [...input.value.dims] });
  expect(unknown).toEqual([]);
  expect(types.get(graph.outputs[0]?.name ?? '')?.dims).toEqual([2, classes]);
  const logits = await logitsOf(graph, input);
  expect([...logits.dims]).toEqual([2, classes]);
  expect(logits.data.every(Number.isFinite)).toBe(true);
  if (!join) return;
  const cut = cutAt(searchable, depth);
  const tail = tailOf(graph, cut);
  validateGraph(tail);
  if (graph.inputs.some(({ name }) => name === cut)) return;
  const size = point['network:image-size'];
  const whole = searchable.sizes.get(Number(size)) ?? searchable.graph;
  const middle = (await runModel(encodeOnnx(prefixOf(whole, cut, false)), { inputs: { [input.name]: input.value } }))[
    cut
  ];
  if (!middle) throw new Error(`the prefix gives no ${cut}`);
  const fromTail = await logitsOf(tail, { name: cut, value: { dims: [...middle.dims], data: middle.data } });
  expect(relativeError(fromTail.data, logits.data)).toBeLessThan(1e-4);
}
