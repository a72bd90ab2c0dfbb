/**
 * Stage 1 against plain fine-tuning for as many epochs, on the Caltech-101 images, with the command line as a person would
 * use it, of two networks: a winner of at most 60 % of the parameters. Every seed goes on where it was stopped.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SearchOutcome } from '../../lib/run/search-run.js';
import type { Bar } from './stage1.js';

const FOLDER = 'runs/bench-stage1';
export const MODELS = '../shared/data/models';
export const IMAGES = '../shared/data/caltech101-25';
export const NETWORK = 'mobilenet_v1_0.5_160.onnx';

interface Case {
  /** Names its files too. */
  name: string;
  model: string;
  imageSize: number;
  /** Most layers and blocks that are searched: they must hold more parameters than the ceiling takes away. */
  depth: number;
}

const CASES: readonly Case[] = [
  { name: 'MobileNetV2 at 96 px', model: 'mobilenet_v2_1.0_224.onnx', imageSize: 96, depth: 5 },
  { name: 'MobileNetV1-0.5 at 128 px', model: NETWORK, imageSize: 128, depth: 3 },
];

function optionsOf({ model, imageSize, depth }: Case): string[] {
  return [
    ...['--model', join(MODELS, model), '--data', IMAGES, '--preprocessing', 'keras-tf'],
    ...['--image-size', String(imageSize), '--depth', String(depth)],
    ...['--epochs', '20', '--trials', '12', '--trial-epochs', '6', '--target-params', '0.6'],
    ...['--compare', 'plain', '--json'],
  ];
}

function outcomeOf(network: Case, seed: number): SearchOutcome {
  mkdirSync(FOLDER, { recursive: true });
  const out = join(FOLDER, `${network.name.replaceAll(' ', '-')}-seed-${seed}.onnx`);
  const record = out.replace(/\.onnx$/, '.json');
  if (!existsSync(record)) {
    const work = out.replace(/\.onnx$/, '.search');
    const args = existsSync(join(work, 'run.json'))
      ? ['search', '--resume', work, '--json']
      : ['search', ...optionsOf(network), '--out', out, '--seed', String(seed)];
    const { status, stdout } = spawnSync(process.execPath, ['dist/cli/main.js', ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
      maxBuffer: 2 ** 28,
    });
    if (status !== 0) throw new Error(`tascnet ${args.join(' ')} ended with ${status}`);
    writeFileSync(`${record}.part`, stdout);
    renameSync(`${record}.part`, record);
  }
  return JSON.parse(readFileSync(record, 'utf8')) as SearchOutcome;
}

/** One row a seed, and their means, of each network. */
export function accuracy({ seeds }: { seeds: readonly number[] }): Promise<Bar[]> {
  return Promise.resolve(CASES.flatMap((network) => rowsOf(network, seeds)));
}

function rowsOf(network: Case, seeds: readonly number[]): Bar[] {
  const found = seeds.map((seed) => {
    const { best, rivals, validation } = outcomeOf(network, seed);
    const plain = rivals.find(({ name }) => name === 'plain');
    if (!plain?.evidence || plain.validation === undefined)
      throw new Error(`${network.name}: seed ${seed} has no plain fine-tuning.`);
    return {
      seed,
      validation: [validation.best, plain.validation] as const,
      test: [best.accuracy?.value ?? Number.NaN, plain.evidence.accuracy?.value ?? Number.NaN] as const,
      parameters: [best.parameters, plain.evidence.parameters] as const,
    };
  });
  const row = (name: string, bar: string, pairs: readonly (readonly [number, number])[], unit: string): Bar => {
    const mean = (side: 0 | 1) => pairs.reduce((sum, pair) => sum + pair[side], 0) / pairs.length;
    const [ours, rival] = [mean(0), mean(1)];
    const fewer = unit === 'parameters';
    const ratio = fewer ? rival / ours : ours / rival;
    return {
      name: `${network.name}, ${name}`,
      bar,
      ours,
      rival,
      rivalName: 'plain fine-tuning',
      unit,
      ratio,
      // Means of the same shares in another order may differ in the last digit.
      met: ratio >= (fewer ? 1 / 0.6 : 1) - 1e-12,
    };
  };
  const seedRows = found.map(({ seed, validation }) =>
    row(`seed ${seed}: validation accuracy`, '>= plain', [validation], 'share'),
  );
  const of = (key: 'validation' | 'test' | 'parameters') => found.map((one) => one[key]);
  return [
    ...seedRows,
    row('validation accuracy, mean', '>= plain', of('validation'), 'share'),
    row('test accuracy, mean', 'none', of('test'), 'share'),
    row('trainable parameters, mean', '>= 40 % fewer', of('parameters'), 'parameters'),
  ];
}
