/** What a search found, from its journal: its trials, how much each choice matters, and what is worth a look. */

import * as z from 'zod';
import { eventsOfKind, type JournalEvent } from '../journal.js';
import { importances } from './importance.js';
import { paretoFront, type TrialRecord } from './objective.js';
import { coordinateOf, type Dimension, levelsOf, type Point, type Value } from './space.js';
import { trialRecordSchema } from './standing.js';

/** Trials with an accuracy, below which nothing can be said of what matters. */
const FEWEST = 4;

export interface SearchHistory {
  /** Those that are finished, by number. */
  trials: TrialRecord[];
  /** The one that a finished search ended with. */
  chosen: TrialRecord | undefined;
  /** The trials that no other beats in both accuracy and multiply-adds, the most accurate first. */
  pareto: TrialRecord[];
  /**
   * For each choice that was searched, the shares of the variance of accuracy and of multiply-adds that it explains by
   * itself, the most important for the accuracy first; empty while there are too few trials.
   */
  importance: { choice: string; accuracy: number; macs: number }[];
}

const value = z.union([z.number(), z.string()]);
const common = { name: z.string(), when: z.object({ dimension: z.string(), in: z.array(value) }).exactOptional() };
const bounds = { low: z.number(), high: z.number(), log: z.boolean().exactOptional() };
const dimensionSchema = z.discriminatedUnion('kind', [
  z.object({ ...common, ...bounds, kind: z.literal('real') }),
  z.object({ ...common, ...bounds, kind: z.literal('integer') }),
  z.object({ ...common, kind: z.literal('ordinal'), values: z.array(z.number()) }),
  z.object({ ...common, kind: z.literal('categorical'), values: z.array(z.string()) }),
]);
const studySchema = z.object({ study: z.string(), space: z.array(dimensionSchema) });
const toldSchema = z.object({ study: z.string(), details: trialRecordSchema.optional() });
const phaseSchema = z.object({ phase: z.string(), outcome: z.record(z.string(), z.unknown()).optional() });

/** @throws TascnetError when an event of a search is not as expected. */
export function searchHistory(events: readonly JournalEvent[]): SearchHistory {
  const trials = eventsOfKind(events, 'trial-told', toldSchema)
    .flatMap(({ details }) => (details ? [details] : []))
    .sort((a, b) => a.trial - b.trial);
  const spaces = eventsOfKind(events, 'study', studySchema).map(({ space }) => space);
  const done = eventsOfKind(events, 'phase', phaseSchema).find(({ phase }) => phase === 'search');
  const winner = JSON.stringify(done?.outcome?.configuration);
  const [first] = trials;
  return {
    trials,
    chosen: trials.findLast(({ configuration }) => JSON.stringify(configuration) === winner),
    // Parameters of no weight: the front is that of accuracy and multiply-adds.
    pareto: first ? paretoFront(trials, { macs: first.macs, parameters: Number.POSITIVE_INFINITY }) : [],
    importance: importanceOf(trials, spaces),
  };
}

function importanceOf(trials: readonly TrialRecord[], spaces: readonly Dimension[][]): SearchHistory['importance'] {
  const measured = trials.flatMap((trial) =>
    trial.accuracy === undefined ? [] : [{ ...trial, accuracy: trial.accuracy }],
  );
  if (measured.length < FEWEST) return [];
  // The same dimension can have more values at a greater depth.
  const dimensions = [...new Map(spaces.flat().map((dimension) => [dimension.name, dimension])).values()].filter(
    (dimension) => levelsOf(dimension) > 1,
  );
  const usual = usualValues(measured);
  const points = measured.map(({ configuration }) =>
    dimensions.map((dimension) => coordinate(dimension, configuration, usual)),
  );
  const accuracy = importances(
    points,
    measured.map((trial) => trial.accuracy),
    0,
  );
  const macs = importances(
    points,
    measured.map((trial) => trial.macs),
    0,
  );
  return dimensions
    .map(({ name }, index) => ({ choice: name, accuracy: accuracy[index] ?? 0, macs: macs[index] ?? 0 }))
    .sort((a, b) => b.accuracy - a.accuracy || b.macs - a.macs);
}

/** Of each dimension, the value in the first trial that has it: that of the network as it was. */
function usualValues(trials: readonly TrialRecord[]): Map<string, Value> {
  const usual = new Map<string, Value>();
  for (const { configuration } of trials)
    for (const [name, given] of Object.entries(configuration)) if (!usual.has(name)) usual.set(name, given);
  return usual;
}

/** Where a trial stands along a dimension; one that did not have it stands where the network as it was would. */
function coordinate(dimension: Dimension, point: Point, usual: ReadonlyMap<string, Value>): number {
  const given = point[dimension.name] ?? usual.get(dimension.name);
  if (given === undefined || !has(dimension, given)) return 0.5;
  return coordinateOf(dimension, given);
}

function has(dimension: Dimension, given: Value): boolean {
  if (dimension.kind === 'categorical' || dimension.kind === 'ordinal')
    return (dimension.values as readonly Value[]).includes(given);
  return typeof given === 'number' && given >= dimension.low && given <= dimension.high;
}
