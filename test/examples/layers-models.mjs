// Prunes LayersModels in memory and compares each with its original, the removed slices zeroed. Prints one JSON document.
import tf from '@tensorflow/tfjs';
import { planLayersModel, pruneLayersModel } from '../../examples/embed/prune-layers-model.mjs';

const { layers } = tf;

function plain() {
  return tf.sequential({
    layers: [
      layers.conv2d({ inputShape: [9, 8, 3], filters: 10, kernelSize: 3, activation: 'relu' }),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.conv2d({ filters: 12, kernelSize: 2, useBias: false }),
      layers.batchNormalization(),
      layers.activation({ activation: 'relu' }),
      layers.dropout({ rate: 0.5 }),
      layers.flatten(),
      layers.dense({ units: 20, activation: 'tanh' }),
      layers.dense({ units: 5, activation: 'softmax' }),
    ],
  });
}

function separable() {
  return tf.sequential({
    layers: [
      layers.conv2d({ inputShape: [8, 8, 3], filters: 9, kernelSize: 3, strides: 2, padding: 'same' }),
      layers.batchNormalization(),
      layers.reLU({ maxValue: 6 }),
      layers.depthwiseConv2d({ kernelSize: 3, padding: 'same' }),
      layers.batchNormalization(),
      layers.reLU({ maxValue: 6 }),
      layers.conv2d({ filters: 15, kernelSize: 1, activation: 'selu' }),
      layers.globalAveragePooling2d({}),
      layers.dense({ units: 4 }),
    ],
  });
}

/** Two readers of one convolution; a sum that ties two others; an activation that makes something of zero. */
function branched() {
  const input = tf.input({ shape: [6, 6, 2] });
  const stem = layers.conv2d({ name: 'stem', filters: 8, kernelSize: 3, activation: 'relu' }).apply(input);
  const left = layers.conv2d({ name: 'left', filters: 6, kernelSize: 1 }).apply(stem);
  const right = layers.conv2d({ name: 'right', filters: 6, kernelSize: 1 }).apply(stem);
  const sum = layers.add().apply([left, right]);
  const hidden = layers.dense({ name: 'hidden', units: 7, activation: 'sigmoid' }).apply(layers.flatten().apply(sum));
  const output = layers.dense({ name: 'output', units: 3 }).apply(hidden);
  return tf.model({ inputs: input, outputs: output });
}

/** Weights that are not those of a new network: batch norms and biases do something. */
function shake(model) {
  for (const layer of model.layers) {
    const weights = layer
      .getWeights()
      .map((weight) => tf.add(tf.abs(weight), tf.randomUniform(weight.shape, -0.3, 0.3)));
    layer.setWeights(
      weights.map((weight) => tf.where(tf.randomUniform(weight.shape).less(0.4), tf.neg(weight), weight)),
    );
    if (layer.getClassName() === 'BatchNormalization') layer.setWeights(weights.map((weight) => tf.abs(weight)));
  }
}

async function zeroed(model, groups) {
  const copy = await tf.models.modelFromJSON({ modelTopology: JSON.parse(model.toJSON()) });
  copy.setWeights(model.getWeights());
  for (const { remove, members } of groups) {
    for (const { tensor, axis, reads } of members) {
      if (reads) continue;
      const [, name, index] = /^(.*)\/(\d+)$/.exec(tensor);
      const layer = copy.getLayer(name);
      layer.setWeights(
        layer.getWeights().map((weight, i) => {
          if (i !== Number(index)) return weight;
          const keep = Array.from({ length: weight.shape[axis] }, (_, c) => (remove.includes(c) ? 0 : 1));
          return tf.mul(
            weight,
            tf.tensor(
              keep,
              weight.shape.map((extent, a) => (a === axis ? extent : 1)),
            ),
          );
        }),
      );
    }
  }
  return copy;
}

const results = {};
for (const [name, make] of Object.entries({ plain, separable, branched })) {
  const model = make();
  shake(model);
  const before = model.getWeights().map((weight) => weight.dataSync().slice());
  const skipped = {};
  const options = { fraction: 0.5, onSkipped: (layer, why) => Object.assign(skipped, { [layer]: why }) };
  const groups = await planLayersModel(model, options);
  const smaller = await pruneLayersModel(tf, model, { fraction: 0.5 });
  const input = tf.randomNormal([3, ...model.inputs[0].shape.slice(1)]);
  const expected = (await zeroed(model, groups)).predict(input);
  const difference = tf.max(tf.abs(tf.sub(smaller.predict(input), expected))).dataSync()[0];
  const scale = tf.max(tf.abs(expected)).dataSync()[0];
  const untouched = model
    .getWeights()
    .every((weight, i) => weight.dataSync().every((value, j) => value === before[i][j]));
  results[name] = {
    parameters: [model.countParams(), smaller.countParams()],
    difference: difference / scale,
    untouched,
    removed: groups.map(({ channels, remove }) => [channels, remove.length]),
    skipped,
  };
}
console.log(JSON.stringify(results));
