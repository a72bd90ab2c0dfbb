/** Every command, in the order in which `--help` lists them. Adding one is adding its file and an entry here. */

import type { CommandEntry } from './command.js';

export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'run',
    positionals: '',
    describe: 'Fit a model to your images or sentences and make it smaller: fine-tune, search, prune, measure, report.',
    about: {},
    examples: [
      ['tascnet run --model net.onnx --data photos/ --out runs/photos', 'the main job'],
      ['tascnet run --model net.onnx --data photos/ --out runs/half --target-macs 0.5', 'down to half the operations'],
      ['tascnet run --resume runs/photos', 'go on after Ctrl-C or a crash'],
    ],
    load: () => import('./run.js'),
  },
  {
    name: 'finetune',
    positionals: '',
    describe: 'Fit a model to your images or sentences, and nothing else.',
    about: {},
    examples: [
      ['tascnet finetune --model net.onnx --data photos/ --out fitted.onnx', 'replaces the head, trains all'],
      ['tascnet finetune --model text.onnx --data reviews/ --tokenizer vocab.txt --out fitted.onnx', 'for sentences'],
    ],
    load: () => import('./finetune.js'),
  },
  {
    name: 'search',
    positionals: '',
    describe: 'Learn the configuration of the deeper layers for your data (stage 1).',
    about: {},
    examples: [
      ['tascnet search --model net.onnx --data photos/ --out found.onnx --trials 20', '20 trials at each depth'],
      ['tascnet search --model net.onnx --dry-run', 'only show what would be searched'],
      ['tascnet search --show found.search', 'what a search found'],
    ],
    load: () => import('./search.js'),
  },
  {
    name: 'prune',
    positionals: '',
    describe: 'Remove redundant filters and neurons (stage 2).',
    about: {},
    examples: [
      ['tascnet prune --model fitted.onnx --data photos/ --out small.onnx --target-macs 0.5', 'with retraining'],
      ['tascnet prune --model net.onnx --out small.onnx --no-finetune --ratio 0.3', 'at once, without data'],
      ['tascnet prune --model net.onnx --target-macs 0.5 --dry-run', 'only show what would go'],
    ],
    load: () => import('./prune.js'),
  },
  {
    name: 'inspect',
    positionals: '<model>',
    describe: 'Show layers, shapes, parameters and MACs; what can be pruned, and what is pinned and why.',
    about: { model: 'A model file.' },
    examples: [['tascnet inspect net.onnx --groups', 'with the dependency groups']],
    load: () => import('./inspect.js'),
  },
  {
    name: 'validate',
    positionals: '<model> [other]',
    describe: 'Measure accuracy, latency and size in ONNX Runtime; compare two models.',
    about: { model: 'A model file.', other: 'Another one, to compare it with.' },
    examples: [
      ['tascnet validate small.onnx --data photos/', 'one model'],
      ['tascnet validate net.onnx small.onnx --data photos/ --json', 'two, and their comparison'],
    ],
    load: () => import('./validate.js'),
  },
  {
    name: 'engine',
    positionals: '[action]',
    describe: 'Show what trains here and what is missing; "engine install" provides TensorFlow.',
    about: { action: '"install" provides it; left out, the state is shown.' },
    examples: [
      ['tascnet engine', 'what would run'],
      ['tascnet engine install --cuda', 'the build for NVIDIA GPUs'],
    ],
    load: () => import('./engine.js'),
  },
];
