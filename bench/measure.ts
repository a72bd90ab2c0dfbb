/** The trials of a comparison, each in a process of its own, in turn with the rival's. */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Comparison, Measured } from './case.js';

const TRIAL = fileURLToPath(new URL('trial.js', import.meta.url));

function trialOf([command = '', ...args]: readonly string[]): Measured | { failure: string } {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 2 ** 26 });
  if (status !== 0) {
    const lines = (stderr ?? '').trim().split('\n');
    // Node's last line is its version.
    const reason = lines.findLast((line) => /Error|^tascnet:/.test(line)) ?? lines.at(-1);
    return { failure: error?.message ?? (reason || `exit code ${status}`) };
  }
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Measured;
}

/** @param index of the comparison in its case. Gives no rivals where the rival cannot be measured here. */
export function measure(
  name: string,
  index: number,
  comparison: Comparison,
  trials: number,
): { ours: Measured[]; rivals: Measured[] } {
  const program = 'program' in comparison.rival ? comparison.rival.program() : undefined;
  const own = (side: string) => [process.execPath, TRIAL, name, String(index), side];
  const ours: Measured[] = [];
  let rivals: Measured[] = [];
  let rivalCommand = program === undefined ? own('rival') : program;
  for (let trial = 0; trial < trials; trial++) {
    const mine = trialOf(own('ours'));
    if ('failure' in mine) throw new Error(`${comparison.name}: ${mine.failure}`);
    ours.push(mine);
    if (rivalCommand === null) continue;
    const theirs = trialOf(rivalCommand);
    if ('failure' in theirs) {
      console.error(`${comparison.rivalName} could not be measured: ${theirs.failure}`);
      rivalCommand = null;
      rivals = [];
    } else rivals.push(theirs);
  }
  return { ours, rivals };
}
