/** The result among other ways to spend the same data and as many epochs, each trained, exported and measured. */

import { join } from 'node:path';
import * as z from 'zod';
import { withInputSize } from '../analyze/input-size.js';
import { imageSize } from '../data/input-preprocessing.js';
import type { Engine } from '../engine/engine.js';
import { TascnetError } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import { makeFolders } from '../journal/whole-file.js';
import { openJournal } from '../journal.js';
import type { Rival, RivalName } from '../report/record.js';
import { linearProbe } from '../search/linear-probe.js';
import { measure } from '../validate/evidence.js';
import { exportProven } from './evidence.js';
import type { Provenance } from './export.js';
import type { Hooks } from './hooks.js';
import { journalNumber, phase } from './phases.js';
import { type PreparedData, prepareData } from './prepare-data.js';
import { featureStorage, searchData, searchStage, winnerTraining } from './search-stage.js';
import type { DistillationSettings, EvidenceSettings, FinetuneSettings, SearchSettings } from './settings.js';
import { sizeOfCost } from './smaller-input.js';
import { finetune, type Guidance, type Keep } from './stages.js';

export interface Contest {
  engine: Engine;
  settings: FinetuneSettings & Partial<SearchSettings & DistillationSettings>;
  data: PreparedData;
  hooks: Hooks;
  keep?: Keep | undefined;
  /** The model made ready for the data, before it is trained. */
  prepared(): Promise<Graph>;
  /** Where the result's training began, fine-tuned for `spent` epochs. */
  baseline: Graph;
  spent: number;
  /** Of the result, in all. */
  epochs: number;
  /** Epochs of the winner of a search. */
  winnerEpochs: number;
  /** Multiply-adds of the result. */
  macs: number;
  source: Provenance['source'];
  /** Where a rival's model goes. */
  file(name: RivalName): string;
}

/** A rival that was trained, and what its data are. */
const trainedSchema = z.object({
  title: z.string(),
  epochs: z.number(),
  validation: journalNumber.exactOptional(),
  imageSize: z.number().exactOptional(),
});
type Trained = z.output<typeof trainedSchema> & { graph: Graph };

const TITLES: Record<RivalName, string> = {
  plain: 'plain fine-tuning',
  linear: 'a linear head on frozen features',
  random: 'random search',
  'smaller-input': 'plain fine-tuning on smaller images',
};

const RIVALS: readonly RivalName[] = ['plain', 'linear', 'random', 'smaller-input'];

/** The rivals that were asked for, in their order. */
export function rivalsAsked(
  { compare: asked }: EvidenceSettings,
  usual: readonly RivalName[],
  possible: readonly RivalName[] = RIVALS,
): RivalName[] {
  const names: readonly string[] = asked ?? usual;
  return possible.filter((name) => names.includes('all') || names.includes(name));
}

/** Trains and measures the named rivals, one after the other. @throws TascnetError; Interrupted. */
export async function compare(names: readonly RivalName[], contest: Contest): Promise<Rival[]> {
  const rivals: Rival[] = [];
  for (const name of names) rivals.push(await rivalOf(name, contest));
  return rivals;
}

async function rivalOf(name: RivalName, contest: Contest): Promise<Rival> {
  const started = performance.now();
  const size = name === 'smaller-input' ? sizeFor(contest) : undefined;
  if (size && 'absent' in size) return { name, title: TITLES[name], epochs: 0, seconds: 0, absent: size.absent };
  const data = size ? await smallerData(contest, size.size) : contest.data;
  try {
    const { graph, ...about } = await trained(name, contest, data, size?.size);
    const seconds = (performance.now() - started) / 1000;
    const file = contest.file(name);
    const { preprocessing, dataset } = data;
    const provenance = { preprocessing, classes: dataset.classes, source: contest.source, seed: contest.settings.seed };
    await exportProven(contest.engine, graph, file, provenance, data.test, contest.hooks);
    const { entries } = await measure([file], { test: data.test, signal: contest.hooks.signal });
    const [evidence] = entries;
    if (!evidence) throw new TascnetError('ONNX Runtime measured nothing.');
    return { name, ...about, seconds, file, evidence };
  } finally {
    if (data !== contest.data) data.close();
  }
}

function sizeFor({ baseline, data, macs }: Contest) {
  const size = imageSize(data.preprocessing);
  return size ? sizeOfCost(baseline, size, macs) : { absent: 'the network takes sentences, not images' };
}

async function smallerData({ baseline, settings, hooks }: Contest, size: number): Promise<PreparedData> {
  return prepareData(withInputSize(baseline, [size, size]), { ...settings, imageSize: size }, hooks);
}

/** Trains a rival, once: where there is a folder, what was done is read back. */
async function trained(
  name: RivalName,
  contest: Contest,
  data: PreparedData,
  size: number | undefined,
): Promise<Trained> {
  const { keep, hooks } = contest;
  const work = () => training(name, contest, data, size);
  if (!keep) return work();
  const { graph, outcome } = await phase(`rival-${name}`, { ...keep, hooks }, trainedSchema, async () => {
    const { graph: made, ...rest } = await work();
    return { graph: made, outcome: { ...rest } };
  });
  return { graph, ...outcome };
}

async function training(
  name: RivalName,
  contest: Contest,
  data: PreparedData,
  size: number | undefined,
): Promise<Trained> {
  const { engine, settings, hooks, keep, baseline, spent, epochs, winnerEpochs } = contest;
  const tune = async (graph: Graph, count: number, guidance?: Guidance) => {
    const tuned = await finetune(`rival-${name}`, engine, graph, data, settings, count, hooks, keep, guidance);
    return { graph: tuned.graph, validation: tuned.accuracy };
  };
  const title = TITLES[name];
  switch (name) {
    case 'plain':
      return { ...(await tune(await contest.prepared(), epochs)), title, epochs };
    case 'linear':
      return { graph: await probe(contest), title, epochs };
    case 'smaller-input': {
      // From where the result began as well: what was spent on the original size is not lost.
      const resized = size === undefined ? baseline : withInputSize(baseline, [size, size]);
      const more = Math.max(1, epochs - spent);
      return {
        ...(await tune(resized, more)),
        title: `plain fine-tuning at ${size}×${size}`,
        epochs: spent + more,
        ...(size === undefined ? {} : { imageSize: size }),
      };
    }
    case 'random': {
      const winner = await randomWinner(contest);
      // As the winner of the search that it is compared with.
      const guidance = winnerTraining(baseline, winner, settings, false);
      return { ...(await tune(winner.graph, winnerEpochs, guidance)), title, epochs: spent + winnerEpochs };
    }
  }
}

async function probe({ engine, data, settings, hooks, epochs, prepared }: Contest): Promise<Graph> {
  return linearProbe(engine, await prepared(), searchData(data, settings), {
    epochs,
    seed: settings.seed,
    views: settings.views ?? (settings.augment === 'none' ? 1 : 3),
    storage: featureStorage(settings),
    threads: settings.threads,
    signal: hooks.signal,
    onProgress: (done, total) => hooks.onEvent({ kind: 'progress', what: 'Computing features', done, total }),
  });
}

/** The winner of as many trials at points without regard to what others found; its journal is its own. */
async function randomWinner({ engine, data, settings, hooks, keep, baseline }: Contest) {
  const { trials, trialEpochs, depth, distill = 0 } = settings;
  if (trials === undefined || trialEpochs === undefined || depth === undefined)
    throw new TascnetError('Only a search has a random search as its rival.');
  // Of one image size, that of the data it is measured on.
  const space = { ...settings.space, imageSizes: undefined };
  const asked = { ...settings, trials, trialEpochs, depth, distill, space, sampler: 'random' as const };
  if (!keep) return searchStage(engine, baseline, data, asked, hooks);
  const folder = keep.directory.checkpoint('random');
  makeFolders(folder);
  const journal = openJournal(join(folder, 'journal.jsonl'));
  try {
    const trialFolder = join(folder, 'trials');
    return await searchStage(engine, baseline, data, asked, hooks, { journal, trialFolder });
  } finally {
    journal.close();
  }
}
