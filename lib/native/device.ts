/** The CUDA half: found beside the addon, tried in a process of its own, then opened. */

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { load } from './binding.js';

/** `TASCNET_CUDA`: `0` never, `always` for all that a device can do (to test it), else where it is worth the way. */
function use(): 'never' | 'worthwhile' | 'always' {
  const wanted = process.env.TASCNET_CUDA;
  return wanted === '0' ? 'never' : wanted === 'always' ? 'always' : 'worthwhile';
}

/** Where the library may be: beside the addon, or built in the package that the prebuilt addon came with. */
function libraries(addon: string): string[] {
  const chosen = process.env.TASCNET_CUDA_LIBRARY;
  if (chosen !== undefined && chosen !== '') return [chosen];
  const folder = dirname(addon);
  return [folder, join(folder, '..', '..', 'build', 'Release')].map((each) => join(each, 'tascnet-cuda.so'));
}

/** What a driver leaves where it runs: on Linux, under Windows, on boards. Looking is quicker than a child's trial. */
const DRIVERS = ['/dev/nvidiactl', '/proc/driver/nvidia', '/dev/dxg', '/dev/nvhost-ctrl-gpu', '/dev/nvgpu'];

/** What the child does: as this process would. */
const TRIAL = `const opened = { exports: {} };
process.dlopen(opened, process.argv[1]);
opened.exports.deviceOpen(process.argv[2], process.argv[3]).then(() => process.exit(0), (error) => {
  process.stderr.write(error.message);
  process.exit(1);
});`;
const TRIAL_MS = 60_000;

/** Why the library is of no use, or undefined. A driver that crashes or hangs takes the child with it, not this process. */
function tryInChild(addon: string, library: string, how: string): Promise<string | undefined> {
  // Electron's own binary is Node with this.
  const env = { ...process.env, ELECTRON_RUN_AS_NODE: '1' };
  const options = { env, timeout: TRIAL_MS, killSignal: 'SIGKILL', windowsHide: true } as const;
  return new Promise((resolve) => {
    execFile(process.execPath, ['-e', TRIAL, addon, library, how], options, (error, _, stderr) => {
      if (error === null) return resolve(undefined);
      const ended = error.killed ? 'it did not end' : `it ended with ${error.signal ?? `exit code ${error.code}`}`;
      resolve(stderr.trim() || ended);
    });
  });
}

export interface DeviceSearch {
  /** The device's name. */
  name: string | undefined;
  /** Why there is none. */
  reason: string | undefined;
}

let search: Promise<DeviceSearch> | undefined;

async function find(): Promise<DeviceSearch> {
  const none = (reason: string) => ({ name: undefined, reason });
  const how = use();
  if (how === 'never') return none('TASCNET_CUDA=0 forbids it');
  const { binding, path } = load();
  const library = libraries(path).find((each) => existsSync(each));
  if (library === undefined) return none('the CUDA half was not built');
  const chosen = library === process.env.TASCNET_CUDA_LIBRARY;
  if (!chosen && !DRIVERS.some((path) => existsSync(path))) return none('there is no NVIDIA driver');
  const failure = await tryInChild(path, library, how);
  if (failure !== undefined) return none(failure);
  try {
    await binding.deviceOpen(library, how);
  } catch (error) {
    return none(error instanceof Error ? error.message : String(error));
  }
  return { name: binding.device(), reason: undefined };
}

/**
 * The CUDA device that large comparisons of channels run on. The first call looks for one, which can take a second or two;
 * so does the first comparison that is large enough.
 */
export function findDevice(): Promise<DeviceSearch> {
  search ??= find();
  return search;
}

/** Whether a device is to be looked for before a call: it would do it, for its many multiply-adds or because it does all. */
export function needsDevice(work: number): boolean {
  const how = use();
  return how === 'always' || (how === 'worthwhile' && work >= load().binding.worthwhile);
}

/** Multiply-adds of comparing the channels of a tensor; 0 where the arguments are not what they should be. */
export function comparisons(dims: unknown, axis: unknown): number {
  if (!Array.isArray(dims) || typeof axis !== 'number') return 0;
  const extents: unknown[] = [...dims, dims[axis]];
  return extents.reduce<number>((work, extent) => (typeof extent === 'number' ? work * extent : 0), 1) || 0;
}
