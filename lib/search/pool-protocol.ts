/** What a search says to the processes that run its trials, and what they answer. Plain data. */

import type { FeatureLocation } from './feature-batches.js';
import type { TrialRecord } from './objective.js';
import type { SpaceOptions } from './space-of-graph.js';
import type { TrialJob, TrialSetting } from './trial.js';

export interface Setup {
  kind: 'setup';
  /** The network that is searched, as a file that tascnet itself has written. */
  model: string;
  space: SpaceOptions | undefined;
  /** Where the trained parts of trials go. */
  folder: string;
  setting: TrialSetting;
  backend: 'auto' | 'cpu';
  threads: number;
  /** Bytes of each split's features that are held in memory. */
  inMemory: number;
}

export type PoolRequest = Setup | { kind: 'trial'; job: TrialJob; features: FeatureLocation };

/** After a setup without a record. */
export type PoolReply = { record?: TrialRecord } | { error: string; hint?: string };
