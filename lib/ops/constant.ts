/** Constant and ConstantOfShape. */

import { floatAttribute, intAttribute, intsAttribute, tensorAttribute } from '../graph/attributes.js';
import type { Dim, Node } from '../graph/graph.js';
import { float32, int64, numbersOf, sizeOf, type Tensor } from '../graph/tensor.js';
import { isConcrete } from './broadcast.js';
import { engineType } from './cast.js';
import { requiredNumbers } from './elements.js';
import { MAX_KNOWN_ELEMENTS, mismatch, type Operator, type Relation, required, type ShapedNode } from './operator.js';

/** The value of a Constant node, whichever attribute holds it. */
function constantValue(node: Node): Tensor {
  const tensor = tensorAttribute(node, 'value');
  if (tensor) return tensor;
  const integer = intAttribute(node, 'value_int');
  if (integer !== undefined) return int64([], [integer]);
  const integers = intsAttribute(node, 'value_ints');
  if (integers) return int64([integers.length], integers);
  if (node.attributes.value_float) return float32([], [floatAttribute(node, 'value_float', 0)]);
  const floats = node.attributes.value_floats;
  if (floats?.type === 'floats') return float32([floats.value.length], floats.value);
  throw mismatch(node, 'it holds no dense tensor of numbers.');
}

/** Every axis of the output pinned. */
function pinOutput({ node, outputs }: ShapedNode, reason: string): Relation[] {
  const value = node.outputs[0] ?? '';
  return (outputs[0]?.dims ?? []).map((_, axis) => ({ kind: 'pin', at: { value, axis }, reason }));
}

export const constant: Operator = {
  op: 'Constant',
  layout: 'plain',
  infer: ({ node }) => {
    const value = constantValue(node);
    const few = value.dtype !== 'string' && sizeOf(value.dims) <= MAX_KNOWN_ELEMENTS;
    return [{ dtype: value.dtype, dims: value.dims, elements: few ? numbersOf(value) : undefined }];
  },
  run: ({ tf, node }) => {
    const value = constantValue(node);
    return [tf.tensor(numbersOf(value), value.dims, engineType(value.dtype))];
  },
  cost: () => [],
  // Readers turn these nodes into initializers, which can be cut; one that is left is not worth a rule of its own.
  tie: (shaped) => pinOutput(shaped, 'it comes from a Constant node'),
};

/** The value that ConstantOfShape repeats: float32 zero by default. */
function filling(node: Node): { dtype: Tensor['dtype']; value: number } {
  const tensor = tensorAttribute(node, 'value');
  if (!tensor) return { dtype: 'float32', value: 0 };
  const [value, ...more] = numbersOf(tensor);
  if (value === undefined || more.length > 0) throw mismatch(node, 'attribute value should hold one element.');
  return { dtype: tensor.dtype, value };
}

export const constantOfShape: Operator = {
  op: 'ConstantOfShape',
  layout: 'plain',
  infer: (context) => {
    const target = required(context, 0);
    const { dtype, value } = filling(context.node);
    const rank = target.dims[0];
    if (!target.elements && typeof rank !== 'number') return [];
    const dims: Dim[] = target.elements ?? Array.from({ length: Number(rank) }, () => context.unknown());
    if (dims.some((extent) => typeof extent === 'number' && extent < 0))
      throw mismatch(context.node, `shape [${dims}] has a negative extent.`);
    const few = isConcrete(dims) && sizeOf(dims) <= MAX_KNOWN_ELEMENTS;
    return [{ dtype, dims, elements: few ? new Array<Dim>(sizeOf(dims)).fill(value) : undefined }];
  },
  run: (context) => {
    const { dtype, value } = filling(context.node);
    return [context.tf.fill(requiredNumbers(context, 0), value, engineType(dtype))];
  },
  cost: () => [],
  tie: (shaped) =>
    isConcrete(shaped.outputs[0]?.dims ?? [])
      ? []
      : pinOutput(shaped, 'it is filled to a shape known only at run time'),
  rewrite: ({ node, outputs, kept, extent }) => {
    const value = node.outputs[0] ?? '';
    const axes = outputs[0]?.dims.map((_, axis) => axis) ?? [];
    if (!axes.some((axis) => kept({ value, axis }))) return {};
    const target = axes.map((axis) => Number(extent({ value, axis })));
    return { constants: new Map([[0, int64([target.length], target)]]) };
  },
};
