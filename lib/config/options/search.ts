/** Stage 1. */

import { whole } from '../option.js';
import { STAGE1 } from '../scopes.js';

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
    { group: 'Search', describe: 'Most layers, from the last one backwards, that are searched.' },
    2,
  ),
};
