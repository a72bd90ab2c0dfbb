import type * as tfjs from '@tensorflow/tfjs-core';
import { floatAttribute } from '../graph/attributes.js';
import { floatType, kernelBackend } from './kernel-backend.js';
import {
  elementwiseCost,
  mismatch,
  type Operator,
  type RunContext,
  required,
  requiredTensor,
  type Tf,
  tieElementwise,
} from './operator.js';

/** The share of elements to drop, from the second input or the attribute (before opset 12). */
function ratioOf({ node, inputs }: Pick<RunContext, 'node' | 'inputs'>): number {
  const known = inputs[1]?.elements?.[0];
  if (inputs[1] && typeof known !== 'number') throw mismatch(node, 'its ratio is computed; a constant was expected.');
  const ratio = typeof known === 'number' ? known : floatAttribute(node, 'ratio', 0.5);
  if (!(ratio >= 0 && ratio < 1)) throw mismatch(node, `its ratio ${ratio} should be at least 0 and less than 1.`);
  return ratio;
}

/** Uniform in [0, 1), told by the seed; by TensorFlow's own generator where it can be reached, tfjs's is much slower. */
function uniform(tf: Tf, shape: number[], seed: number): tfjs.Tensor {
  const backend = kernelBackend(tf);
  if (!backend) return tf.randomUniform(shape, 0, 1, 'float32', seed);
  const type = (name: string) => ({ name, type: backend.binding.TF_ATTR_TYPE ?? 0, value: backend.binding.TF_INT32 });
  const inputs = [tf.tensor1d(shape, 'int32'), tf.tensor1d([seed | 0, Math.floor(seed / 2 ** 32) | 0], 'int32')];
  const attributes = [floatType(backend, 'dtype'), type('T'), type('Tseed')];
  const [numbers] = backend.executeMultipleOutputs('StatelessRandomUniform', attributes, inputs, 1);
  return numbers ?? tf.randomUniform(shape, 0, 1, 'float32', seed);
}

function run(context: RunContext): tfjs.Tensor[] {
  const { tf, node } = context;
  const x = requiredTensor(context, 0);
  const ratio = ratioOf(context);
  const dropping = context.training && ratio > 0;
  const kept = dropping ? tf.greaterEqual(uniform(tf, x.shape, context.seed), ratio) : undefined;
  const y = kept ? tf.mul(x, tf.mul(tf.cast(kept, 'float32'), 1 / (1 - ratio))) : tf.clone(x);
  return node.outputs.length > 1 ? [y, kept ?? tf.cast(tf.onesLike(x), 'bool')] : [y];
}

/** Dropout: in training drops elements at random and scales the others up; in inference it does nothing. */
export const dropout: Operator = {
  op: 'Dropout',
  passes: 'elements',
  infer: (context) => {
    const { dtype, dims } = required(context, 0);
    return context.node.outputs.length > 1
      ? [
          { dtype, dims },
          { dtype: 'bool', dims },
        ]
      : [{ dtype, dims }];
  },
  run,
  role: () => 'dropout',
  // Free in inference, which is what costs are about.
  cost: (shaped) => elementwiseCost(shaped, 0),
  tie: (shaped) => shaped.node.outputs.flatMap((_, output) => tieElementwise(shaped, 0, output)),
};
