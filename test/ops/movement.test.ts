import { expect, test } from '@jest/globals';
import { int64 } from '../../lib/graph/tensor.js';
import { checkOperator, int, ints, manyCases, type OperatorCase, prepare } from './harness.js';
import { list, MOVEMENT } from './movement-cases.js';

for (const [op, make] of Object.entries(MOVEMENT))
  test(`${op} agrees with ONNX Runtime and finite differences`, async () => {
    for (const one of manyCases(28, op, make)) await checkOperator(one);
  });

test('Reshape with allowzero keeps an extent of 0', async () => {
  await checkOperator({ op: 'Reshape', attributes: { allowzero: int(1) }, inputs: [{ dims: [0, 3] }, list(3, 0)] });
});

test('contradictions are told with the node and what was expected', () => {
  const fails = (test: OperatorCase, message: string) => expect(() => prepare(test)).toThrow(message);
  fails(
    { op: 'Reshape', inputs: [{ dims: [2, 3] }, list(4, 2)] },
    'Reshape "tested": an input of shape [2,3] cannot be reshaped to [4,2].',
  );
  fails({ op: 'Reshape', inputs: [{ dims: [2, 3] }, list(-1, -1)] }, 'more than one -1');
  fails(
    { op: 'Concat', attributes: { axis: int(1) }, inputs: [{ dims: [2, 3] }, { dims: [3, 3] }] },
    'inputs differ on axis 0: 2, 3; only axis 1 may.',
  );
  fails(
    { op: 'Concat', attributes: { axis: int(1) }, inputs: [{ dims: [2, 3] }, { dims: [2, 3, 1] }] },
    'input 1 has 3 axes, input 0 has 2.',
  );
  fails(
    { op: 'Split', inputs: [{ dims: [5] }, list(2, 2)], outputs: 2 },
    'sizes [2,2] do not split an axis of extent 5 into 2 outputs.',
  );
  fails({ op: 'Transpose', attributes: { perm: ints(0, 0) }, inputs: [{ dims: [2, 3] }] }, 'perm [0,0] is no order');
  fails({ op: 'Squeeze', inputs: [{ dims: [2, 3] }, list(1)] }, 'axis 1 of shape [2,3] is not of extent 1.');
  fails({ op: 'Gather', inputs: [{ dims: [2, 3] }, list(2)] }, 'index 2 is outside an axis of extent 2.');
  fails(
    { op: 'ScatterND', inputs: [{ dims: [2, 3] }, int64([1, 1], [2]), { dims: [1, 2] }] },
    'updates [1,2] should be [1,3].',
  );
  fails(
    { op: 'ScatterND', inputs: [{ dims: [2] }, int64([1, 2], [0, 0]), { dims: [1] }] },
    'do not name places in [2].',
  );
  fails({ op: 'Pad', inputs: [{ dims: [2, 3] }, list(0, 1)] }, 'pads [0,1] should be 4 numbers');
  fails({ op: 'Slice', inputs: [{ dims: [3] }, list(0), list(3), list(0), list(0)] }, 'a step is 0.');
  fails({ op: 'Slice', inputs: [{ dims: [3] }, list(0), list(3), list(4)] }, 'axis 4 is outside a tensor of 1 axes.');
});
