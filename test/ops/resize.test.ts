import { expect, test } from '@jest/globals';
import type { RandomGenerator } from '../../lib/graph/random.js';
import { float32, int64 } from '../../lib/graph/tensor.js';
import { checkOperator, int, ints, manyCases, type OperatorCase, oneOf, prepare, string } from './harness.js';

const COORDINATES = ['asymmetric', 'half_pixel', 'pytorch_half_pixel', 'align_corners'];
const NEAREST = ['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'];

/** Height and width resized by scales or to sizes, whole factors as often as not. */
function picture(random: RandomGenerator, mode: string, coordinates: string): OperatorCase {
  const dims = [1 + random.int(2), 1 + random.int(3), 2 + random.int(5), 2 + random.int(5)];
  const attributes: NonNullable<OperatorCase['attributes']> = {
    mode: string(mode),
    coordinate_transformation_mode: string(coordinates),
    nearest_mode: string(oneOf(random, NEAREST)),
  };
  const factor = () => oneOf(random, [1, 2, 2, 3, 0.5, 1.5, 2.25, 0.8]);
  if (random.int(2)) {
    const scales = random.int(2) ? [1, 1, factor(), factor()] : [1, 1, 2, 2];
    return { op: 'Resize', attributes, inputs: [{ dims }, undefined, float32([4], scales)] };
  }
  const sizes = [2, 3].map((axis) => Math.max(1, Math.round((dims[axis] ?? 1) * factor())));
  if (random.int(2)) {
    const four = int64([4], [...dims.slice(0, 2), ...sizes]);
    return { op: 'Resize', attributes, inputs: [{ dims }, undefined, undefined, four] };
  }
  return {
    op: 'Resize',
    attributes: { ...attributes, axes: ints(2, 3) },
    inputs: [{ dims }, undefined, undefined, int64([2], sizes)],
  };
}

for (const mode of ['nearest', 'linear', 'cubic'])
  for (const coordinates of COORDINATES)
    test(`Resize ${mode}, ${coordinates}, agrees with ONNX Runtime and finite differences`, async () => {
      for (const one of manyCases(30, `Resize ${mode} ${coordinates}`, (random) => picture(random, mode, coordinates)))
        await checkOperator(one);
    });

test('Resize of other ranks agrees with ONNX Runtime', async () => {
  const scales = (...values: number[]) => float32([values.length], values);
  const linear = { mode: string('linear') };
  await checkOperator({ op: 'Resize', attributes: linear, inputs: [{ dims: [2, 3, 5] }, undefined, scales(1, 1, 2)] });
  await checkOperator({ op: 'Resize', inputs: [{ dims: [4, 6] }, undefined, scales(2, 0.5)] });
  await checkOperator({ op: 'Resize', inputs: [{ dims: [1, 2, 3, 4, 2] }, undefined, scales(1, 1, 2, 1, 2)] });
});

test('what Resize cannot do is refused when shapes are inferred', () => {
  const inputs: OperatorCase['inputs'] = [{ dims: [1, 1, 4, 4] }, undefined, float32([4], [1, 1, 2, 2])];
  const fails = (attributes: NonNullable<OperatorCase['attributes']>, message: string) =>
    expect(() => prepare({ op: 'Resize', attributes, inputs })).toThrow(message);
  fails({ mode: string('lanczos') }, 'mode "lanczos" is none of nearest, linear, cubic.');
  fails({ coordinate_transformation_mode: string('tf_crop_and_resize') }, '"tf_crop_and_resize" is not supported.');
  fails({ antialias: int(1) }, 'antialias is not supported.');
  expect(() => prepare({ op: 'Resize', inputs: inputs.slice(0, 2) })).toThrow('neither scales nor sizes are given.');
});
