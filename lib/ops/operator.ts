/**
 * What every operator answers. One file per operator (or per family that differs in one function), and nothing else
 * in the code asks which operator a node is: shape inference, training, cost, dependency groups and surgery all follow
 * from these answers.
 */

import type * as tfjs from '@tensorflow/tfjs-core';
import { TascnetError } from '../errors.js';
import type { Attribute, Dim, Node } from '../graph/graph.js';
import type { DataType, Tensor } from '../graph/tensor.js';

/** The tfjs namespace, handed in by the engine: operators load without TensorFlow. */
export type Tf = typeof tfjs;

/** What is known of a value without running the graph. */
export interface ValueType {
  dtype: DataType;
  dims: Dim[];
  /**
   * The elements in row-major order, where they are known: integer shape arithmetic (whose elements may be symbols) and
   * constants of at most `MAX_KNOWN_ELEMENTS` elements. Shape operators (Shape, Gather, Concat, …) compute them.
   */
  elements?: Dim[] | undefined;
}

export const MAX_KNOWN_ELEMENTS = 4096;

/** One axis of a value or an initializer, in ONNX logical order. */
export interface AxisRef {
  value: string;
  axis: number;
}

/** Where a node stands: the types around it. `inputs[i]` is undefined for an optional input that is left out. */
export interface ShapedNode {
  node: Node;
  opset: number;
  inputs: (ValueType | undefined)[];
  outputs: ValueType[];
}

export interface InferContext {
  node: Node;
  opset: number;
  inputs: (ValueType | undefined)[];
  /** A new symbol for an extent that cannot be told. */
  unknown(): string;
}

/**
 * How a value lies in memory on the engine. `plain`: in ONNX logical order. `channelsLast`: axis 1 moved to the end
 * (NCHW → NHWC, NCL → NLC), for values of three axes or more.
 */
export type Layout = 'plain' | 'channelsLast';

/**
 * The layout in which an operator takes its inputs and leaves its outputs. `follow`: whatever the activations have; the
 * executor brings all inputs to that one layout, and to equal rank when they broadcast (a [C,1,1] constant next to a
 * channels-last [N,H,W,C] value arrives as [1,1,1,C]). Outputs of less than three axes are always plain.
 */
export type LayoutPolicy = Layout | 'follow';

export interface RunContext extends ShapedNode {
  tf: Tf;
  /** The inputs on the engine, lying as `layout` says; packed where the operator's `packing` says so. Integer constants
   * and anything in `inputs[i].elements` are better read from there. */
  tensors: (tfjs.Tensor | undefined)[];
  layout: Layout;
  /** The physical axis at which logical `axis` (not negative) of a value of `rank` axes lies. */
  physicalAxis(axis: number, rank: number): number;
  training: boolean;
  /** For random operators: differs from node to node and step to step, the same for the same seed. */
  seed: number;
  /** In training, the new value of a buffer (an input listed in `buffers`), such as a running mean. */
  updateBuffer(input: number, value: tfjs.Tensor): void;
}

/** Another order for a weight on the engine, such as OIHW → HWIO. Both directions are differentiable tf expressions. */
export interface Packing {
  pack(tf: Tf, weight: tfjs.Tensor): tfjs.Tensor;
  unpack(tf: Tf, packed: tfjs.Tensor): tfjs.Tensor;
}

/**
 * One product of extents times a coefficient, for one sample: a Conv's MACs are kh·kw·Hout·Wout × outChannels ×
 * inChannels/group. Symbolic extents (the batch) count as 1.
 */
export interface CostTerm {
  /** `macs`: multiply-adds. `elementwise`: any other floating-point operation (an addition, a comparison, an exp). */
  kind: 'macs' | 'elementwise';
  coefficient: number;
  /** The extents that are multiplied; listed by axis so that the cost of another channel count can be told. */
  factors: AxisRef[];
}

/** A run of elements along one axis. `at` lists the positions where they are not `start`, `start + 1`, …. */
export interface Span extends AxisRef {
  start: number;
  length: number;
  at?: Int32Array;
}

/**
 * Which elements (channels) along the axes of a node's values must live or die together.
 * - `same`: both spans are cut into `blocks` equal blocks (default: one element each); block i of `a` and block i of `b`
 *   live and die together, as a whole.
 * - `balance`: of each of `parts` equal parts of the span as many elements must live, whichever.
 * - `reshape`: the elements of `from`'s axes, in row-major order, are those of `to`'s axes (Flatten, Reshape).
 * - `either`: one of several sets of relations, whichever leaves more to prune; the first is the usual one.
 * - `pin`: elements of this axis cannot be removed, with the reason shown to the person. `unlessNormalizing`: they can
 *   where what the node makes only centres or scales these very elements again. `unlessShuffling`: they can where the node
 *   is one of several that merely put elements in another order, and that surgery replaces all at once.
 */
export type Relation = SettledRelation | { kind: 'either'; options: SettledRelation[][] };

export type SettledRelation =
  | { kind: 'same'; a: Span; b: Span; blocks?: number }
  | { kind: 'balance'; at: Span; parts: number }
  | { kind: 'reshape'; from: { value: string; axes: number[] }; to: { value: string; axes: number[] } }
  | { kind: 'pin'; at: AxisRef; reason: string; unlessNormalizing?: boolean; unlessShuffling?: boolean };

/** A node between two graphs: before and after elements were removed. */
export interface RewriteContext extends ShapedNode {
  /** The elements that stay along an axis, ascending, in terms of the original; undefined when all of them stay. */
  kept(at: AxisRef): Int32Array | undefined;
  /** The extent of an axis after removal; a symbol when it was one. */
  extent(at: AxisRef): Dim;
}

/** What of a node must change when elements are removed: `group` of a Conv, the target of a Reshape, the sizes of a Split. */
export interface Rewrite {
  /** Attributes that are set; the others stay. */
  attributes?: Record<string, Attribute>;
  /** Attributes that are taken away. */
  withoutAttributes?: readonly string[];
  /** New constants by input position, which may be one that was left out. */
  constants?: Map<number, Tensor>;
}

/** How a layer's output depends on its weight: output = weight · patches of input 0 + bias, at every output position. */
export interface LinearLayer {
  /** Input positions of the weight and the bias (the latter undefined when there is none). */
  weight: number;
  bias: number | undefined;
  /** The axis of the weight that is summed over together with the kernel's; the other one of its first two makes outputs. */
  inputAxis: 0 | 1;
  /** The patch of a [N, C, H, W] input; 1×1 for dense layers. `pads`: top and left. */
  kernel: [number, number];
  strides: [number, number];
  dilations: [number, number];
  pads: [number, number];
}

/**
 * What a node is for in the structure of a network, beyond shapes and ties. `gate`: a factor between 0 and 1.
 * `nonlinearity`: stands behind a layer, where another one could stand as well.
 */
export type Role = 'sum' | 'product' | 'concatenation' | 'nonlinearity' | 'gate' | 'dropout';

/** A node with a window of another extent, whose outputs stand where those of the old one stood. */
export interface ResizedWindow {
  attributes: Record<string, Attribute>;
  withoutAttributes: readonly string[];
  /** Rows added before and behind each spatial axis of the weight; taken away where negative. */
  taps: [before: number, behind: number][];
}

/** The window that slides over a node's first input. */
export interface SlidingWindow {
  /** Of all axes along which it has more than one tap (of all axes where there are none). */
  extent: number;
  /** The input that holds its taps on axes 2 and on; undefined for a pool. */
  weight: number | undefined;
  /** Undefined when the outputs could not stay where they are. */
  resized(extent: number): ResizedWindow | undefined;
}

export interface Operator {
  /** ONNX op_type, and its domain ('' is the standard one). */
  op: string;
  domain?: string;
  /** Inputs that are learnt (weight, bias, scale) when they are float initializers. Counted as parameters. */
  parameters?: readonly number[];
  /** Inputs that training updates without a gradient (running mean and variance). Not counted as parameters. */
  buffers?: readonly number[];

  /** Types of the outputs. Throws a `TascnetError` through `mismatch` when the inputs contradict the operator. */
  infer(context: InferContext): ValueType[];

  /** How the engine computes it; left out for operators that only ever compute shapes. */
  run?(context: RunContext): tfjs.Tensor[];
  /** Default: `follow`. */
  layout?: LayoutPolicy | ((shaped: ShapedNode) => LayoutPolicy);
  /** The order in which a weight input is kept on the engine. */
  packing?(shaped: ShapedNode, input: number): Packing | undefined;

  /** MACs and other operations of one sample. Parameters and activation bytes follow from the shapes. */
  cost(shaped: ShapedNode): CostTerm[];

  /** Which channels of its inputs, outputs and weights must live or die together. Axes that it does not mention are free
   * of each other. Only extents that are numbers can be tied. */
  tie(shaped: ShapedNode): Relation[];
  /** What else changes when elements are removed. Left out when nothing but tensors changes. */
  rewrite?(context: RewriteContext): Rewrite;
  /** For layers that are linear in a weight without groups: what least squares needs to solve for the weight. */
  linear?(shaped: ShapedNode): LinearLayer | undefined;
  /**
   * What of input 0 comes out by itself, whatever its shape: its elements as they are and in order (in inference), or each
   * channel apart from the others, with its positions pooled or its values cut off.
   */
  passes?: 'elements' | 'channels';
  /** The output is a distribution over classes, of which input 0 has the logits. */
  scores?: 'probabilities' | 'logProbabilities';
  /** Left out, or undefined, where a node has no part of its own. */
  role?(shaped: ShapedNode): Role | undefined;
  /** For nodes that slide a window of equal extents; undefined where its extents differ. */
  window?(shaped: ShapedNode): SlidingWindow | undefined;
}

/** The error for a node whose inputs contradict it. */
export function mismatch(node: Node, problem: string): TascnetError {
  return new TascnetError(`${node.op} "${node.name}": ${problem}`);
}

/** Input `index`, which the operator cannot do without. */
export function required(context: { node: Node; inputs: (ValueType | undefined)[] }, index: number): ValueType {
  const input = context.inputs[index];
  if (input === undefined) throw mismatch(context.node, `input ${index} is missing or its shape is unknown.`);
  return input;
}

/** Tensor `index`, which the operator cannot do without. */
export function requiredTensor(context: RunContext, index: number): tfjs.Tensor {
  const tensor = context.tensors[index];
  if (tensor === undefined) throw mismatch(context.node, `input ${index} is missing.`);
  return tensor;
}

/** The layer of a dense operator: a 1×1 patch. */
export function denseLayer(layer: Pick<LinearLayer, 'weight' | 'bias' | 'inputAxis'>): LinearLayer {
  return { ...layer, kernel: [1, 1], strides: [1, 1], dilations: [1, 1], pads: [0, 0] };
}

/** A span over a whole axis; undefined when the extent is a symbol. */
export function wholeAxis(value: string, type: ValueType, axis: number): Span | undefined {
  const extent = type.dims[axis];
  return typeof extent === 'number' ? { value, axis, start: 0, length: extent } : undefined;
}

/** Ties two whole axes element by element; nothing when either extent is a symbol or they differ (one broadcasts). */
export function tieAxes(a: Span | undefined, b: Span | undefined): SettledRelation[] {
  return a && b && a.length === b.length ? [{ kind: 'same', a, b }] : [];
}

/** Every axis of `input` tied to the same axis of `output`: for operators that work element by element. */
export function tieElementwise(shaped: ShapedNode, input: number, output = 0): SettledRelation[] {
  const from = shaped.inputs[input];
  const to = shaped.outputs[output];
  const fromName = shaped.node.inputs[input];
  const toName = shaped.node.outputs[output];
  if (!from || !to || !fromName || !toName) return [];
  const relations: SettledRelation[] = [];
  for (let axis = 0; axis < from.dims.length; axis++)
    relations.push(...tieAxes(wholeAxis(fromName, from, axis), wholeAxis(toName, to, axis)));
  return relations;
}

/** `count` operations for each element of output 0. */
export function elementwiseCost(shaped: ShapedNode, count = 1): CostTerm[] {
  const value = shaped.node.outputs[0];
  const dims = shaped.outputs[0]?.dims;
  if (value === undefined || dims === undefined) return [];
  return [{ kind: 'elementwise', coefficient: count, factors: dims.map((_, axis) => ({ value, axis })) }];
}
