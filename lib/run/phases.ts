/**
 * The parts of a run that are done once: each ends with an event in the journal, and a run that goes on passes over what
 * is there. The decisions of a part are in its event, its graph in the checkpoints.
 */

import * as z from 'zod';
import { TascnetError, throwIfAborted } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import { eventsOfKind, type Journal } from '../journal.js';
import type { RunDirectory } from './directory.js';
import type { Hooks } from './hooks.js';

/** What a part leaves besides its graph: numbers and names that the journal can hold. */
export type Outcome = Record<string, unknown>;

export interface Phase<T extends Outcome> {
  graph: Graph;
  outcome: T;
}

/** A number of an outcome; the journal has no other word for NaN than null. */
export const journalNumber = z
  .number()
  .nullable()
  .transform((value) => value ?? Number.NaN);

/**
 * Runs `work` unless the journal says that it was done; then its graph and outcome are read back.
 * @param schema what the outcome must be like.
 * @throws TascnetError when the checkpoint of a part that was done is missing, or the journal's outcome is not like that.
 */
export async function phase<T extends Outcome>(
  name: string,
  { journal, directory, hooks }: { journal: Journal; directory: RunDirectory; hooks: Hooks },
  schema: z.ZodType<T>,
  work: () => Promise<Phase<T>>,
): Promise<Phase<T>> {
  throwIfAborted(hooks.signal);
  const events = journal.events.filter((event) => event.phase === name);
  const [done] = eventsOfKind(events, 'phase', z.object({ outcome: schema }));
  if (done) {
    const graph = await directory.loadGraph(name);
    if (!graph)
      throw new TascnetError(
        `The checkpoint of "${name}" is missing in ${directory.path}, though the journal tells of it.`,
        {
          hint: 'Start the run again with another --out.',
        },
      );
    return { graph, outcome: done.outcome };
  }
  hooks.onEvent({ kind: 'phase', phase: name });
  const result = await work();
  await directory.saveGraph(name, result.graph);
  journal.append('phase', { phase: name, outcome: result.outcome });
  await directory.forgetTraining(name);
  return result;
}
