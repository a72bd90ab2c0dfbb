/** The space that a search of a model would look at, without searching it. */

import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { withFreeBatch } from '../analyze/input-size.js';
import { openImages } from '../data/images.js';
import { openSentences } from '../data/sentences.js';
import { ExitCode, messageOf, TascnetError } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import { type DepthDescription, describeSpace, type SpaceOptions, searchableOf } from '../search/space-of-graph.js';
import { type SpaceRule, spaceRuleSchema } from '../search/space-rules.js';
import { withHead } from '../surgery/head.js';
import { type InputSettings, type Task, taskOf, withAskedInput } from './asked-input.js';
import type { Hooks } from './hooks.js';
import { loadTrainable } from './prepare.js';

export interface SpaceSettings {
  /** Rules, or the name of a JSON file with them. */
  space?: string | SpaceRule[] | undefined;
  /** Heights and widths that are tried besides the model's own. */
  searchImageSize?: number[] | undefined;
}

/** @throws TascnetError when the file of the rules cannot be read or is not as expected. */
export async function spaceOptions({ space, searchImageSize }: SpaceSettings): Promise<SpaceOptions> {
  return { rules: typeof space === 'string' ? await rulesIn(space) : space, imageSizes: searchImageSize };
}

async function rulesIn(path: string): Promise<SpaceRule[]> {
  const fail = (problem: string, cause?: unknown) =>
    new TascnetError(`The rules of the search space in ${path} ${problem}`, { exitCode: ExitCode.usage, cause });
  let parsed: unknown;
  try {
    parsed = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw fail(`cannot be read: ${messageOf(error)}`, error);
  }
  const rules = z.array(spaceRuleSchema).safeParse(parsed);
  if (rules.success) return rules.data;
  throw fail(`are not as expected: ${z.prettifyError(rules.error)}`);
}

export interface SpaceRequest extends SpaceSettings, InputSettings {
  model: string;
  /** For the classes; without it, those of the model. */
  data?: string | undefined;
  depth: number;
  seed: number;
}

export interface SearchSpace {
  model: string;
  classes: number;
  depths: DepthDescription[];
}

/** Classes of a model that has no head of its own yet, while there are no data. */
const SOME_CLASSES = 10;

/** What a search would look at, depth by depth. @throws TascnetError as a search would. */
export async function searchSpace(request: SpaceRequest, hooks: Hooks): Promise<SearchSpace> {
  const { model, data, depth, seed } = request;
  const options = await spaceOptions(request);
  const loaded = await loadTrainable(model);
  const task = taskOf(loaded, request);
  const graph = withAskedInput(withFreeBatch(loaded), request);
  const classes = data === undefined ? classesOf(graph) : await classesIn(data, task, seed, hooks);
  const headed = withHead(graph, classes, { seed });
  return { model, classes, depths: describeSpace(searchableOf(headed.graph, options), depth) };
}

async function classesIn(data: string, task: Task, seed: number, { signal }: Hooks): Promise<number> {
  const { classes } =
    task === 'text' ? (await openSentences(data, { seed })).dataset : await openImages(data, { seed, signal });
  return classes.length;
}

function classesOf({ outputs }: Graph): number {
  const [, classes] = outputs[0]?.dims ?? [];
  return outputs[0]?.dims?.length === 2 && typeof classes === 'number' && classes > 1 ? classes : SOME_CLASSES;
}
