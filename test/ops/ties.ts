/**
 * Checks an operator's ties and rewrites against ONNX Runtime: elements that the relations leave free are removed from
 * the inputs, the node is rewritten, and what it then gives must be its former output without what goes with them.
 */

import { expect } from '@jest/globals';
import type { Node } from '../../lib/graph/graph.js';
import type { RandomGenerator } from '../../lib/graph/random.js';
import { float32, int64, numbersOf, sizeOf, type Tensor } from '../../lib/graph/tensor.js';
import type { AxisRef, Relation, SettledRelation, Span } from '../../lib/ops/operator.js';
import { expectClose, type OperatorCase, onnxRuntime, type PreparedCase, prepare } from './harness.js';

const keyOf = (at: AxisRef, element: number) => `${at.value}/${at.axis}/${element}`;
const positionsOf = (span: Span) =>
  Array.from({ length: span.length }, (_, index) => span.at?.[index] ?? span.start + index);

/** With one of the ways wherever there are several: the usual one, or any. */
function settled(relations: Relation[], random: RandomGenerator, usual: boolean): SettledRelation[] {
  return relations.flatMap((relation) => {
    if (relation.kind !== 'either') return [relation];
    return relation.options[usual ? 0 : random.int(relation.options.length)] ?? [];
  });
}

/** Sets of elements that live and die together, and those that must stay. */
function classesOf(
  relations: readonly SettledRelation[],
  extents: Map<string, number[]>,
): { classes: Map<string, Set<string>>; pinned: Set<string> } {
  const classes = new Map<string, Set<string>>();
  for (const [value, dims] of extents)
    dims.forEach((extent, axis) => {
      for (let element = 0; element < extent; element++) {
        const key = keyOf({ value, axis }, element);
        classes.set(key, new Set([key]));
      }
    });
  const unite = (keys: string[]) => {
    const [first, ...others] = keys.map((key) => classes.get(key) ?? new Set([key]));
    for (const other of others)
      if (first && other !== first)
        for (const key of other) {
          first.add(key);
          classes.set(key, first);
        }
  };
  const pinned = new Set<string>();
  for (const relation of relations) {
    if (relation.kind === 'pin') {
      const extent = extents.get(relation.at.value)?.[relation.at.axis] ?? 0;
      for (let element = 0; element < extent; element++) pinned.add(keyOf(relation.at, element));
    } else if (relation.kind === 'same') {
      const { a, b, blocks = a.length } = relation;
      const [left, right] = [positionsOf(a), positionsOf(b)];
      const [wideA, wideB] = [a.length / blocks, b.length / blocks];
      for (let block = 0; block < blocks; block++)
        unite([
          ...left.slice(block * wideA, (block + 1) * wideA).map((element) => keyOf(a, element)),
          ...right.slice(block * wideB, (block + 1) * wideB).map((element) => keyOf(b, element)),
        ]);
    } else if (relation.kind === 'balance') {
      // Those at equal places of the parts: any choice of one from each will do.
      const { at, parts } = relation;
      const size = at.length / parts;
      for (let index = 0; index < size; index++)
        unite(Array.from({ length: parts }, (_, part) => keyOf(at, at.start + part * size + index)));
    } else {
      // Only the first axis of each side is cut here: every position ties the elements that hold it.
      const strides = [relation.from, relation.to].map((side) => {
        const dims = side.axes.map((axis) => extents.get(side.value)?.[axis] ?? 1);
        return {
          at: { value: side.value, axis: side.axes[0] ?? 0 },
          stride: sizeOf(dims.slice(1)),
          size: sizeOf(dims),
        };
      });
      for (let position = 0; position < (strides[0]?.size ?? 0); position++)
        unite(strides.map(({ at, stride }) => keyOf(at, Math.floor(position / stride))));
      for (const side of [relation.from, relation.to])
        for (const axis of side.axes.slice(1)) {
          const extent = extents.get(side.value)?.[axis] ?? 0;
          for (let element = 0; element < extent; element++) pinned.add(keyOf({ value: side.value, axis }, element));
        }
    }
  }
  return { classes, pinned };
}

/** `tensor` with only the elements of `keep` along each axis that has any. */
function cut(tensor: Tensor, keep: (axis: number) => Int32Array | undefined): Tensor {
  const kept = tensor.dims.map((extent, axis) => [...(keep(axis) ?? Array.from({ length: extent }, (_, i) => i))]);
  const data = numbersOf(tensor);
  const taken: number[] = [];
  const walk = (axis: number, offset: number) => {
    if (axis === tensor.dims.length) taken.push(data[offset] ?? 0);
    else for (const index of kept[axis] ?? []) walk(axis + 1, offset * (tensor.dims[axis] ?? 1) + index);
  };
  walk(0, 0);
  const dims = kept.map((indices) => indices.length);
  if (tensor.dtype === 'bool') return { dtype: 'bool', dims, data: Uint8Array.from(taken) };
  return tensor.dtype === 'int64' ? int64(dims, taken) : float32(dims, taken);
}

/** A node and its inputs after random classes of elements were removed; how many elements of inputs went. */
function removed(prepared: PreparedCase, random: RandomGenerator, usual: boolean) {
  const { node, operator, shaped, tensors, opset } = prepared;
  const extents = new Map<string, number[]>();
  const note = (names: string[], types: readonly ({ dims: (number | string)[] } | undefined)[]) =>
    names.forEach((name, index) => {
      if (name !== '' && types[index]) extents.set(name, types[index].dims.map(Number));
    });
  note(node.inputs, shaped.inputs);
  note(node.outputs, shaped.outputs);
  const { classes, pinned } = classesOf(settled(operator.tie(shaped), random, usual), extents);
  // A free axis of a constant that says what to do (a target shape, indices) is not a channel axis.
  for (const [value, tensor] of tensors)
    if (prepared.constant.has(value))
      tensor.dims.forEach((extent, axis) => {
        for (let element = 0; element < extent; element++) pinned.add(keyOf({ value, axis }, element));
      });
  const gone = new Set<string>();
  for (const members of new Set(classes.values()))
    if (random.int(3) === 0 && ![...members].some((key) => pinned.has(key))) for (const key of members) gone.add(key);
  // No axis may lose everything.
  for (const [value, dims] of extents)
    dims.forEach((extent, axis) => {
      const keys = Array.from({ length: extent }, (_, element) => keyOf({ value, axis }, element));
      if (keys.every((key) => gone.has(key)))
        for (const key of keys) for (const member of classes.get(key) ?? []) gone.delete(member);
    });
  const kept = (at: AxisRef): Int32Array | undefined => {
    const extent = extents.get(at.value)?.[at.axis] ?? 0;
    const stay = Array.from({ length: extent }, (_, element) => element).filter(
      (element) => !gone.has(keyOf(at, element)),
    );
    return stay.length < extent ? Int32Array.from(stay) : undefined;
  };
  const rewrite = operator.rewrite?.({
    ...shaped,
    kept,
    extent: (at) => kept(at)?.length ?? extents.get(at.value)?.[at.axis] ?? 0,
  });
  const left = Object.entries(node.attributes).filter(([name]) => !rewrite?.withoutAttributes?.includes(name));
  const inputs = [...node.inputs];
  const cutTensors = new Map(
    [...tensors].map(([name, tensor]) => [name, cut(tensor, (axis) => kept({ value: name, axis }))]),
  );
  for (const [input, tensor] of rewrite?.constants ?? []) {
    while (inputs.length < input) inputs.push('');
    inputs[input] = `in${input}`;
    cutTensors.set(`in${input}`, tensor);
  }
  const constant = new Set([
    ...prepared.constant,
    ...[...(rewrite?.constants?.keys() ?? [])].map((input) => `in${input}`),
  ]);
  const rewritten: Node = { ...node, inputs, attributes: { ...Object.fromEntries(left), ...rewrite?.attributes } };
  const count = [...gone].filter((key) => node.inputs.some((name) => name !== '' && key.startsWith(`${name}/`))).length;
  return { prepared: { ...prepared, node: rewritten, tensors: cutTensors, constant, opset }, kept, count };
}

/** `tensor` with zeros in place of the elements that are not kept along some axis. */
function zeroed(tensor: Tensor, keep: (axis: number) => Int32Array | undefined): Tensor {
  if (tensor.dtype !== 'float32') return tensor;
  const kept = tensor.dims.map((_, axis) => {
    const stay = keep(axis);
    return stay && new Set(stay);
  });
  const stays = (flat: number) => {
    let rest = flat;
    return tensor.dims.toReversed().every((extent, fromEnd) => {
      const index = rest % extent;
      rest = Math.floor(rest / extent);
      return kept[tensor.dims.length - 1 - fromEnd]?.has(index) ?? true;
    });
  };
  return float32(
    tensor.dims,
    tensor.data.map((value, flat) => (stays(flat) ? value : 0)),
  );
}

/**
 * Checks one case; returns how many elements of the inputs were removed.
 * @param zero compares with the node whose removed elements are 0, for operators that sum over them, and within rounding.
 * @param everyWay takes any of the ways that the ties leave open, in place of the usual one.
 */
export async function checkTies(
  test: OperatorCase,
  random: RandomGenerator,
  zero = false,
  everyWay = zero,
): Promise<number> {
  const prepared = prepare(test);
  const after = removed(prepared, random, !everyWay);
  const full = [...prepared.tensors].map(([name, tensor]): [string, Tensor] => [
    name,
    zero ? zeroed(tensor, (axis) => after.kept({ value: name, axis })) : tensor,
  ]);
  const before = await (await onnxRuntime(prepared))(new Map(full));
  const results = await (await onnxRuntime(after.prepared))(after.prepared.tensors);
  prepared.node.outputs.forEach((value, index) => {
    const original = before[index];
    const result = results[index];
    if (!original || !result) throw new Error('An output is missing.');
    const expected = cut(original, (axis) => after.kept({ value, axis }));
    const title = `${test.op} ${JSON.stringify(prepared.shaped.inputs.map((type) => type?.dims))} rewritten as ${JSON.stringify(after.prepared.node.attributes)}`;
    expect({ title, dims: result.dims }).toEqual({ title, dims: expected.dims });
    if (zero) expectClose(numbersOf(result), numbersOf(expected), 1e-5, title);
    else
      expect({ title, values: numbersOf(result).map(Math.fround) }).toEqual({
        title,
        values: numbersOf(expected).map(Math.fround),
      });
  });
  return after.count;
}
