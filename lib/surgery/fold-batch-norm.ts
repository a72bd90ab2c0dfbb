/** Batch norm folded into the convolution before it: fewer nodes, the same function. */

import { floatAttribute } from '../graph/attributes.js';
import { consumers, type Graph, type Node, producers, withoutDead } from '../graph/graph.js';
import { freshNames } from '../graph/names.js';
import { float32, float32Data } from '../graph/tensor.js';

/** ONNX's default. */
const EPSILON = 1e-5;

/**
 * Folds every BatchNormalization that is the only reader of a Conv into it:
 * y = scale · (conv(x, W) + b - mean) / √(var + ε) + shift = conv(x, s·W) + s·(b - mean) + shift, s = scale / √(var + ε).
 * The convolution keeps its name, its output takes the name of the batch norm's and its bias that of the shift. Batch
 * norms in training mode, or with constants that are no initializers, stay.
 */
export function foldBatchNorm(graph: Graph): Graph {
  const made = producers(graph);
  const readers = consumers(graph);
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const fresh = freshNames(graph);
  const initializers = new Map(graph.initializers);
  const replaced = new Map<Node, Node>();
  const folded = new Set<Node>();

  for (const norm of graph.nodes) {
    const conv = made.get(norm.inputs[0] ?? '');
    if (norm.op !== 'BatchNormalization' || norm.attributes.training_mode?.value === 1 || conv?.op !== 'Conv') continue;
    const between = conv.outputs[0] ?? '';
    if (readers.get(between)?.length !== 1 || outputs.has(between)) continue;
    const [weightName = '', biasName = ''] = conv.inputs.slice(1);
    const [scaleName = '', shiftName = '', meanName = '', varianceName = ''] = norm.inputs.slice(1);
    const weight = graph.initializers.get(weightName);
    const [scale, shift, mean, variance] = [scaleName, shiftName, meanName, varianceName].map((name) => {
      const tensor = graph.initializers.get(name);
      return tensor?.dtype === 'float32' ? tensor.data : undefined;
    });
    if (weight?.dtype !== 'float32' || !scale || !shift || !mean || !variance) continue;
    const biasTensor = graph.initializers.get(biasName);
    if (biasName !== '' && !biasTensor) continue;
    const bias = biasTensor && float32Data(biasTensor, `The bias "${biasName}"`);

    const epsilon = floatAttribute(norm, 'epsilon', EPSILON);
    const channels = scale.length;
    const perChannel = weight.data.length / channels;
    const foldedWeight = new Float32Array(weight.data.length);
    const foldedBias = new Float32Array(channels);
    for (let channel = 0; channel < channels; channel++) {
      const factor = (scale[channel] ?? 0) / Math.sqrt((variance[channel] ?? 0) + epsilon);
      foldedBias[channel] = ((bias?.[channel] ?? 0) - (mean[channel] ?? 0)) * factor + (shift[channel] ?? 0);
      for (let index = channel * perChannel; index < (channel + 1) * perChannel; index++)
        foldedWeight[index] = (weight.data[index] ?? 0) * factor;
    }
    const name = (wish: string): string => ((readers.get(wish)?.length ?? 0) > 1 ? fresh(wish) : wish);
    const newWeight = name(weightName);
    const newBias = name(shiftName);
    initializers.set(newWeight, float32(weight.dims, foldedWeight));
    initializers.set(newBias, float32([channels], foldedBias));
    replaced.set(conv, {
      ...conv,
      inputs: [conv.inputs[0] ?? '', newWeight, newBias],
      outputs: [norm.outputs[0] ?? ''],
    });
    folded.add(norm);
  }
  const nodes = graph.nodes.filter((node) => !folded.has(node)).map((node) => replaced.get(node) ?? node);
  return withoutDead({ ...graph, nodes, initializers });
}
