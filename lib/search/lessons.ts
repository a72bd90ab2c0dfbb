/** What a teacher makes of the features: the same in every trial of a process, so that the first one works it out for all. */

import type { Batch, BatchSource } from '../data/batch.js';
import type { Engine } from '../engine/engine.js';
import { buildModel, type Model } from '../engine/model.js';
import type { Graph } from '../graph/graph.js';
import { batchInput, classScores } from '../train/evaluate.js';
import { classifierOutput } from '../train/output.js';

/** Of the logits that are kept. An epoch for which there is no room brings none: the training asks the teacher itself. */
const MOST_BYTES = 64 * 2 ** 20;

interface Lessons {
  network: Graph;
  cut: string;
  /** The teacher's logits, by epoch and batch. */
  epochs: Map<number, Float32Array[]>;
  bytes: number;
}

const known = new WeakMap<BatchSource, Lessons>();

export interface Taught {
  /** The batches of the source, with the logits of the teacher where they are kept. */
  source: BatchSource;
  /** Gives back what the teacher has on the engine. */
  dispose(): void;
}

/**
 * @param source the features at `cut`, whose batches of an epoch are the same whenever they are read.
 * @param network what the teacher is the part of that comes behind `cut`.
 */
export function taughtBy(
  engine: Engine,
  source: BatchSource,
  teacher: Graph,
  network: Graph,
  cut: string,
  mostBytes = MOST_BYTES,
): Taught {
  const earlier = known.get(source);
  const fits = earlier?.network === network && earlier.cut === cut;
  const lessons: Lessons = fits ? earlier : { network, cut, epochs: new Map(), bytes: 0 };
  known.set(source, lessons);
  let model: Model | undefined;
  const logitsOf = async (batch: Batch): Promise<Float32Array> => {
    model ??= buildModel(engine, teacher, { trainable: () => false });
    const { graph, forwardTo } = model;
    const { logits } = classifierOutput(graph);
    const scores = engine.tf.tidy(() =>
      classScores(engine, forwardTo([logits], [batchInput(engine, batch)], { training: false, seed: 0 }), batch),
    );
    const values = (await scores.data()) as Float32Array;
    scores.dispose();
    return values;
  };
  const batches: BatchSource['batches'] = async function* (epoch) {
    const before = lessons.epochs.get(epoch)?.values();
    const made: Float32Array[] = [];
    // Told by the first batch.
    let fitting: boolean | undefined;
    for await (const batch of source.batches(epoch)) {
      let logits = before?.next().value;
      if (!before && fitting !== false) {
        logits = await logitsOf(batch);
        fitting ??= lessons.bytes + (logits.byteLength / batch.labels.length) * source.samples <= mostBytes;
        if (fitting) made.push(logits);
      }
      yield logits ? { ...batch, logitsOfTeacher: logits } : batch;
    }
    if (!fitting) return;
    lessons.epochs.set(epoch, made);
    lessons.bytes += made.reduce((sum, { byteLength }) => sum + byteLength, 0);
  };
  return { source: { ...source, batches }, dispose: () => model?.dispose() };
}
