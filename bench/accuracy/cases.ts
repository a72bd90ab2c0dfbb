/**
 * What is kept at equal budgets: every case fine-tunes for 12 epochs, then prunes and retrains within 12 more, once for each
 * seed, with the command line as a person would use it. Test accuracies are the means over the seeds.
 */

export interface Step {
  /** Names its files; steps of the same name are one, done once. */
  name: string;
  /** The step whose model this one takes, or a file. */
  from: { step: string } | { file: string };
  /** The step whose model it learns from. */
  teacher?: string;
  args: readonly string[];
}

export interface Case {
  name: string;
  /** What is hoped for, as a person reads it. */
  bar: string;
  data: 'caltech101-25' | 'digits';
  /** Done in turn; the first one's model is the whole, the last one's the result. */
  steps: readonly Step[];
}

const NARROW = 'mobilenet_v1_0.5_160.onnx';
const WIDE = 'mobilenet_v1_1.0_224_bn_features_block12.onnx';
const EPOCHS = 12;

/** Targets are goals to be reached here, whatever it costs: the accuracy is what is measured. Rivals are cases of their own. */
const ANYWAY = ['--tolerance', '100', '--compare', 'none'];

function finetuned(file: string, size: number, epochs = EPOCHS): Step {
  const args = ['finetune', '--preprocessing', 'keras-tf', '--image-size', String(size), '--epochs', String(epochs)];
  return { name: `${file.replace(/_(160|224).*$/, '')}-${size}-${epochs}`, from: { file }, args };
}

function pruned(of: Step, macs: number, ...further: string[]): Step {
  const args = ['prune', '--target-macs', String(macs), '--epochs', String(EPOCHS), ...ANYWAY, ...further];
  const name = [of.name, macs, ...further.map((option) => option.replace(/^--/, ''))].join('-');
  return { name, from: { step: of.name }, args };
}

/** What suits the narrow network in so few epochs. */
const FASTER = ['--learning-rate', '0.003'];

/** What suits the wide one, of which a cut leaves most intact. */
const SLOWER = ['--learning-rate', '0.0005'];

const narrow = finetuned(NARROW, 160);
const smaller = finetuned(NARROW, 128);
const wide = finetuned(WIDE, 160);
const DIGITS = ['--no-flip', '--batch-size', '64'];
const lenet: Step = {
  name: 'lenet',
  from: { step: 'lenet-untrained' },
  args: ['finetune', '--epochs', '40', ...DIGITS, '--preprocessing', '0..1', '--learning-rate', '0.002'],
};
/** On 16 pixels it is nearly as accurate, at 8.8 % of the multiply-adds. */
const lenetAt16: Step = {
  name: 'lenet-16-taught',
  from: { step: lenet.name },
  teacher: lenet.name,
  args: [
    ...['finetune', '--image-size', '16', '--epochs', '40', ...DIGITS],
    ...['--augment', 'shift', '--learning-rate', '0.001'],
  ],
};
const lenetAt16Pruned: Step = {
  name: 'lenet-16-taught-0.17',
  from: { step: lenetAt16.name },
  teacher: lenet.name,
  args: [
    ...['prune', '--target-macs', '0.17', '--epochs', '160', ...ANYWAY, ...DIGITS, '--round-to', '1'],
    ...['--min-channels', '1', '--max-ratio-per-layer', '0.98', '--ranking', 'global', '--label-smoothing', '0'],
    // So small a student has no room for more; most of the epochs are its own when it has its last shape.
    ...['--augment', 'shift', '--learning-rate', '0.003', '--steps', '2'],
  ],
};

export const ACCURACY_CASES: readonly Case[] = [
  { name: 'half', bar: '>= 88 %', data: 'caltech101-25', steps: [narrow, pruned(narrow, 0.5, ...FASTER)] },
  {
    name: '30 %, batches of 16',
    bar: '>= 80 %',
    data: 'caltech101-25',
    steps: [narrow, pruned(narrow, 0.3, ...FASTER, '--batch-size', '16')],
  },
  {
    name: 'half with a smaller input',
    bar: '>= 91 %',
    data: 'caltech101-25',
    // 128² / 160² = 0.64 of the MACs.
    steps: [narrow, smaller, pruned(smaller, 0.78, ...FASTER)],
  },
  {
    name: 'smaller input only',
    bar: 'the rival',
    data: 'caltech101-25',
    steps: [narrow, finetuned(NARROW, 112, 2 * EPOCHS)],
  },
  {
    name: 'half, history',
    bar: 'above L1 in one shot',
    data: 'caltech101-25',
    steps: [narrow, pruned(narrow, 0.5, ...FASTER, '--criterion', 'history')],
  },
  {
    name: 'half, L1 in one shot',
    bar: 'the rival',
    data: 'caltech101-25',
    steps: [narrow, pruned(narrow, 0.5, ...FASTER, '--criterion', 'l1', '--cuts', '1')],
  },
  {
    name: 'half of the wide network',
    bar: 'within 1.5 points',
    data: 'caltech101-25',
    steps: [wide, pruned(wide, 0.5, ...SLOWER)],
  },
  {
    name: 'LeNet-5 at 1.5 %',
    bar: 'within 1 point',
    data: 'digits',
    // 8.8 % at 16 pixels, of which 17 % are left.
    steps: [lenet, lenetAt16, lenetAt16Pruned],
  },
];
