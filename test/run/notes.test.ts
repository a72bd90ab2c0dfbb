import { expect, test } from '@jest/globals';
import { pruningNotes } from '../../lib/run/notes.js';

const steps = (...accuracies: number[]) =>
  accuracies.map((accuracy, step) => ({ step, accuracy, macs: 1e6 * (9 - step), parameters: 1 }));

test('steps that were kept are not spoken of', () => {
  expect(pruningNotes({ baseline: 0.8, steps: [] }, 1)).toEqual([]);
  expect(pruningNotes({ baseline: 0.8, steps: steps(0.79, 0.85) }, 1)).toEqual([]);
  // On the way below the tolerance, but back within it at the end.
  expect(pruningNotes({ baseline: 0.8, steps: steps(0.5, 0.7) }, 10)).toEqual([]);
});

test('steps that were taken back are, with what is left', () => {
  expect(pruningNotes({ baseline: 0.867, steps: steps(0.467) }, 1)).toEqual([
    'Pruning step 1 reached 46.7 % on the validation samples (9.00 M MACs), more than 1 point under the 86.7 % before pruning: the result is the network before pruning. More --epochs or a larger --tolerance let it go further.',
  ]);
  expect(pruningNotes({ baseline: 0.9, steps: steps(0.9, 0.3, 0.7) }, 2)[0]).toMatch(
    /^Pruning steps 2 and later reached at most 70\.0 % .*\(7\.00 M MACs\), more than 2 points under the 90\.0 %.*that of step 1\./,
  );
});
