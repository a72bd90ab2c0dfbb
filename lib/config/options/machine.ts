/** What works, with how much of the machine, and what it says. */

import { choice, flag, real, whole } from '../option.js';
import { ALL, TRAIN, WITH_DATA } from '../scopes.js';

export const MACHINE_OPTIONS = {
  cuda: flag(['engine'] as const, { group: 'Engine', describe: 'install: the build for NVIDIA GPUs.' }, false),
  force: flag(['engine'] as const, { group: 'Engine', describe: 'install: anew, even where it works.' }, false),
  seed: whole(
    { min: 0, max: 2 ** 31 - 1 },
    WITH_DATA,
    { group: 'Machine', describe: 'Same seed, same result.', defaultText: '0; validate: that of the model' },
    undefined,
  ),
  backend: choice(
    ['auto', 'tensorflow', 'cpu'],
    TRAIN,
    {
      group: 'Machine',
      describe: 'What trains: TensorFlow, installed on first use, or the slow engine that comes with tascnet.',
    },
    'auto',
  ),
  jobs: whole(
    { min: 1, max: 1024 },
    WITH_DATA,
    {
      group: 'Machine',
      describe: 'Images decoded at a time; trials of a search at a time, each in a process of its own.',
      defaultText: 'images: one for each core; trials: 1, in this process',
    },
    undefined,
  ),
  cacheLimit: real(
    { min: 0.01 },
    WITH_DATA,
    {
      group: 'Machine',
      placeholder: 'GIGABYTES',
      describe: 'What decoded images, and what features, may take in the cache; those used longest ago go first.',
    },
    20,
  ),
  threads: whole(
    { min: 1, max: 1024 },
    WITH_DATA,
    { group: 'Machine', describe: 'Threads of one operation.', defaultText: 'all cores' },
    undefined,
  ),
  groups: flag(['inspect'] as const, { group: 'Output', describe: 'Also list the dependency groups.' }, false),
  json: flag(ALL, { group: 'Output', describe: 'Print one JSON document on stdout.', commandLineOnly: true }, false),
  quiet: flag(ALL, { group: 'Output', describe: 'No progress, only the result, warnings and errors.' }, false),
};
