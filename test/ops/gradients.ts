/** Gradients of an operator against finite differences. */

import type * as tfjs from '@tensorflow/tfjs';
import { float32, type Tensor } from '../../lib/graph/tensor.js';
import type { Layout, Tf } from '../../lib/ops/operator.js';
import type { PreparedCase } from './harness.js';
import { onEngine, runOnEngine } from './run-on-engine.js';

/** The sum of the float outputs' elements times fixed random numbers. */
function projection(outputs: Tensor[], weights: Float32Array[]): number {
  let sum = 0;
  outputs.forEach(({ data }, index) => {
    const w = weights[index];
    if (w) for (let i = 0; i < w.length; i++) sum += (data[i] as number) * (w[i] as number);
  });
  return sum;
}

/** Compares gradients with finite differences of ONNX Runtime, at a few random elements of each float input. */
export async function checkGradients(
  tf: Tf,
  prepared: PreparedCase,
  reference: (tensors: Map<string, Tensor>) => Promise<Tensor[]>,
  expected: Tensor[],
  activations: Layout,
  step: number,
  what: string,
) {
  const { node, tensors, constant, random } = prepared;
  const names = node.inputs.filter((name) => name !== '');
  const weights = expected.map(({ dtype, data }) =>
    dtype === 'float32' ? Float32Array.from({ length: data.length }, () => random.normal()) : new Float32Array(0),
  );
  const learnt = names.filter((name) => tensors.get(name)?.dtype === 'float32' && !constant.has(name));
  if (learnt.length === 0 || weights.every((w) => w.length === 0)) return;
  const gradients = tf.tidy(() => {
    const inputs = names.map((name) => onEngine(tf, tensors.get(name) as Tensor));
    const f = (...floats: tfjs.Tensor[]) => {
      const outputs = runOnEngine(
        prepared,
        names.map((name, index) => floats[learnt.indexOf(name)] ?? (inputs[index] as tfjs.Tensor)),
        { activations, tf },
      );
      const terms = outputs.flatMap((output, index) => {
        const w = weights[index];
        return w && w.length > 0 ? [tf.sum(tf.mul(output, tf.tensor(w, output.shape)))] : [];
      });
      // An input that no output depends on has gradient 0, for which tfjs asks for a path all the same.
      const paths = floats.map((input) => tf.mul(tf.sum(input), 0));
      return tf.addN([...terms, ...paths]) as tfjs.Scalar;
    };
    return tf
      .grads(f)(learnt.map((name) => inputs[names.indexOf(name)] as tfjs.Tensor))
      .map((g) => g.dataSync());
  });
  for (const [position, name] of learnt.entries()) {
    const tensor = tensors.get(name) as Tensor;
    const gradient = gradients[position] as Float32Array;
    const scale = Math.max(1, ...gradient.map(Math.abs));
    let compared = 0;
    for (let attempt = 0; attempt < 12 && compared < 3 && tensor.data.length > 0; attempt++) {
      const at = random.int(tensor.data.length);
      const shifted = async (by: number) => {
        const data = Float32Array.from(tensor.data as Float32Array);
        const before = data[at] as number;
        data[at] = before + by;
        const moved = new Map(tensors).set(name, float32(tensor.dims, data));
        return { value: projection(await reference(moved), weights), by: (data[at] as number) - before };
      };
      const [farLeft, left, right, farRight] = [
        await shifted(-2 * step),
        await shifted(-step),
        await shifted(step),
        await shifted(2 * step),
      ];
      const narrow = (right.value - left.value) / (right.by - left.by);
      const wide = (farRight.value - farLeft.value) / (farRight.by - farLeft.by);
      const tolerance = 1e-2 * scale;
      // Where the two differ there is a kink (Relu, max) within the step: look elsewhere.
      if (Math.abs(narrow - wide) > tolerance) continue;
      compared++;
      const difference = (4 * narrow - wide) / 3;
      if (!(Math.abs((gradient[at] as number) - difference) <= tolerance))
        throw new Error(
          `${what}: gradient of ${name}[${at}] is ${gradient[at]}, by finite differences ${difference} (scale ${scale}).`,
        );
    }
  }
}
