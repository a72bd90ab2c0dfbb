/**
 * Gradient descent rules over tfjs variables, with PyTorch's arithmetic, whose state can be saved and restored exactly.
 * Small variables are updated together as one flat vector: an operation costs more than their elements do.
 */

import type * as tfjs from '@tensorflow/tfjs-core';
import { TascnetError } from '../errors.js';
import type { Tf } from '../ops/operator.js';

export interface OptimizerOptions {
  kind: 'sgd' | 'adam' | 'adamw' | 'adagrad';
  /** sgd: decay of the velocity. Default 0.9. */
  momentum?: number;
  /** sgd: Nesterov's look-ahead (Sutskever et al. 2013, as in PyTorch). Default true. */
  nesterov?: boolean;
  /** adam, adamw: decays of the first and second moment. Default 0.9 and 0.999. */
  beta1?: number;
  beta2?: number;
  /** Keeps quotients finite. Default 1e-8, adagrad 1e-10. */
  epsilon?: number;
  /** Pull of the weights towards zero; biases and norms are left alone. Default 0. */
  weightDecay?: number;
  /** Whether decay acts on the weights directly (Loshchilov and Hutter, arXiv 1711.05101) or through the gradient. Default: adamw only. */
  decoupled?: boolean;
}

/** A variable and how it is to be learnt. */
export interface Learnt {
  name: string;
  variable: tfjs.Variable;
  /** Factor on the learning rate. */
  multiplier: number;
  /** Whether weight decay applies. */
  decays: boolean;
  /** Steps before it is learnt: up to there it stays as it is. Default 0. */
  after?: number;
}

/** Steps taken, and the running quantities by `slot/variable` in the engine's order. */
export interface OptimizerState {
  steps: number;
  slots: Map<string, Float32Array>;
}

export interface Optimizer {
  /** One update with gradients by `Variable.name`; gradients are scaled down to a global norm of `clipNorm` first. */
  apply(gradients: Readonly<Record<string, tfjs.Tensor>>, learningRate: number, clipNorm?: number): void;
  state(): Promise<OptimizerState>;
  restore(state: OptimizerState): void;
  dispose(): void;
}

/** Variables smaller than this share a bucket. */
const SMALL = 1 << 14;

interface Bucket {
  members: Learnt[];
  multiplier: number;
  decays: boolean;
  after: number;
  slots: Map<string, tfjs.Variable>;
}

/** What a rule sees: the flat gradient, the flat weights, a slot's variable, and the step counted from 1. */
interface RuleContext {
  tf: Tf;
  gradient: tfjs.Tensor;
  learningRate: number;
  step: number;
  slot(name: string): tfjs.Variable;
}

/** Updates the slots and returns what is taken off the weights. */
type Rule = (context: RuleContext) => tfjs.Tensor;

const SLOTS: Record<OptimizerOptions['kind'], readonly string[]> = {
  sgd: ['velocity'],
  adam: ['mean', 'square'],
  adamw: ['mean', 'square'],
  adagrad: ['sum'],
};

function ruleOf(options: OptimizerOptions): Rule {
  const { momentum = 0.9, nesterov = true, beta1 = 0.9, beta2 = 0.999 } = options;
  switch (options.kind) {
    case 'sgd':
      return ({ tf, gradient, learningRate, slot }) => {
        if (momentum === 0) return tf.mul(gradient, learningRate);
        const velocity = tf.add(tf.mul(slot('velocity'), momentum), gradient);
        slot('velocity').assign(velocity);
        const direction = nesterov ? tf.add(gradient, tf.mul(velocity, momentum)) : velocity;
        return tf.mul(direction, learningRate);
      };
    case 'adam':
    case 'adamw': {
      const epsilon = options.epsilon ?? 1e-8;
      return ({ tf, gradient, learningRate, step, slot }) => {
        const mean = tf.add(tf.mul(slot('mean'), beta1), tf.mul(gradient, 1 - beta1));
        const square = tf.add(tf.mul(slot('square'), beta2), tf.mul(tf.square(gradient), 1 - beta2));
        slot('mean').assign(mean);
        slot('square').assign(square);
        const size = tf.add(tf.mul(tf.sqrt(square), 1 / Math.sqrt(1 - beta2 ** step)), epsilon);
        return tf.mul(tf.div(mean, size), learningRate / (1 - beta1 ** step));
      };
    }
    case 'adagrad': {
      const epsilon = options.epsilon ?? 1e-10;
      return ({ tf, gradient, learningRate, slot }) => {
        const sum = tf.add(slot('sum'), tf.square(gradient));
        slot('sum').assign(sum);
        return tf.mul(tf.div(gradient, tf.add(tf.sqrt(sum), epsilon)), learningRate);
      };
    }
  }
}

/** An optimizer for `learnt`, whose order must be the same wherever its state is restored. */
export function createOptimizer(tf: Tf, learnt: readonly Learnt[], options: OptimizerOptions): Optimizer {
  const rule = ruleOf(options);
  const { weightDecay = 0, decoupled = options.kind === 'adamw' } = options;
  const buckets = bucketsOf(learnt).map((bucket): Bucket => {
    const size = bucket.members.reduce((sum, { variable }) => sum + variable.size, 0);
    const slots = SLOTS[options.kind].map((name): [string, tfjs.Variable] => {
      const zeros = tf.zeros([size]);
      const slot = tf.variable(zeros, false);
      zeros.dispose();
      return [name, slot];
    });
    return { ...bucket, slots: new Map(slots) };
  });
  let steps = 0;

  const flat = (tensors: tfjs.Tensor[]): tfjs.Tensor => {
    const vectors = tensors.map((tensor) => (tensor.rank === 1 ? tensor : tf.reshape(tensor, [tensor.size])));
    return vectors.length === 1 && vectors[0] ? vectors[0] : tf.concat(vectors);
  };

  return {
    apply: (gradients, learningRate, clipNorm) => {
      steps++;
      const learning = buckets.filter(({ after }) => steps > after);
      if (learning.length === 0) return;
      tf.tidy(() => {
        const vectors = learning.map(({ members }) =>
          flat(members.map(({ variable }) => gradients[variable.name] ?? tf.zerosLike(variable))),
        );
        const scale = clipNorm === undefined ? undefined : clipScale(tf, vectors, clipNorm);
        learning.forEach(({ members, multiplier, decays, after, slots }, index) => {
          const rate = learningRate * multiplier;
          const weights = flat(members.map(({ variable }) => variable));
          let gradient = vectors[index] ?? tf.zerosLike(weights);
          if (scale) gradient = tf.mul(gradient, scale);
          const pull = decays ? weightDecay : 0;
          if (pull > 0 && !decoupled) gradient = tf.add(gradient, tf.mul(weights, pull));
          const base = pull > 0 && decoupled ? tf.mul(weights, 1 - rate * pull) : weights;
          const context: RuleContext = { tf, gradient, learningRate: rate, step: steps - after, slot: slotIn(slots) };
          assignFlat(tf, members, tf.sub(base, rule(context)));
        });
      });
    },
    state: async () => {
      const saved = new Map<string, Float32Array>();
      for (const { members, slots } of buckets)
        for (const [slot, variable] of slots) {
          const data = await variable.data<'float32'>();
          let start = 0;
          for (const { name, variable: learntVariable } of members) {
            saved.set(`${slot}/${name}`, data.slice(start, start + learntVariable.size));
            start += learntVariable.size;
          }
        }
      return { steps, slots: saved };
    },
    restore: (state) => {
      steps = state.steps;
      for (const { members, slots } of buckets)
        for (const [slot, variable] of slots) {
          const data = new Float32Array(variable.size);
          let start = 0;
          for (const { name, variable: learntVariable } of members) {
            const part = state.slots.get(`${slot}/${name}`);
            if (part?.length !== learntVariable.size)
              throw new TascnetError(
                `The saved optimizer state has ${part?.length ?? 'no'} elements of ${slot} for "${name}"; ${learntVariable.size} were expected.`,
                { hint: 'The checkpoint belongs to another network or optimizer. Start the run anew.' },
              );
            data.set(part, start);
            start += part.length;
          }
          tf.tidy(() => variable.assign(tf.tensor(data)));
        }
    },
    dispose: () => {
      for (const { slots } of buckets) for (const slot of slots.values()) slot.dispose();
    },
  };
}

function slotIn(slots: ReadonlyMap<string, tfjs.Variable>): RuleContext['slot'] {
  return (name) => {
    const slot = slots.get(name);
    if (!slot) throw new TascnetError(`The optimizer keeps no slot "${name}".`);
    return slot;
  };
}

function bucketsOf(learnt: readonly Learnt[]): Omit<Bucket, 'slots'>[] {
  const buckets: Omit<Bucket, 'slots'>[] = [];
  const shared = new Map<string, Omit<Bucket, 'slots'>>();
  for (const member of learnt) {
    const { multiplier, decays, variable, after = 0 } = member;
    const key = `${multiplier} ${decays} ${after}`;
    const open = variable.size < SMALL ? shared.get(key) : undefined;
    if (open) {
      open.members.push(member);
      continue;
    }
    const bucket = { members: [member], multiplier, decays, after };
    buckets.push(bucket);
    if (variable.size < SMALL) shared.set(key, bucket);
  }
  return buckets;
}

/** min(1, clipNorm / ‖gradients‖), as a scalar on the engine. */
function clipScale(tf: Tf, vectors: readonly tfjs.Tensor[], clipNorm: number): tfjs.Tensor {
  const squares = vectors.map((vector) => tf.sum(tf.square(vector)));
  const norm = tf.sqrt(tf.addN(squares));
  return tf.minimum(tf.div(clipNorm, tf.add(norm, 1e-6)), 1);
}

function assignFlat(tf: Tf, members: readonly Learnt[], flat: tfjs.Tensor): void {
  const sizes = members.map(({ variable }) => variable.size);
  const parts = members.length === 1 ? [flat] : tf.split(flat, sizes);
  members.forEach(({ variable }, index) => {
    const part = parts[index];
    if (part) variable.assign(variable.rank === 1 ? part : tf.reshape(part, variable.shape));
  });
}
