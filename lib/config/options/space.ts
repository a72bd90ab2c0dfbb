/** What stage 1 looks at, and looking at it. */

import * as z from 'zod';
import { spaceRuleSchema } from '../../search/space-rules.js';
import { numbers, text } from '../option.js';
import { STAGE1 } from '../scopes.js';

const rules = z.array(spaceRuleSchema);

export const SPACE_OPTIONS = {
  space: {
    schema: z.union([z.string().min(1), rules]),
    kind: 'text',
    expected: 'the name of a JSON file of rules, or a list of rules',
    placeholder: 'FILE',
    describe: 'Rules that restrict or extend what is searched, as JSON; a configuration file can hold the list itself.',
    group: 'Search',
    commands: STAGE1,
    fallback: undefined,
  },
  searchImageSize: numbers({ min: 8, max: 4096 }, STAGE1, {
    group: 'Search',
    placeholder: 'PIXELS',
    describe: "Heights and widths of the images that are tried besides the model's own, separated by commas.",
  }),
  show: text(['search'] as const, {
    group: 'Search',
    placeholder: 'RUN',
    commandLineOnly: true,
    describe: 'Show what the search in a folder found: its trials, what mattered, the best ones.',
  }),
};
