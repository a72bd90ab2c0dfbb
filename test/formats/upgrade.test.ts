/** Models of older operator sets: ONNX Runtime computes the same for the file as it was and as it is written again. */

import { expect, test } from '@jest/globals';
import { fold } from '../../lib/analyze/fold.js';
import { decodeOnnx, encodeOnnx } from '../../lib/formats/onnx/index.js';
import type { Attribute, Dim, Graph, Node } from '../../lib/graph/graph.js';
import { float32, int64, type Tensor } from '../../lib/graph/tensor.js';
import { runModel } from '../models/runtime.js';

interface Case {
  opset: number;
  op: string;
  attributes?: Record<string, Attribute>;
  dims?: Dim[];
  outputs?: number;
  constants?: Tensor[];
}

const int = (value: number): Attribute => ({ type: 'int', value });
const ints = (...value: number[]): Attribute => ({ type: 'ints', value });
const float = (value: number): Attribute => ({ type: 'float', value });
const floats = (...value: number[]): Attribute => ({ type: 'floats', value });
const text = (value: string): Attribute => ({ type: 'string', value });
const scales = float32([4], [1, 1, 2, 3]);
const perChannel = [1, 0.5, 0.1, 2].map((value) => float32([4], [value, value + 0.1, value + 0.2, value + 0.3]));

const CASES: Case[] = [
  { opset: 9, op: 'Clip', attributes: { min: float(-0.5), max: float(0.5) } },
  { opset: 10, op: 'Clip', attributes: { max: float(0.25) } },
  { opset: 7, op: 'Dropout', attributes: { ratio: float(0.3) } },
  { opset: 11, op: 'Dropout' },
  ...[1, 2, 3, -1, -2].flatMap((axis) => [
    { opset: 11, op: 'Softmax', attributes: { axis: int(axis) } },
    { opset: 12, op: 'LogSoftmax', attributes: { axis: int(axis) } },
  ]),
  { opset: 9, op: 'Softmax' },
  { opset: 9, op: 'Softmax', dims: ['N', 6] },
  { opset: 11, op: 'Hardmax', attributes: { axis: int(1) } },
  { opset: 11, op: 'Squeeze', attributes: { axes: ints(1, 3) }, dims: ['N', 1, 4, 1] },
  { opset: 11, op: 'Squeeze', dims: [1, 3, 1, 4] },
  { opset: 9, op: 'Unsqueeze', attributes: { axes: ints(0, 2) } },
  { opset: 9, op: 'Slice', attributes: { starts: ints(1, -2), ends: ints(2147483647, 3), axes: ints(1, 2) } },
  { opset: 9, op: 'Slice', attributes: { starts: ints(0, 1), ends: ints(1, 2 ** 63) } },
  { opset: 10, op: 'Pad', attributes: { pads: ints(0, 0, 1, 2, 0, 0, 2, 1), value: float(0.5) } },
  { opset: 9, op: 'Pad', attributes: { pads: ints(0, 0, 1, 2, 0, 0, 2, 1), mode: text('reflect') } },
  { opset: 9, op: 'Pad', attributes: { pads: ints(0, 0, 1, 2, 0, 0, 2, 1), mode: text('edge') } },
  ...['Mean', 'Sum', 'Max', 'Min', 'Prod', 'L1', 'L2', 'SumSquare', 'LogSumExp'].flatMap((reduction) => [
    { opset: 11, op: `Reduce${reduction}`, attributes: { axes: ints(1, 3), keepdims: int(0) } },
    { opset: 13, op: `Reduce${reduction}`, ...(reduction === 'Sum' ? {} : { attributes: { axes: ints(-1) } }) },
    { opset: 9, op: `Reduce${reduction}` },
  ]),
  { opset: 11, op: 'Split', attributes: { axis: int(1), split: ints(1, 3) }, outputs: 2 },
  { opset: 11, op: 'Split', attributes: { axis: int(1) }, outputs: 2 },
  { opset: 13, op: 'Split', attributes: { axis: int(1) }, outputs: 2 },
  { opset: 13, op: 'Split', attributes: { axis: int(1) }, outputs: 2, constants: [int64([2], [1, 3])] },
  { opset: 7, op: 'Upsample', attributes: { scales: floats(1, 1, 2, 2), mode: text('nearest') } },
  { opset: 9, op: 'Upsample', attributes: { mode: text('nearest') }, constants: [scales] },
  { opset: 9, op: 'Upsample', attributes: { mode: text('linear') }, constants: [scales] },
  { opset: 10, op: 'Resize', attributes: { mode: text('linear') }, constants: [scales] },
  { opset: 10, op: 'Resize', attributes: { mode: text('nearest') }, constants: [scales] },
  { opset: 7, op: 'BatchNormalization', attributes: { epsilon: float(1e-3) }, constants: perChannel },
  { opset: 13, op: 'BatchNormalization', constants: perChannel },
  { opset: 9, op: 'AveragePool', attributes: { kernel_shape: ints(2, 2), pads: ints(1, 1, 1, 1) } },
  { opset: 8, op: 'MaxPool', attributes: { kernel_shape: ints(2, 3), strides: ints(2, 1) } },
  { opset: 9, op: 'Flatten', attributes: { axis: int(2) } },
];

function original({ opset, op, attributes = {}, dims = ['N', 4, 5, 6], outputs = 1, constants = [] }: Case): Graph {
  const names = Array.from({ length: outputs }, (_, index) => `y${index}`);
  const initializers = new Map(constants.map((tensor, index) => [`c${index}`, tensor]));
  const node: Node = {
    name: 'node',
    op,
    domain: '',
    inputs: ['x', ...initializers.keys()],
    outputs: names,
    attributes,
  };
  return {
    name: 'old',
    opset,
    domains: {},
    nodes: [node],
    inputs: [{ name: 'x', dtype: 'float32', dims }],
    outputs: names.map((name) => ({ name, dtype: 'float32', dims: undefined })),
    initializers,
    metadata: {},
  };
}

for (const item of CASES)
  test(`${item.op} of opset ${item.opset} ${JSON.stringify(item.attributes ?? {})}`, async () => {
    const old = encodeOnnx(original(item));
    const expected = await runModel(old);
    const graph = decodeOnnx(old);
    expect(graph.opset).toBe(18);
    expect(await runModel(encodeOnnx(graph))).toEqual(expected);
    expect(await runModel(encodeOnnx(fold(graph)))).toEqual(expected);
  });
