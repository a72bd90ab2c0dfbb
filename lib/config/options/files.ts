/** What goes in and out, and what is aimed at. */

import { choice, milliseconds, optionalText, real, selection, text } from '../option.js';
import { ALL, PRUNE, STAGE1, STAGE2, TARGETS, TAUGHT, TRAIN, WITH_DATA } from '../scopes.js';

const RIVALS = ['plain', 'linear', 'random', 'smaller-input', 'all', 'none'] as const;

export const FILE_OPTIONS = {
  model: text(TRAIN, {
    group: 'Files',
    placeholder: 'FILE',
    describe: 'The pre-trained network (.onnx, .keras, .h5, or model.json of tfjs).',
  }),
  data: text(WITH_DATA, {
    group: 'Files',
    placeholder: 'PATH',
    describe:
      'Images in a folder for each class, or sentences in a file for each (one a line); train/ val/ test/ of these; or a CSV, "file,label[,split]" or "text,label[,split]".',
  }),
  teacher: text(TAUGHT, {
    group: 'Files',
    placeholder: 'FILE',
    describe:
      'Learn from this network too, which was fine-tuned on the same data; it may take larger images. prune: in place of the unpruned one.',
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
  resume: optionalText(STAGE1, {
    group: 'Files',
    placeholder: 'DIR',
    implied: '',
    commandLineOnly: true,
    describe: 'Go on with the work in DIR (default: that of --out), with the settings it began with.',
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
    TARGETS,
    {
      group: 'Targets',
      describe: "Multiply-adds to be left, as a fraction of the baseline's; search: of every trial at most.",
    },
    undefined,
  ),
  targetParams: real(
    { min: 0.01, max: 1 },
    TARGETS,
    {
      group: 'Targets',
      describe: "Parameters to be left, as a fraction of the baseline's; search: of every trial at most.",
    },
    undefined,
  ),
  targetLatency: milliseconds(STAGE2, {
    group: 'Targets',
    describe: 'Median time of the result in ONNX Runtime on this machine, such as 5ms.',
  }),
  latencyBatch: choice(
    ['1', '32'],
    STAGE2,
    { group: 'Targets', describe: 'Samples at a time for --target-latency.' },
    '1',
  ),
  tolerance: real(
    { min: 0, max: 100 },
    STAGE2,
    { group: 'Targets', describe: 'Points of validation accuracy (percent) that may be lost.' },
    1,
  ),

  compare: selection(RIVALS, TARGETS, {
    group: 'Evidence',
    describe:
      'What the result is compared with, each trained on the same data for as many epochs: plain (fine-tuning the original), linear (a linear head on frozen features), random (random search), smaller-input (fine-tuning the original on images so small that it costs as many MACs); all, none.',
    defaultText: 'smaller-input; search: none',
  }),
};
