import { expect, test } from '@jest/globals';
import { fold } from '../../lib/analyze/fold.js';
import { encodeOnnx } from '../../lib/formats/onnx/index.js';
import type { Graph } from '../../lib/graph/graph.js';
import { float32, int64, numbersOf } from '../../lib/graph/tensor.js';
import { type GraphBuilder, graphBuilder, type Value } from '../models/builder.js';
import { runModel } from '../models/runtime.js';

const ops = ({ nodes }: Graph) => nodes.map(({ op }) => op);

/** ONNX Runtime computes the same before and after. */
async function foldedSame(graph: Graph, symbols: Record<string, number> = {}): Promise<Graph> {
  const folded = fold(graph);
  const expected = await runModel(encodeOnnx(graph), { symbols });
  expect(await runModel(encodeOnnx(folded), { symbols })).toEqual(expected);
  expect(fold(folded)).toEqual(folded);
  return folded;
}

/** Extent `axis` of a value, as a tensor of one element, as exporters write it. */
function extent(b: GraphBuilder, x: Value, axis: number): Value {
  const gathered = b.node('Gather', [b.node('Shape', [x]), b.constant('index', int64([], [axis]))], { axis: 0 });
  return b.node('Unsqueeze', [gathered, b.constant('axes', int64([1], [0]))]);
}

const list = (b: GraphBuilder, values: number[]) => b.constant('list', int64([values.length], values));

test('Reshape to [N, C, -1] becomes [0, C, -1]', async () => {
  const b = graphBuilder('reshape');
  const x = b.conv(b.input([3, 4, 5]), 6, { pad: 1 });
  const target = b.node('Concat', [extent(b, x, 0), list(b, [6, -1])], { axis: 0 });
  const folded = await foldedSame(b.build(b.node('Reshape', [x, target])));
  expect(ops(folded)).toEqual(['Conv', 'Reshape']);
  const name = folded.nodes[1]?.inputs[1] ?? '';
  const constant = folded.initializers.get(name);
  expect(constant && numbersOf(constant)).toEqual([0, 6, -1]);
  expect(folded.outputs[0]?.dims).toEqual(['N', 6, 20]);
});

test('a symbol that is not at its own place becomes -1; arithmetic on extents too', async () => {
  const b = graphBuilder('moved');
  const x = b.input([4, 6]);
  const doubled = b.node('Mul', [extent(b, x, 0), list(b, [2])]);
  const folded = await foldedSame(
    b.build(
      b.node('Reshape', [x, b.node('Concat', [list(b, [4, 6]), extent(b, x, 0)], { axis: 0 })]),
      b.node('Reshape', [x, b.node('Concat', [doubled, list(b, [12])], { axis: 0 })]),
    ),
  );
  expect(ops(folded)).toEqual(['Reshape', 'Reshape']);
});

test('Slice to the end of an open axis, Expand to the input, Resize of the last two axes', async () => {
  const b = graphBuilder('others');
  const x = b.input([4, 6, 6]);
  const whole = b.node('Slice', [x, list(b, [1]), extent(b, x, 0), list(b, [0])]);
  const shape = b.node('Concat', [extent(b, x, 0), list(b, [4, 6, 6])], { axis: 0 });
  const sizes = b.node('Concat', [extent(b, x, 0), list(b, [4, 9, 12])], { axis: 0 });
  const folded = await foldedSame(
    b.build(whole, b.node('Expand', [x, shape]), b.node('Resize', [x, '', '', sizes], { mode: 'nearest' })),
  );
  expect(ops(folded)).toEqual(['Slice', 'Expand', 'Resize']);
});

test('two open extents of which neither is at its place are left alone', async () => {
  const b = graphBuilder('two');
  const x = b.input([3, 4]);
  const open: Graph = b.build(
    b.node('Reshape', [x, b.node('Concat', [list(b, [12]), extent(b, x, 0)], { axis: 0 })]),
    b.node('Reshape', [
      b.node('Transpose', [x], { perm: [1, 2, 0] }),
      b.node('Concat', [extent(b, x, 0), extent(b, x, 1), list(b, [4])], { axis: 0 }),
    ]),
  );
  const inputs = [{ name: 'input', dtype: 'float32' as const, dims: ['N', 'C', 4] }];
  const folded = await foldedSame({ ...open, inputs }, { N: 2, C: 3 });
  expect(ops(folded)).toContain('Concat');
});

test('numbers known at import: ConstantOfShape, Cast, Range and arithmetic', async () => {
  const b = graphBuilder('numbers');
  const x = b.input([4, 6, 6]);
  const half = b.node('Div', [extent(b, x, 3), list(b, [2])]);
  const filled = b.node('ConstantOfShape', [b.node('Concat', [list(b, [4]), half, half], { axis: 0 })]);
  const scale = b.node('Cast', [half], { to: 1 });
  const pooled = b.averagePool(x, { kernel: 2 });
  const folded = await foldedSame(b.build(b.add(pooled, filled), b.mul(pooled, scale)));
  expect(ops(folded)).toEqual(['AveragePool', 'Add', 'Mul']);
});

test('Constant nodes and copies of initializers become initializers; those that are outputs stay', async () => {
  const b = graphBuilder('constants');
  const x = b.input([3]);
  const one = b.node('Constant', [], { value_float: 1.5 });
  const many = b.node('Constant', [], { value_floats: [0.5, 1.5, 2.5] });
  const copy = b.node('Identity', [b.constant('w', float32([3], [1, 2, 3]))]);
  const sum = b.add(b.mul(b.add(x, one), many), copy);
  const folded = await foldedSame(b.build(sum, b.node('Identity', [copy])));
  expect(ops(folded)).toEqual(['Add', 'Mul', 'Add', 'Identity']);
});

test('a node that contradicts its inputs is named', () => {
  const b = graphBuilder('wrong');
  const x = b.input([4]);
  const graph: Graph = {
    ...b.build(b.relu(x)),
    nodes: [
      {
        name: 'culprit',
        op: 'Reshape',
        domain: '',
        inputs: ['input', 't'],
        outputs: ['y'],
        attributes: {},
      },
    ],
    outputs: [{ name: 'y', dtype: 'float32', dims: undefined }],
    initializers: new Map([['t', int64([2], [0, 5])]]),
  };
  expect(() => fold(graph)).toThrow(/Reshape "culprit"/);
});
