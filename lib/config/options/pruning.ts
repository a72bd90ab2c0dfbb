/** Stage 2. */

import { choice, flag, list, real, whole } from '../option.js';
import { PRUNE, STAGE2 } from '../scopes.js';

const CRITERIA = ['history', 'l1', 'l2', 'linf', 'bn', 'fpgm', 'taylor', 'lamp', 'random'] as const;

export const PRUNING_OPTIONS = {
  criterion: choice(
    CRITERIA,
    STAGE2,
    {
      group: 'Pruning',
      describe: 'What tells that a channel is redundant.',
      defaultText: 'taylor; l1 without training',
    },
    undefined,
  ),
  ratio: real(
    { min: 0, max: 0.99 },
    STAGE2,
    { group: 'Pruning', describe: "Fraction of each group's channels to remove, in place of a target." },
    undefined,
  ),
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
    4,
  ),
  roundTo: whole(
    { min: 1, max: 1024 },
    STAGE2,
    { group: 'Pruning', describe: 'Channels left are a multiple of this, which runtimes like.' },
    8,
  ),
  minChannels: whole({ min: 1 }, STAGE2, { group: 'Pruning', describe: 'Fewest channels that a group keeps.' }, 8),
  maxRatio: real(
    { min: 0, max: 0.99 },
    STAGE2,
    { group: 'Pruning', describe: 'Largest fraction of its channels that a group may lose.' },
    0.9,
  ),
  ignore: list(
    STAGE2,
    { group: 'Pruning', describe: 'Weights whose channels all stay; * stands for any characters.' },
    [],
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
      describe: 'Re-solve what read the removed channels by least squares. --no-reconstruct: do not.',
    },
    true,
  ),
  distill: real(
    { min: 0, max: 1 },
    STAGE2,
    { group: 'Pruning', describe: 'Weight of learning from the unpruned network.' },
    0.9,
  ),
  finetune: flag(
    PRUNE,
    { group: 'Pruning', describe: 'Train between removals. --no-finetune: remove once, by the weights alone.' },
    true,
  ),
  dryRun: flag(
    STAGE2,
    { group: 'Pruning', describe: 'Show the groups and the expected cost, and write nothing.', commandLineOnly: true },
    false,
  ),
};
