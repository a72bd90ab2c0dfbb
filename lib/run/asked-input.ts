/** A model as its options want it: for images or texts, of another size or length than its own. */

import { withInputLength, withInputSize } from '../analyze/input-size.js';
import { tokenInput } from '../analyze/token-input.js';
import { ExitCode, TascnetError } from '../errors.js';
import type { Graph } from '../graph/graph.js';

export type Task = 'image' | 'text';

export interface InputSettings {
  task?: Task | undefined;
  imageSize?: number | undefined;
  preprocessing?: string | undefined;
  tokenizer?: string | undefined;
  textLength?: number | undefined;
}

/**
 * What the model is for: what was asked, else what its input tells.
 * @throws TascnetError when an option is for the other kind of data.
 */
export function taskOf(graph: Graph, settings: InputSettings): Task {
  const task = settings.task ?? (tokenInput(graph) ? 'text' : 'image');
  const foreign =
    task === 'text'
      ? { '--image-size': settings.imageSize, '--preprocessing': settings.preprocessing }
      : { '--tokenizer': settings.tokenizer, '--text-length': settings.textLength };
  for (const [option, value] of Object.entries(foreign))
    if (value !== undefined)
      throw new TascnetError(
        `${option} is not for ${task === 'text' ? 'sentences' : 'images'}, which the model takes.`,
        { exitCode: ExitCode.usage },
      );
  return task;
}

/** The graph for images of the size, or texts of the length, that was asked for, if one was. */
export function withAskedInput(graph: Graph, settings: InputSettings): Graph {
  taskOf(graph, settings);
  const { imageSize, textLength } = settings;
  if (imageSize !== undefined) return withInputSize(graph, [imageSize, imageSize]);
  return textLength === undefined ? graph : withInputLength(graph, textLength);
}

/** An extent besides the batch that the model's inputs leave open, and the option that sets it. */
export function openExtent(graph: Graph): { input: string; extent: string; option: string } | undefined {
  for (const { name, dims } of graph.inputs)
    for (const extent of dims?.slice(1) ?? [])
      if (typeof extent === 'string')
        return { input: name, extent, option: tokenInput(graph) ? '--text-length' : '--image-size' };
  return undefined;
}
