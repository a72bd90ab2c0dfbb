import { expect, test } from '@jest/globals';
import { numbersOf } from '../../lib/graph/tensor.js';
import { conv } from '../../lib/ops/conv.js';
import { checkOperator, int, ints, manyCases, prepare } from './harness.js';
import { randomConv } from './random-cases.js';
import { cpu, onEngine } from './run-on-engine.js';

test.each(['dense', 'grouped', 'depthwise'] as const)('%s convolutions agree with ONNX Runtime', async (kind) => {
  for (const axes of [1, 2])
    for (const one of manyCases(15, `${kind} ${axes}`, (random) => randomConv(random, axes, kind)))
      await checkOperator(one);
});

test.each([
  ['3×3, padding 1', [1, 1, 1, 1], 7, 1],
  ['3×3, stride 2, TF-SAME on an even extent', [0, 0, 1, 1], 8, 2],
  ['3×3, stride 2, padding 1 (as PyTorch)', [1, 1, 1, 1], 8, 2],
  ['stride beyond the kernel', [0, 0, 0, 0], 9, 4],
] as const)('%s', async (_name, pads, extent, stride) => {
  for (const group of [1, 4])
    await checkOperator({
      op: 'Conv',
      attributes: { pads: ints(...pads), strides: ints(stride, stride), group: int(group) },
      inputs: [{ dims: [2, 4, extent, extent] }, { dims: [4, 4 / group, 3, 3] }, { dims: [4] }],
    });
});

test('a weight that does not fit is refused with the numbers', () => {
  const inputs = [{ dims: [1, 3, 8, 8] }, { dims: [4, 2, 3, 3] }];
  expect(() => prepare({ op: 'Conv', inputs })).toThrow('the input has 3 channels, the weight takes 2');
});

test('symbols stay where the padding keeps the extent', () => {
  const { node, shaped } = prepare({
    op: 'Conv',
    attributes: { pads: ints(1, 1, 1, 1) },
    inputs: [{ dims: [1, 3, 8, 8] }, { dims: [4, 3, 3, 3] }],
  });
  const [x, weight] = shaped.inputs;
  const symbolic = { dtype: 'float32' as const, dims: ['N', 3, 'H', 8] };
  const types = conv.infer({ node, opset: 18, inputs: [x && symbolic, weight], unknown: () => '?' });
  expect(types).toEqual([{ dtype: 'float32', dims: ['N', 4, 'H', 8] }]);
});

test('MACs of VGG-16’s first convolution', () => {
  const { shaped } = prepare({
    op: 'Conv',
    attributes: { pads: ints(1, 1, 1, 1) },
    inputs: [{ dims: [1, 3, 224, 224] }, { dims: [64, 3, 3, 3] }],
  });
  const [term] = conv.cost(shaped);
  const product = term?.factors.reduce(
    (total, { axis }) => total * Number(shaped.inputs[1]?.dims[axis]),
    term.coefficient,
  );
  // 224² positions × 64 filters × 3 channels × 9.
  expect(product).toBe(86_704_128);
});

test.each([
  ['dense', [5, 3, 3, 2], 1],
  ['over one axis', [5, 3, 4], 1],
  ['grouped', [6, 2, 3, 3], 3],
  ['depthwise', [6, 1, 3, 2], 3],
  ['depthwise over one axis', [6, 1, 3], 3],
])('a %s weight comes back from its packing as it was', (_name, dims, group) => {
  const [, perGroup = 1, ...kernel] = dims;
  const inputs = [{ dims: [1, perGroup * group, ...kernel] }, { dims }];
  const { shaped, tensors } = prepare({ op: 'Conv', attributes: { group: int(group) }, inputs });
  const packing = conv.packing?.(shaped, 1);
  const weight = tensors.get('in1');
  if (!packing || !weight) throw new Error('A weight has a packing.');
  const back = cpu.tidy(() => {
    const result = packing.unpack(cpu, packing.pack(cpu, onEngine(cpu, weight)));
    return { dims: result.shape, data: [...result.dataSync()] };
  });
  expect(back).toEqual({ dims, data: numbersOf(weight) });
});

test('a convolution over three axes can be pruned, and the engine says that it cannot be run', async () => {
  const test = { op: 'Conv', inputs: [{ dims: [1, 2, 5, 5, 4] }, { dims: [3, 2, 3, 3, 1] }] };
  expect(prepare(test).shaped.outputs[0]?.dims).toEqual([1, 3, 3, 3, 4]);
  await expect(checkOperator(test)).rejects.toThrow(
    '3 spatial axes cannot be run by the engine, which knows one and two',
  );
});
