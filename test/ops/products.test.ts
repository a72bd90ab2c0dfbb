import { expect, test } from '@jest/globals';
import type { Attribute } from '../../lib/graph/graph.js';
import { checkOperator, float, int, manyCases, oneOf, prepare, string } from './harness.js';

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

test.each([
  ['bhid,bhjd->bhij', [2, 3, 4, 5], [2, 3, 6, 5]],
  ['bijn,njkm->bikm', [2, 3, 4, 2], [2, 4, 3, 2]],
  ['ij,jk', [3, 4], [4, 5]],
  ['...ij,...jk->...ik', [2, 1, 3, 4], [2, 5, 4, 2]],
  ['...i,...i->...', [2, 3, 4], [2, 1, 4]],
  ['ab,cd->acbd', [2, 3], [4, 5]],
  ['ab,cd->a', [2, 3], [4, 5]],
  ['i,i->', [4], [4]],
  ['bi,bi->b', [3, 4], [1, 4]],
  ['aic->ca', [2, 3, 4]],
  ['...ab', [2, 3, 4]],
  ['ba', [2, 3]],
  ['ab,bc,cd->ad', [2, 3], [3, 4], [4, 2]],
  [' a b , b -> a ', [2, 3], [3]],
] as [string, ...number[][]][])('Einsum %s agrees with ONNX Runtime', async (equation, ...dims) => {
  await checkOperator({
    op: 'Einsum',
    attributes: { equation: string(equation) },
    inputs: dims.map((shape) => ({ dims: shape })),
  });
});

test('equations that do not fit are refused', () => {
  const einsum = (equation: string, ...dims: number[][]) =>
    prepare({
      op: 'Einsum',
      attributes: { equation: string(equation) },
      inputs: dims.map((shape) => ({ dims: shape })),
    });
  expect(() => einsum('ij,jk->ik', [2, 3], [4, 5])).toThrow('"j" stands for 3 and for 4');
  expect(() => einsum('ij->i', [2, 3], [4, 5])).toThrow('does not fit 2 inputs');
  expect(() => einsum('ijk->i', [2, 3])).toThrow('an input of 2 axes');
  expect(() => einsum('ii->i', [2, 2])).toThrow('repeats a subscript');
  expect(() => einsum('ij->ik', [2, 2])).toThrow('has no single "k"');
});

test.each([
  [[3, 3], 0],
  [[3, 5], 1],
  [[4, 2], -2],
])('EyeLike of %j with k %d agrees with ONNX Runtime', async (dims, k) => {
  await checkOperator({ op: 'EyeLike', attributes: { k: int(k) }, inputs: [{ dims }], gradients: false });
});

test('matrices that do not fit are refused', () => {
  expect(() => prepare({ op: 'MatMul', inputs: [{ dims: [3, 4] }, { dims: [5, 2] }] })).toThrow('4 columns against 5');
  expect(() => prepare({ op: 'Gemm', inputs: [{ dims: [3, 4] }, { dims: [5, 2] }] })).toThrow('4 columns against 5');
});
