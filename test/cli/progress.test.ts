import { PassThrough } from 'node:stream';
import { expect, test } from '@jest/globals';
import { duration, openProgress } from '../../lib/cli/progress.js';
import type { RunEvent } from '../../lib/run/hooks.js';

/** What is shown of the events on a stream that is no terminal. */
function shown(events: RunEvent[], quiet = false): string[] {
  const stream = new PassThrough();
  const progress = openProgress({ quiet }, stream as unknown as NodeJS.WriteStream);
  for (const event of events) progress.onEvent(event);
  progress.close();
  return (stream.read()?.toString() ?? '').split('\n').slice(0, -1);
}

const trial = { kind: 'trial', trials: 8, macs: 250e6, parameters: 1.8e6, failed: undefined, stopped: false } as const;
const first = { trial: 0, accuracy: 0.95, macs: 263e6, parameters: 2.16e6 };

test('a trial tells its own figures, and which one is chosen so far', () => {
  expect(
    shown([
      { ...trial, ...first, chosen: first },
      { ...trial, trial: 1, accuracy: 0.952, chosen: first },
      { ...trial, trial: 2, accuracy: 0.4, stopped: true, chosen: undefined },
      { ...trial, trial: 3, accuracy: undefined, failed: 'The loss\u001b[2J is NaN', chosen: undefined },
    ]),
  ).toEqual([
    '  trial 1 (8 a depth): 95.0 %, 263 M MACs, 2.16 M parameters; chosen for now',
    '  trial 2 (8 a depth): 95.2 %, 250 M MACs, 1.80 M parameters; chosen: trial 1, 95.0 %, 263 M MACs, 2.16 M parameters',
    '  trial 3 (8 a depth): 40.0 %, stopped early, 250 M MACs, 1.80 M parameters; none is chosen yet',
    '  trial 4 (8 a depth): failed: The loss is NaN, 250 M MACs, 1.80 M parameters; none is chosen yet',
  ]);
});

test('quiet shows warnings alone', () => {
  const events: RunEvent[] = [
    { kind: 'phase', phase: 'search' },
    { kind: 'note', message: 'note' },
    { kind: 'warning', message: 'careful' },
    { kind: 'progress', what: 'Reading images', done: 1, total: 10 },
  ];
  expect(shown(events, true)).toEqual(['warning: careful']);
  expect(shown(events)).toEqual(['Searching the configuration of the deeper layers', 'note', 'warning: careful']);
});

test('times are told in the unit that suits them', () => {
  expect([0.2, 59, 60, 3599, 4000].map(duration)).toEqual(['1 s', '59 s', '1 min', '1 h 0 min', '1 h 7 min']);
});
