/**
 * Checks an operator against ONNX Runtime: its `infer` (shapes and types), its `run` in both layouts of activations,
 * and the gradients of its `run` against finite differences of ONNX Runtime's outputs.
 */

import * as ort from 'onnxruntime-node';
import type { Attribute, Node } from '../../lib/graph/graph.js';
import { type RandomGenerator, randomGenerator } from '../../lib/graph/random.js';
import { type DataType, float32, numbersOf, sizeOf, type Tensor } from '../../lib/graph/tensor.js';
import type { Operator, ShapedNode, Tf, ValueType } from '../../lib/ops/operator.js';
import { operatorOf } from '../../lib/ops/registry.js';
import { checkGradients } from './gradients.js';
import { oneNodeModel } from './one-node-model.js';
import { cpu, onEngine, runOnEngine } from './run-on-engine.js';

/** Random elements: uniform in [low, high) (default -1 … 1); whole numbers in it when `dtype` is an integer. */
export interface RandomInput {
  dims: number[];
  dtype?: 'float32' | 'int32' | 'int64' | 'bool';
  low?: number;
  high?: number;
  /** An initializer, with its elements known to `infer` and `run`. Default: a graph input. */
  constant?: boolean;
}

export interface OperatorCase {
  op: string;
  domain?: string;
  /** Default 18. */
  opset?: number;
  attributes?: Record<string, Attribute>;
  /** A tensor with data is an initializer whose elements are known; undefined is an optional input that is left out. */
  inputs: (RandomInput | Tensor | undefined)[];
  /** How many outputs the node has; default 1. */
  outputs?: number;
  /** Largest error of an output relative to the largest output (at least 1); default 1e-4. */
  tolerance?: number;
  /** Whether gradients are checked; default true. Only float inputs that are not constants have one. */
  gradients?: boolean;
  /** Of how many outputs gradients are taken; default: all that are float. */
  differentiable?: number;
  /** Half the step of the finite differences; default 0.02. */
  step?: number;
  seed?: number;
  /** Names the case in errors. */
  name?: string;
}

/** `count` cases, each made from its own seeded generator. */
export function manyCases(
  count: number,
  seed: string,
  make: (random: RandomGenerator) => OperatorCase,
): OperatorCase[] {
  return Array.from({ length: count }, (_, index) => make(randomGenerator(seed, index)));
}

/** One of `choices`. */
export function oneOf<T>(random: RandomGenerator, choices: readonly T[]): T {
  return choices[random.int(choices.length)] as T;
}

export const int = (value: number): Attribute => ({ type: 'int', value });
export const ints = (...value: number[]): Attribute => ({ type: 'ints', value });
export const float = (value: number): Attribute => ({ type: 'float', value });
export const string = (value: string): Attribute => ({ type: 'string', value });

function fill(random: RandomGenerator, input: RandomInput): Tensor {
  const { dims, dtype = 'float32', low = dtype === 'bool' ? 0 : -1, high = dtype === 'bool' ? 2 : 1 } = input;
  const uniform = () => low + (high - low) * random.next();
  const values = Array.from({ length: sizeOf(dims) }, () => (dtype === 'float32' ? uniform() : Math.floor(uniform())));
  if (dtype === 'float32') return float32(dims, values);
  if (dtype === 'int64') return { dtype, dims, data: BigInt64Array.from(values, BigInt) };
  if (dtype === 'int32') return { dtype, dims, data: Int32Array.from(values) };
  return { dtype, dims, data: Uint8Array.from(values) };
}

/** A case made concrete: the node, its operator and the elements of its inputs. */
export interface PreparedCase {
  node: Node;
  operator: Operator;
  opset: number;
  tensors: Map<string, Tensor>;
  constant: Set<string>;
  random: RandomGenerator;
  shaped: ShapedNode;
}

function textOf(attributes: Record<string, Attribute>): string {
  return JSON.stringify(attributes, (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : value));
}

export function prepare(test: OperatorCase): PreparedCase {
  const random = randomGenerator('operator', test.op, test.seed ?? 0, textOf(test.attributes ?? {}));
  const tensors = new Map<string, Tensor>();
  const constant = new Set<string>();
  const names = test.inputs.map((input, index) => {
    if (!input) return '';
    const name = `in${index}`;
    tensors.set(name, 'data' in input ? input : fill(random, input));
    if ('data' in input || input.constant) constant.add(name);
    return name;
  });
  const node: Node = {
    name: test.name ?? 'tested',
    op: test.op,
    domain: test.domain ?? '',
    inputs: names,
    outputs: Array.from({ length: test.outputs ?? 1 }, (_, index) => `out${index}`),
    attributes: test.attributes ?? {},
  };
  const operator = operatorOf(node);
  if (!operator) throw new Error(`${test.op} is not in the registry.`);
  const opset = test.opset ?? 18;
  const inputs = names.map((name): ValueType | undefined => {
    const tensor = tensors.get(name);
    if (!tensor) return undefined;
    const { dtype, dims } = tensor;
    return { dtype, dims, elements: constant.has(name) ? numbersOf(tensor) : undefined };
  });
  let symbols = 0;
  const outputs = operator.infer({ node, opset, inputs, unknown: () => `?${symbols++}` });
  return { node, operator, opset, tensors, constant, random, shaped: { node, opset, inputs, outputs } };
}

/** Runs the node in ONNX Runtime; call with other elements of its inputs as often as needed. */
export async function onnxRuntime(
  prepared: PreparedCase,
): Promise<(tensors: Map<string, Tensor>) => Promise<Tensor[]>> {
  const { node, opset, constant } = prepared;
  const model = oneNodeModel(node, opset, prepared.tensors, constant);
  const session = await ort.InferenceSession.create(model, {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'disabled',
    // Errors only: its warnings about shapes are answered by the comparison of shapes.
    logSeverityLevel: 3,
  });
  return async (tensors) => {
    const feeds: Record<string, ort.Tensor> = {};
    for (const [name, { dtype, data, dims }] of tensors)
      if (!constant.has(name)) feeds[name] = new ort.Tensor(dtype as 'float32', data as Float32Array, dims);
    const results = await session.run(feeds);
    return node.outputs.map((name) => {
      const result = results[name];
      if (!result) throw new Error(`ONNX Runtime gave no output ${name}.`);
      return { dtype: result.type as DataType, dims: [...result.dims], data: result.data } as Tensor;
    });
  };
}

function same(actual: readonly unknown[], expected: readonly unknown[]): boolean {
  return actual.length === expected.length && actual.every((extent, axis) => extent === expected[axis]);
}

/** Throws unless `actual` is `expected` within `tolerance` of the largest finite element (at least 1). */
export function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number, what: string) {
  if (actual.length !== expected.length) throw new Error(`${what}: ${actual.length} elements, not ${expected.length}.`);
  let scale = 1;
  for (let i = 0; i < expected.length; i++) {
    const size = Math.abs(expected[i] as number);
    if (Number.isFinite(size)) scale = Math.max(scale, size);
  }
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [actual[i] as number, expected[i] as number];
    if (Object.is(a, b) || (Number.isNaN(a) && Number.isNaN(b)) || Math.abs(a - b) <= tolerance * scale) continue;
    throw new Error(`${what}: element ${i} is ${a}, expected ${b} (tolerance ${tolerance * scale}).`);
  }
}

/** Throws, naming the case, unless the operator, run by `tf`, agrees with ONNX Runtime. */
export async function checkOperator(test: OperatorCase, tf: Tf = cpu): Promise<void> {
  const prepared = prepare(test);
  const { shaped, node, tensors } = prepared;
  const shapes = node.inputs.map((name) => `[${tensors.get(name)?.dims ?? '-'}]`).join(' ');
  const title = `${test.name ?? test.op} ${textOf(node.attributes)} of ${shapes}`;
  const reference = await onnxRuntime(prepared);
  const expected = await reference(tensors);
  expected.forEach((output, index) => {
    const type = shaped.outputs[index];
    if (!type || type.dtype !== output.dtype || !same(type.dims, output.dims))
      throw new Error(`${title}: infer says ${type?.dtype} [${type?.dims}], not ${output.dtype} [${output.dims}].`);
    if (type.elements && !same(type.elements, numbersOf(output)))
      throw new Error(`${title}: infer knows elements [${type.elements}], not [${numbersOf(output)}].`);
  });
  if (!prepared.operator.run) return;
  for (const activations of ['plain', 'channelsLast'] as const) {
    const results = tf.tidy(() =>
      runOnEngine(
        prepared,
        node.inputs.filter((name) => name !== '').map((name) => onEngine(tf, tensors.get(name) as Tensor)),
        { activations, tf },
      ).map((result) => ({ shape: result.shape, data: result.dataSync() })),
    );
    expected.forEach((output, index) => {
      const result = results[index];
      const what = `${title}, ${activations} activations, output ${index}`;
      if (!result || !same(result.shape, output.dims))
        throw new Error(`${what}: run gives [${result?.shape}], not [${output.dims}].`);
      expectClose(result.data, numbersOf(output), test.tolerance ?? 1e-4, what);
    });
    if (test.gradients ?? true)
      await checkGradients(
        tf,
        prepared,
        reference,
        expected.slice(0, test.differentiable ?? expected.length),
        activations,
        test.step ?? 0.02,
        `${title}, ${activations}`,
      );
  }
}
