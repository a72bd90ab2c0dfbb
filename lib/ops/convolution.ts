/** What Conv and ConvTranspose have in common. */

import { intAttribute, intsAttribute } from '../graph/attributes.js';
import type { Node } from '../graph/graph.js';
import { tieWithinGroups } from './channel-groups.js';
import { productOf } from './elements.js';
import {
  type CostTerm,
  elementwiseCost,
  mismatch,
  type Relation,
  type SettledRelation,
  type ShapedNode,
  tieAxes,
  type ValueType,
  wholeAxis,
} from './operator.js';
import { pinSpatial } from './window.js';

/** The spatial extents of a weight [O, I/group, …] (ConvTranspose's: [I, O/group, …]), which must be numbers. */
export function kernelOf(node: Node, weight: ValueType): number[] {
  const kernel = weight.dims.slice(2).filter((extent) => typeof extent === 'number');
  const declared = intsAttribute(node, 'kernel_shape');
  if (kernel.length === 0 || kernel.length !== weight.dims.length - 2)
    throw mismatch(node, `the weight has shape [${weight.dims}]; a convolution's has three axes or more.`);
  if (declared && declared.join() !== kernel.join())
    throw mismatch(node, `kernel_shape [${declared}] is not that of the weight, [${weight.dims}].`);
  return kernel;
}

export function groupOf(node: Node): number {
  return intAttribute(node, 'group', 1);
}

/**
 * MACs: kernel × positions × what the weight's first two axes are; one addition per output element for a bias.
 * @param slid the value over whose positions the kernel is applied: a convolution's output, a transposed one's input.
 */
export function convolutionCost(shaped: ShapedNode, slid: ValueType | undefined): CostTerm[] {
  const value = shaped.node.inputs[1] ?? '';
  const kernel = productOf(shaped.inputs[1]?.dims.slice(2) ?? []).number;
  const positions = productOf(slid?.dims.slice(2) ?? []).number;
  const factors = [0, 1].map((axis) => ({ value, axis }));
  const bias = shaped.inputs[2] ? elementwiseCost(shaped) : [];
  return [{ kind: 'macs', coefficient: kernel * positions, factors }, ...bias];
}

/** The spans that the ties of a convolution speak of. */
export function convolutionSpans(shaped: ShapedNode) {
  const [x, weight, bias] = shaped.inputs;
  const [xName = '', weightName = '', biasName = ''] = shaped.node.inputs;
  const y = shaped.outputs[0];
  const yName = shaped.node.outputs[0] ?? '';
  return {
    /** The batch goes through; positions and the kernel stay as they are. */
    always: [...(x && y ? tieAxes(wholeAxis(xName, x, 0), wholeAxis(yName, y, 0)) : []), ...pinSpatial(shaped, [1])],
    inChannels: x && wholeAxis(xName, x, 1),
    weight0: weight && wholeAxis(weightName, weight, 0),
    weight1: weight && wholeAxis(weightName, weight, 1),
    outChannels: y && wholeAxis(yName, y, 1),
    bias: bias && wholeAxis(biasName, bias, 0),
  };
}

/**
 * Channels in groups. Whole groups leave together, and the weight's axis 1, which all groups share, stays; or from each
 * group as many filters, and the inputs at the same places, so that groups stay alike. The usual way is the one that leaves
 * more to choose from.
 * @param transposed the inputs of a group lie along axis 0 of the weight, and its outputs along axis 1.
 */
export function tieGrouped(shaped: ShapedNode, groups: number, transposed = false): Relation[] {
  const { weight0, weight1, inChannels, outChannels, bias } = convolutionSpans(shaped);
  if (!weight0 || !weight1 || !inChannels || !outChannels) return [];
  const others = [inChannels, outChannels, ...(bias ? [bias] : [])];
  const pin: SettledRelation = {
    kind: 'pin',
    at: { value: weight1.value, axis: 1 },
    reason: 'all groups of the convolution share it',
  };
  const whole = others.map((b): SettledRelation => ({ kind: 'same', a: weight0, b, blocks: groups }));
  if (weight1.length === 1) return [...whole, pin];
  const [alongWeight0, alongWeight1] = transposed ? [inChannels, outChannels] : [outChannels, inChannels];
  const within: SettledRelation[] = [
    ...tieAxes(weight0, alongWeight0),
    { kind: 'balance', at: weight0, parts: groups },
    tieWithinGroups(alongWeight1, groups, weight1),
    ...(bias ? tieAxes(outChannels, bias) : []),
  ];
  const options =
    groups >= Math.min(weight1.length, weight0.length / groups) ? [[...whole, pin], within] : [within, [...whole, pin]];
  return [{ kind: 'either', options }];
}
