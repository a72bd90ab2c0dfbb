/**
 * The reference where zeroing and removing differ by nature, because an operator feels how many channels there are (a
 * layer norm, a mean over channels, ECA's neighbours): the original network with zeroed weights, in which those operators
 * see only the channels that stay. Each takes its inputs through a Gather, and its outputs are put back among zeros.
 */

import { inferShapes } from '../../lib/analyze/shapes.js';
import type { Graph, Node } from '../../lib/graph/graph.js';
import { float32, int64, type Tensor } from '../../lib/graph/tensor.js';

/** Operators that feel the number of elements along an axis that they reduce, normalise or slide over. */
const FEELING = [
  'LayerNormalization',
  'InstanceNormalization',
  'GroupNormalization',
  'ReduceMean',
  'ReduceMax',
  'ReduceMin',
];

/** @returns the names of the nodes that were given slices; a comparison without any is one of zeroed and removed. */
export function sliced(graph: Graph, kept: ReadonlyMap<string, Int32Array>): { graph: Graph; nodes: string[] } {
  const { types } = inferShapes(graph);
  const initializers = new Map(graph.initializers);
  const names: string[] = [];
  const cut = (value: string) =>
    (types.get(value)?.dims ?? []).flatMap((extent, axis) => {
      const stay = kept.get(`${axis}:${value}`);
      return stay && typeof extent === 'number' ? [{ axis, stay, extent }] : [];
    });
  const constant = (name: string, tensor: Tensor): string => {
    initializers.set(name, tensor);
    return name;
  };
  const nodes = graph.nodes.flatMap((node): Node[] => {
    if (!feels(node, graph) || !node.inputs.some((input) => cut(input).length > 0)) return [node];
    names.push(node.name);
    const before: Node[] = [];
    const after: Node[] = [];
    const chain = (list: Node[], op: string, inputs: string[], output: string, axis: number) =>
      list.push({
        name: output,
        op,
        domain: '',
        inputs,
        outputs: [output],
        attributes: { axis: { type: 'int', value: axis } },
      });
    const inputs = node.inputs.map((input, position) =>
      cut(input).reduce((value, { axis, stay }) => {
        const name = `${node.name}/slice${position}.${axis}`;
        const indices = constant(`${name}/indices`, int64([stay.length], [...stay]));
        chain(before, 'Gather', [value, indices], name, axis);
        return name;
      }, input),
    );
    const outputs = node.outputs.map((output, position) => {
      const axes = cut(output);
      const short = axes.length > 0 ? `${node.name}/short${position}` : output;
      axes.reduce((value, { axis, stay, extent }, index) => {
        const name = index === axes.length - 1 ? output : `${node.name}/whole${position}.${axis}`;
        const zeros = constant(`${name}/zero`, float32([], [0]));
        const pads = constant(`${name}/pads`, int64([2], [0, 1]));
        const which = constant(`${name}/axes`, int64([1], [axis]));
        const longer = `${name}/longer`;
        after.push({
          name: longer,
          op: 'Pad',
          domain: '',
          inputs: [value, pads, zeros, which],
          outputs: [longer],
          attributes: {},
        });
        const places = Array.from({ length: extent }, (_, element) => stay.indexOf(element));
        const indices = places.map((place) => (place < 0 ? stay.length : place));
        chain(after, 'Gather', [longer, constant(`${name}/places`, int64([extent], indices))], name, axis);
        return name;
      }, short);
      return short;
    });
    return [...before, { ...node, inputs, outputs }, ...after];
  });
  return { graph: { ...graph, nodes, initializers }, nodes: names };
}

function feels({ op, inputs, attributes }: Node, { initializers }: Graph): boolean {
  // Batch statistics of a weight (its standardisation), and a convolution of one channel into one along the channels.
  const { training_mode: training } = attributes;
  const ofWeights = op === 'BatchNormalization' && training?.type === 'int' && training.value === 1;
  const weight = initializers.get(inputs[1] ?? '');
  const alongChannels = op === 'Conv' && weight?.dims[0] === 1 && weight.dims[1] === 1;
  return FEELING.includes(op) || ofWeights || alongChannels;
}
