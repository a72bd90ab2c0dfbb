/** What a classifier's output means. */

import { lastNode } from '../analyze/last-node.js';
import { inferShapes } from '../analyze/shapes.js';
import { TascnetError } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import { operatorOf } from '../ops/registry.js';

export interface ClassifierOutput {
  /** `probabilities` when the graph ends in Softmax, `logProbabilities` when it ends in LogSoftmax. */
  kind: 'logits' | 'probabilities' | 'logProbabilities';
  /** The value that holds the logits: the first graph output, or what its softmax reads. */
  logits: string;
  /** How many classes it tells apart, where its shape is known. */
  classes: number | undefined;
}

/**
 * Finds the logits of a classifier: the first output, looking back over a final softmax.
 * @throws TascnetError when the output is not one score a class.
 */
export function classifierOutput(graph: Graph): ClassifierOutput {
  const output = graph.outputs[0]?.name;
  if (output === undefined) throw new TascnetError('The network has no output.');
  const node = lastNode(graph);
  const scores = node && operatorOf(node)?.scores;
  const logits = (scores && node?.inputs[0]) ?? output;
  const kind = logits === output ? 'logits' : (scores ?? 'logits');
  return { kind, logits, classes: classesOf(graph, logits) };
}

function classesOf(graph: Graph, logits: string): number | undefined {
  const dims = inferShapes(graph).types.get(logits)?.dims;
  const scores = dims?.slice(1).filter((extent) => extent !== 1);
  if (!dims || !scores || scores.some((extent) => typeof extent !== 'number')) return undefined;
  if (dims.length < 2 || scores.length > 1)
    throw new TascnetError(
      `The network gives "${logits}" of shape [${dims}]; [N, classes] was expected: it is no classifier.`,
    );
  return typeof scores[0] === 'number' ? scores[0] : 1;
}

/** @throws TascnetError when a label is not one of `classes`. */
export function checkLabels(labels: Int32Array, classes: number): void {
  const wrong = labels.find((label) => label < 0 || label >= classes);
  if (wrong !== undefined)
    throw new TascnetError(`The data has a class ${wrong}, but the network knows only ${classes} classes.`, {
      hint: 'Replace the head of the network first.',
    });
}
