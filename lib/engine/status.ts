/** What would run, and what is missing: the facts behind `tascnet engine`. */

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Interrupted, messageOf } from '../errors.js';
import { type Candidate, candidates } from './candidates.js';
import { findCompiler } from './compile.js';
import { type Finding, probe } from './probe.js';
import { installCommand } from './system-packages.js';
import { findPython } from './wheel.js';

export interface EngineStatus {
  /** What `loadEngine` would give. */
  backend: 'tensorflow' | 'cpu';
  version: string;
  device: 'cpu' | 'gpu';
  /** The directory of the package that would serve; undefined for the tfjs CPU backend. */
  directory: string | undefined;
  /** All packages that were found, in the order in which they are tried. */
  candidates: (Candidate & { finding: Finding })[];
  /** What keeps a better engine from running, with the exact command that mends it. */
  missing: { what: string; command: string }[];
}

/** @param options.fresh try every package again instead of trusting what was found out earlier. */
export async function engineStatus(options: { fresh?: boolean; signal?: AbortSignal } = {}): Promise<EngineStatus> {
  const tried: EngineStatus['candidates'] = [];
  for (const candidate of candidates()) {
    tried.push({ ...candidate, finding: await probe(candidate.directory, options) });
  }
  for (const { directory, finding } of tried) {
    if (!finding.works) continue;
    const { version, device } = finding;
    const missing = [...missingFor(tried), ...missingGpu(device, directory)];
    return { backend: 'tensorflow', version, device, directory, candidates: tried, missing };
  }
  const { version }: { version: string } = createRequire(import.meta.url)('@tensorflow/tfjs-core/package.json');
  const missing = [
    { what: 'The tensorflow backend is not installed.', command: 'tascnet engine install' },
    ...missingFor(tried),
    ...(await missingTools(options.signal)),
  ];
  return { backend: 'cpu', version, device: 'cpu', directory: undefined, candidates: tried, missing };
}

/** Packages that are there and do not work. */
function missingFor(tried: EngineStatus['candidates']): EngineStatus['missing'] {
  return tried.flatMap(({ name, from, finding }) => {
    if (finding.works) return [];
    const gpu = name.endsWith('gpu');
    const command =
      from === 'cache'
        ? `tascnet engine install --force${gpu ? ' --cuda' : ''}`
        : `npm rebuild ${name} --foreground-scripts`;
    return [{ what: `${name} does not work: ${finding.problem}.`, command }];
  });
}

/** An NVIDIA GPU that nothing uses. */
function missingGpu(device: 'cpu' | 'gpu', directory: string): EngineStatus['missing'] {
  if (device === 'gpu' || !existsSync('/dev/nvidia0')) return [];
  if (!directory.endsWith('-gpu')) {
    const what = 'This machine has an NVIDIA GPU, which the engine does not use.';
    return [{ what, command: 'tascnet engine install --cuda' }];
  }
  const what = "TensorFlow's CUDA build does not use the GPU: its CUDA and cuDNN libraries must be on LD_LIBRARY_PATH.";
  return [{ what, command: "ldconfig -p | grep -E 'libcudart|libcudnn|libcublas'" }];
}

/** What `tascnet engine install` would need where the prebuilt library is refused. */
async function missingTools(signal: AbortSignal | undefined): Promise<EngineStatus['missing']> {
  const missing: EngineStatus['missing'] = [];
  const tools = [
    { find: findPython, command: installCommand('python') },
    { find: findCompiler, command: installCommand('compiler') },
  ];
  for (const { find, command } of tools) {
    try {
      await find({ signal });
    } catch (error) {
      if (error instanceof Interrupted) throw error;
      missing.push({ what: messageOf(error), command });
    }
  }
  return missing;
}
