/** Ctrl-C: the first stops the work after its checkpoint, the second at once. */

import { ExitCode } from '../errors.js';

export interface Interrupts {
  signal: AbortSignal;
  release(): void;
}

export function catchInterrupts(): Interrupts {
  const controller = new AbortController();
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(ExitCode.interrupted);
    process.stderr.write('\nStopping at the next checkpoint; Ctrl-C again stops at once.\n');
    controller.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return {
    signal: controller.signal,
    release: () => {
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
    },
  };
}
