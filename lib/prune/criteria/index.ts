/** Every pruning criterion. Adding one is adding its file and a line here. */

import { TascnetError } from '../../errors.js';
import type { Criterion } from '../criterion.js';
import { batchNorm } from './batch-norm.js';
import { fpgm } from './geometric-median.js';
import { lamp } from './lamp.js';
import { l1, l2, lInfinity } from './norms.js';
import { random } from './random.js';
import { taylor } from './taylor.js';

export const CRITERIA: readonly Criterion[] = [batchNorm, fpgm, l1, l2, lamp, lInfinity, random, taylor];

export function criterionNamed(name: string): Criterion {
  const found = CRITERIA.find((criterion) => criterion.name === name);
  if (!found) {
    const names = CRITERIA.map((criterion) => criterion.name).join(', ');
    throw new TascnetError(`There is no pruning criterion "${name}".`, { hint: `Criteria: ${names}.` });
  }
  return found;
}
