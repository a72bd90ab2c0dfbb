/** Models that ask for more than a machine has: refused in a sentence, before ONNX Runtime tries. */

import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { dependencyGroups } from '../../lib/analyze/groups.js';
import type { Graph, Node } from '../../lib/graph/graph.js';
import { float32, int64, type Tensor } from '../../lib/graph/tensor.js';
import { save } from '../../lib/index.js';
import { measure } from '../../lib/validate/evidence.js';
import { temporaryFolder } from '../data/folders.js';

let folder = '';
beforeAll(async () => {
  folder = await temporaryFolder();
});

const node = (op: string, inputs: string[], output: string): Node => ({
  ...{ name: `${op} of ${inputs[0]}`, op, domain: '', inputs, outputs: [output], attributes: {} },
});

function graphOf(
  nodes: Node[],
  initializers: Record<string, Tensor> = {},
  dims: (string | number)[] = [1, 3, 8, 8],
): Graph {
  return {
    ...{ name: 'hostile', opset: 18, domains: {}, nodes, metadata: {} },
    inputs: [{ name: 'x', dtype: 'float32', dims }],
    outputs: [{ name: 'y', dtype: 'float32', dims: undefined }],
    initializers: new Map(Object.entries(initializers)),
  };
}

/** Sixty concatenations of a value with itself: 2⁶⁰ elements. */
function doubled(): Graph {
  const name = (step: number) => (step === 0 ? 'k' : `k${step}`);
  const nodes = Array.from({ length: 60 }, (_, step): Node => {
    const inputs = [name(step), name(step)];
    return { ...node('Concat', inputs, name(step + 1)), attributes: { axis: { type: 'int', value: 0 } } };
  });
  const keep = { keepdims: { type: 'int', value: 0 } } as const;
  nodes.push({ ...node('ReduceSum', [name(60)], 'sum'), attributes: keep }, node('Add', ['x', 'sum'], 'y'));
  return graphOf(nodes, { k: float32([1], [1]) });
}

test.each([
  ['a value doubled sixty times', doubled(), /Concat "Concat of k\d+" makes a value of shape \[\d+\], too large/],
  [
    'a constant expanded',
    graphOf([node('Expand', ['k', 's'], 'c'), node('ReduceSum', ['c'], 'r'), node('Add', ['x', 'r'], 'y')], {
      k: float32([1], [1]),
      s: int64([2], [2 ** 31, 64]),
    }),
    /Expand "Expand of k" makes a value of shape \[2147483648,64\], too large/,
  ],
  [
    'a huge input',
    graphOf([node('Relu', ['x'], 'y')], {}, ['N', 3, 20_000, 20_000]),
    /input "x" of shape \[1,3,.*too large/,
  ],
])('%s cannot be measured', async (name, graph, expected) => {
  const path = join(folder, `${name}.onnx`);
  await save(graph, path);
  await expect(measure([path])).rejects.toThrow(expected);
});

test('axes of more elements than can be looked at are refused', () => {
  const initializers = { k: float32([1], [1]), s: int64([2], [2 ** 31, 64]), m: int64([4], [-1, 1, 1, 1]) };
  const nodes = [node('Expand', ['k', 's'], 'c'), node('Reshape', ['c', 'm'], 'r'), node('Add', ['x', 'r'], 'y')];
  expect(() => dependencyGroups(graphOf(nodes, initializers))).toThrow(/carry channels have \d+ elements/);
});
