/** One step of a training: forward, loss, gradients, update. */

import type * as tfjs from '@tensorflow/tfjs-core';
import type { Batch } from '../data/batch.js';
import type { Engine } from '../engine/engine.js';
import { buildModel, type EngineInput, type Model } from '../engine/model.js';
import { TascnetError } from '../errors.js';
import { batchInput, classScores } from './evaluate.js';
import { correctCount, crossEntropy, distillation } from './loss.js';
import type { Optimizer } from './optimizer.js';
import type { TrainOptions } from './options.js';
import { checkLabels, classifierOutput } from './output.js';

export interface Stepper {
  /** Runs one step; returns [loss, correct samples] on the engine, for the caller to read and dispose of. */
  run(batch: Batch, learningRate: number, seed: number): tfjs.Tensor;
  dispose(): void;
}

const TEMPERATURE = 4;

export function createStepper(engine: Engine, model: Model, optimizer: Optimizer, options: TrainOptions): Stepper {
  const { tf } = engine;
  const { logits, classes } = classifierOutput(model.graph);
  const variables = [...model.variables.values()];
  const { labelSmoothing, classWeights, distillation: distilled } = options;
  if (classWeights && classes !== undefined && classWeights.length !== classes)
    throw new TascnetError(`There are ${classWeights.length} class weights for ${classes} classes.`);
  const crossEntropyOptions = {
    ...(labelSmoothing !== undefined && { labelSmoothing }),
    ...(classWeights !== undefined && { classWeights }),
  };
  const { weight = 0, temperature = TEMPERATURE } = distilled ?? {};
  const taught = distilled && classifierOutput(distilled.teacher);
  if (taught?.classes !== classes && taught !== undefined)
    throw new TascnetError(`The teacher tells ${taught.classes} classes apart, the network ${classes}.`);
  let teacher: Model | undefined;
  const taughtScores = ({ logitsOfTeacher, forTeacher, ...batch }: Batch, input: EngineInput) => {
    const n = batch.labels.length;
    if (logitsOfTeacher) return tf.tensor2d(logitsOfTeacher, [n, logitsOfTeacher.length / n]);
    if (!teacher || !taught) return undefined;
    const inputs = [forTeacher ? batchInput(engine, forTeacher) : input];
    return classScores(engine, teacher.forwardTo([taught.logits], inputs, { training: false, seed: 0 }), batch);
  };

  return {
    run: (batch, learningRate, seed) => {
      // Here rather than under the gradient: an error in there would leave what the tape keeps on the engine.
      if (classes !== undefined) checkLabels(batch.labels, classes);
      if (distilled && !batch.logitsOfTeacher)
        teacher ??= buildModel(engine, distilled.teacher, { trainable: () => false });
      return tf.tidy(() => {
        const input = batchInput(engine, batch);
        const labels = tf.tensor1d(batch.labels, 'int32');
        const target = distilled && taughtScores(batch, input);
        // One sample has no variance to normalise by.
        const batchNorm = batch.labels.length === 1 ? 'frozen' : (options.batchNorm ?? 'train');
        let correct: tfjs.Scalar | undefined;
        const { value, grads } = tf.variableGrads(() => {
          const outputs = model.forwardTo([logits], [input], {
            training: true,
            seed,
            batchNorm,
            frozen: options.frozen,
          });
          const scores = classScores(engine, outputs, batch);
          correct = tf.keep(correctCount(tf, scores, labels));
          let loss = crossEntropy(tf, scores, labels, crossEntropyOptions);
          if (target)
            loss = tf.add(tf.mul(loss, 1 - weight), tf.mul(distillation(tf, scores, target, temperature), weight));
          return options.extraLoss ? tf.add(loss, options.extraLoss(model, tf)) : loss;
        }, variables);
        optimizer.apply(grads, learningRate, options.clipNorm);
        const result = tf.stack([value, correct ?? tf.scalar(0)]);
        correct?.dispose();
        return result;
      });
    },
    dispose: () => teacher?.dispose(),
  };
}
