/** How samples, images or texts, become a network's input. */

import { METADATA_KEYS, type Preprocessing, toMetadata } from './preprocessing.js';
import type { TextPreprocessing } from './text-preprocessing.js';

export type InputPreprocessing = Preprocessing | TextPreprocessing;

export function isText(preprocessing: InputPreprocessing): preprocessing is TextPreprocessing {
  return 'kind' in preprocessing;
}

/** Height and width; undefined for texts. */
export function imageSize(preprocessing: InputPreprocessing): Preprocessing['size'] | undefined {
  return isText(preprocessing) ? undefined : preprocessing.size;
}

/** The metadata entries that make a model self-describing: preprocessing, class names, and what the model is for. */
export function inputMetadata(preprocessing: InputPreprocessing, classes: readonly string[]): Record<string, string> {
  if (!isText(preprocessing)) return { ...toMetadata(preprocessing, classes), 'tascnet.task': 'image-classification' };
  return {
    [METADATA_KEYS.preprocessing]: JSON.stringify(preprocessing),
    [METADATA_KEYS.classes]: JSON.stringify(classes),
    'tascnet.task': 'text-classification',
  };
}
