/** The well-known families with fewer blocks, at small sizes: the joints are those of the whole ones. */

import type { Graph } from '../../lib/graph/graph.js';
import { densenet121, efficientnetB0, mobilenetV2, resnet18, resnet50, squeezenet, vgg16 } from '../models/families.js';

const OPTIONS = { width: 0.25, size: 32, classes: 10, seed: 3 };

export const SMALL_FAMILIES: Readonly<Record<string, () => Graph>> = {
  vgg16: () => vgg16({ ...OPTIONS, hidden: 48 }),
  resnet18: () => resnet18({ ...OPTIONS, blocks: [1, 1, 1, 2] }),
  resnet50: () => resnet50({ ...OPTIONS, blocks: [1, 1, 1, 2] }),
  densenet121: () => densenet121({ ...OPTIONS, blocks: [1, 1, 2, 3] }),
  mobilenetV2: () => mobilenetV2({ ...OPTIONS, repeats: [1, 1, 1, 1, 1, 2, 1] }),
  squeezenet: () => squeezenet({ ...OPTIONS, size: 64 }),
  efficientnetB0: () => efficientnetB0({ ...OPTIONS, repeats: [1, 1, 1, 1, 1, 2, 1] }),
};
