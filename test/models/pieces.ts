/** What the families have in common, in the node patterns that torch's exporters emit. */

import { float32, int64 } from '../../lib/graph/tensor.js';
import type { ConvOptions, GraphBuilder, Value } from './builder.js';

export interface ZooOptions {
  seed?: number;
}

const list = (b: GraphBuilder, values: readonly number[]) => b.constant('list', int64([values.length], values));
const scalar = (b: GraphBuilder, value: number) => b.constant('scalar', float32([], [value]));

/** `x.view(x.shape[0], ...dims)`: the batch is read from the value itself. */
export function view(b: GraphBuilder, x: Value, dims: readonly number[], channels: number): Value {
  const batch = b.node('Gather', [b.node('Shape', [x]), b.constant('first', int64([], [0]))], { axis: 0 });
  const first = b.node('Unsqueeze', [batch, list(b, [0])]);
  const target = b.node('Concat', [first, ...dims.map((extent) => list(b, [extent]))], { axis: 0 });
  return b.node('Reshape', [x, target], { allowzero: 0 }, { channels });
}

export function transpose(b: GraphBuilder, x: Value, perm: readonly number[], channels = x.channels): Value {
  return b.node('Transpose', [x], { perm: [...perm] }, { channels });
}

export function squeeze(b: GraphBuilder, x: Value, ...axes: number[]): Value {
  return b.node('Squeeze', [x, list(b, axes)]);
}

export function unsqueeze(b: GraphBuilder, x: Value, ...axes: number[]): Value {
  return b.node('Unsqueeze', [x, list(b, axes)]);
}

export function reduce(b: GraphBuilder, op: string, x: Value, axes: readonly number[], keepdims = 1): Value {
  return b.node(op, [x, list(b, axes)], { keepdims });
}

/** `torch.chunk` and `torch.split` along the channels. */
export function split(b: GraphBuilder, x: Value, sizes: readonly number[], axis = 1): Value[] {
  return b.nodes('Split', [x, list(b, sizes)], { axis }, sizes);
}

/** `x[:, start:end]`. */
export function slice(b: GraphBuilder, x: Value, start: number, end: number): Value {
  const inputs = [start, end, 1, 1].map((value) => list(b, [value]));
  return b.node('Slice', [x, ...inputs], {}, { channels: Math.min(end, x.channels) - start });
}

/** Upsampling by a factor, as `nn.Upsample(scale_factor, mode='nearest')`. */
export function upsample(b: GraphBuilder, x: Value, factor: number): Value {
  const scales = b.constant('scales', float32([4], [1, 1, factor, factor]));
  const attributes = { mode: 'nearest', nearest_mode: 'floor', coordinate_transformation_mode: 'asymmetric' };
  return b.node('Resize', [x, '', scales], attributes);
}

export function timesConstant(b: GraphBuilder, x: Value, value: number): Value {
  return b.node('Mul', [x, scalar(b, value)]);
}

export function plusConstant(b: GraphBuilder, x: Value, value: number): Value {
  return b.node('Add', [x, scalar(b, value)]);
}

/** The exact GELU, as it is exported below opset 20. */
export function gelu(b: GraphBuilder, x: Value): Value {
  const erf = b.node('Erf', [b.node('Div', [x, scalar(b, Math.SQRT2)])]);
  return timesConstant(b, b.mul(x, plusConstant(b, erf, 1)), 0.5);
}

export function hardSwish(b: GraphBuilder, x: Value): Value {
  return b.node('HardSwish', [x]);
}

export function hardSigmoid(b: GraphBuilder, x: Value): Value {
  return b.node('HardSigmoid', [x], { alpha: 1 / 6 });
}

/** Squeeze and excitation (Hu et al. 2018) by convolutions; the gate is a sigmoid unless another is given. */
export function squeezeExcite(
  b: GraphBuilder,
  x: Value,
  squeezed: number,
  gate: (b: GraphBuilder, x: Value) => Value = (_, y) => b.sigmoid(y),
): Value {
  const reduced = b.relu(b.conv(reduce(b, 'ReduceMean', x, [2, 3]), squeezed, { kernel: 1 }));
  return b.mul(x, gate(b, b.conv(reduced, x.channels, { kernel: 1 })));
}

/** Layer norm over the last axis. */
export function layerNorm(b: GraphBuilder, x: Value, features = x.channels): Value {
  const scale = b.parameter('ln.weight', [features], { mean: 1 });
  return b.node('LayerNormalization', [x, scale, b.parameter('ln.bias', [features])], { axis: -1, epsilon: 1e-6 });
}

/** A dense layer on the last axis of a value of three axes or more. */
export function linear(b: GraphBuilder, x: Value, features: number, gain = 1): Value {
  const deviation = gain * Math.sqrt(1 / x.channels);
  const weight = b.parameter('linear.weight', [x.channels, features], { deviation });
  const product = b.node('MatMul', [x, weight], {}, { channels: features });
  return b.node('Add', [b.parameter('linear.bias', [features]), product], {}, { channels: features });
}

export function depthwise(b: GraphBuilder, x: Value, options: ConvOptions = {}): Value {
  return b.conv(x, x.channels, { ...options, groups: x.channels });
}

/** The shortcut of a residual block: a 1×1 convolution where the shape changes. */
export function shortcut(b: GraphBuilder, x: Value, channels: number, stride: number): Value {
  return stride === 1 && x.channels === channels ? x : b.convBn(x, channels, { kernel: 1, stride }, '');
}

export function classifier(b: GraphBuilder, x: Value, classes = 7): Value {
  return b.gemm(b.flatten(b.globalAveragePool(x)), classes, { name: 'classifier' });
}
