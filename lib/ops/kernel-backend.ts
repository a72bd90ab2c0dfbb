/** TensorFlow's kernels by name, where tfjs runs on TensorFlow: its own, and those that the addon adds to it. */

import type * as tfjs from '@tensorflow/tfjs-core';
import type { Tf } from './operator.js';

/** An attribute of a TensorFlow kernel. */
export interface Attribute {
  name: string;
  type: number;
  value: unknown;
}

/** The face of the `tensorflow` backend that reaches any TensorFlow kernel by its name. */
export interface KernelBackend {
  binding: Record<string, number>;
  isUsingGpuDevice?: boolean;
  executeMultipleOutputs(
    kernel: string,
    attributes: Attribute[],
    inputs: tfjs.Tensor[],
    outputs: number,
  ): tfjs.Tensor[];
}

/** The backend when it can run TensorFlow kernels by name, else undefined. */
export function kernelBackend(tf: Tf): KernelBackend | undefined {
  const backend: Partial<KernelBackend> = tf.backend() as object;
  return typeof backend.executeMultipleOutputs === 'function' && backend.binding
    ? (backend as KernelBackend)
    : undefined;
}

/** The attribute of a TensorFlow kernel that names the type float32. */
export function floatType({ binding }: KernelBackend, name: string): Attribute {
  return { name, type: binding.TF_ATTR_TYPE ?? 0, value: binding.TF_FLOAT };
}

const known = new WeakSet<object>();

/** To be told once the kernels of the addon are registered with the TensorFlow of this backend. */
export function noteOwnKernels(tf: Tf): void {
  known.add(tf.backend());
}

/** The backend, where it knows the kernels of the addon. */
export function ownKernels(tf: Tf): KernelBackend | undefined {
  return known.has(tf.backend()) ? kernelBackend(tf) : undefined;
}
