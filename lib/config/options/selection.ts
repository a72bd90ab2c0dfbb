/** Which channels go in stage 2. */

import * as z from 'zod';
import { choice, flag, list, real, whole } from '../option.js';
import { STAGE2 } from '../scopes.js';

export const SELECTION_OPTIONS = {
  criterion: choice(
    ['history', 'history-cosine', 'history-l1', 'l1', 'l2', 'linf', 'bn', 'fpgm', 'taylor', 'lamp', 'random'],
    STAGE2,
    {
      group: 'Pruning',
      describe: 'What tells that a channel is redundant.',
      defaultText: 'taylor; l1 without training',
    },
    undefined,
  ),
  reduce: choice(
    ['sum', 'mean', 'max'],
    STAGE2,
    { group: 'Pruning', describe: "How the scores of the weights that make a group's channels become one." },
    'sum',
  ),
  normalize: choice(
    ['none', 'mean', 'max', 'sum', 'l2'],
    STAGE2,
    {
      group: 'Pruning',
      describe: "What a group's scores are divided by before groups are compared.",
      defaultText: 'none for bn, history, lamp, random and taylor, else mean',
    },
    undefined,
  ),
  ranking: choice(
    ['local', 'global', 'isomorphic'],
    STAGE2,
    {
      group: 'Pruning',
      describe: 'Which channels compete: those of a group, all, or those of groups of one structure.',
      defaultText: 'global towards a target with bn, lamp, random or (not of MACs alone) taylor, else local',
    },
    undefined,
  ),
  sensitivity: flag(
    STAGE2,
    {
      group: 'Pruning',
      describe: 'With data: measure once how the loss rises without half of each group, and compare groups by it.',
      defaultText: 'for sentences',
    },
    undefined,
  ),
  ratio: real(
    { min: 0, max: 0.99 },
    STAGE2,
    { group: 'Pruning', describe: "Fraction of each group's channels to remove, in place of a target." },
    undefined,
  ),
  layerRatios: {
    ...list(
      STAGE2,
      {
        group: 'Pruning',
        placeholder: 'NAME=RATIO',
        describe: 'Fractions for single groups, by the name of a weight; * stands for any characters.',
      },
      [],
    ),
    schema: z.array(z.string().regex(/^.+=0?(\.\d+|0)$/)),
    expected: 'pairs NAME=RATIO, the ratio from 0 to 0.99,',
  },
  maxRatioPerLayer: real(
    { min: 0, max: 0.99 },
    STAGE2,
    { group: 'Pruning', describe: 'Largest fraction of its channels that a group may lose.' },
    0.9,
  ),
  minChannels: whole({ min: 1 }, STAGE2, { group: 'Pruning', describe: 'Fewest channels that a group keeps.' }, 8),
  roundTo: whole(
    { min: 1, max: 1024 },
    STAGE2,
    { group: 'Pruning', describe: 'Channels left are a multiple of this, which runtimes like.' },
    8,
  ),
  ignore: list(
    STAGE2,
    { group: 'Pruning', describe: 'Weights whose channels all stay; * stands for any characters.' },
    [],
  ),
};
