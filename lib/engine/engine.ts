/** The tfjs namespace that training runs on: TensorFlow where it can be had, else tfjs' own CPU backend. */

import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import util from 'node:util';
import { messageOf } from '../errors.js';
import { registerTensorflowKernels } from '../native.js';
import { noteOwnKernels } from '../ops/kernel-backend.js';
import type { Tf } from '../ops/operator.js';
import { candidates } from './candidates.js';
import { type Finding, probe } from './probe.js';
import { loadQuietly } from './quiet.js';

export interface Engine {
  tf: Tf;
  backend: 'tensorflow' | 'cpu';
  /** TensorFlow's version; that of tfjs on the `cpu` backend. */
  version: string;
  device: 'cpu' | 'gpu';
  /** The directory of the package that serves. */
  directory: string;
  /** Threads of one operation; 1 on the `cpu` backend. */
  threads: number;
}

export interface LoadOptions {
  /** `cpu`: the tfjs CPU backend, whatever is installed. Default `auto`. */
  backend?: 'auto' | 'cpu' | undefined;
  onWarning?: ((message: string) => void) | undefined;
  /** Threads of one operation; default: all cores. Takes effect on the first load of a process. */
  threads?: number | undefined;
}

const require = createRequire(import.meta.url);

let loaded: Promise<Engine> | undefined;

/**
 * Loads the engine, once per process; later calls give the same. Tried in order: tfjs-node packages that this package
 * resolves, the ones installed by `installEngine`, the tfjs CPU backend (with a warning, since it is slow).
 */
export function loadEngine(options: LoadOptions = {}): Promise<Engine> {
  loaded ??= load(options);
  return loaded;
}

async function load(options: LoadOptions): Promise<Engine> {
  const { backend = 'auto', onWarning = () => {}, threads = availableParallelism() } = options;
  if (backend === 'cpu') return cpuEngine();
  for (const { name, directory } of candidates()) {
    const finding = await probe(directory);
    if (!finding.works) {
      // A package that came without its binding is common (its script was skipped or refused) and no cause for alarm.
      if (!finding.problem.includes('never downloaded')) onWarning(`${name} does not work: ${finding.problem}.`);
      continue;
    }
    try {
      return tensorflowEngine(directory, finding, threads);
    } catch (error) {
      onWarning(`${name} in ${directory} could not be loaded: ${messageOf(error)}`);
    }
  }
  onWarning(
    'TensorFlow is not installed: training runs on the slow tfjs CPU backend. Run "tascnet engine install" to get it.',
  );
  return cpuEngine();
}

function tensorflowEngine(directory: string, finding: Finding & { works: true }, threads: number): Engine {
  // Read by TensorFlow's C library when it loads.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '3';
  process.env.TF_NUM_INTRAOP_THREADS ??= String(threads);
  // tfjs gives TensorFlow one operation at a time: a second pool would only contend with the first.
  process.env.TF_NUM_INTEROP_THREADS ??= '1';
  if (!finding.oneDnn) process.env.TF_ENABLE_ONEDNN_OPTS ??= '0';
  restoreIsNullOrUndefined();
  loadQuietly(directory);
  const tf: Tf = require(directory);
  const backend = tf.backend();
  const device = 'isUsingGpuDevice' in backend && backend.isUsingGpuDevice === true ? 'gpu' : 'cpu';
  if (device === 'cpu' && process.env.TASCNET_KERNELS !== '0' && takesOwnKernels()) noteOwnKernels(tf);
  return {
    tf,
    backend: 'tensorflow',
    version: finding.version,
    device,
    directory,
    threads: Number(process.env.TF_NUM_INTRAOP_THREADS),
  };
}

/** TensorFlow serves without them as well: an addon that is missing is told of by what cannot do without it. */
function takesOwnKernels(): boolean {
  try {
    return registerTensorflowKernels() === undefined;
  } catch {
    return false;
  }
}

/** tfjs-node calls a function that Node 23 removed. */
function restoreIsNullOrUndefined(): void {
  if ('isNullOrUndefined' in util) return;
  Object.assign(util, { isNullOrUndefined: (value: unknown) => value === null || value === undefined });
}

async function cpuEngine(): Promise<Engine> {
  // The whole of tfjs, since tfjs-core by itself knows no gradient.
  const tf: Tf = require('@tensorflow/tfjs');
  await tf.setBackend('cpu');
  // Its greeting recommends what our own warning has already said.
  Object.assign(tf.backend(), { firstUse: false });
  const directory = require.resolve('@tensorflow/tfjs-backend-cpu/package.json').replace(/.package\.json$/, '');
  return { tf, backend: 'cpu', version: tf.version_core, device: 'cpu', directory, threads: 1 };
}
