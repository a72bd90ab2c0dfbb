/**
 * Tries a TensorFlow binding in a process of its own, so that one that crashes (wrong C library, unsupported CPU, broken
 * driver) cannot take the user's process down. The finding is remembered for as long as the binding's file is the same.
 */

import { createHash, randomUUID } from 'node:crypto';
import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { throwIfAborted } from '../errors.js';
import { makeFolders } from '../journal/whole-file.js';
import { runCommand } from './command.js';
import { bindingWithin, engineDirectory } from './places.js';

const Finding = z.discriminatedUnion('works', [
  z.object({ works: z.literal(true), version: z.string(), device: z.enum(['cpu', 'gpu']) }),
  z.object({ works: z.literal(false), problem: z.string() }),
]);
export type Finding = z.infer<typeof Finding>;

const Remembered = z.object({ stamp: z.string(), finding: Finding });

const TIME_LIMIT_MS = 120_000;
const MARK = 'tascnet-probe:';

/** Loads the package named by the last argument and takes a convolution's gradient. */
const SCRIPT = `
const util = require('node:util');
util.isNullOrUndefined ??= (value) => value === null || value === undefined;
const tf = require(process.argv[process.argv.length - 1]);
const backend = tf.backend();
if (tf.getBackend() !== 'tensorflow') throw new Error('its backend is "' + tf.getBackend() + '"');
const image = tf.ones([1, 5, 5, 2]);
const grad = tf.grad((w) => tf.conv2d(image, w, 1, 'valid').sum())(tf.ones([3, 3, 2, 1]));
if (grad.dataSync()[0] !== 9) throw new Error('it computes a wrong gradient');
console.log('${MARK}' + JSON.stringify({
  works: true, version: String(backend.binding.TF_Version), device: backend.isUsingGpuDevice ? 'gpu' : 'cpu',
}));
`;

/** What a later probe would have to see again for this finding to hold. */
async function stampOf(binding: string): Promise<string> {
  const { size, mtimeMs } = await stat(binding);
  return `${size}:${mtimeMs}:${process.version}:${process.arch}`;
}

function memoryOf(packageDirectory: string): string {
  const key = createHash('sha256').update(packageDirectory).digest('hex').slice(0, 16);
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
  const { code, stdout, stderr, timedOut } = await runCommand(process.execPath, ['-e', SCRIPT, packageDirectory], {
    env: { ...process.env, NODE_OPTIONS: '', TF_CPP_MIN_LOG_LEVEL: '3' },
    timeoutMs: TIME_LIMIT_MS,
    signal: options.signal,
  });
  throwIfAborted(options.signal);
  const line = stdout.split('\n').find((text) => text.startsWith(MARK));
  let finding: Finding;
  if (line !== undefined) finding = Finding.parse(JSON.parse(line.slice(MARK.length)));
  else if (timedOut) finding = { works: false, problem: `it did not answer within ${TIME_LIMIT_MS / 1000} s` };
  else finding = { works: false, problem: reasonOf(stderr) ?? `its process ended with ${code}` };
  await remember(memory, stamp, finding);
  return finding;
}

/** The line of a stack trace that says what was wrong. */
function reasonOf(stderr: string): string | undefined {
  const lines = stderr.split('\n').map((line) => line.trim());
  return lines.find((line) => /^(\w*Error|.*symbol lookup error|.*cannot open shared object)\b/.test(line));
}
