/** Memory of a whole search on 1,500 images at 160×160: of the command and all its processes, with few trials and with many. */

import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { IMAGES, MODELS } from './accuracy.js';
import type { Bar } from './stage1.js';

const LIMIT = 3 * 2 ** 30;
/** Room for what the garbage collector has not yet taken back. */
const GROWTH = 1.1;
// Configurations differ in what they take: the first are enough to have met large ones.
const [FEW, MANY] = [16, 48];

/** Resident memory of a process and of all that it started, in bytes, by Linux's figures. */
function residentBytes(root: number): number {
  const parents = new Map<number, { parent: number; pages: number }>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      parents.set(Number(entry), { parent: Number(fields[1]), pages: Number(fields[21]) });
    } catch {
      // It ended meanwhile.
    }
  }
  const belongs = (pid: number): boolean =>
    pid === root || (parents.has(pid) && belongs(parents.get(pid)?.parent ?? 0));
  return [...parents].reduce((sum, [pid, { pages }]) => (pid > 1 && belongs(pid) ? sum + pages * 4096 : sum), 0);
}

async function peakOf(trials: number, folder: string): Promise<number> {
  const args = [
    ...['search', '--model', join(MODELS, 'mobilenet_v1_0.5_160.onnx'), '--data', IMAGES, '--quiet', '--json'],
    ...['--preprocessing', 'keras-tf', '--epochs', '2', '--depth', '1', '--trial-epochs', '1'],
    ...['--trials', String(trials), '--out', join(folder, `memory-${trials}.onnx`)],
  ];
  const child = spawn(process.execPath, ['dist/cli/main.js', ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
  let peak = 0;
  const timer = setInterval(() => {
    peak = Math.max(peak, residentBytes(child.pid ?? 0));
  }, 100);
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  clearInterval(timer);
  if (code !== 0) throw new Error(`tascnet ${args.join(' ')} ended with ${code}`);
  return peak;
}

export async function memory({ folder }: { folder: string }): Promise<Bar[]> {
  const few = await peakOf(FEW, folder);
  const many = await peakOf(MANY, folder);
  const base = { rival: null, rivalName: 'none', unit: 'GiB' } as const;
  return [
    {
      ...{ ...base, name: `peak memory, ${MANY} trials`, bar: '< 3 GiB', ours: many / 2 ** 30 },
      ...{ ratio: LIMIT / many, met: many < LIMIT },
    },
    {
      ...{ ...base, name: `peak memory, ${MANY} trials instead of ${FEW}`, bar: 'no growth', ours: many / 2 ** 30 },
      ...{ rival: few / 2 ** 30, rivalName: `${FEW} trials`, ratio: few / many, met: many <= GROWTH * few },
    },
  ];
}
