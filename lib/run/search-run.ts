/** Stage 1 as a command: it takes a model file and leaves one, and works in a folder beside it, where it can be resumed. */

import { imageSize } from '../data/input-preprocessing.js';
import type { Engine } from '../engine/engine.js';
import { TascnetError } from '../errors.js';
import type { Rival, RunRecord } from '../report/record.js';
import type { TrialRecord } from '../search/objective.js';
import type { Evidence } from '../validate/evidence.js';
import { compare, rivalsAsked } from './compare.js';
import { exportProven } from './evidence.js';
import type { Hooks } from './hooks.js';
import { phase } from './phases.js';
import { atSize, prepareGraph } from './prepare.js';
import type { PreparedData } from './prepare-data.js';
import { dataFor, measureEach } from './resized.js';
import { foundSchema, searchKeep, searchStage, winnerTraining } from './search-stage.js';
import { finishSession, openSession, tellHowToGoOn } from './session.js';
import type { DistillationSettings, EvidenceSettings, FinetuneSettings, SearchSettings } from './settings.js';
import { finetune, tunedSchema } from './stages.js';

export type SearchRunSettings = FinetuneSettings &
  SearchSettings &
  DistillationSettings &
  EvidenceSettings & { out: string };

export interface SearchOutcome {
  /** The original, fine-tuned alone, and the fine-tuned winner, in ONNX Runtime. */
  baseline: Evidence;
  best: Evidence;
  /** Their accuracies on the validation samples, 0 … 1, of the best epoch. */
  validation: { baseline: number; best: number };
  pareto: TrialRecord[];
  trials: TrialRecord[];
  seconds: number;
  secondsEndToEndEstimate: number;
  rivals: Rival[];
  /** Height and width of the images that the winner takes; absent where it takes sentences. */
  imageSize?: number | undefined;
  /** Where the search worked: journal, checkpoints, report. */
  directory: string;
}

/** The folder in which a search works that leaves `out`. */
export function searchFolder(out: string): string {
  return out.replace(/\.onnx$/i, '.search');
}

/** How the epochs are shared out: half for the original, from which the search begins, and half for the winner. */
function budget(epochs: number): { baseline: number; winner: number } {
  const baseline = Math.max(1, Math.floor(epochs / 2));
  return { baseline, winner: Math.max(1, epochs - baseline) };
}

/**
 * Searches the configuration of the deeper layers, and leaves the fine-tuned winner in `settings.out`.
 * @throws TascnetError for every kind of bad input; Interrupted, after what was done is safe.
 */
export async function runSearch(
  engine: Engine,
  settings: SearchRunSettings,
  folder: string,
  resume: boolean,
  hooks: Hooks,
): Promise<SearchOutcome> {
  const session = await openSession('search', engine, settings, folder, resume, hooks);
  const { data, directory, journal, record } = session;
  /** The data as the winner takes them. */
  let its: PreparedData | undefined;
  try {
    const keep = { directory, journal };
    const parts = { ...keep, hooks };
    const graph = atSize(session.graph, data.preprocessing);
    const prepared = () => prepareGraph(engine, graph, data, settings, hooks);
    const epochs = budget(settings.epochs);
    const plain = await phase('baseline', parts, tunedSchema, async () => {
      const start = await prepared();
      const tuned = await finetune('baseline', engine, start, data, settings, epochs.baseline, hooks, keep);
      return { graph: tuned.graph, outcome: { accuracy: tuned.accuracy, loss: tuned.loss } };
    });
    const found = await phase('search', parts, foundSchema, () =>
      searchStage(engine, plain.graph, data, settings, hooks, searchKeep(keep)),
    );
    its = await dataFor(found.graph, data, settings, hooks);
    const own = its;
    const winner = await phase('winner', parts, tunedSchema, async () => {
      const guidance = winnerTraining(plain.graph, found, settings, own !== data);
      const tuned = await finetune('winner', engine, found.graph, own, settings, epochs.winner, hooks, keep, guidance);
      return { graph: tuned.graph, outcome: { accuracy: tuned.accuracy, loss: tuned.loss } };
    });

    hooks.onEvent({ kind: 'phase', phase: 'validate' });
    const models = [
      { trained: plain.graph, file: settings.out.replace(/(\.onnx)?$/i, '.original.onnx'), data },
      { trained: winner.graph, file: settings.out, data: own },
    ];
    const parity: number[] = [];
    for (const { trained, file, data: taken } of models) {
      const { preprocessing, dataset, test } = taken;
      const provenance = { preprocessing, classes: dataset.classes, source: record.model, seed: settings.seed };
      parity.push(await exportProven(engine, trained, file, provenance, test, hooks));
    }
    const [baseline, best] = await measureEach(models, hooks);
    if (!baseline || !best) throw new TascnetError('ONNX Runtime measured no models.');

    const rivals = await compare(rivalsAsked(settings, []), {
      ...{ engine, settings, data, hooks, keep, prepared },
      baseline: plain.graph,
      spent: epochs.baseline,
      epochs: epochs.baseline + epochs.winner,
      winnerEpochs: epochs.winner,
      macs: best.macs,
      source: record.model,
      file: (name) => settings.out.replace(/(\.onnx)?$/i, `.${name}.onnx`),
    });
    const result: Partial<RunRecord> = {
      result: { baseline, stage1: best },
      parity: { baseline: parity[0] ?? 0, stage1: parity[1] ?? 0 },
      rivals,
    };
    await finishSession(session, result);
    const { pareto, trials, seconds, secondsEndToEndEstimate } = found.outcome;
    return {
      baseline,
      best,
      validation: { baseline: plain.outcome.accuracy, best: winner.outcome.accuracy },
      pareto,
      trials,
      seconds,
      secondsEndToEndEstimate,
      rivals,
      imageSize: imageSize(own.preprocessing)?.[0],
      directory: directory.path,
    };
  } catch (error) {
    tellHowToGoOn(session, hooks);
    throw error;
  } finally {
    if (its !== data) its?.close();
    session.close();
  }
}
