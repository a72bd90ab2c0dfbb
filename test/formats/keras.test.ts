/** Models of Keras 2, Keras 3 and tfjs, against what these computed themselves (fixtures/keras/make.py, make-tfjs.mjs). */

import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { costOf } from '../../lib/analyze/cost.js';
import { dependencyGroups } from '../../lib/analyze/groups.js';
import { inferShapes } from '../../lib/analyze/shapes.js';
import { load } from '../../lib/formats/index.js';
import { encodeOnnx } from '../../lib/formats/onnx/index.js';
import { withoutDead } from '../../lib/graph/graph.js';
import { type Output, relativeError, runModel } from '../models/runtime.js';
import { sharedData, testWith } from '../shared-data.js';

const FOLDER = new URL('../fixtures/keras/', import.meta.url);

interface Expected {
  files: string[];
  inputs: Record<string, number[]>;
  parameters: number;
  outputs: { dims: number[]; data: number[] }[];
}

const expected: Record<string, Expected> = Object.assign(
  {},
  ...['expected.json', 'expected-tfjs.json'].map((file) => JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8'))),
);

const COUNTED_OTHERWISE = ['convolutions', 'normalizations', 'nested'];

/** The input of make.py: whole numbers where it takes words, of which `runModel` wants the eighth part. */
function inputOf(dims: number[], words: boolean): Output {
  const size = dims.reduce((product, extent) => product * extent, 1);
  const whole = Float32Array.from({ length: size }, (_, index) => (index * 7919 + 104729) % 2003);
  return { dims, data: whole.map((value) => (words ? (value % 11) / 8 : value / 1001 - 1)) };
}

for (const [name, { files, inputs, parameters, outputs }] of Object.entries(expected))
  for (const file of files)
    test(`${file}: Keras's outputs, all shapes known`, async () => {
      const graph = await load(new URL(file, FOLDER).pathname);
      expect(graph.inputs.map((input) => input.name)).toEqual(Object.keys(inputs));
      expect(graph.inputs.map(({ dims }) => dims)).toEqual(Object.values(inputs).map(([, ...rest]) => ['N', ...rest]));
      const feeds = Object.fromEntries(
        Object.entries(inputs).map(([input, dims]) => [input, inputOf(dims, name === 'words')]),
      );
      const actual = await runModel(encodeOnnx(graph), { inputs: feeds, plain: false });
      outputs.forEach(({ dims, data }, index) => {
        const output = graph.outputs[index]?.name ?? '';
        expect([output, actual[output]?.dims]).toEqual([output, dims]);
        const error = relativeError(actual[output]?.data ?? new Float32Array(), Float32Array.from(data));
        expect([output, error < 1e-4 ? 'alike' : error]).toEqual([output, 'alike']);
      });
      // Counted otherwise: factors of 1 that a norm does without, norms that are called twice, biases of one element.
      if (!COUNTED_OTHERWISE.includes(name)) expect(costOf(graph).parameters).toBe(parameters);
      const { types, unknown } = inferShapes(graph, inputs);
      expect(unknown).toEqual([]);
      expect(graph.outputs.map((output) => types.get(output.name)?.dims)).toEqual(outputs.map(({ dims }) => dims));
    });

test('a residual network is pruned as the same network is without Keras: no axis is held by the order of the axes', async () => {
  const { groups, pinned } = dependencyGroups(await load(new URL('residual.keras', FOLDER).pathname));
  // The stem and the sum; the convolution between; the widened map with its gate; what the gate is squeezed to.
  expect(groups.map(({ channels }) => channels).toSorted((a, b) => a - b)).toEqual([2, 6, 8, 10]);
  expect(pinned.map(({ node }) => node)).toEqual(['logits']);
});

const SQUEEZENET = 'squeezenet1_1-tfjs/model.json';
testWith(SQUEEZENET, `${SQUEEZENET}: the same as its weights give as ONNX`, async (file) => {
  const graph = await load(file);
  const rival = sharedData('models/squeezenet1_1_features_224.onnx');
  // The ONNX file has the mean of each channel in place of the last pool.
  const last = 'fire9/relu_expand3x3';
  const trunk = withoutDead({ ...graph, outputs: [{ name: last, dtype: 'float32', dims: ['N', 256, 13, 13] }] });
  const map = (await runModel(encodeOnnx(trunk), { batch: 1 }))[last]?.data ?? new Float32Array();
  const means = Float32Array.from({ length: 256 }, (_, channel) =>
    map.subarray(169 * channel, 169 * (channel + 1)).reduce((sum, value) => sum + value / 169, 0),
  );
  const { features } = await runModel(rival, { batch: 1 });
  expect(relativeError(means, features?.data ?? new Float32Array())).toBeLessThan(1e-4);
  const widths = (groups: { channels: number }[]) => groups.map(({ channels }) => channels);
  expect(widths(dependencyGroups(graph).groups)).toEqual(widths(dependencyGroups(await load(rival)).groups));
});
