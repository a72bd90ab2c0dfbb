/** What comes from Keras on the engine: every layer that is read can be trained. */

import { readdirSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { loadEngine } from '../../lib/engine/engine.js';
import { buildModel } from '../../lib/engine/model.js';
import { load } from '../../lib/formats/index.js';
import { encodeOnnx } from '../../lib/formats/onnx/index.js';
import { randomInput, relativeError, runModel } from '../models/runtime.js';

const FOLDER = new URL('../fixtures/keras/', import.meta.url).pathname;
// Its convolution slides over three axes, which the engine has not; its inputs are words, which `runModel` draws otherwise.
const LEFT_OUT = ['volumes.keras', 'words.keras'];

const engine = await loadEngine();
const { tf } = engine;

for (const file of readdirSync(FOLDER).filter((each) => each.endsWith('.keras') && !LEFT_OUT.includes(each)))
  test(`${file}: the engine computes what ONNX Runtime computes`, async () => {
    const graph = await load(`${FOLDER}${file}`);
    const inputs = graph.inputs.map(({ name, dims = [] }, index) => {
      const concrete = dims.map((extent) => (typeof extent === 'number' ? extent : 2));
      return { name, dims: concrete, data: randomInput(concrete, index) };
    });
    const feeds = Object.fromEntries(inputs.map(({ name, dims, data }) => [name, { dims, data }]));
    const expected = await runModel(encodeOnnx(graph), { inputs: feeds });
    const model = buildModel(engine, graph);
    const outputs = tf.tidy(() =>
      model
        .forward(
          inputs.map(({ dims, data }) => ({ tensor: tf.tensor(data, dims), layout: 'plain' as const })),
          { training: false, seed: 0 },
        )
        .map((output) => output.dataSync<'float32'>()),
    );
    model.dispose();
    graph.outputs.forEach(({ name }, index) => {
      const error = relativeError(outputs[index] ?? new Float32Array(), expected[name]?.data ?? new Float32Array());
      expect([name, error < 1e-4 ? 'alike' : error]).toEqual([name, 'alike']);
    });
  });
