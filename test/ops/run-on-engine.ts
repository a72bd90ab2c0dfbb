/** Calls an operator's `run` as the executor does, on tfjs's CPU backend unless another engine is given. */

import '@tensorflow/tfjs-backend-cpu';
import * as tfjs from '@tensorflow/tfjs';
import { numbersOf, type Tensor } from '../../lib/graph/tensor.js';
import type { Layout, Tf } from '../../lib/ops/operator.js';
import type { PreparedCase } from './harness.js';

export const cpu: Tf = tfjs;

// Silences tfjs's advice to use another backend.
tfjs.env().set('IS_TEST', true);

const order = (rank: number): number[] => [0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2), 1];
const inverse = (rank: number): number[] => [0, rank - 1, ...Array.from({ length: rank - 2 }, (_, i) => i + 1)];

export function onEngine(tf: Tf, tensor: Tensor): tfjs.Tensor {
  if (tensor.dtype === 'float32') return tf.tensor(tensor.data, tensor.dims, 'float32');
  return tf.tensor(numbersOf(tensor), tensor.dims, tensor.dtype === 'bool' ? 'bool' : 'int32');
}

export interface RunOptions {
  tf?: Tf;
  /** The layout of the activations; an operator that wants another layout gets that. */
  activations: Layout;
  training?: boolean;
  seed?: number;
  updateBuffer?: (input: number, value: tfjs.Tensor) => void;
}

/**
 * Calls `run` as the executor does: inputs of three axes or more brought to the operator's layout (constants that
 * broadcast to equal rank first), weights packed, outputs brought back to ONNX's logical order.
 */
export function runOnEngine(prepared: PreparedCase, tensors: tfjs.Tensor[], options: RunOptions): tfjs.Tensor[] {
  const { operator, shaped, node } = prepared;
  const { tf = cpu } = options;
  if (!operator.run) throw new Error(`${node.op} has no run.`);
  const policy = typeof operator.layout === 'function' ? operator.layout(shaped) : (operator.layout ?? 'follow');
  const layout = policy === 'follow' ? options.activations : policy;
  const rank = Math.max(0, ...shaped.inputs.map((input) => (input ? input.dims.length : 0)));
  let next = 0;
  const laid = node.inputs.map((name, index) => {
    if (name === '') return undefined;
    const tensor = tensors[next++] as tfjs.Tensor;
    const packing = operator.packing?.(shaped, index);
    if (packing) return packing.pack(tf, tensor);
    if (layout === 'plain') return tensor;
    const broadcasts = policy === 'follow' && rank >= 3 && tensor.rank > 0 && tensor.rank < rank;
    const wide =
      broadcasts && shaped.inputs[index]?.dtype !== 'int64'
        ? tf.reshape(tensor, [...new Array<number>(rank - tensor.rank).fill(1), ...tensor.shape])
        : tensor;
    return wide.rank >= 3 ? tf.transpose(wide, order(wide.rank)) : wide;
  });
  const results = operator.run({
    ...shaped,
    tf,
    tensors: laid,
    layout,
    physicalAxis: (axis, ofRank) =>
      layout === 'plain' || ofRank < 3 || axis === 0 ? axis : axis === 1 ? ofRank - 1 : axis - 1,
    training: options.training ?? false,
    seed: options.seed ?? 1,
    updateBuffer: options.updateBuffer ?? (() => undefined),
  });
  return results.map((result) =>
    layout === 'channelsLast' && result.rank >= 3 ? tf.transpose(result, inverse(result.rank)) : result,
  );
}
