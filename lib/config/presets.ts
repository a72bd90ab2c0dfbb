/** Sets of defaults: each stands between the table's own and what a person says. */

export type Preset = 'quick' | 'default' | 'paper';

export const PRESETS: Record<Preset, Record<string, unknown>> = {
  /** To see the whole way in minutes. */
  quick: { epochs: 12, trials: 6, trialEpochs: 4, depth: 1 },
  default: {},
  /**
   * The experiments of TASCNet (arXiv 2205.05967) and of AutoTune (2005.02165): 20 trials of 50 epochs; iterations of
   * 50 + 50 epochs, SGD at 1e-3 halved every 20 epochs, batch 32, 224×224, class weights, λ = 1, two points of accuracy.
   */
  paper: {
    epochs: 600,
    optimizer: 'sgd',
    learningRate: 1e-3,
    schedule: 'step',
    warmup: 0,
    weightDecay: 0,
    labelSmoothing: 0,
    classWeights: true,
    batchSize: 32,
    imageSize: 224,
    trials: 20,
    trialEpochs: 50,
    depth: 5,
    criterion: 'history-cosine',
    steps: 12,
    historyRate: 1,
    lambda: 1,
    merge: false,
    reconstruct: false,
    distill: 0,
    winnerLearningRate: 1e-3,
    tolerance: 2,
  },
};

export const LEARNING_RATES = { sgd: 0.01, adagrad: 0.01, adam: 0.001, adamw: 0.001 } as const;
