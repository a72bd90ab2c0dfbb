import { test } from '@jest/globals';
import type { RandomGenerator } from '../../lib/graph/random.js';
import { checkOperator, float, manyCases, type OperatorCase, oneOf, string } from './harness.js';

const SHAPES = [[], [1], [7], [3, 5], [2, 4, 3], [2, 3, 4, 5], [1, 8, 1, 1], [2, 3, 2, 3, 2], [0, 3]];

/** Cases of one input with random shape and range. */
function unary(
  op: string,
  low = -4,
  high = 4,
  more: Partial<OperatorCase> | ((random: RandomGenerator) => Partial<OperatorCase>) = {},
) {
  return manyCases(24, op, (random) => ({
    op,
    inputs: [{ dims: oneOf(random, SHAPES), low, high }],
    seed: random.int(1e6),
    ...(typeof more === 'function' ? more(random) : more),
  }));
}

const CASES: Record<string, OperatorCase[]> = {
  LeakyRelu: unary('LeakyRelu', -2, 2, (random) => ({
    attributes: random.int(2) ? { alpha: float(random.next()) } : {},
  })),
  Sigmoid: unary('Sigmoid', -8, 8),
  Tanh: unary('Tanh'),
  HardSigmoid: unary('HardSigmoid', -4, 4, (random) => ({
    attributes: random.int(2) ? { alpha: float(0.1 + random.next()), beta: float(random.next()) } : {},
  })),
  HardSwish: unary('HardSwish', -5, 5),
  Elu: unary('Elu', -3, 3, (random) => ({ attributes: random.int(2) ? { alpha: float(0.5 + random.next()) } : {} })),
  Selu: unary('Selu', -3, 3, (random) => ({
    attributes: random.int(2) ? { alpha: float(1 + random.next()), gamma: float(1 + random.next()) } : {},
  })),
  Softplus: unary('Softplus', -30, 30),
  Mish: unary('Mish', -6, 6),
  Erf: unary('Erf', -3, 3),
  Gelu: unary('Gelu', -4, 4, (random) => ({
    opset: 20,
    attributes: random.int(2) ? { approximate: string(oneOf(random, ['none', 'tanh'])) } : {},
  })),
  Clip: manyCases(40, 'Clip', (random) => {
    const bounds = oneOf(random, [
      [0, 6],
      [0, undefined],
      [-1, 1],
      [undefined, 0.5],
      [undefined, undefined],
      [0.2, undefined],
    ]);
    const constant = random.int(2) === 0;
    const bound = (value: number | undefined) =>
      value === undefined ? undefined : { dims: [], low: value, high: value + 1e-6, constant };
    const inputs = [{ dims: oneOf(random, SHAPES), low: -8, high: 8 }, bound(bounds[0]), bound(bounds[1])];
    // The gradient of a bound is not asked for: it is a constant in every exporter's files.
    return { op: 'Clip', inputs, gradients: constant };
  }),
  PRelu: manyCases(40, 'PRelu', (random) => {
    const dims = oneOf(random, [
      [2, 3],
      [2, 4, 3],
      [2, 3, 4, 5],
      [1, 6, 2, 2],
    ]);
    const perChannel = [dims[1] ?? 1, ...dims.slice(2).map(() => 1)];
    const slope = oneOf(random, [[1], perChannel, [1, ...perChannel], dims.slice(1)]);
    return { op: 'PRelu', inputs: [{ dims, low: -2, high: 2 }, { dims: slope }], seed: random.int(1e6) };
  }),
};

const WHOLE = ['Abs', 'Ceil', 'Cos', 'Exp', 'Floor', 'Neg', 'Round', 'Sign', 'Sin'];
for (const op of WHOLE) CASES[op] = unary(op, -3, 3);
for (const op of ['Log', 'Reciprocal', 'Sqrt']) CASES[op] = unary(op, 0.3, 4);

for (const [op, cases] of Object.entries(CASES))
  test(`${op} agrees with ONNX Runtime and finite differences`, async () => {
    for (const one of cases) await checkOperator(one);
  });

test('known elements of elementary operators are those of ONNX Runtime', async () => {
  for (const op of [...WHOLE, 'Sqrt'])
    if (op !== 'Cos' && op !== 'Sin' && op !== 'Exp')
      await checkOperator({ op, inputs: [{ dims: [2, 9], low: op === 'Sqrt' ? 0 : -3, high: 3, constant: true }] });
  for (const x of [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5])
    await checkOperator({ op: 'Round', inputs: [{ dtype: 'float32', dims: [1], data: Float32Array.of(x) }] });
});
