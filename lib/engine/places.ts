/** Where the engine is installed and what was found out about it is remembered. */

import { join } from 'node:path';
import { cacheDirectory } from '../data/cache-directory.js';

/** CPU or CUDA build of TensorFlow. */
export type Variant = 'cpu' | 'cuda';

export type PackageName = '@tensorflow/tfjs-node' | '@tensorflow/tfjs-node-gpu';

export const PACKAGE_OF: Record<Variant, PackageName> = {
  cuda: '@tensorflow/tfjs-node-gpu',
  cpu: '@tensorflow/tfjs-node',
};

/** Everything about the engine lies below this directory. */
export function engineDirectory(): string {
  return cacheDirectory('engine');
}

/** The directory of one installed variant; complete whenever it exists. */
export function installationDirectory(variant: Variant): string {
  return join(engineDirectory(), variant);
}

/** Where the package of a variant lies below the directory of its installation. */
export function packageWithin(installation: string, variant: Variant): string {
  return join(installation, 'node_modules', PACKAGE_OF[variant]);
}

/** Where a tfjs-node package has its binding. */
export function bindingWithin(packageDirectory: string): string {
  return join(packageDirectory, 'lib', 'napi-v8', 'tfjs_binding.node');
}
