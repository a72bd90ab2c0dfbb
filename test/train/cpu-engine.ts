/** tfjs' own CPU backend as an engine: small, everywhere at hand, and exact from run to run. */

import * as tf from '@tensorflow/tfjs';
import type { Engine } from '../../lib/engine/engine.js';

export async function cpuEngine(): Promise<Engine> {
  tf.env().set('IS_TEST', true);
  await tf.setBackend('cpu');
  return { tf, backend: 'cpu', version: tf.version_core, device: 'cpu', directory: '', threads: 1 };
}
