/** The main job: fine-tune, search, prune, export, measure. Each part is done once; a run that was stopped goes on. */

import { type Cost, costOf } from '../analyze/cost.js';
import { imageSize } from '../data/input-preprocessing.js';
import type { Engine } from '../engine/engine.js';
import { TascnetError } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import type { RunRecord } from '../report/record.js';
import { compare, rivalsAsked } from './compare.js';
import { exportProven } from './evidence.js';
import type { Hooks } from './hooks.js';
import { withLatencyGoal } from './latency-target.js';
import { pruningNotes } from './notes.js';
import { type Phase, phase } from './phases.js';
import { prepareGraph } from './prepare.js';
import type { PreparedData } from './prepare-data.js';
import { dataFor, measureEach } from './resized.js';
import { type Found, foundSchema, searchKeep, searchStage, winnerTraining } from './search-stage.js';
import { finishSession, openSession, type Session, tellHowToGoOn } from './session.js';
import type { RunSettings } from './settings.js';
import { finetune, type Keep, prunedSchema, pruneStage, tunedSchema } from './stages.js';

export interface RunOutcome {
  record: RunRecord;
  /** Every target was met. */
  met: boolean;
  directory: string;
}

/**
 * Runs the main job into the folder `out`, or goes on with the one that is there when `resume` is set.
 * @throws TascnetError for every kind of bad input; Interrupted when the signal fires, after what was done is safe.
 */
export async function run(
  engine: Engine,
  settings: RunSettings,
  out: string,
  resume: boolean,
  hooks: Hooks,
): Promise<RunOutcome> {
  const session = await openSession('run', engine, settings, out, resume, hooks);
  /** The data as the winner of the search takes them. */
  let its: PreparedData | undefined;
  try {
    const { graph, data, directory, journal } = session;
    const keep = { directory, journal };
    const learnt = await learn(engine, graph, data, settings, hooks, keep);
    its = await dataFor(learnt.winner.graph, data, settings, hooks);
    const models = await shrink(engine, learnt, { data, its }, settings, hooks, keep);
    const proven = await prove(engine, models, its, settings, session, hooks);
    const rivals = await contest(engine, graph, models, settings, session, hooks);
    const notes = [...resizedNotes(data, its), ...models.notes];
    const finished = await finishSession(session, { ...proven, rivals, notes });
    // A ratio is no figure of the result that could be measured: pruning itself tells whether it was reached.
    const met = (finished.targets ?? []).every((target) => target.met) && (settings.ratio === undefined || models.met);
    return { record: finished, met, directory: directory.path };
  } catch (error) {
    tellHowToGoOn(session, hooks);
    throw error;
  } finally {
    if (its !== session.data) its?.close();
    session.close();
  }
}

type Winner = Phase<Found>;

interface Models {
  baseline: Graph;
  stage1: Graph;
  stage2: Graph;
  /** Pruning went as far as it was asked to, within the tolerance. */
  met: boolean;
  notes: string[];
}

/** How the epochs are shared out: the baseline, the winner of the search, and pruning with its retraining. */
export function budget(epochs: number): { baseline: number; stage1: number; stage2: number } {
  const baseline = Math.max(1, Math.round(epochs / 3));
  const stage1 = Math.max(1, Math.round(epochs * 0.15));
  return { baseline, stage1, stage2: Math.max(1, epochs - baseline - stage1) };
}

/** The original fine-tuned, and the configuration that the search found from there. */
async function learn(
  engine: Engine,
  graph: Graph,
  data: PreparedData,
  settings: RunSettings,
  hooks: Hooks,
  keep: Keep,
): Promise<{ baseline: Graph; winner: Winner }> {
  const parts = { ...keep, hooks };
  const epochs = budget(settings.epochs);
  const baseline = await phase('baseline', parts, tunedSchema, async () => {
    const prepared = await prepareGraph(engine, graph, data, settings, hooks);
    const { graph: trained, ...outcome } = await finetune(
      'baseline',
      engine,
      prepared,
      data,
      settings,
      epochs.baseline,
      hooks,
      keep,
    );
    return { graph: trained, outcome };
  });
  const winner = await phase('search', parts, foundSchema, () =>
    searchStage(engine, baseline.graph, data, settings, hooks, searchKeep(keep)),
  );
  return { baseline: baseline.graph, winner };
}

/** @param its the data as the winner takes them: `data`, or the same images at another size. */
async function shrink(
  engine: Engine,
  { baseline, winner }: { baseline: Graph; winner: Winner },
  { data, its }: { data: PreparedData; its: PreparedData },
  settings: RunSettings,
  hooks: Hooks,
  keep: Keep,
): Promise<Models> {
  const parts = { ...keep, hooks };
  const epochs = budget(settings.epochs);
  const stage1 = await phase('stage1', parts, tunedSchema, async () => {
    const { graph: trained, ...outcome } = await finetune(
      'stage1',
      engine,
      winner.graph,
      its,
      settings,
      epochs.stage1,
      hooks,
      keep,
      winnerTraining(baseline, winner, settings, its !== data),
    );
    return { graph: trained, outcome };
  });
  const stage2 = await phase('stage2', parts, prunedSchema, async () => {
    const fractions = againstBaseline(settings, costOf(baseline), costOf(stage1.graph));
    const relative = await withLatencyGoal(stage1.graph, fractions, hooks, keep.journal);
    const { graph: pruned, ...outcome } = await pruneStage(
      engine,
      stage1.graph,
      its,
      relative,
      epochs.stage2,
      hooks,
      keep,
      baseline,
    );
    return { graph: pruned, outcome };
  });
  const notes = pruningNotes(stage2.outcome, settings.tolerance);
  return { baseline, stage1: stage1.graph, stage2: stage2.graph, met: stage2.outcome.met, notes };
}

/** The rivals of the result, from the same data and as many epochs. */
function contest(
  engine: Engine,
  graph: Graph,
  models: Models,
  settings: RunSettings,
  { data, directory, journal, record }: Session,
  hooks: Hooks,
) {
  const epochs = budget(settings.epochs);
  return compare(rivalsAsked(settings, ['smaller-input']), {
    ...{ engine, settings, data, hooks, keep: { directory, journal } },
    prepared: () => prepareGraph(engine, graph, data, settings, hooks),
    baseline: models.baseline,
    spent: epochs.baseline,
    epochs: epochs.baseline + epochs.stage1 + epochs.stage2,
    winnerEpochs: epochs.stage1,
    macs: costOf(models.stage2).macs,
    source: record.model,
    file: (name) => directory.file(`${name}.onnx`),
  });
}

function resizedNotes(data: PreparedData, its: PreparedData): string[] {
  const [ours] = imageSize(its.preprocessing) ?? [];
  const [original] = imageSize(data.preprocessing) ?? [];
  if (ours === original) return [];
  return [`The search chose images of ${ours}×${ours}; the original takes ${original}×${original}.`];
}

/** Targets are fractions of the baseline; pruning counts from what stage 1 left. */
function againstBaseline(settings: RunSettings, baseline: Cost, stage1: Cost): RunSettings {
  const { targetMacs, targetParams } = settings;
  return {
    ...settings,
    targetMacs: targetMacs === undefined ? undefined : Math.min(1, (targetMacs * baseline.macs) / stage1.macs),
    targetParams:
      targetParams === undefined ? undefined : Math.min(1, (targetParams * baseline.parameters) / stage1.parameters),
  };
}

/** Exports the models and measures the files. */
async function prove(
  engine: Engine,
  models: Models,
  its: PreparedData,
  settings: RunSettings,
  { data, directory, record }: Session,
  hooks: Hooks,
): Promise<Pick<RunRecord, 'result' | 'parity' | 'targets'>> {
  hooks.onEvent({ kind: 'phase', phase: 'validate' });
  const stages = [
    { stage: 'baseline', file: directory.file('baseline.onnx'), data },
    { stage: 'stage1', file: directory.file('stage1.onnx'), data: its },
    { stage: 'stage2', file: directory.file('model.onnx'), data: its },
  ] as const;
  const differences = { baseline: 0, stage1: 0, stage2: 0 };
  for (const { stage, file, data: taken } of stages) {
    const { preprocessing, dataset, test } = taken;
    const provenance = { preprocessing, classes: dataset.classes, source: record.model, seed: settings.seed };
    differences[stage] = await exportProven(engine, models[stage], file, provenance, test, hooks);
  }
  const [baseline, stage1, stage2] = await measureEach(stages, hooks);
  if (!baseline || !stage1 || !stage2) throw new TascnetError('ONNX Runtime measured no models.');
  return {
    result: { baseline, stage1, stage2 },
    parity: differences,
    targets: targetsOf(settings, baseline, stage2),
  };
}

type Figures = NonNullable<RunRecord['result']>['baseline'];

/** What was asked for and what came of it, in ONNX Runtime's figures against the fine-tuned baseline. */
function targetsOf(settings: RunSettings, baseline: Figures, result: Figures): RunRecord['targets'] {
  const atMost = (name: string, wanted: number | undefined, got: number, unit?: 'ms') =>
    wanted === undefined ? [] : [{ name, wanted, got, met: got <= wanted + 1e-9, ...(unit ? { unit } : {}) }];
  return [
    ...atMost('MACs', settings.targetMacs, result.macs / baseline.macs),
    ...atMost('parameters', settings.targetParams, result.parameters / baseline.parameters),
    ...atMost('latency', settings.targetLatency, result.latencyMs[`batch${settings.latencyBatch ?? '1'}`], 'ms'),
  ];
}
