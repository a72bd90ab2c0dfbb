import { expect, test } from '@jest/globals';
import type { Attribute, Dim } from '../../lib/graph/graph.js';
import { int64, type Tensor } from '../../lib/graph/tensor.js';
import type { ValueType } from '../../lib/ops/operator.js';
import { operatorOf } from '../../lib/ops/registry.js';
import { checkOperator, float, int, manyCases, oneOf, prepare } from './harness.js';

const list = (...values: number[]): Tensor => int64([values.length], values);

test('Shape and Size agree with ONNX Runtime', async () => {
  for (const one of manyCases(40, 'Shape', (random) => {
    const dims = Array.from({ length: random.int(6) }, () => random.int(5));
    const attributes: Record<string, Attribute> = {};
    if (random.int(2)) attributes.start = int(random.int(9) - 4);
    if (random.int(2)) attributes.end = int(random.int(9) - 4);
    return { op: 'Shape', attributes, inputs: [{ dims }] };
  }))
    await checkOperator(one);
  for (const dims of [[], [3], [2, 3, 4, 5], [0, 2]]) await checkOperator({ op: 'Size', inputs: [{ dims }] });
});

test('ConstantOfShape, Constant and Range agree with ONNX Runtime', async () => {
  const values: (Tensor | undefined)[] = [
    undefined,
    int64([1], [7]),
    { dtype: 'float32', dims: [1], data: Float32Array.of(0.5) },
    { dtype: 'bool', dims: [1], data: Uint8Array.of(1) },
  ];
  for (const value of values)
    for (const dims of [[], [3], [2, 0, 3], [2, 3, 4, 5]])
      await checkOperator({
        op: 'ConstantOfShape',
        attributes: value ? { value: { type: 'tensor', value } } : {},
        inputs: [list(...dims)],
      });
  const constants: Record<string, Attribute>[] = [
    { value: { type: 'tensor', value: int64([2, 2], [1, 2, 3, 4]) } },
    { value_int: int(3) },
    { value_ints: { type: 'ints', value: [1, -2] } },
    { value_float: float(0.25) },
    { value_floats: { type: 'floats', value: [1.5, 2] } },
  ];
  for (const attributes of constants) await checkOperator({ op: 'Constant', attributes, inputs: [] });
  for (const [start, limit, delta] of [
    [0, 5, 1],
    [10, 1, -3],
    [2, 2, 1],
    [5, 1, 1],
    [-3, 8, 4],
  ] as const)
    for (const dtype of ['int64', 'float32'] as const) {
      const scalar = (value: number): Tensor =>
        dtype === 'int64' ? int64([], [value]) : { dtype, dims: [], data: Float32Array.of(value) };
      await checkOperator({ op: 'Range', inputs: [scalar(start), scalar(limit), scalar(delta)] });
    }
});

test('movement of known elements agrees with ONNX Runtime', async () => {
  const known = (length: number) => ({ dims: [length], dtype: 'int64' as const, low: -9, high: 9, constant: true });
  for (const one of manyCases(60, 'known', (random) => {
    const length = 2 + random.int(5);
    const index = () => random.int(2 * length) - length;
    const matrix = { ...known(0), dims: [length, 3] };
    const onMatrix = oneOf(random, [
      { op: 'Transpose', inputs: [matrix] },
      { op: 'Slice', inputs: [matrix, list(-1, 1), list(-(2 ** 31), 3), list(0, 1), list(-1, 1)] },
      { op: 'Gather', attributes: { axis: int(1) }, inputs: [matrix, int64([2, 2], [0, -1, 1, 1])] },
      { op: 'Split', attributes: { axis: int(-1) }, inputs: [matrix, list(1, 2)], outputs: 2 },
      { op: 'Concat', attributes: { axis: int(1) }, inputs: [matrix, { ...matrix, dims: [length, 2] }] },
      { op: 'Concat', attributes: { axis: int(0) }, inputs: [matrix, matrix] },
    ]);
    if (random.int(3) === 0) return onMatrix;
    return oneOf(random, [
      { op: 'Concat', attributes: { axis: int(0) }, inputs: [known(length), known(2), known(1)] },
      { op: 'Gather', inputs: [known(length), list(index(), index())] },
      { op: 'Gather', inputs: [known(length), int64([], [index()])] },
      { op: 'Slice', inputs: [known(length), list(index()), list(index()), list(0), list(oneOf(random, [1, -1, 2]))] },
      { op: 'Split', inputs: [known(length), list(1, length - 1)], outputs: 2 },
      { op: 'Unsqueeze', inputs: [known(length), list(0)] },
      { op: 'Squeeze', inputs: [known(1), list(0)] },
      { op: 'Reshape', inputs: [known(6), list(2, -1)] },
      { op: 'Expand', inputs: [known(1), list(length)] },
      { op: 'Transpose', inputs: [known(length)] },
      { op: 'ReduceProd', inputs: [known(length)], attributes: { keepdims: int(random.int(2)) } },
      { op: 'Clip', inputs: [known(length), int64([], [-2]), int64([], [4])] },
    ]);
  })) {
    expect(prepare(one).shaped.outputs.every((type) => type.elements)).toBe(true);
    await checkOperator(one);
  }
});

/** Infers a node from known types. */
function infer(op: string, inputs: (ValueType | undefined)[], attributes: Record<string, Attribute> = {}, outputs = 1) {
  const names = (prefix: string, length: number) => Array.from({ length }, (_, index) => `${prefix}${index}`);
  const node = {
    name: 'n',
    op,
    domain: '',
    inputs: names('in', inputs.length),
    outputs: names('out', outputs),
    attributes,
  };
  let symbols = 0;
  return operatorOf(node)?.infer({ node, opset: 18, inputs, unknown: () => `?${symbols++}` }) ?? [];
}

const value = (...dims: Dim[]): ValueType => ({ dtype: 'float32', dims });
const known = (...elements: Dim[]): ValueType => ({ dtype: 'int64', dims: [elements.length], elements });
const scalar = (element: Dim): ValueType => ({ dtype: 'int64', dims: [], elements: [element] });

test('the chain that exporters write for flattening is seen through', () => {
  const shape = infer('Shape', [value('N', 512, 7, 7)])[0];
  expect(shape?.elements).toEqual(['N', 512, 7, 7]);
  const batch = infer('Gather', [shape, scalar(0)])[0];
  expect(batch).toEqual({ dtype: 'int64', dims: [], elements: ['N'] });
  const vector = infer('Unsqueeze', [batch, known(0)])[0];
  const target = infer('Concat', [vector, known(-1)], { axis: int(0) })[0];
  expect(target?.elements).toEqual(['N', -1]);
  expect(infer('Reshape', [value('N', 512, 7, 7), target])[0]?.dims).toEqual(['N', 25088]);
});

test.each<[Dim[], Dim[], Dim[]]>([
  [
    ['N', 512, 7, 7],
    ['N', -1],
    ['N', 25088],
  ],
  [
    ['N', 512, 7, 7],
    [0, -1],
    ['N', 25088],
  ],
  [
    ['N', 512, 7, 7],
    [-1, 25088],
    ['N', 25088],
  ],
  [
    ['N', 512, 7, 7],
    [0, 512, 49],
    ['N', 512, 49],
  ],
  [
    ['N', 6, 'H', 'W'],
    ['N', 2, 3, 'H', 'W'],
    ['N', 2, 3, 'H', 'W'],
  ],
  [
    ['N', 6, 'H', 'W'],
    ['N', 6, -1],
    ['N', 6, 'H*W'],
  ],
  [
    ['N', 8],
    [-1, 4],
    ['2*N', 4],
  ],
  [
    ['2*N', 4],
    [-1, 8],
    ['N', 8],
  ],
  [
    ['4*N', 6, 5],
    ['N', -1],
    ['N', 120],
  ],
  [
    ['N', 3],
    [-1, 2],
    ['?0', 2],
  ],
  [
    ['N', 'M'],
    ['M', -1],
    ['M', 'N'],
  ],
  [
    [2, 12],
    ['?5', 8],
    [3, 8],
  ],
  [[2, 3], [-1], [6]],
  [
    ['N', 4],
    ['?5', -1],
    ['?5', '?0'],
  ],
])('[%s] reshaped to [%s] is [%s]', (from, target, expected) => {
  expect(infer('Reshape', [value(...from), known(...target)])[0]?.dims).toEqual(expected);
});

test('symbols keep their meaning through other shape operators', () => {
  expect(infer('Slice', [known('N', 3, 'H', 'W'), known(2), known(2 ** 31 - 1)])[0]?.elements).toEqual(['H', 'W']);
  expect(infer('Slice', [value('N', 3), known(0), known(2 ** 63)])[0]?.dims).toEqual(['N', 3]);
  expect(infer('Slice', [value('N', 3), known(1), known(2 ** 63)])[0]?.dims).toEqual(['?0', 3]);
  expect(infer('Cast', [known('N', 3)], { to: int(1) })[0]?.elements).toEqual(['N', 3]);
  expect(infer('ReduceProd', [known('N', 1)])[0]?.elements).toEqual(['N']);
  expect(infer('ReduceProd', [known('N', 2)])[0]?.elements).toEqual(['2*N']);
  expect(infer('Mul', [known('N', 3), known(4, 'N')])[0]?.elements).toEqual(['4*N', '3*N']);
  expect(infer('Div', [known('12*N', '12*N', 'N'), known(4, 'N', 2)])[0]?.elements).toEqual(['3*N', 12, '?0']);
  expect(infer('Size', [value('N', 1)])[0]?.elements).toEqual(['N']);
  expect(infer('Range', [scalar(0), scalar('N'), scalar(1)])[0]?.dims).toEqual(['N']);
  expect(infer('ConstantOfShape', [known('N', 4)])[0]?.dims).toEqual(['N', 4]);
  expect(infer('Expand', [value(1, 8), known('N', 1)])[0]?.dims).toEqual(['N', 8]);
  expect(infer('Expand', [value('N', 1), known('N', 5)])[0]?.dims).toEqual(['N', 5]);
  expect(infer('Tile', [value(1, 8), known('N', 2)])[0]?.dims).toEqual(['N', 16]);
  expect(infer('Tile', [value(3, 'H'), known('N', 2)])[0]?.dims).toEqual(['3*N', '2*H']);
  expect(infer('Split', [known('N', 3, 4), known(1, 2)], {}, 2).map((type) => type.elements)).toEqual([['N'], [3, 4]]);
  expect(infer('Concat', [value('N', 3), value('N', 5)], { axis: int(1) })[0]?.dims).toEqual(['N', 8]);
  expect(infer('Concat', [value('N', 3), value('M', 3)], { axis: int(0) })[0]?.dims).toEqual(['?0', 3]);
  expect(infer('Pad', [value('N', 3, 'H', 'W'), known(0, 0, 0, 1, 0, 2, 0, 1)])[0]?.dims).toEqual(['N', 5, 'H', '?0']);
  expect(infer('Resize', [value('N', 3, 7, 7), undefined, undefined, known('N', 3, 14, 21)])[0]?.dims).toEqual([
    'N',
    3,
    14,
    21,
  ]);
});

test('outputs whose rank cannot be told are left unknown', () => {
  expect(infer('Reshape', [value('N', 3), { dtype: 'int64', dims: ['?9'] }])).toEqual([]);
  expect(infer('Reshape', [value('N', 3), { dtype: 'int64', dims: [2] }])[0]?.dims).toEqual(['?0', '?1']);
});
