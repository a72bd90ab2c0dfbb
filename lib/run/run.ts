/** The main job: fine-tune, search, prune, export, measure. Each part is done once; a run that was stopped goes on. */

import { cpus, totalmem } from 'node:os';
import { type Cost, costOf } from '../analyze/cost.js';
import type { Engine } from '../engine/engine.js';
import { TascnetError } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import { openJournal } from '../journal.js';
import { type RunRecord, readRecord, writeRecord } from '../report/record.js';
import { writeReport } from '../report/report.js';
import { measure } from '../validate/evidence.js';
import { exists, openDirectory, type RunDirectory, sha256 } from './directory.js';
import { exportProven } from './evidence.js';
import { writeLabels } from './export.js';
import type { Hooks } from './hooks.js';
import { pruningNotes } from './notes.js';
import { phase } from './phases.js';
import { fitted, loadTrainable, type PreparedData, prepareData, prepareGraph } from './prepare.js';
import { searchStage } from './search-stage.js';
import type { RunSettings } from './settings.js';
import { finetune, type Keep, pruneStage } from './stages.js';
import { version } from './version.js';

export interface RunOutcome {
  record: RunRecord;
  /** Every target was met. */
  met: boolean;
  directory: string;
}

/** The settings that a run folder was made with. @throws TascnetError when it holds no run. */
export async function settingsOf(out: string): Promise<RunSettings> {
  const directory = await openDirectory(out);
  return (await readRecord(directory.record)).settings as unknown as RunSettings;
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
  const started = performance.now();
  const graph = await loadTrainable(settings.model);
  const directory = await openDirectory(out);
  const { earlier, data, journal } = await begin(graph, settings, directory, resume, hooks);
  try {
    const record = earlier ? await checkedRecord(earlier, settings, data) : await newRecord(engine, settings, data);
    await writeRecord(directory.record, record);
    await writeLabels(directory.file('labels.txt'), data.dataset.classes);
    const keep = { directory, journal };
    const models = await train(engine, graph, data, settings, hooks, keep);
    const result = await prove(engine, models, data, record, keep, hooks);
    const seconds = record.seconds + (performance.now() - started) / 1000;
    const finished: RunRecord = { ...record, ...result, notes: models.notes, seconds, status: 'done' };
    // "done" is said last: a run without a report is not.
    await writeRecord(directory.record, { ...finished, status: 'running' });
    await writeReport(directory.path);
    await writeRecord(directory.record, finished);
    // A ratio is no figure of the result that could be measured: pruning itself tells whether it was reached.
    const met = (finished.targets ?? []).every((target) => target.met) && (settings.ratio === undefined || models.met);
    return { record: finished, met, directory: directory.path };
  } finally {
    journal.close();
    data.close();
  }
}

/** What can be found wrong before anything is trained; a run that does not begin leaves no folder. */
async function begin(graph: Graph, settings: RunSettings, directory: RunDirectory, resume: boolean, hooks: Hooks) {
  let data: PreparedData | undefined;
  try {
    const earlier = await earlierRecord(directory, resume);
    data = await prepareData(graph, settings, hooks);
    fitted(graph, data, settings);
    return { earlier, data, journal: openJournal(directory.journal) };
  } catch (error) {
    data?.close();
    await directory.abandon();
    throw error;
  }
}

async function earlierRecord(directory: RunDirectory, resume: boolean): Promise<RunRecord | undefined> {
  const there = await exists(directory.record);
  if (there && !resume)
    throw new TascnetError(`"${directory.path}" already holds a run.`, {
      hint: `Go on with it: tascnet run --resume ${directory.path}; or choose another --out.`,
    });
  if (!there && resume)
    throw new TascnetError(`"${directory.path}" holds no run that could be resumed.`, {
      hint: 'Give the folder of an earlier --out.',
    });
  return there ? readRecord(directory.record) : undefined;
}

async function checkedRecord(record: RunRecord, settings: RunSettings, data: PreparedData): Promise<RunRecord> {
  if ((await sha256(settings.model)) !== record.model.sha256)
    throw new TascnetError(`${settings.model} is not the file that this run began with.`, {
      hint: 'Put the original back, or start anew.',
    });
  if (data.dataset.fingerprint !== record.data.fingerprint)
    throw new TascnetError(`The data in ${settings.data} are not those that this run began with.`, {
      hint: 'Put them back, or start anew.',
    });
  return record;
}

async function newRecord(engine: Engine, settings: RunSettings, { dataset }: PreparedData): Promise<RunRecord> {
  const [cpu] = cpus();
  return {
    version: 1,
    tascnet: version(),
    status: 'running',
    model: { path: settings.model, sha256: await sha256(settings.model) },
    data: {
      path: settings.data,
      fingerprint: dataset.fingerprint,
      classes: dataset.classes,
      samples: { train: dataset.train.length, validation: dataset.validation.length, test: dataset.test.length },
      skipped: dataset.skipped,
    },
    settings: { ...settings },
    seed: settings.seed,
    engine: { backend: engine.backend, version: engine.version, device: engine.device },
    machine: {
      cpu: cpu?.model ?? 'unknown',
      cores: cpus().length,
      memoryGiB: Math.round(totalmem() / 2 ** 30),
      node: process.versions.node,
    },
    startedAt: new Date().toISOString(),
    seconds: 0,
    notes: [],
  };
}

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

async function train(
  engine: Engine,
  graph: Graph,
  data: PreparedData,
  settings: RunSettings,
  hooks: Hooks,
  keep: Keep,
): Promise<Models> {
  const parts = { ...keep, hooks };
  const epochs = budget(settings.epochs);
  const baseline = await phase('baseline', parts, async () => {
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
  const winner = await phase('search', parts, () => searchStage(engine, baseline.graph, data, settings, hooks, keep));
  const stage1 = await phase('stage1', parts, async () => {
    const { graph: trained, ...outcome } = await finetune(
      'stage1',
      engine,
      winner.graph,
      data,
      settings,
      epochs.stage1,
      hooks,
      keep,
      settings.distill > 0 ? { teacher: baseline.graph, weight: settings.distill } : undefined,
    );
    return { graph: trained, outcome };
  });
  const stage2 = await phase('stage2', parts, async () => {
    const relative = againstBaseline(settings, costOf(baseline.graph), costOf(stage1.graph));
    const { graph: pruned, ...outcome } = await pruneStage(
      engine,
      stage1.graph,
      data,
      relative,
      epochs.stage2,
      hooks,
      keep,
      baseline.graph,
    );
    return { graph: pruned, outcome };
  });
  const notes = pruningNotes(stage2.outcome, settings.tolerance);
  return { baseline: baseline.graph, stage1: stage1.graph, stage2: stage2.graph, met: stage2.outcome.met, notes };
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
  data: PreparedData,
  record: RunRecord,
  keep: Keep,
  hooks: Hooks,
): Promise<Pick<RunRecord, 'result' | 'parity' | 'targets'>> {
  hooks.onEvent({ kind: 'phase', phase: 'validate' });
  const { directory } = keep;
  const files = {
    baseline: directory.file('baseline.onnx'),
    stage1: directory.file('stage1.onnx'),
    stage2: directory.file('model.onnx'),
  };
  const provenance = { preprocessing: data.preprocessing, classes: data.dataset.classes, source: record.model };
  const stages = ['baseline', 'stage1', 'stage2'] as const;
  const differences = { baseline: 0, stage1: 0, stage2: 0 };
  for (const stage of stages) {
    differences[stage] = await exportProven(engine, models[stage], files[stage], provenance, data.test, hooks);
  }
  const { entries } = await measure(
    stages.map((stage) => files[stage]),
    {
      test: data.test,
      signal: hooks.signal,
      onProgress: (done, total, what) => hooks.onEvent({ kind: 'progress', what: `Measuring ${what}`, done, total }),
    },
  );
  const [baseline, stage1, stage2] = entries;
  if (!baseline || !stage1 || !stage2) throw new TascnetError('ONNX Runtime measured no models.');
  return {
    result: { baseline, stage1, stage2 },
    parity: differences,
    targets: targetsOf(record.settings as unknown as RunSettings, baseline, stage2),
  };
}

type Figures = NonNullable<RunRecord['result']>['baseline'];

/** What was asked for and what came of it, in ONNX Runtime's figures against the fine-tuned baseline. */
function targetsOf(settings: RunSettings, baseline: Figures, result: Figures): RunRecord['targets'] {
  const atMost = (name: string, wanted: number | undefined, got: number) =>
    wanted === undefined ? [] : [{ name, wanted, got, met: got <= wanted + 1e-9 }];
  return [
    ...atMost('MACs', settings.targetMacs, result.macs / baseline.macs),
    ...atMost('parameters', settings.targetParams, result.parameters / baseline.parameters),
  ];
}
