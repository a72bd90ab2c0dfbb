/** Stage 1. */

import { choice, real, whole } from '../option.js';
import { STAGE1 } from '../scopes.js';

const SAMPLERS = ['gp', 'tpe', 'quasi-random', 'random'] as const;
const STOP_RULES = ['median', 'halving', 'none'] as const;

export const SEARCH_OPTIONS = {
  trials: whole(
    { min: 1, max: 10_000 },
    STAGE1,
    { group: 'Search', describe: 'Configurations that are tried at each depth.' },
    16,
  ),
  trialEpochs: whole({ min: 1, max: 1000 }, STAGE1, { group: 'Search', describe: 'Epochs of one trial.' }, 8),
  depth: whole(
    { min: 1, max: 50 },
    STAGE1,
    { group: 'Search', describe: 'Most blocks or layers, from the last one backwards, that are searched.' },
    2,
  ),
  sampler: choice(
    SAMPLERS,
    STAGE1,
    { group: 'Search', describe: 'What proposes trials: a Gaussian process, Parzen estimators, or chance.' },
    'gp',
  ),
  stopRule: choice(
    STOP_RULES,
    STAGE1,
    {
      group: 'Search',
      describe:
        'When weak trials end early: below the median of the others, outside the best third at a rung (successive halving), never.',
    },
    'median',
  ),
  views: whole(
    { min: 1, max: 100 },
    STAGE1,
    {
      group: 'Search',
      describe: 'Augmented views of the training images that features are kept of; trials take them in turn.',
      defaultText: '3, or 1 with --augment none',
    },
    undefined,
  ),
  featureType: choice(
    ['float32', 'float16'],
    STAGE1,
    { group: 'Search', describe: 'How features are kept: float16 takes half of the space and three digits.' },
    'float32',
  ),
  winnerLayers: choice(
    ['searched', 'all'],
    STAGE1,
    {
      group: 'Search',
      describe:
        'What the training after the search reaches: all layers, or those that were searched, as those before them are fine-tuned already.',
    },
    'all',
  ),
  winnerLearningRate: real(
    { min: 1e-9, max: 100 },
    STAGE1,
    {
      group: 'Search',
      describe: 'The highest learning rate of the training after the search.',
      defaultText: 'a third of --learning-rate; all of it where the image size changed',
    },
    undefined,
  ),
};
