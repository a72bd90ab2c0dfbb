/** What every command that trains does first: the model made ready for the data, and the data for the model. */

import { requireFinite } from '../analyze/finite.js';
import { withFreeBatch, withInputLength, withInputSize } from '../analyze/input-size.js';
import { learnableInitializers } from '../analyze/learnable.js';
import { inferShapes } from '../analyze/shapes.js';
import { type InputPreprocessing, isText } from '../data/input-preprocessing.js';
import { classesFrom } from '../data/preprocessing.js';
import type { Engine } from '../engine/engine.js';
import { TascnetError } from '../errors.js';
import { load } from '../formats/index.js';
import type { Graph } from '../graph/graph.js';
import { type Headed, withHead } from '../surgery/head.js';
import { classifierOutput } from '../train/output.js';
import { foldedConvolutions, unfoldBatchNorm } from '../train/unfold.js';
import type { Hooks } from './hooks.js';
import type { PreparedData } from './prepare-data.js';
import type { DataSettings } from './settings.js';

/** Reads a model and refuses one that no training can mend. */
export async function loadModel(path: string): Promise<Graph> {
  const graph = await load(path);
  requireFinite(graph, path);
  return graph;
}

/** Reads a model of which every operator is known. @throws TascnetError naming the node that is not. */
export async function loadTrainable(path: string): Promise<Graph> {
  const graph = await loadModel(path);
  const [unknown] = inferShapes(graph).unknown;
  if (unknown)
    throw new TascnetError(`${path} cannot be trained: node "${unknown.node.name}": ${unknown.reason}.`, {
      hint: `"tascnet inspect ${path}" shows what can be told of it without.`,
    });
  return graph;
}

/**
 * The model ready to be trained on the data: its input has the data's size, its last layer the data's classes, and its
 * batch norms, where they were folded away, are back.
 */
export async function prepareGraph(
  engine: Engine,
  graph: Graph,
  data: PreparedData,
  settings: DataSettings,
  hooks: Hooks,
): Promise<Graph> {
  const { graph: headed, action, softmax } = fitted(graph, data, settings);
  const note = (message: string) => hooks.onEvent({ kind: 'note', message });
  if (action !== 'kept') note(`The classifier was ${action} for ${data.dataset.classes.length} classes.`);
  if (softmax) note(`The final ${softmax} was taken off: the model now gives logits.`);
  const folded = foldedConvolutions(headed).length;
  if (folded > 0) note(`${folded} batch norms that had been folded into convolutions are put back for training.`);
  return unfoldBatchNorm(engine, headed, data.calibration, hooks.signal ? { signal: hooks.signal } : {});
}

/**
 * The model with the data's image size or length, and a head for its classes.
 * @throws TascnetError when it cannot become a classifier of them.
 */
export function fitted(graph: Graph, { preprocessing, dataset }: PreparedData, { seed }: DataSettings): Headed {
  const { classes } = dataset;
  const known = classesFrom(graph.metadata);
  // A classifier of as many, but other classes knows nothing of these.
  const others = known !== undefined && known.join('\n') !== classes.join('\n');
  const head = { seed, sameCount: others ? ('replace' as const) : ('keep' as const) };
  const headed = withHead(atSize(graph, preprocessing), classes.length, head);
  classifierOutput(headed.graph);
  if (learnableInitializers(headed.graph).parameters.size === 0)
    throw new TascnetError('This model has no weights that could be trained.');
  return headed;
}

/** The graph with a free batch, for images of the preprocessing's size or texts of its length. */
export function atSize(graph: Graph, preprocessing: InputPreprocessing): Graph {
  const free = withFreeBatch(graph);
  return isText(preprocessing)
    ? withInputLength(free, preprocessing.length)
    : withInputSize(free, [preprocessing.size[0], preprocessing.size[1]]);
}
