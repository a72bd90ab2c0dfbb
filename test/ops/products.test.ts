import { expect, test } from '@jest/globals';
import type { Attribute } from '../../lib/graph/graph.js';
import { checkOperator, float, int, manyCases, oneOf, prepare } from './harness.js';

test('Gemm agrees with ONNX Runtime', async () => {
  const cases = manyCases(40, 'gemm', (random) => {
    const [m, k, n] = [1 + random.int(4), 1 + random.int(6), 1 + random.int(5)];
    const [transA, transB] = [random.int(2), random.int(2)];
    const attributes: Record<string, Attribute> = { transA: int(transA), transB: int(transB) };
    if (random.next() < 0.4) attributes.alpha = float(0.5);
    if (random.next() < 0.4) attributes.beta = float(oneOf(random, [2, -1]));
    const c = oneOf(random, [undefined, [n], [1, n], [m, 1], [m, n], [1], []]);
    return {
      op: 'Gemm',
      attributes,
      inputs: [{ dims: transA ? [k, m] : [m, k] }, { dims: transB ? [n, k] : [k, n] }, ...(c ? [{ dims: c }] : [])],
    };
  });
  for (const one of cases) await checkOperator(one);
  const inputs = [{ dims: [2, 3] }, { dims: [3, 4] }, { dims: [4] }];
  await checkOperator({ op: 'Gemm', attributes: { beta: float(0) }, inputs, gradients: false });
});

test.each([
  [
    [3, 4],
    [4, 5],
  ],
  [
    [2, 3, 4],
    [4, 5],
  ],
  [
    [2, 3, 4],
    [2, 4, 5],
  ],
  [
    [2, 1, 3, 4],
    [5, 4, 2],
  ],
  [
    [3, 4],
    [2, 4, 5],
  ],
  [
    [1, 3, 4],
    [2, 4, 5],
  ],
  [[4], [4, 5]],
  [[3, 4], [4]],
  [[4], [4]],
  [[4], [2, 4, 5]],
  [[2, 3, 4], [4]],
  [
    [2, 3, 1, 4],
    [1, 3, 4, 1],
  ],
  [
    [0, 4],
    [4, 2],
  ],
])('MatMul of %j and %j agrees with ONNX Runtime', async (a, b) => {
  await checkOperator({ op: 'MatMul', inputs: [{ dims: a }, { dims: b }] });
});

test('matrices that do not fit are refused', () => {
  expect(() => prepare({ op: 'MatMul', inputs: [{ dims: [3, 4] }, { dims: [5, 2] }] })).toThrow('4 columns against 5');
  expect(() => prepare({ op: 'Gemm', inputs: [{ dims: [3, 4] }, { dims: [5, 2] }] })).toThrow('4 columns against 5');
});
