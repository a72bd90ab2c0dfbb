/**
 * tascnet as a library. Every function takes the options of the command of its name (camelCase, the same defaults) and
 * gives what the command prints with `--json`. Nothing is read from the environment or a configuration file. Importing
 * this loads neither TensorFlow nor ONNX Runtime.
 */

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Inspection, inspect as inspectGraph } from './analyze/inspection.js';
import type { Command } from './config/option.js';
import { required, resolve, type Settings } from './config/resolve.js';
import type { Engine } from './engine/engine.js';
import { ExitCode, TascnetError } from './errors.js';
import { load } from './formats/index.js';
import { requireWritable } from './journal/whole-file.js';
import {
  oneShotSettings,
  pruneSettings,
  refuseTeacher,
  requireEpochs,
  requireGoal,
  searchSettings,
  seedOf,
  type Training,
  teacherSettings,
  trainable,
} from './run/asked.js';
import { withAskedInput } from './run/asked-input.js';
import type { Hooks, RunEvent } from './run/hooks.js';
import type { RunOutcome } from './run/run.js';
import type { SearchOutcome, SearchRunSettings } from './run/search-run.js';
import type { SearchSpace } from './run/search-space.js';
import type { RunSettings } from './run/settings.js';
import type { PruneOutcome } from './run/single.js';
import type { Validation } from './run/validation.js';
import type { SearchHistory } from './search/history.js';
import type { Evidence } from './validate/evidence.js';

export type { Inspection } from './analyze/inspection.js';
export { ExitCode, Interrupted, TascnetError } from './errors.js';
export { load, save } from './formats/index.js';
export type { Attribute, Dim, Graph, Node, ValueInfo } from './graph/graph.js';
export type { Tensor } from './graph/tensor.js';
export type { RunEvent } from './run/hooks.js';
export type { RunOutcome } from './run/run.js';
export type { SearchOutcome } from './run/search-run.js';
export type { SearchSpace } from './run/search-space.js';
export type { PruneOutcome } from './run/single.js';
export type { Comparison, Validation } from './run/validation.js';
export type { SearchHistory } from './search/history.js';
export type { Plan } from './surgery/plan.js';
export type { Evidence } from './validate/evidence.js';

/** Where the network is trained between cuts; the measured best of the criteria at small budgets. */
const TRAINED_CRITERION = 'taylor';

/** The options of a command; what is left out has the command's default. */
export type Request<C extends Command> = { [K in keyof Settings<C>]?: Settings<C>[K] | undefined };

export interface Work {
  onEvent?: ((event: RunEvent) => void) | undefined;
  /** Stops the work after its checkpoint; the promise then rejects with `Interrupted`. */
  signal?: AbortSignal | undefined;
}

/** The layers, shapes, parameters and MACs of a model file, what can be pruned, and what is pinned and why. */
export async function inspect(model: string, request: Request<'inspect'> = {}): Promise<Inspection> {
  const { imageSize, textLength } = settled('inspect', request);
  return inspectGraph(withAskedInput(await load(model), { imageSize, textLength }), model);
}

/**
 * The main job, into the folder `out`: fine-tune, search, prune, export, measure, report. With `resume` (a folder, or ''
 * for `out`) it goes on with a run that was stopped.
 */
export async function run(request: Request<'run'>, work: Work = {}): Promise<RunOutcome> {
  const settings = settled('run', request);
  const [{ run: start }, { settingsOf }, { spaceOptions }] = await Promise.all([
    import('./run/run.js'),
    import('./run/session.js'),
    import('./run/search-space.js'),
  ]);
  if (settings.resume !== undefined) {
    const out = settings.resume || required(settings.out, 'out', 'run');
    requireResumable(out, 'run');
    const earlier = await settingsOf<RunSettings>('run', out);
    return start(await engineFor({ ...settings, threads: earlier.threads }, work), earlier, out, true, hooksOf(work));
  }
  const [asked, out] = [trainable('run', settings), required(settings.out, 'out', 'run')];
  requireEpochs(3, settings.epochs, 'run');
  const { criterion = TRAINED_CRITERION, compare } = settings;
  const stages = { ...pruneSettings(settings), ...searchSettings(settings), space: await spaceOptions(settings) };
  const chosen: RunSettings = { ...asked, ...stages, criterion, compare };
  return start(await engineFor(settings, work), chosen, out, false, hooksOf(work));
}

function requireResumable(folder: string, command: Command): void {
  if (existsSync(join(folder, 'run.json'))) return;
  throw new TascnetError(`"${folder}" holds no ${command} that could be resumed.`, {
    hint: `Give the folder of an earlier "tascnet ${command}".`,
  });
}

/** Fine-tunes a model on the data, into the file `out`. */
export async function finetune(request: Request<'finetune'>, work: Work = {}): Promise<Evidence> {
  const settings = settled('finetune', request);
  const asked = { ...trainable('finetune', settings), ...teacherSettings(settings) };
  const out = await outFile(settings.out, 'finetune');
  const { runFinetune } = await import('./run/single.js');
  return runFinetune(await engineFor(settings, work), asked, out, hooksOf(work));
}

/**
 * Searches the configuration of the deeper layers; the fine-tuned winner goes into the file `out`. It works in a folder
 * beside that, `out` with the ending `.search`, and with `resume` (the folder, or '' for that of `out`) goes on there.
 */
export async function search(request: Request<'search'>, work: Work = {}): Promise<SearchOutcome> {
  const settings = settled('search', request);
  const [{ runSearch, searchFolder }, { settingsOf }, { spaceOptions }] = await Promise.all([
    import('./run/search-run.js'),
    import('./run/session.js'),
    import('./run/search-space.js'),
  ]);
  if (settings.resume !== undefined) {
    const folder = settings.resume || searchFolder(required(settings.out, 'out', 'search'));
    requireResumable(folder, 'search');
    const earlier = await settingsOf<SearchRunSettings>('search', folder);
    const engine = await engineFor({ ...settings, threads: earlier.threads }, work);
    return runSearch(engine, earlier, folder, true, hooksOf(work));
  }
  const [asked, out] = [trainable('search', settings), await outFile(settings.out, 'search')];
  requireEpochs(2, settings.epochs, 'search');
  const { targetMacs, targetParams, compare } = settings;
  const limits = { macs: targetMacs, parameters: targetParams };
  const space = await spaceOptions(settings);
  const chosen: SearchRunSettings = { ...asked, ...searchSettings(settings), space, limits, compare, out };
  return runSearch(await engineFor(settings, work), chosen, searchFolder(out), false, hooksOf(work));
}

/** What a search would look at, depth by depth, without searching it. Writes nothing. */
export async function searchSpace(request: Request<'search'>, work: Work = {}): Promise<SearchSpace> {
  const settings = settled('search', request);
  const { searchSpace: describe } = await import('./run/search-space.js');
  const model = required(settings.model, 'model', 'search');
  return describe({ ...settings, model, seed: seedOf(settings) }, hooksOf(work));
}

/** What a search or a run found, from its folder: trials, importance of the choices, Pareto front. */
export async function searchHistory(folder: string): Promise<SearchHistory> {
  const { historyIn } = await import('./run/search-history.js');
  return historyIn(folder);
}

/**
 * Removes channels, into the file `out`. With data: in steps, with repair and retraining. With `finetune: false` or without
 * data: once, by the weights alone.
 */
export async function prune(request: Request<'prune'>, work: Work = {}): Promise<PruneOutcome> {
  const hooks = hooksOf(work);
  const settings = settled('prune', request);
  const out = await outFile(settings.out, 'prune');
  if (settings.plan !== undefined) await requireWritable(settings.plan);
  const [{ runOneShot, runPrune }, { writePlan }] = await Promise.all([
    import('./run/single.js'),
    import('./run/plan-file.js'),
  ]);
  let outcome: PruneOutcome;
  if (settings.finetune && settings.data !== undefined) {
    const chosen = {
      ...trainable('prune', settings),
      ...pruneSettings(settings),
      ...teacherSettings(settings),
      criterion: settings.criterion ?? TRAINED_CRITERION,
      compare: settings.compare,
    };
    outcome = await runPrune(await engineFor(settings, work), chosen, out, hooks);
  } else {
    const oneShot = oneShotSettings('prune', settings);
    refuseTeacher(settings);
    requireGoal(oneShot);
    if (settings.data === undefined) {
      const message = 'Without --data, channels go by their weights alone, and nothing is retrained.';
      hooks.onEvent({ kind: 'note', message });
    }
    const measure = settings.data === undefined && (settings.targetLatency !== undefined || settings.measure);
    outcome = await runOneShot({ ...oneShot, measure, threads: settings.threads }, out, hooks);
    if (settings.data !== undefined) outcome = await withAccuracy(outcome, [oneShot.model, out], settings, hooks);
  }
  if (settings.plan !== undefined) await writePlan(settings.plan, outcome.plan);
  const { targetLatency = Number.POSITIVE_INFINITY, latencyBatch } = settings;
  const milliseconds = outcome.after.latencyMs?.[`batch${latencyBatch}`] ?? 0;
  return { ...outcome, met: outcome.met && milliseconds <= targetLatency };
}

/** The dependency groups of a model, and what the settings would remove by the weights alone. Writes nothing. */
export async function plan(request: Request<'prune'>, work: Work = {}) {
  const { pruneDryRun } = await import('./run/single.js');
  const settings = settled('prune', request);
  return pruneDryRun({ ...oneShotSettings('prune', settings), threads: settings.threads }, hooksOf(work));
}

/** Measures one model file, or two side by side, in ONNX Runtime. */
export async function validate(
  models: readonly string[],
  request: Request<'validate'> = {},
  work: Work = {},
): Promise<Validation> {
  const settings = settled('validate', request);
  const { validateFiles } = await import('./run/validation.js');
  return validateFiles(models, settings, hooksOf(work));
}

function settled<C extends Command>(command: C, request: Request<C>): Settings<C> {
  return resolve(command, { commandLine: request, environment: {}, directory: null }).settings;
}

function hooksOf({ onEvent = () => {}, signal }: Work): Hooks {
  return { onEvent, signal };
}

async function withAccuracy(
  outcome: PruneOutcome,
  paths: readonly string[],
  settings: Settings<'prune'>,
  hooks: Hooks,
): Promise<PruneOutcome> {
  const { validateFiles } = await import('./run/validation.js');
  const [before, after] = (await validateFiles(paths, settings, hooks)).entries;
  return before && after ? { ...outcome, before, after } : outcome;
}

async function outFile(out: string | undefined, command: Command): Promise<string> {
  const path = required(out, 'out', command);
  if (!path.toLowerCase().endsWith('.onnx')) {
    throw new TascnetError(`Expected a name that ends in .onnx for --out but received "${path}".`, {
      exitCode: ExitCode.usage,
    });
  }
  // Found out before hours of work.
  if (!existsSync(dirname(path))) throw new TascnetError(`The folder of --out, "${dirname(path)}", does not exist.`);
  await requireWritable(path);
  return path;
}

async function engineFor(settings: Training, { onEvent = () => {}, signal }: Work): Promise<Engine> {
  const { readyEngine } = await import('./engine/ready.js');
  const { backend, threads } = settings;
  // The bound of the native addon's threads, which it reads when it loads.
  if (threads !== undefined) process.env.TASCNET_THREADS ??= String(threads);
  return readyEngine({
    ...{ backend, threads, signal },
    onNote: (message) => onEvent({ kind: 'note', message }),
    onWarning: (message) => onEvent({ kind: 'warning', message }),
  });
}
