import { test } from '@jest/globals';
import type { Attribute } from '../../lib/graph/graph.js';
import { int64 } from '../../lib/graph/tensor.js';
import { checkOperator, int, ints, manyCases, oneOf } from './harness.js';

test.each(['ReduceMean', 'ReduceMax', 'ReduceMin', 'ReduceSum', 'ReduceL2'])(
  '%s agrees with ONNX Runtime',
  async (op) => {
    const cases = manyCases(30, op, (random) => {
      const rank = 1 + random.int(4);
      const dims = Array.from({ length: rank }, () => 1 + random.int(4));
      const axes = dims.flatMap((_, axis) => (random.next() < 0.5 ? [axis - rank * random.int(2)] : []));
      const attributes: Record<string, Attribute> = {};
      if (random.next() < 0.6) attributes.keepdims = int(random.int(2));
      if (axes.length === 0) attributes.noop_with_empty_axes = int(random.int(2));
      const opset = op === 'ReduceSum' ? 18 : oneOf(random, [17, 18]);
      if (opset === 17) {
        delete attributes.noop_with_empty_axes;
        if (axes.length > 0) attributes.axes = ints(...axes);
        return { op, opset, attributes, inputs: [{ dims }], step: 1e-3 };
      }
      return { op, opset, attributes, inputs: [{ dims }, int64([axes.length], axes)], step: 1e-3 };
    });
    for (const one of cases) await checkOperator(one);
  },
);

test('without axes everything is reduced', async () => {
  await checkOperator({ op: 'ReduceSum', inputs: [{ dims: [2, 3, 4] }] });
});
