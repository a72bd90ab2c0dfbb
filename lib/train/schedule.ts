/** Learning rates over the course of a training. */

export interface ScheduleOptions {
  kind: 'constant' | 'step' | 'cosine' | 'plateau';
  /** step: epochs between two cuts. Default 20. */
  every?: number;
  /** step, plateau: factor of a cut. Default 0.5. */
  factor?: number;
  /** plateau: epochs without a better validation loss before a cut. Default 3. */
  patience?: number;
  /** plateau: a loss counts as better when it is smaller by this share. Default 1e-4. */
  threshold?: number;
  /** cosine, plateau: the rate never falls under this share of the base rate. Default 0. */
  floor?: number;
  /** Epochs over which the rate first climbs from a tenth of the base rate; may be a fraction; `train` bounds it to a quarter of the epochs. Default 0. */
  warmup?: number;
}

/** What plateau remembers; the other schedules depend on the step alone. */
export interface ScheduleState {
  scale: number;
  best: number;
  badEpochs: number;
  epochsDone: number;
}

export interface Schedule {
  /** The learning rate of step `step`, counted from 0 over the whole training. */
  rate(step: number): number;
  /** To be told the validation loss after each epoch. */
  epochDone(validationLoss: number): void;
  state(): ScheduleState;
  restore(state: ScheduleState): void;
}

const WARMUP_START = 0.1;

/**
 * @param base the learning rate after the warm-up.
 * @param stepsPerEpoch steps of one epoch. @param epochs epochs in all: cosine reaches its floor at their end.
 * Equals PyTorch's LinearLR followed by StepLR (stepped per epoch), CosineAnnealingLR (stepped per step) or
 * ReduceLROnPlateau (told after each epoch; epochs of the warm-up are not counted).
 */
export function createSchedule(
  options: ScheduleOptions,
  base: number,
  stepsPerEpoch: number,
  epochs: number,
): Schedule {
  const { every = 20, factor = 0.5, patience = 3, threshold = 1e-4, floor = 0, warmup = 0 } = options;
  const warmupSteps = Math.round(warmup * stepsPerEpoch);
  const total = Math.max(1, epochs * stepsPerEpoch - warmupSteps);
  let state: ScheduleState = { scale: 1, best: Number.POSITIVE_INFINITY, badEpochs: 0, epochsDone: 0 };

  const shape = (step: number): number => {
    switch (options.kind) {
      case 'constant':
        return 1;
      case 'step':
        return factor ** Math.floor(step / stepsPerEpoch / every);
      case 'cosine':
        return floor + ((1 - floor) * (1 + Math.cos((Math.PI * Math.min(step, total)) / total))) / 2;
      case 'plateau':
        return state.scale;
    }
  };

  return {
    rate: (step) => {
      if (step < warmupSteps) return base * (WARMUP_START + ((1 - WARMUP_START) * step) / warmupSteps);
      return base * shape(step - warmupSteps);
    },
    epochDone: (loss) => {
      state = { ...state, epochsDone: state.epochsDone + 1 };
      if (options.kind !== 'plateau' || state.epochsDone * stepsPerEpoch <= warmupSteps) return;
      if (loss < state.best * (1 - threshold)) state = { ...state, best: loss, badEpochs: 0 };
      else if (state.badEpochs < patience) state = { ...state, badEpochs: state.badEpochs + 1 };
      else state = { ...state, scale: Math.max(floor, state.scale * factor), badEpochs: 0 };
    },
    state: () => state,
    restore: (saved) => {
      state = saved;
    },
  };
}
