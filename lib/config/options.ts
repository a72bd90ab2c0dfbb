/**
 * The table of options. The parser, `--help`, shell completion, the environment (`--batch-size` is TASCNET_BATCH_SIZE) and
 * the configuration file all come from it.
 */

import { choice, flag, list, milliseconds, optionalText, real, text, whole } from './option.js';

const TRAIN = ['run', 'finetune', 'search', 'prune'] as const;
const STAGE1 = ['run', 'search'] as const;
const STAGE2 = ['run', 'prune'] as const;
const RUN = ['run'] as const;
const PRUNE = ['prune'] as const;
const WITH_DATA = [...TRAIN, 'validate'] as const;
const ALL = [...TRAIN, 'inspect', 'validate', 'engine'] as const;

const CRITERIA = ['history', 'l1', 'l2', 'linf', 'bn', 'fpgm', 'taylor', 'lamp', 'random'] as const;

export const OPTIONS = {
  model: text(TRAIN, { group: 'Files', placeholder: 'FILE', describe: 'The pre-trained network (.onnx).' }),
  data: text(WITH_DATA, {
    group: 'Files',
    placeholder: 'DIR',
    describe: 'A folder of images: a folder for each class, train/ val/ test/ of these, or a CSV "file,label[,split]".',
  }),
  out: text(TRAIN, {
    group: 'Files',
    placeholder: 'PATH',
    describe: 'Where the result goes: a folder for run, an .onnx file for the others.',
  }),
  plan: text(PRUNE, {
    group: 'Files',
    placeholder: 'FILE',
    describe: 'Also write what was removed, in terms of the original file, as JSON.',
  }),
  resume: optionalText(RUN, {
    group: 'Files',
    placeholder: 'DIR',
    implied: '',
    commandLineOnly: true,
    describe: 'Go on with the run in DIR (default: that of --out), with the settings it began with.',
  }),
  config: text(ALL, {
    group: 'Files',
    placeholder: 'FILE',
    commandLineOnly: true,
    describe: 'Options as JSON. Default: tascnet.config.json of the working directory, if there is one.',
  }),
  preset: choice(
    ['quick', 'default', 'paper'],
    TRAIN,
    { group: 'Files', describe: 'Other defaults: quick to look around, paper for the settings of TASCNet.' },
    'default',
  ),

  targetMacs: real(
    { min: 0.01, max: 1 },
    STAGE2,
    { group: 'Targets', describe: "Multiply-adds to be left, as a fraction of the baseline's." },
    undefined,
  ),
  targetParams: real(
    { min: 0.01, max: 1 },
    STAGE2,
    { group: 'Targets', describe: "Parameters to be left, as a fraction of the baseline's." },
    undefined,
  ),
  targetLatency: milliseconds(PRUNE, {
    group: 'Targets',
    describe: 'Time for one image in ONNX Runtime on this machine, such as 5ms.',
  }),
  tolerance: real(
    { min: 0, max: 100 },
    STAGE2,
    { group: 'Targets', describe: 'Points of validation accuracy (percent) that may be lost.' },
    1,
  ),

  epochs: whole(
    { min: 1, max: 100_000 },
    TRAIN,
    { group: 'Training', describe: 'Passes over the data in all, shared out among the steps of the command.' },
    30,
  ),
  batchSize: whole({ min: 1, max: 65_536 }, TRAIN, { group: 'Training', describe: 'Images in one training step.' }, 32),
  optimizer: choice(
    ['sgd', 'adam', 'adamw', 'adagrad'],
    TRAIN,
    { group: 'Training', describe: 'How weights follow their gradients; sgd has Nesterov momentum 0.9.' },
    'adamw',
  ),
  learningRate: real(
    { min: 1e-9, max: 100 },
    TRAIN,
    {
      group: 'Training',
      describe: 'The highest learning rate.',
      defaultText: '0.01 for sgd and adagrad, 0.001 for adam and adamw',
    },
    undefined,
  ),
  schedule: choice(
    ['cosine', 'step', 'plateau', 'constant'],
    TRAIN,
    { group: 'Training', describe: 'How the learning rate falls.' },
    'cosine',
  ),
  warmup: real(
    { min: 0, max: 1000 },
    TRAIN,
    { group: 'Training', describe: 'Epochs over which the learning rate first rises.' },
    1,
  ),
  weightDecay: real(
    { min: 0, max: 1 },
    TRAIN,
    { group: 'Training', describe: 'Pull of weights towards 0; biases and norms are left alone.' },
    1e-4,
  ),
  labelSmoothing: real(
    { min: 0, max: 0.99 },
    TRAIN,
    { group: 'Training', describe: 'Share of the target spread over all classes.' },
    0.1,
  ),
  classWeights: flag(TRAIN, { group: 'Training', describe: 'Let rare classes count for more in the loss.' }, false),
  clipNorm: real(
    { min: 1e-6 },
    TRAIN,
    { group: 'Training', describe: 'Scale gradients down to this norm.', defaultText: 'no limit' },
    undefined,
  ),
  patience: whole(
    { min: 1 },
    TRAIN,
    { group: 'Training', describe: 'Stop after so many epochs without a better result.', defaultText: 'never' },
    undefined,
  ),

  imageSize: whole(
    { min: 8, max: 4096 },
    TRAIN,
    { group: 'Images', placeholder: 'PIXELS', describe: 'Height and width.', defaultText: 'those of the model' },
    undefined,
  ),
  preprocessing: choice(
    ['torchvision', 'keras-caffe', 'keras-tf', '0..1'],
    WITH_DATA,
    { group: 'Images', describe: 'How the network expects pixels.', defaultText: "what the model's metadata say" },
    undefined,
  ),
  augment: choice(
    ['none', 'light', 'full'],
    TRAIN,
    { group: 'Images', describe: 'How much images are varied in training.' },
    'light',
  ),

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

  criterion: choice(
    CRITERIA,
    STAGE2,
    {
      group: 'Pruning',
      describe: 'What tells that a channel is redundant.',
      defaultText: 'taylor; l1 without training',
    },
    undefined,
  ),
  ratio: real(
    { min: 0, max: 0.99 },
    STAGE2,
    { group: 'Pruning', describe: "Fraction of each group's channels to remove, in place of a target." },
    undefined,
  ),
  steps: whole(
    { min: 1, max: 1000 },
    STAGE2,
    {
      group: 'Pruning',
      describe: 'Removals with training after each.',
      defaultText: '1 towards a target, else as many as accuracy and epochs permit',
    },
    undefined,
  ),
  cuts: whole(
    { min: 1, max: 100 },
    STAGE2,
    { group: 'Pruning', describe: 'Cuts of one step, each scored anew and repaired before the next.' },
    4,
  ),
  roundTo: whole(
    { min: 1, max: 1024 },
    STAGE2,
    { group: 'Pruning', describe: 'Channels left are a multiple of this, which runtimes like.' },
    8,
  ),
  minChannels: whole({ min: 1 }, STAGE2, { group: 'Pruning', describe: 'Fewest channels that a group keeps.' }, 8),
  maxRatio: real(
    { min: 0, max: 0.99 },
    STAGE2,
    { group: 'Pruning', describe: 'Largest fraction of its channels that a group may lose.' },
    0.9,
  ),
  ignore: list(
    STAGE2,
    { group: 'Pruning', describe: 'Weights whose channels all stay; * stands for any characters.' },
    [],
  ),
  lambda: real(
    { min: 0 },
    STAGE2,
    { group: 'Pruning', describe: 'history: strength of the term that makes paired channels alike.' },
    1,
  ),
  merge: flag(
    STAGE2,
    { group: 'Pruning', describe: 'history: what read a removed channel reads its twin. --no-merge: it does not.' },
    true,
  ),
  reconstruct: flag(
    STAGE2,
    {
      group: 'Pruning',
      describe: 'Re-solve what read the removed channels by least squares. --no-reconstruct: do not.',
    },
    true,
  ),
  distill: real(
    { min: 0, max: 1 },
    STAGE2,
    { group: 'Pruning', describe: 'Weight of learning from the unpruned network.' },
    0.9,
  ),
  finetune: flag(
    PRUNE,
    { group: 'Pruning', describe: 'Train between removals. --no-finetune: remove once, by the weights alone.' },
    true,
  ),
  dryRun: flag(
    STAGE2,
    { group: 'Pruning', describe: 'Show the groups and the expected cost, and write nothing.', commandLineOnly: true },
    false,
  ),

  groups: flag(['inspect'] as const, { group: 'Output', describe: 'Also list the dependency groups.' }, false),
  cuda: flag(['engine'] as const, { group: 'Engine', describe: 'install: the build for NVIDIA GPUs.' }, false),
  force: flag(['engine'] as const, { group: 'Engine', describe: 'install: anew, even where it works.' }, false),

  seed: whole({ min: 0, max: 2 ** 31 - 1 }, WITH_DATA, { group: 'Machine', describe: 'Same seed, same result.' }, 0),
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
    { group: 'Machine', describe: 'Images decoded at a time.', defaultText: 'one for each core' },
    undefined,
  ),
  threads: whole(
    { min: 1, max: 1024 },
    WITH_DATA,
    { group: 'Machine', describe: 'Threads of one operation.', defaultText: 'all cores' },
    undefined,
  ),
  json: flag(ALL, { group: 'Output', describe: 'Print one JSON document on stdout.', commandLineOnly: true }, false),
  quiet: flag(ALL, { group: 'Output', describe: 'No progress, only the result, warnings and errors.' }, false),
};

export type OptionKey = keyof typeof OPTIONS;

/** `batchSize` → `batch-size`. */
export function optionName(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** `batchSize` → `TASCNET_BATCH_SIZE`. */
export function environmentName(key: string): string {
  return `TASCNET_${optionName(key).replaceAll('-', '_').toUpperCase()}`;
}
