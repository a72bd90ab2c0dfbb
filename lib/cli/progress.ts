/** Progress on stderr: a bar with the time left on a terminal, a line now and then elsewhere. */

import cliProgress from 'cli-progress';
import { percent, short, trainingName } from '../report/figures.js';
import type { RunEvent } from '../run/hooks.js';
import { type Paint, painter } from './color.js';
import { printable } from './output.js';

export interface Progress {
  onEvent: (event: RunEvent) => void;
  /** Takes the bar away. */
  close(): void;
}

/** Bars of less work than this, and steps sooner than this, are not worth a line of a log. */
const LOG_EVERY_MS = 10_000;

const PHASES: Record<string, string> = {
  baseline: 'Fine-tuning the original',
  search: 'Searching the configuration of the deeper layers',
  stage1: 'Fine-tuning the winner of the search',
  winner: 'Fine-tuning the winner of the search',
  stage2: 'Pruning',
  validate: 'Measuring in ONNX Runtime',
  'rival-plain': 'Fine-tuning the original for as many epochs, to compare with',
  'rival-linear': 'Training a linear head on frozen features, to compare with',
  'rival-random': 'Searching at random, to compare with',
  'rival-smaller-input': 'Fine-tuning the original on smaller images, to compare with',
};

export function openProgress(options: { quiet: boolean }, stream: NodeJS.WriteStream = process.stderr): Progress {
  const paint = painter(stream);
  const bar = stream.isTTY && !options.quiet ? openBar(stream) : undefined;
  let lastLogged = performance.now();
  const say = (text: string) => {
    bar?.hide();
    stream.write(`${text}\n`);
  };
  const onEvent = (event: RunEvent) => {
    if (event.kind === 'warning') return say(`${paint('yellow', 'warning:')} ${printable(event.message)}`);
    if (options.quiet) return undefined;
    if (event.kind !== 'progress') return say(textOf(event, paint));
    if (bar) return bar.show(event.what, event.done, event.total);
    const isDue = performance.now() - lastLogged >= LOG_EVERY_MS;
    if (!isDue || event.done >= event.total) return undefined;
    lastLogged = performance.now();
    return say(`${event.what}: ${event.done} of ${event.total}`);
  };
  return { onEvent, close: () => bar?.hide() };
}

function textOf(event: Exclude<RunEvent, { kind: 'warning' | 'progress' }>, paint: Paint): string {
  switch (event.kind) {
    case 'phase':
      return paint('bold', PHASES[event.phase] ?? event.phase);
    case 'note':
      return printable(event.message);
    case 'epoch': {
      const { what, epoch, epochs, loss, accuracy, secondsLeft } = event;
      const left = secondsLeft > 0 ? `, ${duration(secondsLeft)} left` : '';
      return `  ${trainingName(what)}, epoch ${epoch + 1}/${epochs}: loss ${loss.toFixed(3)}, validation ${percent(accuracy)}${left}`;
    }
    case 'trial': {
      const { trial, trials, accuracy, failed = 'it gave no accuracy', stopped, chosen } = event;
      const result = accuracy === undefined ? `failed: ${printable(failed)}` : percent(accuracy);
      const sizeOf = (figures: { macs: number; parameters: number }) =>
        `${short(figures.macs)} MACs, ${short(figures.parameters)} parameters`;
      const of = `  trial ${trial + 1} (${trials} a depth): ${result}${stopped ? ', stopped early' : ''}, ${sizeOf(event)}`;
      if (!chosen) return `${of}; none is chosen yet`;
      if (chosen.trial === trial) return `${of}; chosen for now`;
      return `${of}; chosen: trial ${chosen.trial + 1}, ${percent(chosen.accuracy)}, ${sizeOf(chosen)}`;
    }
    case 'pruned': {
      const { step, steps, macs, parameters, accuracy } = event;
      const left = `${percent(macs)} of the MACs, ${percent(parameters)} of the parameters left`;
      return `  step ${step + 1}/${steps}: ${left}, validation ${percent(accuracy)} before retraining`;
    }
  }
}

/** 4000 → "1 h 7 min". */
export function duration(seconds: number): string {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function openBar(stream: NodeJS.WriteStream) {
  let current: { bar: cliProgress.SingleBar; what: string } | undefined;
  const hide = () => {
    current?.bar.stop();
    current = undefined;
  };
  const show = (what: string, done: number, total: number) => {
    if (current?.what !== what) {
      hide();
      const format = `${what} [{bar}] {value}/{total}, {eta_formatted} left`;
      const bar = new cliProgress.SingleBar({ format, stream, clearOnComplete: true, hideCursor: true });
      bar.start(total, done);
      current = { bar, what };
    }
    current.bar.update(done);
    if (done >= total) hide();
  };
  return { show, hide };
}
