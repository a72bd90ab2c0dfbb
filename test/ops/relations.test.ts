/** What `tie` and `rewrite` say where extents are symbols, and what `cost` and `parameters` say. */

import { expect, test } from '@jest/globals';
import type { Attribute, Dim } from '../../lib/graph/graph.js';
import { numbersOf } from '../../lib/graph/tensor.js';
import type { AxisRef, Operator, ShapedNode, ValueType } from '../../lib/ops/operator.js';
import { operatorOf } from '../../lib/ops/registry.js';

const value = (...dims: Dim[]): ValueType => ({ dtype: 'float32', dims });
const known = (...elements: Dim[]): ValueType => ({ dtype: 'int64', dims: [elements.length], elements });

function shaped(
  op: string,
  inputs: (ValueType | undefined)[],
  attributes: Record<string, Attribute> = {},
  outputs = 1,
): { operator: Operator; shaped: ShapedNode } {
  const names = (prefix: string, length: number) => Array.from({ length }, (_, index) => `${prefix}${index}`);
  const node = {
    name: 'n',
    op,
    domain: '',
    inputs: names('in', inputs.length),
    outputs: names('out', outputs),
    attributes,
  };
  const operator = operatorOf(node);
  if (!operator) throw new Error(`${op} is not known.`);
  let symbols = 0;
  const types = operator.infer({ node, opset: 18, inputs, unknown: () => `?${symbols++}` });
  return { operator, shaped: { node, opset: 18, inputs, outputs: types } };
}

function ties(...given: Parameters<typeof shaped>) {
  const { operator, shaped: around } = shaped(...given);
  return operator.tie(around);
}

/** The axes that are pinned, as `value:axis`. */
const pinned = (...given: Parameters<typeof shaped>) =>
  ties(...given).flatMap((relation) => (relation.kind === 'pin' ? [`${relation.at.value}:${relation.at.axis}`] : []));

/** The constants of a rewrite when axis `at` keeps only `stay`. */
function rewritten(at: AxisRef[], stay: number[], ...given: Parameters<typeof shaped>) {
  const { operator, shaped: around } = shaped(...given);
  const cut = ({ value: name, axis }: AxisRef) => at.some((one) => one.value === name && one.axis === axis);
  const result = operator.rewrite?.({
    ...around,
    kept: (one) => (cut(one) ? Int32Array.from(stay) : undefined),
    extent: (one) => {
      if (cut(one)) return stay.length;
      const index = around.node.outputs.indexOf(one.value);
      const type = index >= 0 ? around.outputs[index] : around.inputs[around.node.inputs.indexOf(one.value)];
      return type?.dims[one.axis] ?? 0;
    },
  });
  return [...(result?.constants ?? [])].map(([input, tensor]) => [input, numbersOf(tensor)]);
}

test('Reshape relates minimal blocks of axes', () => {
  expect(ties('Reshape', [value('N', 512, 7, 7), known('N', -1)])).toEqual([
    { kind: 'reshape', from: { value: 'in0', axes: [1, 2, 3] }, to: { value: 'out0', axes: [1] } },
  ]);
  expect(ties('Reshape', [value('N', 6, 'H', 5), known('N', 2, 3, 'H', 5)])).toContainEqual({
    kind: 'reshape',
    from: { value: 'in0', axes: [1] },
    to: { value: 'out0', axes: [1, 2] },
  });
  expect(ties('Reshape', [value('N', 6, 1, 1), known(0, -1)])).toEqual([
    {
      kind: 'same',
      a: { value: 'in0', axis: 1, start: 0, length: 6 },
      b: { value: 'out0', axis: 1, start: 0, length: 6 },
    },
  ]);
  expect(pinned('Reshape', [value('N', 6, 'H', 'W'), known(0, -1)])).toEqual(['in0:1', 'in0:2', 'in0:3', 'out0:1']);
  expect(ties('Reshape', [value('N', 'H', 'W', 8), known('N', -1, 8)])).toContainEqual({
    kind: 'same',
    a: { value: 'in0', axis: 3, start: 0, length: 8 },
    b: { value: 'out0', axis: 2, start: 0, length: 8 },
  });
  // Heads of an attention, behind a batch that was merged with positions.
  expect(ties('Reshape', [value('M', 12), known(-1, 49, 4, 3)])).toContainEqual({
    kind: 'reshape',
    from: { value: 'in0', axes: [1] },
    to: { value: 'out0', axes: [2, 3] },
  });
  expect(pinned('Reshape', [value('M', 12), known(-1, 49, 4, 3)])).toEqual(['in0:0', 'out0:0', 'out0:1']);
  expect(pinned('Reshape', [value('M', 12), known(-1, 6, 3)])).toEqual([
    'in0:0',
    'in0:1',
    'out0:0',
    'out0:1',
    'out0:2',
  ]);
});

test('heads that join the batch lose the same elements', () => {
  const heads = [0, 1, 2].map((head) => ({
    kind: 'same',
    a: { value: 'in0', axis: 1, start: 4 * head, length: 4 },
    b: { value: 'out0', axis: 1, start: 0, length: 4 },
  }));
  expect(ties('Reshape', [value('N', 12, 5, 2), known(-1, 4, 10)])).toEqual(expect.arrayContaining(heads));
  const back = heads.map(({ kind, a, b }) => ({ kind, a: { ...b, value: 'in0' }, b: { ...a, value: 'out0' } }));
  expect(ties('Reshape', [value('3*N', 4, 10), known(-1, 12, 5, 2)])).toEqual(expect.arrayContaining(back));
  expect(pinned('Reshape', [value('N', 12, 5), known(-1, 3, 4)])).toEqual([
    'in0:0',
    'in0:1',
    'in0:2',
    'out0:0',
    'out0:1',
    'out0:2',
  ]);
});

test('rewritten targets keep what is known only at run time', () => {
  const flattened = [{ value: 'out0', axis: 1 }];
  expect(rewritten(flattened, [0, 1], 'Reshape', [value('N', 6, 7, 7), known('N', -1)])).toEqual([[1, [0, 2]]]);
  expect(rewritten(flattened, [0], 'Reshape', [value('N', 6), known(-1, 2, 3)])).toEqual([[1, [0, 1, 3]]]);
  expect(rewritten(flattened, [0, 2], 'Expand', [value('N', 6, 1), known('N', 6, 5)])).toEqual([[1, [1, 1, 5]]]);
  expect(
    rewritten([{ value: 'in0', axis: 1 }], [0, 4, 5], 'Split', [value('N', 6)], { axis: { type: 'int', value: 1 } }, 2),
  ).toEqual([[1, [1, 2]]]);
  const sliced = [value('N', 6, 'H'), known(2, 0), known(2 ** 63, 2 ** 63), known(1, 2)] as const;
  expect(rewritten([{ value: 'in0', axis: 1 }], [1, 3, 5], 'Slice', [...sliced])).toEqual([
    [1, [1, 0]],
    [2, [3, Number.MAX_SAFE_INTEGER]],
  ]);
});

test('what cannot be written anew is pinned', () => {
  const axis = { axis: { type: 'int', value: 1 } } as const;
  expect(pinned('Concat', [value('N', '?0'), value('N', 4)], axis)).toEqual(['in0:1', 'in1:1']);
  expect(pinned('Slice', [value('N', 4), known('K'), known(4), known(1)])).toEqual(['in0:1']);
  expect(pinned('Expand', [value(1, 4), known('N', 4)])).toEqual(['out0:0', 'out0:1']);
  expect(pinned('Expand', [value(1, 4), known('N', 1)])).toEqual(['out0:0']);
  expect(pinned('Tile', [value(1, 4), known('N', 2)])).toEqual(['in0:0', 'out0:0']);
  expect(pinned('Pad', [value('N', 4), { dtype: 'int64', dims: [4] }])).toEqual(['in0:1', 'out0:1']);
  expect(pinned('Gather', [value(100, 8), { dtype: 'int64', dims: ['N', 20] }])).toEqual(['in0:0']);
  expect(pinned('ConstantOfShape', [known('N', 4)])).toEqual(['out0:0', 'out0:1']);
  expect(pinned('Resize', [value('N', 4, 8, 8), undefined, undefined, known('N', 4, 'H', 'W')])).toContain('in0:1');
});

test('an embedding ties its last axis to its output', () => {
  expect(ties('Gather', [value(100, 8), { dtype: 'int64', dims: ['N', 20] }])).toContainEqual({
    kind: 'same',
    a: { value: 'in0', axis: 1, start: 0, length: 8 },
    b: { value: 'out0', axis: 2, start: 0, length: 8 },
  });
});

test('an axis that is repeated ties to nothing', () => {
  const relations = ties('Mul', [value('N', 8, 5, 5), value(8, 1, 1)]).flatMap((relation) =>
    relation.kind === 'same'
      ? [[`${relation.a.value}:${relation.a.axis}`, `${relation.b.value}:${relation.b.axis}`]]
      : [],
  );
  expect(relations).toEqual([
    ['in0:1', 'out0:1'],
    ['in0:2', 'out0:2'],
    ['in0:3', 'out0:3'],
    ['in1:0', 'out0:1'],
  ]);
});

test.each(['Add', 'Sub', 'Mul', 'Div', 'Pow', 'Max'])(
  '%s counts one operation for each element of its output',
  (op) => {
    const { operator, shaped: around } = shaped(op, [value('N', 8, 5, 5), value(8, 1, 1)]);
    const factors = [0, 1, 2, 3].map((axis) => ({ value: 'out0', axis }));
    expect(operator.cost(around)).toEqual([{ kind: 'elementwise', coefficient: 1, factors }]);
  },
);

test('movement and shape arithmetic cost nothing', () => {
  const nothing = (...given: Parameters<typeof shaped>) => {
    const { operator, shaped: around } = shaped(...given);
    expect(operator.cost(around)).toEqual([]);
  };
  nothing('Add', [known('N'), known(1)]);
  nothing('Reshape', [value('N', 4), known(0, -1)]);
  nothing('Transpose', [value('N', 4)]);
  nothing('Concat', [value('N', 4), value('N', 4)], { axis: { type: 'int', value: 1 } });
  nothing('Shape', [value('N', 4)]);
});

test('what is learnt', () => {
  const parameters = (op: string) =>
    operatorOf({ name: '', op, domain: '', inputs: [], outputs: [], attributes: {} })?.parameters ?? [];
  for (const op of ['Add', 'Sub', 'Mul', 'Div']) expect(parameters(op)).toEqual([0, 1]);
  expect(parameters('PRelu')).toEqual([1]);
  expect(parameters('Gather')).toEqual([0]);
  for (const op of ['Pow', 'Clip', 'Where', 'Reshape', 'Concat']) expect(parameters(op)).toEqual([]);
});
