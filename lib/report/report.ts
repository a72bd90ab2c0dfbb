/** `report.html`: everything about a run on one page that needs nothing else. */

import { join } from 'node:path';
import { writeText } from '../journal/whole-file.js';
import { type JournalEvent, readJournal } from '../journal.js';
import { differencesFrom } from '../search/differences.js';
import { accuracyChart, leftChart, trialChart } from './charts.js';
import {
  finalOf,
  HEADER,
  percent,
  type Result,
  resultRows,
  rivalRows,
  rivalSentences,
  STAGES,
  short,
  speedSentences,
  targetSentence,
  trainingName,
} from './figures.js';
import { escapeHtml, page, table } from './html.js';
import { type RunRecord, readRecord } from './record.js';

/** Reads the run folder and writes its report. @returns the path of the page. */
export async function writeReport(directory: string): Promise<string> {
  const record = await readRecord(join(directory, 'run.json'));
  const events = readJournal(join(directory, 'journal.jsonl'));
  const path = join(directory, 'report.html');
  await writeText(path, page(`tascnet: ${record.model.path}`, body(record, events)));
  return path;
}

function body(record: RunRecord, events: JournalEvent[]): string {
  return [
    `<h1>${escapeHtml(record.model.path)}</h1>`,
    `<p>Fitted to <code>${escapeHtml(record.data.path)}</code>: ${record.data.classes.length} classes, ${record.data.samples.train} training,
${record.data.samples.validation} validation and ${record.data.samples.test} test samples.</p>`,
    `<p class="note">Classes: ${escapeHtml(record.data.classes.join(', '))}.</p>`,
    ...skippedParts(record),
    ...(record.result ? resultParts(record, record.result) : ['<p class="note">This run is not finished.</p>']),
    ...trainingParts(events),
    ...searchParts(events),
    ...pruningParts(events),
    conditions(record),
  ].join('\n');
}

function skippedParts({ data }: RunRecord): string[] {
  if (data.skipped.length === 0) return [];
  const files = data.skipped.map(({ file, reason }) => `${file} (${reason})`).join(', ');
  return [`<p class="note">Left out, as they cannot be decoded: ${escapeHtml(files)}.</p>`];
}

function resultParts(record: RunRecord, result: Result): string[] {
  const stages = STAGES.slice(1).flatMap(([stage, name]) => {
    const entry = result[stage];
    if (!entry) return [];
    const left = (['macs', 'parameters', 'bytes'] as const).map((figure) => entry[figure] / result.baseline[figure]);
    return [{ name, left: [...left, entry.latencyMs.batch1 / result.baseline.latencyMs.batch1] }];
  });
  return [
    '<h2>Result</h2>',
    table(HEADER, resultRows(result)),
    '<p class="note">Measured in ONNX Runtime on the test split. Accuracy with its 95 % interval (Wilson); latency is the median of interleaved runs.</p>',
    ...speedSentences(result.baseline, finalOf(result)).map((sentence) => `<p>${escapeHtml(sentence)}</p>`),
    '<p>What is left of the fine-tuned original:</p>',
    leftChart(['MACs', 'parameters', 'file size', 'latency (batch 1)'], stages),
    ...(record.targets ?? []).map(
      (target) => `<p class="${target.met ? 'met' : 'missed'}">${escapeHtml(targetSentence(target))}</p>`,
    ),
    ...rivalParts(record, result),
    ...record.notes.map((note) => `<p class="note">${escapeHtml(note)}</p>`),
  ];
}

function rivalParts({ rivals = [] }: RunRecord, result: Result): string[] {
  if (rivals.length === 0) return [];
  const final = finalOf(result);
  const trained = rivals.map(({ title, epochs, seconds }) => `${title}: ${epochs} epochs, ${Math.round(seconds)} s`);
  return [
    '<h2>Compared with</h2>',
    table(HEADER, rivalRows(result, final, rivals)),
    '<p class="note">The same training, validation and test samples, and as many epochs in all; measured as above.</p>',
    ...rivalSentences(final, rivals).map((sentence) => `<p>${escapeHtml(sentence)}</p>`),
    `<p class="note">${escapeHtml(trained.join('; '))}.</p>`,
  ];
}

function trainingParts(events: JournalEvent[]): string[] {
  const parts = new Map<string, number[]>();
  for (const event of events)
    if (event.kind === 'epoch') {
      const name = String(event.part);
      const accuracies = parts.get(name) ?? [];
      accuracies[Number(event.epoch)] = Number(event.validationAccuracy);
      parts.set(name, accuracies);
    }
  if (parts.size === 0) return [];
  return [
    '<h2>Training</h2>',
    '<p>Accuracy on the validation samples after each epoch.</p>',
    accuracyChart([...parts].map(([part, accuracies]) => ({ name: trainingName(part), accuracies }))),
  ];
}

function searchParts(events: JournalEvent[]): string[] {
  const told = events
    .filter((event) => event.kind === 'trial-told')
    .map((event) => event.details as Partial<TrialFacts>);
  const trials = told.filter((trial): trial is TrialFacts => typeof trial?.accuracy === 'number');
  if (trials.length === 0) return [];
  const search = events.find((event) => event.kind === 'phase' && event.phase === 'search');
  const chosen = JSON.stringify((search?.outcome as { configuration?: unknown } | undefined)?.configuration);
  const differences = differencesFrom(trials);
  const rows = trials.map(({ trial, depth, accuracy, macs, parameters, configuration }) => [
    `${trial + 1} (depth ${depth})`,
    percent(accuracy),
    short(macs),
    short(parameters),
    differences({ configuration }),
  ]);
  return [
    '<h2>Stage 1: search</h2>',
    trialChart(trials.map((trial) => ({ ...trial, best: JSON.stringify(trial.configuration) === chosen }))),
    table(['trial', 'validation accuracy', 'MACs', 'parameters', 'what differs from the first'], rows),
  ];
}

/** What the journal tells of a trial that worked. */
interface TrialFacts {
  trial: number;
  depth: number;
  accuracy: number;
  macs: number;
  parameters: number;
  configuration: Record<string, string | number>;
}

function pruningParts(events: JournalEvent[]): string[] {
  const cuts = events.filter((event) => event.kind === 'cut');
  if (cuts.length === 0) return [];
  const steps = new Map(events.filter((event) => event.kind === 'step').map((event) => [Number(event.step), event]));
  const rows = cuts.map((cut) => {
    const trained = steps.get(Number(cut.step));
    const after = trained ? percent(Number(trained.accuracy)) : '–';
    return [
      String(Number(cut.step) + 1),
      short(Number(cut.macs)),
      short(Number(cut.parameters)),
      percent(Number(cut.accuracy)),
      after,
    ];
  });
  return [
    '<h2>Stage 2: pruning</h2>',
    table(['step', 'MACs', 'parameters', 'accuracy after repair', 'after training'], rows),
  ];
}

function conditions({ machine, engine, seed, seconds, tascnet, settings }: RunRecord): string {
  const rows = Object.entries(settings).map(([name, value]) => [name, JSON.stringify(value) ?? '–']);
  return `<h2>Conditions</h2>
<p>tascnet ${escapeHtml(tascnet)}, seed ${seed}, ${escapeHtml(engine.backend)} ${escapeHtml(engine.version)} on ${escapeHtml(engine.device)};
${escapeHtml(machine.cpu)}, ${machine.cores} cores, ${machine.memoryGiB} GiB, Node ${escapeHtml(machine.node)}; ${Math.round(seconds)} s.</p>
${table(['setting', 'value'], rows)}`;
}
