/** Whole networks on the engine against ONNX Runtime: outputs, layouts, weights, memory. */

import { afterAll, describe, expect, test } from '@jest/globals';
import type * as tfjs from '@tensorflow/tfjs-core';
import { requireFinite } from '../../lib/analyze/finite.js';
import { loadEngine } from '../../lib/engine/engine.js';
import { buildModel, type Model } from '../../lib/engine/model.js';
import { encodeOnnx, readOnnx } from '../../lib/formats/onnx/index.js';
import type { Graph, Node } from '../../lib/graph/graph.js';
import { float32, int64 } from '../../lib/graph/tensor.js';
import { graphBuilder } from '../models/builder.js';
import { FAMILIES } from '../models/families.js';
import { randomInput, relativeError, runModel } from '../models/runtime.js';
import { testWith } from '../shared-data.js';

const engine = await loadEngine();
const { tf } = engine;
const before = tf.memory().numTensors;
afterAll(() => expect(tf.memory().numTensors).toBe(before));

const INFERENCE = { training: false, seed: 0 };

function forward(model: Model, data: Float32Array, dims: number[], options = INFERENCE): Float32Array[] {
  return tf.tidy(() =>
    model
      .forward([{ tensor: tf.tensor(data, dims), layout: 'plain' }], options)
      .map((output) => output.dataSync<'float32'>()),
  );
}

/** Runs `graph` on both and compares every output. */
async function expectParity(graph: Graph, dims: number[], scale = 1, seed = 1): Promise<void> {
  const data = randomInput(dims, seed).map((x) => x * scale);
  const input = graph.inputs[0]?.name ?? '';
  const expected = await runModel(encodeOnnx(graph), { inputs: { [input]: { dims, data } } });
  const model = buildModel(engine, graph);
  const outputs = forward(model, data, dims);
  model.dispose();
  graph.outputs.forEach(({ name }, index) => {
    const reference = expected[name]?.data ?? new Float32Array();
    expect(relativeError(outputs[index] ?? new Float32Array(), reference)).toBeLessThan(1e-4);
  });
}

describe('published networks equal ONNX Runtime', () => {
  const models: [string, number, number][] = [
    ['mobilenet_v1_0.25_128', 128, 1],
    ['resnet20_cifar10', 32, 1],
    ['squeezenet1_1_features_224', 224, 100],
    // The plain JavaScript backend would take minutes.
    ...(engine.backend === 'tensorflow'
      ? ([
          ['mobilenet_v1_0.5_160', 160, 1],
          ['mobilenet_v2_1.0_224', 224, 1],
          ['mobilenet_v1_1.0_224_bn_features_block12', 224, 1],
          ['squeezenet1_0_deepcompression_227', 227, 100],
        ] as [string, number, number][])
      : []),
  ];
  for (const [name, size, scale] of models)
    testWith(`models/${name}.onnx`, name, async (path) =>
      expectParity(await readOnnx(path), [1, 3, size, size], scale),
    );
});

describe('families with random weights equal ONNX Runtime', () => {
  for (const [name, family] of Object.entries(FAMILIES))
    test(name, () => expectParity(family({ width: 0.125, size: 64, classes: 10, seed: 3 }), [2, 3, 64, 64]));
});

describe('what exporters emit equals ONNX Runtime', () => {
  test('a maximum over a border of minus infinity', async () => {
    const b = graphBuilder('border', { seed: 4 });
    const x = b.conv(b.input([3, 8, 8]), 6, { pad: 1 });
    const least = b.constant('least', float32([], [Number.NEGATIVE_INFINITY]));
    const padded = b.node('Pad', [x, b.constant('pads', int64([8], [0, 0, 1, 1, 0, 0, 1, 1])), least]);
    const graph = b.build(b.maxPool(padded, { kernel: 3, stride: 2 }));
    requireFinite(graph, 'border.onnx');
    await expectParity(graph, [2, 3, 8, 8]);
  });

  test('biases looked up, and a mask written, by index', async () => {
    const b = graphBuilder('indices', { seed: 5 });
    const scores = b.conv(b.input([3, 4, 4]), 6, { pad: 1 });
    const table = b.parameter('table', [5, 4]);
    const places = b.constant(
      'places',
      int64(
        [6, 4, 1],
        Array.from({ length: 24 }, (_, at) => (7 * at) % 5),
      ),
    );
    const biased = b.add(scores, b.node('GatherND', [table, places], {}, { channels: 6 }));
    const cells = b.constant('cells', int64([3, 2], [0, 1, 2, -1, -1, 0]));
    const mask = b.node('ScatterND', [
      b.constant('zeros', float32([4, 4], new Float32Array(16))),
      cells,
      b.constant('written', float32([3], [-100, -50, 2])),
    ]);
    await expectParity(b.build(b.add(biased, mask)), [2, 3, 4, 4]);
  });
});

describe('layouts', () => {
  test('constants of every rank broadcast against a channels-last value', async () => {
    const b = graphBuilder('broadcast', { seed: 2 });
    let x = b.conv(b.input([3, 5, 7]), 4, { pad: 1 });
    for (const dims of [[], [1], [7], [5, 7], [4, 1, 1], [4, 5, 7], [1, 4, 1, 1], [1, 1, 5, 1]]) {
      const size = dims.reduce((product, extent) => product * extent, 1);
      const values = float32(
        dims,
        Float32Array.from({ length: size }, (_, index) => Math.sin(index + dims.length)),
      );
      x = b.node('Mul', [x, b.constant('factor', values)]);
      x = b.node('Add', [b.constant('term', values), x]);
    }
    await expectParity(b.build(x), [2, 3, 5, 7]);
  });

  test('flattening, transposing and pooling keep ONNX order', async () => {
    const b = graphBuilder('orders', { seed: 3 });
    const x = b.relu(b.conv(b.input([3, 6, 4]), 5, { pad: 1 }));
    const turned = b.node('Transpose', [x], { perm: [0, 2, 3, 1] });
    const back = b.node('Transpose', [turned], { perm: [0, 3, 1, 2] });
    const sum = b.node('Add', [x, b.conv(back, 5, { pad: 1 })]);
    const shape = b.constant('shape', int64([2], [0, 120]));
    const flat = b.node('Reshape', [sum, shape], {}, { channels: 120 });
    await expectParity(b.build(b.gemm(flat, 7)), [2, 3, 6, 4]);
  });

  test('a weight that two operators read in different orders is kept once and learnt by both', async () => {
    const b = graphBuilder('shared', { seed: 4 });
    const x = b.input([4, 6, 6]);
    const first = b.conv(x, 4, { kernel: 1, bias: false, name: 'one' });
    const second = b.conv(first, 4, { kernel: 1, bias: false, name: 'two' });
    const graph = b.build(second);
    const mean: Node = {
      name: 'mean',
      op: 'ReduceMean',
      domain: '',
      inputs: ['one.weight', 'axes'],
      outputs: ['factor'],
      attributes: { keepdims: { type: 'int', value: 1 } },
    };
    const scaled: Node = {
      name: 'scaled',
      op: 'Mul',
      domain: '',
      inputs: [second.name, 'factor'],
      outputs: ['y'],
      attributes: {},
    };
    const reuse = (node: Node): Node =>
      node.inputs[1] === 'two.weight' ? { ...node, inputs: [node.inputs[0] ?? '', 'one.weight'] } : node;
    const shared: Graph = {
      ...graph,
      nodes: [mean, ...graph.nodes.map(reuse), scaled],
      outputs: [{ name: 'y', dtype: 'float32', dims: ['N', 4, 6, 6] }],
      initializers: new Map([...graph.initializers, ['axes', int64([3], [0, 2, 3])]]),
    };
    await expectParity(shared, [2, 4, 6, 6]);
    const model = buildModel(engine, shared);
    expect([...model.variables.keys()]).toEqual(['one.weight']);
    const gradient = tf.tidy(() => {
      const { grads } = tf.variableGrads(() => {
        const input: tfjs.Tensor = tf.ones([1, 4, 6, 6]);
        return tf.sum(model.forward([{ tensor: input, layout: 'plain' }], INFERENCE)[0] ?? input) as tfjs.Scalar;
      }, [...model.variables.values()]);
      return Object.values(grads)[0]?.dataSync();
    });
    expect(gradient?.every((value) => Number.isFinite(value))).toBe(true);
    expect(gradient?.some((value) => value !== 0)).toBe(true);
    model.dispose();
  });

  test('an input may come in either layout, and a batch in any size', async () => {
    const graph = FAMILIES.squeezenet?.({ width: 0.125, size: 64, classes: 10, seed: 3 });
    if (!graph) throw new Error('no squeezenet');
    const model = buildModel(engine, graph);
    for (const batch of [1, 3]) {
      const data = randomInput([batch, 3, 64, 64], batch);
      const [plain] = forward(model, data, [batch, 3, 64, 64]);
      const [last] = tf.tidy(() => {
        const tensor = tf.transpose(tf.tensor(data, [batch, 3, 64, 64]), [0, 2, 3, 1]);
        return model.forward([{ tensor, layout: 'channelsLast' }], INFERENCE).map((output) => output.dataSync());
      });
      expect(last).toEqual(plain);
    }
    model.dispose();
  });
});

describe('weights', () => {
  const graph = (): Graph => {
    const b = graphBuilder('weights', { seed: 5 });
    let x = b.relu(b.bn(b.conv(b.input([3, 8, 8]), 6, { pad: 1, bias: false, name: 'dense' })));
    x = b.relu(b.bn(b.conv(x, 6, { pad: 1, groups: 6, name: 'depthwise' })));
    x = b.conv(x, 4, { pad: 1, groups: 2, name: 'grouped' });
    return b.build(b.gemm(b.flatten(b.globalAveragePool(x)), 3, { name: 'fc' }));
  };

  test('come back bitwise, and a replaced set is used', async () => {
    const source = graph();
    const model = buildModel(engine, source);
    for (const [name, tensor] of await model.weights()) expect(tensor).toEqual(source.initializers.get(name));
    expect((await model.toGraph()).initializers).toEqual(source.initializers);
    const doubled = new Map(
      [...(await model.weights())].map(([name, { dims, data }]) => [
        name,
        float32(
          dims,
          (data as Float32Array).map((value) => value * 2),
        ),
      ]),
    );
    model.setWeights(doubled);
    const dims = [2, 3, 8, 8];
    const data = randomInput(dims, 6);
    const [output] = forward(model, data, dims);
    const expected = await runModel(encodeOnnx(await model.toGraph()), { inputs: { input: { dims, data } } });
    expect(
      relativeError(output ?? new Float32Array(), Object.values(expected)[0]?.data ?? new Float32Array()),
    ).toBeLessThan(1e-4);
    expect(() => model.setWeights(new Map([['fc.weight', float32([1], [0])]]))).toThrow(/fc\.weight/);
    model.dispose();
  });

  test('only what is asked for is learnt; a 0/1 selection never is', () => {
    const b = graphBuilder('selection', { seed: 5 });
    const x = b.conv(b.conv(b.input([4, 8, 8]), 4, { name: 'learnt' }), 4, { kernel: 1, bias: false, name: 'fixed' });
    const source = b.build(x);
    const eye = Float32Array.from({ length: 16 }, (_, index) => (index % 5 === 0 ? 1 : 0));
    source.initializers.set('fixed.weight', float32([4, 4, 1, 1], eye));
    const model = buildModel(engine, source);
    expect([...model.variables.keys()]).toEqual(['learnt.weight', 'learnt.bias']);
    model.dispose();
    const half = buildModel(engine, source, { trainable: (name) => name.endsWith('bias') });
    expect([...half.variables.keys()]).toEqual(['learnt.bias']);
    half.dispose();
  });

  test('training updates the running statistics, frozen batch norm and inference do not', async () => {
    const model = buildModel(engine, graph());
    const dims = [4, 3, 8, 8];
    const data = randomInput(dims, 7);
    const statistics = async () => [...(await model.weights())].filter(([name]) => model.buffers.has(name));
    const initial = await statistics();
    expect(initial).toHaveLength(4);
    forward(model, data, dims);
    forward(model, data, dims, { training: true, seed: 1, batchNorm: 'frozen' } as typeof INFERENCE);
    expect(await statistics()).toEqual(initial);
    forward(model, data, dims, { training: true, seed: 1 });
    const updated = await statistics();
    for (const [index, entry] of updated.entries()) expect(entry).not.toEqual(initial[index]);
    model.dispose();
  });

  test('named values are those of ONNX Runtime, and no more than they need is run', async () => {
    const source = graph();
    const middle = source.nodes[2]?.outputs[0] ?? '';
    const shown: Graph = { ...source, outputs: [{ name: middle, dtype: 'float32', dims: ['N', 6, 8, 8] }] };
    const dims = [2, 3, 8, 8];
    const data = randomInput(dims, 8);
    const expected = await runModel(encodeOnnx(shown), { inputs: { input: { dims, data } } });
    const model = buildModel(engine, source);
    const input = { tensor: tf.tensor(data, dims), layout: 'plain' as const };
    const [value] = model.forwardTo([middle], [input], INFERENCE);
    expect(value?.shape).toEqual([2, 6, 8, 8]);
    const error = relativeError(
      (await value?.data<'float32'>()) ?? new Float32Array(),
      expected[middle]?.data ?? new Float32Array(),
    );
    expect(error).toBeLessThan(1e-4);
    expect(() => model.forwardTo(['nowhere'], [input], INFERENCE)).toThrow(/"nowhere"/);
    value?.dispose();
    input.tensor.dispose();
    model.dispose();
  });
});

describe('what cannot be run is named', () => {
  test('an unknown operator', () => {
    const b = graphBuilder('unknown', { seed: 1 });
    const graph = b.build(b.node('Frobnicate', [b.input([3, 4, 4])], {}, { name: 'odd' }));
    expect(() => buildModel(engine, graph)).toThrow(/Frobnicate "odd"/);
  });

  test('a wrong input', () => {
    const b = graphBuilder('input', { seed: 1 });
    const model = buildModel(engine, b.build(b.conv(b.input([3, 4, 4]), 2)));
    expect(() => model.forward([], INFERENCE)).toThrow(/1 input/);
    const tensor = tf.zeros([1, 5, 4, 4]);
    expect(() => model.forward([{ tensor, layout: 'plain' }], INFERENCE)).toThrow(/Conv/);
    tensor.dispose();
    model.dispose();
  });
});
