/**
 * Builds graphs layer by layer, with seeded random weights, uniform and scaled (He et al. 2015) so that signals neither vanish nor
 * explode however deep the network is.
 *
 *     const b = graphBuilder('tiny', { seed: 1 });
 *     let x = b.input([3, 32, 32]);
 *     x = b.relu(b.bn(b.conv(x, 8, { kernel: 3, pad: 1, bias: false })));
 *     x = b.gemm(b.flatten(b.globalAveragePool(x)), 10);
 *     const graph = b.build(x);
 */

import { inferShapes } from '../../lib/analyze/shapes.js';
import type { Attribute, Dim, Graph, Node } from '../../lib/graph/graph.js';
import { randomGenerator, xoshiro128ss } from '../../lib/graph/random.js';
import { float32, int64, type Tensor } from '../../lib/graph/tensor.js';

/** A value in the making. `channels` is the extent of its axis 1. */
export interface Value {
  name: string;
  channels: number;
}

export interface ConvOptions {
  /** Default 3, stride 1, pad 0 on all sides, groups 1, bias true. */
  kernel?: number | [number, number];
  stride?: number;
  pad?: number | [number, number, number, number];
  groups?: number;
  dilation?: number;
  bias?: boolean;
  /** Names the node and its weights (`NAME.weight`, `NAME.bias`). */
  name?: string;
  /** Of the weights, relative to He's; default 1. Linear layers before a sum or a sigmoid may want less. */
  gain?: number;
}

export interface PoolOptions {
  kernel: number;
  stride?: number;
  pad?: number;
  ceil?: boolean;
}

type Attributes = Record<string, number | number[] | string>;

export type GraphBuilder = ReturnType<typeof graphBuilder>;

export interface BuilderOptions {
  seed?: number;
  opset?: number;
  /** `zero` where only shapes and counts matter: it is quicker. Default `random`. */
  weights?: 'random' | 'zero';
}

export function graphBuilder(name: string, { seed = 0, opset = 18, weights = 'random' }: BuilderOptions = {}) {
  const nodes: Node[] = [];
  const initializers = new Map<string, Tensor>();
  const inputs: Graph['inputs'] = [];
  const counts = new Map<string, number>();

  const unique = (base: string): string => {
    const count = counts.get(base) ?? 0;
    counts.set(base, count + 1);
    return count === 0 ? base : `${base}_${count}`;
  };

  /** An initializer of uniform numbers, told by the seed and its name: adding a layer changes no other. */
  const random = (tensor: string, dims: number[], mean: number, deviation: number): string => {
    const data = new Float32Array(dims.reduce((product, extent) => product * extent, 1));
    if (weights === 'random') {
      const seeds = randomGenerator(seed, tensor);
      const word = xoshiro128ss(seeds.int(2 ** 31), seeds.int(2 ** 31), seeds.int(2 ** 31), 1);
      const half = deviation * Math.sqrt(3);
      for (let index = 0; index < data.length; index++) data[index] = mean + half * (word() / 2 ** 31 - 1);
    }
    initializers.set(tensor, float32(dims, data));
    return tensor;
  };

  const constant = (tensor: string, value: Tensor): string => {
    const free = unique(tensor);
    initializers.set(free, value);
    return free;
  };

  /** Adds any node of one output. `channels`: those of its output, by default of its first input. */
  const node = (
    op: string,
    from: readonly (Value | string)[],
    attributes: Attributes = {},
    { name: asked, channels }: { name?: string | undefined; channels?: number } = {},
  ): Value => place(unique(asked ?? `${op.toLowerCase()}${nodes.length}`), op, from, attributes, channels);

  const place = (
    nodeName: string,
    op: string,
    from: readonly (Value | string)[],
    attributes: Attributes,
    channels?: number,
  ): Value => {
    const output = `${nodeName}_out`;
    const [first] = from;
    nodes.push({
      name: nodeName,
      op,
      domain: '',
      inputs: from.map((value) => (typeof value === 'string' ? value : value.name)),
      outputs: [output],
      attributes: Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, attributeOf(value)])),
    });
    return { name: output, channels: channels ?? (typeof first === 'object' ? first.channels : 0) };
  };

  const conv = (x: Value, outChannels: number, options: ConvOptions = {}): Value => {
    const { kernel = 3, stride = 1, pad = 0, groups = 1, dilation = 1, bias = true, gain = 1 } = options;
    const kernels = typeof kernel === 'number' ? [kernel, kernel] : kernel;
    const [kh = 1, kw = 1] = kernels;
    const layer = unique(options.name ?? `conv${nodes.length}`);
    const perGroup = x.channels / groups;
    const deviation = gain * Math.sqrt(2 / (perGroup * kh * kw));
    const weight = random(`${layer}.weight`, [outChannels, perGroup, kh, kw], 0, deviation);
    const from: (Value | string)[] = [x, weight];
    if (bias) from.push(random(`${layer}.bias`, [outChannels], 0, 0.1));
    const pads = typeof pad === 'number' ? [pad, pad, pad, pad] : pad;
    const attributes = {
      kernel_shape: kernels,
      strides: [stride, stride],
      pads,
      dilations: [dilation, dilation],
      group: groups,
    };
    return place(layer, 'Conv', from, attributes, outChannels);
  };

  const bn = (x: Value, options: { name?: string; epsilon?: number } = {}): Value => {
    const layer = unique(options.name ?? `bn${nodes.length}`);
    const c = [x.channels];
    const parameters = [
      random(`${layer}.weight`, c, 1, 0.17),
      random(`${layer}.bias`, c, 0, 0.1),
      random(`${layer}.running_mean`, c, 0, 0.1),
      random(`${layer}.running_var`, c, 1, 0.17),
    ];
    return place(layer, 'BatchNormalization', [x, ...parameters], { epsilon: options.epsilon ?? 1e-5 });
  };

  const gemm = (
    x: Value,
    outFeatures: number,
    options: { bias?: boolean; name?: string; gain?: number } = {},
  ): Value => {
    const layer = unique(options.name ?? `fc${nodes.length}`);
    const deviation = (options.gain ?? 1) * Math.sqrt(2 / x.channels);
    const weight = random(`${layer}.weight`, [outFeatures, x.channels], 0, deviation);
    const from: (Value | string)[] = [x, weight];
    if (options.bias ?? true) from.push(random(`${layer}.bias`, [outFeatures], 0, 0.1));
    return place(layer, 'Gemm', from, { transB: 1 }, outFeatures);
  };

  const pool = (op: string, x: Value, { kernel, stride = kernel, pad = 0, ceil = false }: PoolOptions): Value =>
    node(op, [x], {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads: [pad, pad, pad, pad],
      ceil_mode: ceil ? 1 : 0,
    });

  return {
    /** A graph input of shape [batch, ...dims]; `batch` is the symbol N unless given. */
    input: (
      dims: readonly number[],
      { name: asked = 'input', batch = 'N' as Dim, dtype = 'float32' as 'float32' | 'int64' } = {},
    ): Value => {
      inputs.push({ name: asked, dtype, dims: [batch, ...dims] });
      return { name: asked, channels: dims[0] ?? 1 };
    },
    node,
    /** Adds any node of several outputs, of which `channels` says how many there are and the channels of each. */
    nodes: (op: string, from: readonly (Value | string)[], attributes: Attributes, channels: readonly number[]) => {
      const { name: first } = node(op, from, attributes);
      const made = nodes.at(-1);
      const names = channels.map((_, index) => (index === 0 ? first : `${first}_${index}`));
      if (made) made.outputs = names;
      return channels.map((count, index): Value => ({ name: names[index] ?? '', channels: count }));
    },
    constant,
    /** An initializer of uniform random numbers of this mean and standard deviation, under a name that is made unique. */
    parameter: (wish: string, dims: number[], { mean = 0, deviation = 0.1 } = {}): string =>
      random(unique(wish), dims, mean, deviation),
    conv,
    bn,
    gemm,
    /** Conv without bias, batch norm, and the activation that is named (`''`: none). */
    convBn: (x: Value, outChannels: number, options: ConvOptions = {}, activation = 'Relu'): Value => {
      const named = options.name === undefined ? {} : { name: `${options.name}.bn` };
      const normed = bn(conv(x, outChannels, { ...options, bias: false }), named);
      return activation === '' ? normed : node(activation, [normed]);
    },
    relu: (x: Value): Value => node('Relu', [x]),
    sigmoid: (x: Value): Value => node('Sigmoid', [x]),
    /** x · sigmoid(x), as exporters write it. */
    swish: (x: Value): Value => node('Mul', [x, node('Sigmoid', [x])]),
    relu6: (x: Value): Value =>
      node('Clip', [x, constant('clip_min', float32([], [0])), constant('clip_max', float32([], [6]))]),
    add: (a: Value, b: Value): Value => node('Add', [a, b]),
    mul: (a: Value, b: Value): Value => node('Mul', [a, b]),
    concat: (parts: readonly Value[]): Value =>
      node('Concat', parts, { axis: 1 }, { channels: parts.reduce((sum, { channels }) => sum + channels, 0) }),
    maxPool: (x: Value, options: PoolOptions): Value => pool('MaxPool', x, options),
    averagePool: (x: Value, options: PoolOptions): Value => pool('AveragePool', x, options),
    globalAveragePool: (x: Value): Value => node('GlobalAveragePool', [x]),
    dropout: (x: Value, ratio = 0.5): Value => node('Dropout', [x, constant('ratio', float32([], [ratio]))]),
    softmax: (x: Value): Value => node('Softmax', [x], { axis: -1 }),
    /** `area`: height × width of what is flattened. */
    flatten: (x: Value, area = 1): Value => node('Flatten', [x], { axis: 1 }, { channels: x.channels * area }),
    reshape: (x: Value, target: readonly number[], channels: number): Value =>
      node('Reshape', [x, constant('target', int64([target.length], target))], {}, { channels }),
    /** The graph with these outputs, whose shapes are inferred. */
    build: (...outputs: Value[]): Graph => {
      const graph: Graph = {
        name,
        opset,
        domains: {},
        nodes,
        inputs,
        outputs: outputs.map((output) => ({ name: output.name, dtype: 'float32', dims: undefined })),
        initializers,
        metadata: {},
      };
      const { types } = inferShapes(graph);
      return {
        ...graph,
        outputs: graph.outputs.map((output) => {
          const type = types.get(output.name);
          return type ? { name: output.name, dtype: type.dtype, dims: type.dims } : output;
        }),
      };
    },
  };
}

function attributeOf(value: number | number[] | string): Attribute {
  if (typeof value === 'string') return { type: 'string', value };
  if (typeof value !== 'number')
    return value.every(Number.isInteger) ? { type: 'ints', value } : { type: 'floats', value };
  return Number.isInteger(value) ? { type: 'int', value } : { type: 'float', value: Math.fround(value) };
}
