import { expect, test } from '@jest/globals';
import { float32 } from '../../lib/graph/tensor.js';
import { checkOperator, int, manyCases, type OperatorCase, prepare, string } from './harness.js';
import { COORDINATES, randomResize } from './resize-cases.js';

for (const mode of ['nearest', 'linear', 'cubic'])
  for (const coordinates of COORDINATES)
    test(`Resize ${mode}, ${coordinates}, agrees with ONNX Runtime and finite differences`, async () => {
      for (const one of manyCases(16, `Resize ${mode} ${coordinates}`, (random) =>
        randomResize(random, mode, coordinates),
      ))
        await checkOperator(one);
    });

test('Resize of other ranks agrees with ONNX Runtime', async () => {
  const scales = (...values: number[]) => float32([values.length], values);
  const linear = { mode: string('linear') };
  await checkOperator({ op: 'Resize', attributes: linear, inputs: [{ dims: [2, 3, 5] }, undefined, scales(1, 1, 2)] });
  await checkOperator({ op: 'Resize', inputs: [{ dims: [4, 6] }, undefined, scales(2, 0.5)] });
  await checkOperator({ op: 'Resize', inputs: [{ dims: [1, 2, 3, 4, 2] }, undefined, scales(1, 1, 2, 1, 2)] });
});

test('scales that are not exact in single precision give the extents of ONNX Runtime', async () => {
  for (const scale of [0.7, 0.1, 0.3, 1.1, 1.4, 1 / 3])
    for (const mode of ['nearest', 'linear'])
      await checkOperator({
        op: 'Resize',
        attributes: { mode: string(mode) },
        inputs: [{ dims: [1, 2, 10, 30] }, undefined, float32([4], [1, 1, scale, scale])],
      });
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
