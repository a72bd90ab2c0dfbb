/** What a classifier's output means. */

import { TascnetError } from '../errors.js';
import { type Graph, type Node, producers } from '../graph/graph.js';

export interface ClassifierOutput {
  /** `probabilities` when the graph ends in Softmax, `logProbabilities` when it ends in LogSoftmax. */
  kind: 'logits' | 'probabilities' | 'logProbabilities';
  /** The value that holds the logits: the first graph output, or what its softmax reads. */
  logits: string;
}

/** Nodes that leave the elements as they are. */
const RESHAPING = new Set(['Identity', 'Flatten', 'Reshape', 'Squeeze', 'Unsqueeze', 'Dropout']);

/** Finds the logits of a classifier: the first output, looking back over a final softmax. */
export function classifierOutput(graph: Graph): ClassifierOutput {
  const output = graph.outputs[0]?.name;
  if (output === undefined) throw new TascnetError('The network has no output.');
  const made = producers(graph);
  let node: Node | undefined = made.get(output);
  while (node && RESHAPING.has(node.op)) node = made.get(node.inputs[0] ?? '');
  const logits = node?.inputs[0];
  if (node?.op === 'Softmax' && logits) return { kind: 'probabilities', logits };
  if (node?.op === 'LogSoftmax' && logits) return { kind: 'logProbabilities', logits };
  return { kind: 'logits', logits: output };
}
