import { expect, test } from '@jest/globals';
import { type RunEvent, warningOnce } from '../../lib/run/hooks.js';

test('each warning is told once, everything else as often as it comes', () => {
  const told: RunEvent[] = [];
  const { onEvent, signal } = warningOnce({ onEvent: (event) => told.push(event), signal: AbortSignal.abort() });
  const note: RunEvent = { kind: 'note', message: 'a.png was skipped' };
  const [one, other]: RunEvent[] = [
    { kind: 'warning', message: 'a.png was skipped' },
    { kind: 'warning', message: 'b.png was skipped' },
  ];
  for (const event of [one, note, one, other, note, one]) if (event) onEvent(event);
  expect(told).toEqual([one, note, other, note]);
  expect(signal?.aborted).toBe(true);
});
