/** Checks of a whole graph. */

import { TascnetError } from '../errors.js';
import type { Graph } from './graph.js';
import { sizeOf, type Tensor } from './tensor.js';

/**
 * Checks the structure: names are unique, every input is defined before it is read, outputs exist, tensors have the
 * elements that their shapes need.
 * @throws TascnetError naming the node or tensor.
 */
export function validateGraph(graph: Graph): void {
  const defined = new Set<string>();
  const define = (value: string, by: string): void => {
    if (defined.has(value)) throw new TascnetError(`${by} defines the value "${value}" a second time.`);
    defined.add(value);
  };
  for (const [name, tensor] of graph.initializers) {
    define(name, 'An initializer');
    checkTensor(name, tensor);
  }
  for (const { name, dims } of graph.inputs) {
    if (name === '') throw new TascnetError('A graph input has no name.');
    define(name, 'A graph input');
    checkDims(name, dims);
  }
  const names = new Set<string>();
  for (const node of graph.nodes) {
    const what = `${node.op} "${node.name}"`;
    if (names.has(node.name)) throw new TascnetError(`Two nodes are named "${node.name}".`);
    names.add(node.name);
    for (const input of node.inputs)
      if (input !== '' && !defined.has(input))
        throw new TascnetError(`${what} reads the value "${input}", which nothing before it defines.`);
    if (node.outputs.every((output) => output === '')) throw new TascnetError(`${what} has no output.`);
    for (const output of node.outputs) if (output !== '') define(output, what);
    for (const [name, attribute] of Object.entries(node.attributes))
      if (attribute.type === 'tensor') checkTensor(`${what}, attribute ${name}`, attribute.value);
  }
  if (graph.outputs.length === 0) throw new TascnetError('The graph has no output.');
  const outputs = new Set<string>();
  for (const { name, dims } of graph.outputs) {
    if (!defined.has(name)) throw new TascnetError(`The graph output "${name}" is not defined by any node.`);
    if (outputs.has(name)) throw new TascnetError(`The graph output "${name}" is listed twice.`);
    outputs.add(name);
    checkDims(name, dims);
  }
}

function checkTensor(name: string, tensor: Tensor): void {
  checkDims(name, tensor.dims);
  if (tensor.data.length !== sizeOf(tensor.dims))
    throw new TascnetError(
      `Tensor "${name}" of shape [${tensor.dims}] needs ${sizeOf(tensor.dims)} elements, but has ${tensor.data.length}.`,
    );
}

function checkDims(name: string, dims: readonly (number | string)[] | undefined): void {
  const wrong = dims?.find((extent) => typeof extent === 'number' && !(Number.isSafeInteger(extent) && extent >= 0));
  if (wrong !== undefined) throw new TascnetError(`"${name}" has the impossible extent ${wrong} in [${dims}].`);
}
