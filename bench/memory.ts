/** The rate of the machine's memory, measured by a small C++ program that is compiled on first use. */

import { spawnSync } from 'node:child_process';
import { mkdirSync, statSync } from 'node:fs';
import type { Program } from './case.js';

const SOURCE = 'bench/native/memory.cc';
const BINARY = 'build/bench/memory';

/**
 * `read`: a STREAM-like sum over all cores; `copy`: memcpy over all cores, bytes read and written, into memory that was
 * used before; `copy-new`: into memory that is new each time. In GB/s.
 */
export function memoryRate(kind: 'read' | 'copy' | 'copy-new', floats: number): { program: () => Program } {
  return { program: () => (compiled() ? [BINARY, kind, String(floats)] : null) };
}

function compiled(): boolean {
  const [binary, source] = [BINARY, SOURCE].map((file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs);
  if (binary !== undefined && source !== undefined && binary > source) return true;
  mkdirSync('build/bench', { recursive: true });
  const flags = ['-std=c++20', '-O3', '-march=native', '-ffast-math', '-pthread', SOURCE, '-o', BINARY];
  return spawnSync(process.env.CXX ?? 'c++', flags, { stdio: ['ignore', 'inherit', 'inherit'] }).status === 0;
}
