/** What can be asked of a search. */

import type { Journal } from '../journal.js';
import type { FeatureOptions } from './features.js';
import type { Limits, TrialRecord } from './objective.js';
import type { SamplerName } from './propose.js';
import type { SpaceOptions } from './space-of-graph.js';
import type { StopRuleName } from './stop-rule.js';
import type { TrialTraining } from './trial.js';

export interface SearchOptions {
  /** Trials of each depth. */
  trials: number;
  /** Epochs of each trial. */
  epochs: number;
  /** Units (blocks or layers), from the last one backwards, that are searched at most. */
  depth: number;
  seed: number;
  /** Restrictions and extensions of the space that follows from the graph. */
  space?: SpaceOptions | undefined;
  /** Default: gp. */
  sampler?: SamplerName | undefined;
  /** When weak trials are stopped. Default: median. */
  stop?: StopRuleName | undefined;
  /** Trials at once, each in a process of its own. Default: 1, in this process. */
  jobs?: number | undefined;
  /** Augmented views of the training data that features are kept of. Default 1. */
  views?: number | undefined;
  /** How trials are trained. Default: SGD with Nesterov momentum, learning rate 0.02 falling along a cosine, no teacher. */
  training?: Partial<Omit<TrialTraining, 'epochs'>> | undefined;
  /** Ceilings on the whole network, as shares of the given one's. */
  limits?: Limits | undefined;
  journal?: Journal | undefined;
  /** Where the trained parts of the best trials are kept, for a search that is resumed. Default: a temporary folder. */
  trialFolder?: string | undefined;
  /** Where features are kept; default: in the cache directory. */
  featureFolder?: string | undefined;
  /** How they are kept. Default: float32, 20 GiB in all. */
  featureStorage?: FeatureOptions['storage'];
  threads?: number | undefined;
  signal?: AbortSignal | undefined;
  onTrial?: ((record: TrialRecord, best: TrialRecord | undefined) => void) | undefined;
  onFeatures?: ((done: number, total: number) => void) | undefined;
}
