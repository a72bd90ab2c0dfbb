// Takes filters and neurons out of a tfjs LayersModel in memory: those with the smallest L1 norm, a fraction of every
// convolution and dense layer but the last ones. The pruned model gives the outputs that the model gives with those
// filters zeroed.
//
//   import { pruneLayersModel } from './prune-layers-model.mjs';
//   const smaller = await pruneLayersModel(tf, model, { fraction: 0.5 });
//
// Run by itself it prunes a small network and compares: node prune-layers-model.mjs
import { fileURLToPath } from 'node:url';
import { applySurgery, norms, planSurgery, rankChannels } from 'tascnet/native';

/** Layers that hand every channel on by itself. */
const CHANNELWISE = new Set([
  'InputLayer',
  'BatchNormalization',
  'DepthwiseConv2D',
  'MaxPooling2D',
  'AveragePooling2D',
  'GlobalMaxPooling2D',
  'GlobalAveragePooling2D',
  'Dropout',
  'SpatialDropout2D',
  'ZeroPadding2D',
  'UpSampling2D',
  'Activation',
  'ReLU',
  'LeakyReLU',
  'ELU',
]);
/** A zeroed filter's output must stay zero through these. */
const ZERO_STAYS = new Set(['linear', 'relu', 'relu6', 'elu', 'selu', 'tanh', 'swish', 'mish', 'softsign']);

const readersOf = (layer) => layer.outboundNodes.map((node) => node.outboundLayer);
const makesChannels = (layer) => ['Conv2D', 'Dense'].includes(layer.getClassName());
const activationOf = (layer) => layer.getConfig().activation ?? 'linear';
const keyOf = (layer, weight) => `${layer.name}/${weight}`;

/** Weights in the order of `layer.getWeights()`, each with the axis along which the layer's own channels lie. */
function weightsOf(layer) {
  const axes = { Conv2D: [3, 0], Dense: [1, 0], DepthwiseConv2D: [2, 0] }[layer.getClassName()];
  return layer.getWeights().map((tensor, i) => ({ key: keyOf(layer, i), tensor, axis: axes?.[i] ?? 0 }));
}

/**
 * What belongs to the channels of a layer: its own weights and those of all layers that they reach, or why they cannot be
 * taken out.
 */
function membersOf(source, channels) {
  const members = weightsOf(source).map(({ key, axis }) => ({ tensor: key, axis }));
  const visit = (layer, flattened) => {
    for (const reader of readersOf(layer)) {
      const kind = reader.getClassName();
      const { axis: normalized = -1, dataFormat = 'channelsLast', depthMultiplier = 1 } = reader.getConfig();
      if (reader.inboundNodes.length > 1) return `${reader.name} is shared`;
      if (dataFormat !== 'channelsLast') return `${reader.name} has its channels first`;
      if (![-1, layer.outputShape.length - 1].includes(normalized)) return `${reader.name} normalizes another axis`;
      if (!ZERO_STAYS.has(activationOf(layer))) return `${layer.name} does not leave zero as it is`;
      if (kind === 'Conv2D' || kind === 'Dense') {
        const axis = kind === 'Conv2D' ? 2 : 0;
        if (kind === 'Dense' && flattened === undefined && layer.outputShape.length > 2)
          return `${reader.name} is not flat`;
        members.push({ tensor: keyOf(reader, 0), axis, reads: true, ...flattened });
      } else if (kind === 'Flatten') {
        const area = layer.outputShape.slice(1, -1).reduce((a, b) => a * b, 1);
        // Channels come last: those of one position lie side by side.
        const obstacle = visit(reader, { perChannel: area, channelStride: 1, elementStride: channels });
        if (obstacle !== undefined) return obstacle;
      } else if (CHANNELWISE.has(kind) && depthMultiplier === 1) {
        if (flattened !== undefined && reader.getWeights().length > 0) return `${reader.name} stands behind a Flatten`;
        members.push(...weightsOf(reader).map(({ key, axis }) => ({ tensor: key, axis })));
        const obstacle = visit(reader, flattened);
        if (obstacle !== undefined) return obstacle;
      } else {
        return `${reader.name} (${kind}) ties channels together`;
      }
    }
    return undefined;
  };
  if (readersOf(source).length === 0) return 'it gives the output';
  if (source.inboundNodes.length > 1) return 'it is shared';
  if (source.getConfig().dataFormat === 'channelsFirst') return 'it has its channels first';
  return visit(source, undefined) ?? members;
}

/**
 * Which channels go, per layer, as groups for `planSurgery`.
 *
 * @param fraction of every layer's channels, below 1
 */
export async function planLayersModel(model, { fraction, onSkipped = () => {} }) {
  const groups = [];
  for (const layer of model.layers.filter(makesChannels)) {
    const [{ tensor, axis }] = weightsOf(layer);
    const channels = tensor.shape[axis];
    const members = membersOf(layer, channels);
    if (typeof members === 'string') {
      onSkipped(layer.name, members);
      continue;
    }
    const scores = await norms(await tensor.data(), tensor.shape, axis, 'l1');
    const remove = await rankChannels(scores, Math.floor(fraction * channels));
    groups.push({ layer: layer.name, channels, remove, members });
  }
  return groups;
}

/** A smaller model; the one that is given stays as it is. */
export async function pruneLayersModel(tf, model, options) {
  const groups = await planLayersModel(model, options);
  const weights = new Map(model.layers.flatMap(weightsOf).map(({ key, tensor }) => [key, tensor]));
  const plan = planSurgery(Object.fromEntries([...weights].map(([key, { shape }]) => [key, shape])), groups);
  const data = await Promise.all(plan.map(({ tensor }) => weights.get(tensor).data()));
  const results = await applySurgery(plan.map((part, i) => ({ ...part, data: data[i] })));
  const cut = new Map(plan.map((part, i) => [part.tensor, { shape: part.dimsAfter, data: results[i] }]));

  const topology = JSON.parse(model.toJSON());
  const left = new Map(groups.map(({ layer, channels, remove }) => [layer, channels - remove.length]));
  for (const { config } of topology.config.layers) {
    const size = left.get(config.name);
    if (size !== undefined) config[config.filters === undefined ? 'units' : 'filters'] = size;
  }
  const smaller = await tf.models.modelFromJSON({ modelTopology: topology });
  for (const layer of smaller.layers) {
    const own = weightsOf(layer).map(({ key, tensor }) => {
      const part = cut.get(key);
      return part === undefined ? weights.get(key) : tf.tensor(part.data, part.shape, tensor.dtype);
    });
    layer.setWeights(own);
    tf.dispose(own.filter((_, i) => cut.has(keyOf(layer, i))));
  }
  return smaller;
}

async function demonstrate() {
  const { default: tf } = await import('@tensorflow/tfjs');
  const { layers } = tf;
  const model = tf.sequential({
    layers: [
      layers.conv2d({ inputShape: [28, 28, 1], filters: 32, kernelSize: 3, activation: 'relu' }),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.conv2d({ filters: 64, kernelSize: 3, useBias: false }),
      layers.batchNormalization(),
      layers.activation({ activation: 'relu' }),
      layers.flatten(),
      layers.dense({ units: 100, activation: 'tanh' }),
      layers.dense({ units: 10, activation: 'softmax' }),
    ],
  });
  const smaller = await pruneLayersModel(tf, model, { fraction: 0.5 });
  console.log(`${model.countParams()} parameters, ${smaller.countParams()} after pruning`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await demonstrate();
