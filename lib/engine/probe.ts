/**
 * Tries a TensorFlow binding in a process of its own, so that one that crashes (wrong C library, unsupported CPU, broken
 * driver) cannot take the user's process down. The finding is remembered for as long as the binding's file is the same.
 */

import { createHash, randomUUID } from 'node:crypto';
import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { throwIfAborted } from '../errors.js';
import { makeFolders } from '../journal/whole-file.js';
import { runCommand } from './command.js';
import { bindingWithin, engineDirectory } from './places.js';

const Finding = z.discriminatedUnion('works', [
  /** `oneDnn`: TensorFlow may use it; where it crashes, only without it does TensorFlow work. */
  z.object({ works: z.literal(true), version: z.string(), device: z.enum(['cpu', 'gpu']), oneDnn: z.boolean() }),
  z.object({ works: z.literal(false), problem: z.string() }),
]);
export type Finding = z.infer<typeof Finding>;

const Remembered = z.object({ stamp: z.string(), finding: Finding });

const TIME_LIMIT_MS = 120_000;
const MARK = 'tascnet-probe:';

/**
 * Loads the package named by the last argument and takes convolutions' gradients. oneDNN picks the blocks of 1×1
 * convolutions of these widths by the sizes of the caches, and divides by zero where a virtual machine hides them.
 */
const SCRIPT = `
const util = require('node:util');
util.isNullOrUndefined ??= (value) => value === null || value === undefined;
const tf = require(process.argv[process.argv.length - 1]);
const backend = tf.backend();
if (tf.getBackend() !== 'tensorflow') throw new Error('its backend is "' + tf.getBackend() + '"');
const image = tf.ones([1, 5, 5, 2]);
const grad = tf.grad((w) => tf.conv2d(image, w, 1, 'valid').sum())(tf.ones([3, 3, 2, 1]));
if (grad.dataSync()[0] !== 9) throw new Error('it computes a wrong gradient');
for (const [from, to] of [[512, 1024], [1024, 256], [1024, 2048]]) {
  const wide = tf.grad((x) => tf.conv2d(x, tf.ones([1, 1, from, to]), 1, 'valid').sum())(tf.ones([1, 1, 1, from]));
  if (wide.dataSync()[0] !== to) throw new Error('it computes a wrong gradient');
}
console.log('${MARK}' + JSON.stringify({
  works: true, version: String(backend.binding.TF_Version), device: backend.isUsingGpuDevice ? 'gpu' : 'cpu',
  oneDnn: process.env.TF_ENABLE_ONEDNN_OPTS !== '0',
}));
`;

/** Tells processors apart: caches and home folders move between machines. */
async function processor(): Promise<string> {
  try {
    const [first = ''] = (await readFile('/proc/cpuinfo', 'utf8')).split('\n\n');
    const lasting = first
      .split('\n')
      .filter((line) => /^(vendor_id|cpu family|model|stepping|flags|Features)\b/.test(line));
    return createHash('sha256').update(lasting.join('\n')).digest('hex').slice(0, 16);
  } catch {
    return cpus()[0]?.model ?? '';
  }
}

/** What a later probe would have to see again for this finding to hold. */
async function stampOf(binding: string): Promise<string> {
  const { size, mtimeMs } = await stat(binding);
  return `${size}:${mtimeMs}:${process.version}:${process.arch}:${await processor()}`;
}

function memoryOf(packageDirectory: string): string {
  const key = createHash('sha256')
    .update(`${packageDirectory}\0${process.env.TF_ENABLE_ONEDNN_OPTS ?? ''}`)
    .digest('hex')
    .slice(0, 16);
  return join(engineDirectory(), 'probes', `${key}.json`);
}

async function recall(path: string, stamp: string): Promise<Finding | undefined> {
  try {
    const remembered = Remembered.parse(JSON.parse(await readFile(path, 'utf8')));
    return remembered.stamp === stamp ? remembered.finding : undefined;
  } catch {
    return undefined;
  }
}

/** A cache that cannot be written only costs the next start a second. */
async function remember(path: string, stamp: string, finding: Finding): Promise<void> {
  try {
    makeFolders(dirname(path));
    const temporary = `${path}.${randomUUID()}`;
    await writeFile(temporary, JSON.stringify({ stamp, finding }));
    await rename(temporary, path);
  } catch {}
}

/**
 * Whether the tfjs-node package in `packageDirectory` works here. `fresh`: do not trust an earlier finding.
 * @throws Interrupted when `signal` fires.
 */
export async function probe(
  packageDirectory: string,
  options: { fresh?: boolean; signal?: AbortSignal | undefined } = {},
): Promise<Finding> {
  const binding = bindingWithin(packageDirectory);
  let stamp: string;
  try {
    stamp = await stampOf(binding);
  } catch {
    return { works: false, problem: 'its binding (tfjs_binding.node) was never downloaded or built' };
  }
  const memory = memoryOf(packageDirectory);
  const known = options.fresh ? undefined : await recall(memory, stamp);
  if (known) return known;
  const first = await attempt(packageDirectory, {}, options.signal);
  let { finding } = first;
  if (first.crashed && process.env.TF_ENABLE_ONEDNN_OPTS === undefined) {
    const without = await attempt(packageDirectory, { TF_ENABLE_ONEDNN_OPTS: '0' }, options.signal);
    if (without.finding.works) finding = without.finding;
  }
  await remember(memory, stamp, finding);
  return finding;
}

async function attempt(
  packageDirectory: string,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal | undefined,
): Promise<{ finding: Finding; crashed: boolean }> {
  const { code, stdout, stderr, timedOut } = await runCommand(process.execPath, ['-e', SCRIPT, packageDirectory], {
    env: { ...process.env, ...env, NODE_OPTIONS: '', TF_CPP_MIN_LOG_LEVEL: '3' },
    timeoutMs: TIME_LIMIT_MS,
    signal,
  });
  throwIfAborted(signal);
  const line = stdout.split('\n').find((text) => text.startsWith(MARK));
  if (line !== undefined) return { finding: Finding.parse(JSON.parse(line.slice(MARK.length))), crashed: false };
  const problem = timedOut
    ? `it did not answer within ${TIME_LIMIT_MS / 1000} s`
    : (reasonOf(stderr) ?? `its process ended with ${code}`);
  // Ended by a signal, which is then its code.
  return {
    finding: { works: false, problem },
    crashed: !timedOut && typeof code === 'string' && code.startsWith('SIG'),
  };
}

/** The line of a stack trace that says what was wrong. */
function reasonOf(stderr: string): string | undefined {
  const lines = stderr.split('\n').map((line) => line.trim());
  return lines.find((line) => /^(\w*Error|.*symbol lookup error|.*cannot open shared object)\b/.test(line));
}
