/**
 * The parts of a run that are done once: each ends with an event in the journal, and a run that goes on passes over what
 * is there. The decisions of a part are in its event, its graph in the checkpoints.
 */

import { TascnetError, throwIfAborted } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import type { Journal } from '../journal.js';
import type { RunDirectory } from './directory.js';
import type { Hooks } from './hooks.js';

/** What a part leaves besides its graph: numbers and names that the journal can hold. */
export type Outcome = Record<string, unknown>;

export interface Phase<T extends Outcome> {
  graph: Graph;
  outcome: T;
}

/** Runs `work` unless the journal says that it was done; then its graph and outcome are read back. */
export async function phase<T extends Outcome>(
  name: string,
  { journal, directory, hooks }: { journal: Journal; directory: RunDirectory; hooks: Hooks },
  work: () => Promise<Phase<T>>,
): Promise<Phase<T>> {
  throwIfAborted(hooks.signal);
  const done = journal.events.find((event) => event.kind === 'phase' && event.phase === name);
  if (done) {
    const graph = await directory.loadGraph(name);
    if (!graph)
      throw new TascnetError(
        `The checkpoint of "${name}" is missing in ${directory.path}, though the journal tells of it.`,
        {
          hint: 'Start the run again with another --out.',
        },
      );
    return { graph, outcome: done.outcome as T };
  }
  hooks.onEvent({ kind: 'phase', phase: name });
  const result = await work();
  await directory.saveGraph(name, result.graph);
  journal.append('phase', { phase: name, outcome: result.outcome });
  await directory.forgetTraining(name);
  return result;
}
