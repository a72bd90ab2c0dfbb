/** The stages as commands of their own: each takes a model file and leaves one. */

import { dependencyGroups } from '../analyze/groups.js';
import type { Engine } from '../engine/engine.js';
import { TascnetError } from '../errors.js';
import { save } from '../formats/index.js';
import type { Graph } from '../graph/graph.js';
import { pruneOnce } from '../prune/one-shot.js';
import type { Rival } from '../report/record.js';
import type { Plan } from '../surgery/plan.js';
import { type Evidence, type ModelSize, measure, modelSize } from '../validate/evidence.js';
import { type InputSettings, openExtent, withAskedInput } from './asked-input.js';
import { compare, rivalsAsked } from './compare.js';
import { sha256 } from './directory.js';
import { exportProven } from './evidence.js';
import { type Hooks, warningOnce } from './hooks.js';
import { type LatencySettings, withLatencyGoal } from './latency-target.js';
import { pruningNotes } from './notes.js';
import { atSize, loadModel, loadTrainable, prepareGraph } from './prepare.js';
import { type PreparedData, prepareData } from './prepare-data.js';
import type { DataSettings, EvidenceSettings, FinetuneSettings, PruneSettings, TeacherSettings } from './settings.js';
import { tellOfOtherSeed } from './split-seed.js';
import { finetune, pruneOptions, pruneStage } from './stages.js';
import { type Teaching, teachingBy } from './teacher.js';

/** Fine-tunes `settings.model` on the data into `out`. */
export async function runFinetune(
  engine: Engine,
  settings: FinetuneSettings & TeacherSettings,
  out: string,
  hooks: Hooks,
): Promise<Evidence> {
  return withData(settings, hooks, async (graph, data, teacher) => {
    const prepared = await prepareGraph(engine, graph, data, settings, hooks);
    const guidance = teacher ? { distillation: { teacher, weight: settings.distill } } : {};
    const { epochs } = settings;
    const trained = await finetune('finetune', engine, prepared, data, settings, epochs, hooks, undefined, guidance);
    const [entry] = await exported(engine, [trained.graph], [out], data, settings, hooks);
    return present(entry);
  });
}

export interface PruneOutcome {
  plan: Plan;
  /** Every target was met, within the tolerance. */
  met: boolean;
  /** Before and after: sizes, and what was measured in ONNX Runtime. */
  before: ModelSize & Partial<Evidence>;
  after: ModelSize & Partial<Evidence>;
  /** What the same data and epochs gave otherwise; with data alone. */
  rivals?: Rival[];
}

export type DataPruneSettings = FinetuneSettings & TeacherSettings & PruneSettings & EvidenceSettings;

/** Prunes with the data: in steps, with repair and retraining. */
export async function runPrune(
  engine: Engine,
  settings: DataPruneSettings,
  out: string,
  hooks: Hooks,
): Promise<PruneOutcome> {
  return withData(settings, hooks, async (graph, data, teacher) => {
    const prepared = await prepareGraph(engine, graph, data, settings, hooks);
    const settled = await withLatencyGoal(prepared, settings, hooks);
    const pruned = await pruneStage(engine, prepared, data, settled, settings.epochs, hooks, undefined, teacher);
    for (const message of pruningNotes(pruned, settings.tolerance)) hooks.onEvent({ kind: 'warning', message });
    const original = out.replace(/(\.onnx)?$/i, '.original.onnx');
    const [before, after] = await exported(engine, [prepared, pruned.graph], [original, out], data, settings, hooks);
    const rivals = await compare(rivalsAsked(settings, ['smaller-input'], ['plain', 'linear', 'smaller-input']), {
      ...{ engine, settings, data, hooks },
      prepared: () => Promise.resolve(prepared),
      ...{ baseline: prepared, spent: 0, epochs: settings.epochs, winnerEpochs: 0 },
      macs: present(after).macs,
      source: { path: settings.model, sha256: await sha256(settings.model) },
      file: (name) => out.replace(/(\.onnx)?$/i, `.${name}.onnx`),
    });
    return {
      plan: ofFile(pruned.plan, graph),
      met: pruned.met,
      before: present(before),
      after: present(after),
      rivals,
    };
  });
}

/** Networks of more MACs take much longer to measure than to prune. */
const QUICKLY_MEASURED_MACS = 2e8;

/** Prunes once by the weights alone: no data, no engine, no training. Latency: where asked for, or quickly measured. */
export async function runOneShot(
  settings: { model: string; measure?: boolean | undefined } & InputSettings & LatencySettings & PruneSettings,
  out: string,
  hooks: Hooks,
): Promise<PruneOutcome> {
  const graph = withAskedInput(await loadModel(settings.model), settings);
  const settled = await withLatencyGoal(graph, settings, hooks);
  const { graph: pruned, plan, met } = await pruneOnce(graph, pruneOptions(settled, hooks));
  await save(pruned, out);
  const before = await modelSize(graph, settings.model);
  const open = openExtent(graph);
  if (open) {
    const message = `The extent "${open.extent}" of input "${open.input}" is open: MACs are those of one position, and nothing was measured in ONNX Runtime. Set it with ${open.option}.`;
    hooks.onEvent({ kind: 'note', message });
  }
  if (open || !(settings.measure ?? before.macs <= QUICKLY_MEASURED_MACS))
    return { plan, met, before, after: await modelSize(pruned, out) };
  const runs = { batch1: 20, batch32: 3 };
  const settle = (each: Graph) => withAskedInput(each, settings);
  const { entries } = await measure([settings.model, out], { runs, settle, signal: hooks.signal });
  return { plan, met, before: present(entries[0]), after: present(entries[1]) };
}

/** The groups of a model and what of them would go, without doing it. */
export async function pruneDryRun(
  settings: { model: string } & InputSettings & LatencySettings & PruneSettings,
  hooks: Hooks,
) {
  const graph = withAskedInput(await loadModel(settings.model), settings);
  const settled = await withLatencyGoal(graph, settings, hooks);
  const { plan, macs, parameters, met } = await pruneOnce(graph, pruneOptions(settled, hooks));
  const { groups } = dependencyGroups(graph);
  return { plan, macs, parameters, met, groups: groups.map(({ id, channels }) => ({ id, channels })) };
}

async function withData<T>(
  settings: { model: string } & DataSettings & TeacherSettings,
  given: Hooks,
  work: (graph: Graph, data: PreparedData, teacher: Graph | undefined) => Promise<T>,
): Promise<T> {
  const hooks = warningOnce(given);
  const graph = await loadTrainable(settings.model);
  tellOfOtherSeed(graph, settings.model, settings.seed, hooks);
  const data = await prepareData(graph, settings, hooks);
  let teaching: Teaching | undefined;
  try {
    const sized = atSize(graph, data.preprocessing);
    if (settings.teacher === undefined) return await work(sized, data, undefined);
    teaching = await teachingBy(settings.teacher, data, settings, hooks);
    return await work(sized, { ...data, student: teaching.student }, teaching.teacher);
  } finally {
    teaching?.close();
    data.close();
  }
}

async function exported(
  engine: Engine,
  graphs: Graph[],
  paths: string[],
  data: PreparedData,
  settings: { model: string; seed: number },
  hooks: Hooks,
): Promise<Evidence[]> {
  const source = { path: settings.model, sha256: await sha256(settings.model) };
  const provenance = { preprocessing: data.preprocessing, classes: data.dataset.classes, source, seed: settings.seed };
  for (const [index, graph] of graphs.entries()) {
    await exportProven(engine, graph, paths[index] ?? '', provenance, data.test, hooks);
  }
  return (await measure(paths, { test: data.test, signal: hooks.signal })).entries;
}

/** A plan without what training added to the file's own initializers (batch norms that had been folded). */
function ofFile(plan: Plan, { initializers }: Graph): Plan {
  const groups = plan.groups.map((group) => ({
    ...group,
    members: group.members.filter(({ tensor }) => initializers.has(tensor)),
  }));
  return { ...plan, groups };
}

function present(entry: Evidence | undefined): Evidence {
  if (!entry) throw new TascnetError('ONNX Runtime measured nothing.');
  return entry;
}
