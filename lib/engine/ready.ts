/** The engine for a command that trains: TensorFlow is installed on first use, and its absence stops nothing. */

import { Interrupted, messageOf, TascnetError } from '../errors.js';
import { candidates } from './candidates.js';
import { type Engine, loadEngine } from './engine.js';
import { installEngine } from './install.js';
import { probe } from './probe.js';

export interface ReadyOptions {
  /** `tensorflow`: nothing else will do. `cpu`: the tfjs CPU backend, whatever is installed. Default `auto`. */
  backend?: 'auto' | 'tensorflow' | 'cpu' | undefined;
  threads?: number | undefined;
  signal?: AbortSignal | undefined;
  onNote?: ((message: string) => void) | undefined;
  onWarning?: ((message: string) => void) | undefined;
}

/**
 * @throws TascnetError when `tensorflow` is asked for and cannot be had.
 * @throws Interrupted when `signal` fires during the installation.
 */
export async function readyEngine(options: ReadyOptions = {}): Promise<Engine> {
  const { backend = 'auto', threads, signal, onNote = () => {}, onWarning = () => {} } = options;
  if (backend !== 'cpu' && !(await isInstalled(signal))) {
    onNote('TensorFlow is installed on first use: a minute, and 1 GB in the cache folder.');
    try {
      await installEngine({ onProgress: onNote, ...(signal ? { signal } : {}) });
    } catch (error) {
      if (error instanceof Interrupted || !(error instanceof TascnetError)) throw error;
      onWarning([messageOf(error), error.hint].join(' ').trim());
    }
  }
  const engine = await loadEngine({ backend: backend === 'cpu' ? 'cpu' : 'auto', threads, onWarning });
  if (backend === 'tensorflow' && engine.backend !== 'tensorflow') {
    throw new TascnetError('The tensorflow backend was asked for, and does not run here.', {
      hint: 'See "tascnet engine" for what is missing.',
    });
  }
  if (engine.backend === 'cpu')
    onNote('Ctrl-C is answered between two training steps, which take long on this engine.');
  return engine;
}

async function isInstalled(signal: AbortSignal | undefined): Promise<boolean> {
  for (const { directory } of candidates()) if ((await probe(directory, { signal })).works) return true;
  return false;
}
