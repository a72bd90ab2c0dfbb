/** Stage 2. */

import { HISTORY_RATE } from '../../prune/options.js';
import { flag, real, whole } from '../option.js';
import { PRUNE, RUN, STAGE2, TARGETS, TRAIN } from '../scopes.js';

export const PRUNING_OPTIONS = {
  steps: whole(
    { min: 1, max: 1000 },
    STAGE2,
    {
      group: 'Pruning',
      describe: 'Removals with training after each.',
      defaultText: '1 towards a target, else as many as accuracy and epochs permit',
    },
    undefined,
  ),
  cuts: whole(
    { min: 1, max: 100 },
    STAGE2,
    { group: 'Pruning', describe: 'Cuts of one step, each scored anew and repaired before the next.' },
    2,
  ),
  pruneLearningRate: real(
    { min: 1e-9, max: 100 },
    RUN,
    {
      group: 'Pruning',
      describe: 'The highest learning rate of the training after a cut.',
      defaultText: 'that of --learning-rate',
    },
    undefined,
  ),
  historyRate: real(
    { min: 1e-9, max: 100 },
    STAGE2,
    {
      group: 'Pruning',
      describe: 'history: learning rate of the training before a cut, as a fraction of that after it.',
    },
    HISTORY_RATE,
  ),
  lambda: real(
    { min: 0 },
    STAGE2,
    { group: 'Pruning', describe: 'history: strength of the term that makes paired channels alike.' },
    1,
  ),
  merge: flag(
    STAGE2,
    { group: 'Pruning', describe: 'history: what read a removed channel reads its twin. --no-merge: it does not.' },
    true,
  ),
  reconstruct: flag(
    STAGE2,
    {
      group: 'Pruning',
      describe:
        'Re-solve what read the removed channels by least squares. --no-reconstruct: measure batch norms anew instead.',
    },
    true,
  ),
  distill: real(
    { min: 0, max: 1 },
    TRAIN,
    {
      group: 'Pruning',
      describe:
        'Weight of learning from the network as it was before search and pruning, in trials too, or from --teacher.',
    },
    0.95,
  ),
  finetune: flag(
    PRUNE,
    { group: 'Pruning', describe: 'Train between removals. --no-finetune: remove once, by the weights alone.' },
    true,
  ),
  measure: flag(
    PRUNE,
    {
      group: 'Pruning',
      describe: 'Without data: also measure the latency of both models in ONNX Runtime.',
      defaultText: 'where it takes seconds',
    },
    undefined,
  ),
  dryRun: flag(
    TARGETS,
    {
      group: 'Pruning',
      describe: 'Show the groups and the expected cost (search: the space), and write nothing.',
      commandLineOnly: true,
    },
    false,
  ),
};
