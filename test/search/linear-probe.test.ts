import { afterAll, expect, test } from '@jest/globals';
import { loadEngine } from '../../lib/engine/engine.js';
import { atSize, loadTrainable, prepareGraph } from '../../lib/run/prepare.js';
import { prepareData } from '../../lib/run/prepare-data.js';
import { linearProbe } from '../../lib/search/linear-probe.js';
import { evaluate } from '../../lib/train/evaluate.js';
import { temporaryFolder } from '../data/folders.js';
import { graphBuilder } from '../models/builder.js';
import { sharedData, testWith } from '../shared-data.js';
import { CLASSES, textures } from '../train/problem.js';

const engine = await loadEngine();
afterAll(() => expect(engine.tf.memory().numTensors).toBe(0));

test('the last layer learns; everything else stays, to the bit', async () => {
  const b = graphBuilder('probe', { seed: 2 });
  const x = b.relu(b.conv(b.input([1, 8, 8]), 24, { kernel: 3, pad: 1, name: 'trunk' }));
  const hidden = b.relu(b.gemm(b.flatten(b.globalAveragePool(x)), 16, { name: 'hidden' }));
  const graph = b.build(b.gemm(hidden, CLASSES, { name: 'fc' }));
  const data = { train: textures(96, 16, 1), validation: textures(48, 24, 2) };
  const folder = await temporaryFolder();
  const probed = await linearProbe(engine, graph, data, { epochs: 20, seed: 1, views: 1, folder });
  for (const [name, { data: before }] of graph.initializers) {
    const after = probed.initializers.get(name)?.data;
    if (name.startsWith('fc.')) expect(after).not.toEqual(before);
    else expect(after).toEqual(before);
  }
  const accuracyOf = async (of: typeof graph) => (await evaluate(engine, of, data.validation)).accuracy;
  expect(await accuracyOf(probed)).toBeGreaterThan(await accuracyOf(graph));
});

// Logistic regression of scikit-learn on the same features, standardised: 84.8 % (the data's README).
testWith('caltech101-25', 'on real images it is as good as logistic regression on the same features', async (path) => {
  const hooks = { onEvent: () => undefined };
  const model = sharedData('models/mobilenet_v1_0.25_128.onnx');
  const settings = {
    data: path,
    seed: 0,
    batchSize: 32,
    preprocessing: 'keras-tf',
    augment: 'none',
    flip: true,
  } as const;
  const loaded = await loadTrainable(model);
  const data = await prepareData(loaded, settings, hooks);
  try {
    const graph = await prepareGraph(engine, atSize(loaded, data.preprocessing), data, settings, hooks);
    const given = { train: data.train, validation: data.validation, fingerprint: data.dataset.fingerprint };
    const folder = await temporaryFolder();
    const probed = await linearProbe(engine, graph, given, { epochs: 30, seed: 0, views: 1, folder });
    const { accuracy } = await evaluate(engine, probed, data.validation);
    expect(accuracy).toBeGreaterThan(0.82);
  } finally {
    data.close();
  }
});
