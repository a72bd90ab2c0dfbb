/** The same network for another image size or length of texts. */

import { TascnetError } from '../errors.js';
import { intsAttribute } from '../graph/attributes.js';
import type { Dim, Graph, Node, ValueInfo } from '../graph/graph.js';
import { int64 } from '../graph/tensor.js';
import type { ValueType } from '../ops/operator.js';
import { withResizedDense } from './flattened-dense.js';
import { settledOutputs } from './output-types.js';
import { withConstantInput } from './shape-inputs.js';
import { inferShapes } from './shapes.js';

export { withFreeBatch } from './free-batch.js';

type Types = ReadonlyMap<string, ValueType>;

/**
 * Sets the height and width of the image input and infers all shapes anew. A pool over the whole map stays one over the
 * whole map; what a Reshape leaves as it is stays as it is; a dense layer on a flattened map keeps its meaning
 * (`withResizedDense`).
 * @param size height and width in pixels.
 * @throws TascnetError naming the node that is bound to the old size.
 */
export function withInputSize(graph: Graph, [height, width]: readonly [number, number]): Graph {
  const image = imageInput(graph);
  const [batch = 1, channels = 3, oldHeight, oldWidth] = image.dims ?? [];
  if (oldHeight === height && oldWidth === width) return graph;
  return withInputDims(graph, image, [batch, channels, height, width], {
    message: `This model cannot take images of ${height}×${width} in place of ${oldHeight}×${oldWidth}`,
    hint: `Keep its own size (--image-size ${oldHeight}), or use a fully convolutional model.`,
  });
}

/**
 * Sets the number of tokens of the text input, [batch, tokens], and infers all shapes anew; as `withInputSize`.
 * @throws TascnetError naming the node that is bound to the old length.
 */
export function withInputLength(graph: Graph, length: number): Graph {
  const [text] = graph.inputs;
  const [batch = 1, old] = text?.dims ?? [];
  if (text?.dims?.length !== 2)
    throw new TascnetError('The model should have an input of shape [batch, tokens] for texts.');
  if (old === length) return graph;
  return withInputDims(graph, text, [batch, length], {
    message: `This model cannot take ${length} tokens${typeof old === 'number' ? ` in place of ${old}` : ''}`,
    hint: typeof old === 'number' ? `Keep its own length (--text-length ${old}).` : 'Choose another --text-length.',
  });
}

function withInputDims(
  graph: Graph,
  changed: ValueInfo,
  dims: Dim[],
  refusal: { message: string; hint: string },
): Graph {
  const inputs = graph.inputs.map((input) => (input === changed ? { ...changed, dims } : input));
  try {
    const { types } = inferShapes(graph);
    const pooled = { ...graph, inputs, nodes: graph.nodes.map((node) => overWholeMap(node, types)) };
    return settledOutputs(withResizedDense(withMovedReshapes(pooled, types), types), true);
  } catch (error) {
    if (!(error instanceof TascnetError)) throw error;
    throw new TascnetError(`${refusal.message}: ${error.message}`, { hint: refusal.hint, cause: error });
  }
}

/** The input that takes images: the only one of shape [batch, channels, height, width]. */
function imageInput(graph: Graph): ValueInfo {
  const [image, second] = graph.inputs.filter(({ dims }) => dims?.length === 4);
  if (image && !second) return image;
  const listed = graph.inputs.map(({ name, dims }) => `${name} [${dims ?? 'unknown'}]`).join(', ');
  throw new TascnetError(
    `The model should have one input of shape [batch, channels, height, width] for images; its inputs are: ${listed}.`,
  );
}

const GLOBAL: Readonly<Record<string, string>> = { AveragePool: 'GlobalAveragePool', MaxPool: 'GlobalMaxPool' };

/** A pool whose window is the whole map, which exporters write with the map's size. */
function overWholeMap(node: Node, types: Types): Node {
  const op = node.domain === '' ? GLOBAL[node.op] : undefined;
  const kernel = intsAttribute(node, 'kernel_shape');
  const map = types.get(node.inputs[0] ?? '')?.dims.slice(2);
  const covers = kernel?.length === map?.length && kernel?.every((extent, axis) => extent === map?.[axis]);
  const pads = intsAttribute(node, 'pads')?.some((pad) => pad !== 0) || node.attributes.auto_pad !== undefined;
  const dilated = intsAttribute(node, 'dilations')?.some((dilation) => dilation !== 1);
  if (op === undefined || !covers || pads || dilated || node.outputs.length > 1) return node;
  return { ...node, op, attributes: {} };
}

/** Constant targets of Reshapes that keep the last two axes (a channel shuffle) get the new extents of these. */
function withMovedReshapes(graph: Graph, before: Types): Graph {
  let current = graph;
  for (const [index, node] of graph.nodes.entries()) {
    if (node.op !== 'Reshape' || node.domain !== '') continue;
    const [x, target, y] = [node.inputs[0], node.inputs[1], node.outputs[0]].map((name) => before.get(name ?? ''));
    const map = x?.dims.slice(-2);
    const elements = target?.elements;
    if (!x || !y || !map || !elements || x.dims.length < 4 || !graph.initializers.has(node.inputs[1] ?? '')) continue;
    if (elements.length < 4 || !elements.slice(-2).every((extent, axis) => extent === map[axis])) continue;
    const { types } = inferShapes({ ...current, nodes: current.nodes.slice(0, index) });
    const now = types.get(node.inputs[0] ?? '')?.dims.slice(-2) ?? [];
    const values = [...elements.slice(0, -2), ...now];
    if (!values.every((extent) => typeof extent === 'number')) continue;
    current = withConstantInput(current, node.name, 1, int64([values.length], values));
  }
  return current;
}
